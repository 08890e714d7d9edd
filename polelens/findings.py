"""What an audit found, as documents and as a report."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.answer.attribution import Attribution, LabelAttribution
from pipeline.document import ImageFacts, ModelFacts, document
from polelens.report import AuditView, ExplanationView, Figures, write_report
from storage.audits import Audit, Audits, Explained
from storage.blobs import Blobs
from storage.keys import explanation_key
from storage.overview import overview

LOOKS = 12  # photographs to look at first: what a person takes in at a glance


def explanation_document(audit: Audit, row: Explained) -> Mapping[str, Any]:
    """An explanation as `polelens explain` writes it into attribution.json, with its name; or why it failed."""
    image = ImageFacts(row.image, row.width, row.height)
    if row.attribution is None:
        return {"name": row.image_name, "image": {"sha256": row.image}, "state": row.state, "reason": row.reason}
    name, _, version = audit.model.rpartition("@")
    facts = ModelFacts.of((name, int(version)), audit.model_sha256, audit.model_profile, audit.model_facts)
    return {"name": row.image_name, **document(image, facts, audit.recipe, row.attribution), **_known(row)}


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
        seconds=(audit.finished_at - audit.created_at).total_seconds() if audit.finished_at else None,
        overview=overview(audits.engine, number, LOOKS),
        failures=[(row.image_name, row.reason or "") for row in audits.explained(number, ("failed",))],
    )
    return write_report(folder, view, _views(audits, blobs, number, each))


def _known(row: Explained) -> dict[str, Any]:
    """What the archive knows of the photograph, where it knows it: its label."""
    return {} if row.label is None else {"label": row.label}


def _views(audits: Audits, blobs: Blobs, number: int, each: Callable[[], object]) -> Iterator[ExplanationView]:
    for row in audits.explained(number):
        if row.attribution is None:
            continue
        each()
        predicted = max(row.attribution.probabilities, key=lambda label: row.attribution.probabilities[label])  # type: ignore[union-attr]
        for place, label in enumerate(row.attribution.labels, start=1):
            suffix = "" if place == 1 else f"-{place}"
            names = {kind: f"{kind}{suffix}.png" for kind in ("overlay", "support", "seeds")}
            names |= {"denoised": "denoised.png"} if label.denoised else {}
            yield ExplanationView(
                image=row.image_name,
                sha256=row.image,
                predicted=predicted,
                explained=label.label,
                probabilities=row.attribution.probabilities,
                figures=Figures(
                    seeds=label.stability.seeds,
                    evaluations=row.attribution.evaluations,
                    r2=label.fidelity.r2,
                    r2_held_out=label.fidelity.r2_held_out,
                    spearman=label.stability.spearman,
                    top5_jaccard=label.stability.top5_jaccard,
                    top5_jaccard_chance=label.stability.top5_jaccard_chance,
                    sign_agreement=label.stability.sign_agreement,
                    denoised=_denoised(row.attribution, label),
                    **_judged(label),
                ),
                pictures={kind: partial(blobs.get, explanation_key(row.key, name)) for kind, name in names.items()},
                label=row.label,
            )


def _judged(label: LabelAttribution) -> dict[str, Any]:
    """The figures that a judgement adds."""
    if label.judgement is None:
        return {}
    found, verdict = label.judgement.grounding, label.judgement.verdict
    return {
        "mask_share": found.mask_share,
        "mask_area": found.mask_area,
        "background_reliance": found.background_reliance,
        "verdict": verdict.word,
        "sentence": verdict.sentence,
        "warning": label.judgement.warning,
        "sensitivity": {name: one.spearman for name, one in label.judgement.sensitivity.items()},
    }


def _denoised(attribution: Attribution, label: LabelAttribution) -> tuple[int, float, float] | None:
    """How many superpixels were taken away, and the label's confidence before and after."""
    after = label.denoised
    if after is None:
        return None
    return len(after.removed), attribution.probabilities[label.label], after.probabilities[label.label]
