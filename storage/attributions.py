"""Attributions as rows of the table, and rows as attributions: the two ends of one mapping."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, select, update

from pipeline.answer.attribution import Attribution, Claim, Errors, Fit, LabelAttribution, Stability
from pipeline.answer.denoised import Denoised
from pipeline.answer.judgement import Judgement
from pipeline.answer.nulls import from_null, to_null
from pipeline.answer.rule import Rule
from pipeline.methods.lime import follows
from storage import tables


def rows(explanation: int, attribution: Attribution) -> list[dict[str, Any]]:
    """A row for each label explained; heat maps are blobs."""
    return [_row(label) | {"explanation_id": explanation, "place": n} for n, label in enumerate(attribution.labels, 1)]


def read(c: Connection, explanations: Sequence[int]) -> dict[int, tuple[LabelAttribution, ...]]:
    """The labels explained by each explanation, by its id, the most probable first."""
    found: dict[int, tuple[LabelAttribution, ...]] = {}
    kept = tables.attribution
    for row in c.execute(select(kept).where(kept.c.explanation_id.in_(explanations)).order_by(kept.c.place)):
        found[row.explanation_id] = (*found.get(row.explanation_id, ()), _label(row))
    return found


def judge(c: Connection, explanation: int, labels: Sequence[LabelAttribution]) -> None:
    """Replace the judgement of the labels of an explanation, and what it was judged by; no weight is touched."""
    kept = tables.attribution
    for label in labels:
        told = {name: _row(label)[name] for name in ("judgement", "verdict", "stability", "claims")}
        mine = (kept.c.explanation_id == explanation) & (kept.c.label == label.label)
        c.execute(update(kept).where(mine).values(told))


def _row(label: LabelAttribution) -> dict[str, Any]:
    errors, fit = label.errors, label.fit
    return {
        "label": label.label,
        "weights": label.weights.tolist(),
        "std_error": errors.std_error.tolist() if errors else None,
        "weights_by_seed": errors.weights_by_seed.tolist() if errors else None,
        "intercept": fit.intercept if fit else None,
        "fidelity": to_null({"r2": fit.r2, "r2_held_out": fit.r2_held_out}) if fit else None,
        "stability": label.stability.to_json() if label.stability else None,
        "rule": _told(label.rule),
        "claims": [_told(claim) for claim in label.claims],
        "judgement": _told(label.judgement),
        "denoised": label.denoised.to_json() if label.denoised else None,
        "verdict": label.judgement.verdict.word if label.judgement and label.judgement.verdict else None,
    }


def _label(row: Row[Any]) -> LabelAttribution:
    fit = Fit(row.intercept, **from_null(row.fidelity)) if row.fidelity else None
    return LabelAttribution(
        label=row.label,
        weights=np.array(row.weights),
        errors=_errors(row) if row.std_error is not None else None,
        fit=fit,
        stability=Stability.from_json(row.stability) if row.stability else None,
        rule=Rule.from_json(row.rule) if row.rule else None,
        claims=_claims(row.claims, fit),
        judgement=Judgement.from_json(row.judgement) if row.judgement else None,
        denoised=Denoised.from_json(row.denoised) if row.denoised else None,
    )


def _errors(row: Row[Any]) -> Errors:
    by_seed = np.array(row.weights_by_seed, dtype=float).reshape(-1, len(row.weights))  # Postgres' {} is of no width
    return Errors(np.array(row.std_error), by_seed)


def _claims(told: Sequence[Mapping[str, Any]] | None, fit: Fit | None) -> tuple[Claim, ...]:
    """A row of the time before there were claims is a surrogate's: its fit is its claim."""
    if told is None:
        return (follows(fit.r2_held_out),) if fit else ()
    return tuple(Claim(**from_null(one)) for one in told)


def _told(part: Any) -> Any:
    return None if part is None else to_null(asdict(part))
