"""The report of an audit, written from the ledger and the blobs."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from pipeline.answer.attribution import LabelAttribution
from polelens.report.pages import write_report
from polelens.report.views import AuditView, ExplanationView, Figures
from storage.audits import Audit, Audits
from storage.blobs import Blobs
from storage.keys import explanation_key
from storage.overview import overview

LOOKS = 12  # photographs to look at first: what a person takes in at a glance


def write_audit_report(
    audits: Audits, blobs: Blobs, number: int, folder: Path, *, each: Callable[[], object] = lambda: None
) -> Path:
    """Write an audit's report into a folder; the path of its first page. `each` is called for every explanation."""
    audit, progress = audits.get(number), audits.progress(number)
    name, _, version = audit.model.rpartition("@")
    view = AuditView(
        id=number,
        state=progress.state,
        model=name,
        version=version,
        model_sha256=audit.model_sha256,
        recipe=audit.recipe.name,
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
    )
    return write_report(folder, view, _views(audits, blobs, number, each))


def _seconds(audit: Audit) -> float | None:
    """The wall time; unknown of an audit that goes on, or that was judged anew some time after it was made."""
    if audit.finished_at is None or audit.rejudged_at is not None:
        return None
    return (audit.finished_at - audit.created_at).total_seconds()


def _views(audits: Audits, blobs: Blobs, number: int, each: Callable[[], object]) -> Iterator[ExplanationView]:
    for row in audits.explained(number):
        if row.attribution is None:
            continue
        each()
        for place, label in enumerate(row.attribution.labels, start=1):
            yield ExplanationView(
                image=row.image_name,
                sha256=row.image,
                predicted=row.attribution.predicted,
                explained=label.label,
                probabilities=row.attribution.probabilities,
                figures=Figures.of(row.attribution, label),
                pictures=_pictures(blobs, row.key, label, place),
                label=row.label,
            )


def _pictures(blobs: Blobs, key: str, label: LabelAttribution, place: int) -> dict[str, Callable[[], bytes]]:
    """A label's pictures by kind: those that its method gives, and the heat map's where one was kept."""
    suffix = "" if place == 1 else f"-{place}"
    names = {kind: f"{kind}{suffix}.png" for kind in ("overlay", "support", "heat", "seeds")}
    names |= {"denoised": "denoised.png"} if label.denoised else {}
    keys = {kind: explanation_key(key, name) for kind, name in names.items()}
    there = {"seeds": len(label.weights_by_seed) > 0, "heat": blobs.exists(keys["heat"])}  # the rest is always there
    return {kind: partial(blobs.get, one) for kind, one in keys.items() if there.get(kind, True)}
