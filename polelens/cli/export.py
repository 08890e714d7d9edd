"""Export what an audit found."""

from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from polelens.cli.completion import audit_numbers
from polelens.cli.store import audits, blobs, marks, registry
from polelens.cli.text import as_json, echo_json, plain, progress_bar
from polelens.documents import summary
from polelens.export import SINKS, Regions, export_coco, export_tables
from storage.audits import Audit, Explained
from storage.scenes import read_scene

ENDED = ("done", "failed")


@click.command()
@click.argument("number", type=click.IntRange(1, 2**31 - 1), shell_complete=audit_numbers)
@click.option(
    "--format", "kind", type=click.Choice([*SINKS, "coco"]), default="parquet", show_default=True, help="See below."
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default="export", show_default=True)
@as_json
def export(number: int, kind: str, out: Path, as_json: bool) -> None:
    """Write what an audit found into a folder, for another system to read.

    `parquet`, `csv` and `jsonl` are three tables: photographs, superpixels, and the marks that people gave; `coco` is
    one file with the region that supports each label, in the photograph's own pixels. parquet and coco need
    `pip install 'polelens[export]'`.

    \b
    polelens audit export 3
    polelens audit export 3 --format csv --out flags
    polelens audit export 3 --format coco --json
    """
    one, progress = audits().get(number), audits().progress(number)
    provenance = plain(summary(one, progress) | {"model_sha256": one.model_sha256, "polelens": version("polelens")})
    rows = _followed(audits().explained(number, ENDED), progress.done + progress.failed)
    files = _written(one, rows, kind, (out, provenance))
    if as_json:
        echo_json({"files": [str(path) for path in files], "provenance": provenance})
        return
    for path in files:
        click.echo(path)
    if progress.remaining:
        click.echo(f"audit {number} is {one.state}: {progress.remaining} photographs are not in it yet", err=True)


def _written(one: Audit, rows: Iterable[Explained], kind: str, where: tuple[Path, dict[str, Any]]) -> list[Path]:
    if kind != "coco":
        return export_tables(rows, kind, *where, marks=marks().all(one.id))
    model = registry().find(one.model)
    regions = Regions(model.labels, model.profile, lambda scene: read_scene(blobs(), scene).segments)
    return [export_coco(rows, regions, *where)]


def _followed(rows: Iterable[Explained], total: int) -> Iterator[Explained]:
    """The same rows, with a bar."""
    with progress_bar() as bar:
        task = bar.add_task("explanations", total=total)
        for row in rows:
            yield row
            bar.advance(task)
