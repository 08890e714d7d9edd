"""The report of an audit, written from the ledger, its pictures drawn on the way."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipeline.recipes import called
from polelens.report.easel import Easel
from polelens.report.pages import SINGLE, write_report
from polelens.report.views import AuditView, ExplanationView, Figures
from storage.audits import Audit, Audits, Explained
from storage.chosen import Chosen
from storage.gallery import Gallery
from storage.overview import overview

LOOKS = 12  # photographs to look at first: what a person takes in at a glance
EVERYTHING = Chosen()
Each = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which photographs a report shows, and whether it is one file."""

    chosen: Chosen = EVERYTHING
    single: bool = False


ALL = Asked()


def write_audit_report(
    gallery: Gallery, number: int, folder: Path, asked: Asked = ALL, each: Each = lambda: None
) -> Path:
    """Write an audit's report into a folder; the path of its first page. `each` is called for every explanation.

    Raises
    ------
    ValueError
        If nothing is shown of what was asked for, or it is too much for one file.
    """
    audits = Audits(gallery.archive.engine)
    audit, progress = audits.get(number), audits.progress(number)
    name, _, version = audit.model.rpartition("@")
    shown = _shown(audits, number, asked)
    view = AuditView(
        id=number,
        state=progress.state,
        model=name,
        version=version,
        model_sha256=audit.model_sha256,
        recipe=called(audit.recipe),
        recipe_digest=audit.recipe.digest,
        recipe_fields=audit.recipe.to_json(),
        created=audit.created_at,
        finished=audit.finished_at,
        images=progress.photographs,
        done=progress.done,
        failed=progress.failed,
        evaluations=progress.evaluations,
        rejudged=audit.rejudged_at,
        seconds=_seconds(audit),
        object_word=audit.object_word,
        overview=overview(audits.engine, number, LOOKS),
        failures=[(row.image_name, row.reason or "") for row in audits.explained(number, ("failed",))],
        shown=shown,
        title=audit.title.told,
    )
    rows = asked.chosen.explained(audits.engine, number)
    views = _views(rows, Easel(gallery, audit.model_profile), each)
    return write_report(folder, view, views, single=asked.single)


def _shown(audits: Audits, number: int, asked: Asked) -> str:
    """Which photographs are shown, in words; nothing where it is all that are explained."""
    chosen = asked.chosen
    there, of = chosen.count(audits.engine, number), EVERYTHING.count(audits.engine, number)
    if of and not there:
        raise ValueError(f"audit {number} has no such photograph: {_words(chosen)}")
    if asked.single and there > SINGLE:
        raise ValueError(
            f"{there:,} photographs are too many for one file: --limit {SINGLE} takes the first to look at"
        )
    return f"{there:,} of {of:,} photographs are shown: {_words(chosen)}." if chosen != EVERYTHING else ""


def _words(chosen: Chosen) -> str:
    """What was asked for."""
    told = [f"those whose names are {chosen.images}"] if chosen.images != EVERYTHING.images else []
    told += [f"with the answer {' or '.join(chosen.answers)}"] if chosen.answers else []
    told += ["those to look at first"] if chosen.most is not None else []
    return ", ".join(told)


def _seconds(audit: Audit) -> float | None:
    """The wall time; unknown of an audit that goes on, or that was judged anew some time after it was made."""
    if audit.finished_at is None or audit.rejudged_at is not None:
        return None
    return (audit.finished_at - audit.created_at).total_seconds()


def _views(rows: Iterable[Explained], easel: Easel, each: Each) -> Iterator[ExplanationView]:
    for row in rows:
        if row.attribution is None:
            continue
        each()
        pictures = easel.gallery.pictures(row)
        for place, label in enumerate(row.attribution.labels, start=1):
            yield ExplanationView(
                image=row.image_name,
                sha256=row.image,
                predicted=row.attribution.predicted,
                explained=label.label,
                probabilities=row.attribution.probabilities,
                figures=Figures.of(row.attribution, label),
                pictures={one.kind: partial(easel.paint, row, one) for one in pictures if one.place == place},
                label=row.label,
                label_known=row.label_known,
            )
