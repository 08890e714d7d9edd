"""Storage: what an explanation takes beside its photograph and scene, with few labels and with many."""

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import text

from benchmarks.live_stack import Stand, stand
from benchmarks.planted import sure
from benchmarks.row import Row
from benchmarks.subjects import photographs
from pipeline.recipes import recipe

LABELS = (3, 1000)
WORKERS = 2

# What the rows take, and the tables with the room that was written and given free again: an archive's first thousands
# of photographs use that room again.
ROWS = """
SELECT (SELECT sum(pg_column_size(e.*)) FROM explanation e) + (SELECT sum(pg_column_size(t.*)) FROM attribution t)
"""

ROW = Row(
    "storage",
    "blobs of an explanation by the default recipe, beside its photograph and its scene, in kB, of a model with 1,000 "
    "labels",
    "as agreed; and 30 kB with three labels",
    100,
    at_least=False,
)


def measure(quick: bool) -> Row:
    """Kilobytes an explanation."""
    number = 2 if quick else 12
    changes = {"samples": 16, "seeds": [1, 11]} if quick else {}
    found = {}
    with stand() as here:
        here.photographs(photographs(number))
        here.workers(WORKERS)
        for labels in LABELS:
            here.forget()
            here.audit(here.model(sure(labels)), recipe("default").override(changes))
            found[labels] = _taken(here, number)
    few, many = (found[labels] for labels in LABELS)
    return ROW.measured(
        many["blobs_kb"],
        {f"{labels} labels": taken for labels, taken in found.items()},
        f"With three labels {few['blobs_kb']:.0f} kB, and {few['rows_kb']:.0f} kB in Postgres; with 1,000 "
        f"{many['blobs_kb']:.0f} kB, and {many['rows_kb']:.0f} kB. Beside that the scene takes "
        f"{many['scene_kb']:.0f} kB, and is shared by all models and recipes that see the photograph alike.",
    )


def _taken(here: Stand, number: int) -> Mapping[str, float]:
    """Kilobytes an explanation, the evaluations of one, and the bytes of each kind of file."""
    blobs = Path(here.environment["POLELENS_BLOBS"])
    kinds: dict[str, int] = {}
    for path in (blobs / "explanations").rglob("*.*"):
        kinds[path.name] = kinds.get(path.name, 0) + path.stat().st_size
    scenes = sum(path.stat().st_size for path in (blobs / "scenes").rglob("*.npz"))
    with here.engine.begin() as c:
        rows = c.execute(text(ROWS)).scalar_one()
    each = {"blobs_kb": sum(kinds.values()), "scene_kb": scenes, "rows_kb": int(rows)} | kinds
    return {name: round(size / number / 1000, 2) for name, size in each.items()} | {
        "evaluations": here.evaluations() / number
    }
