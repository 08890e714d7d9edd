"""The columns of an export: one place for their names and types, whatever the format."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields

from pipeline.answer.attribution import Attribution, LabelAttribution
from pipeline.answer.judgement import Curves, Grounding
from storage.audits import Explained

Value = str | int | float | None
Row = Mapping[str, Value]
Columns = Mapping[str, type]

# `sha256` and `explained` are the key of both tables.
PHOTOGRAPH: Columns = {
    "sha256": str,
    "name": str,
    "width": int,
    "height": int,
    "known_label": str,
    "state": str,
    "reason": str,
    "predicted": str,
    "confidence": float,
}
FIGURES: Columns = {
    "explained": str,
    "probability": float,
    "fill_probability": float,
    "evaluations": int,
    "r2": float,
    "r2_held_out": float,
    "spearman": float,
    "top5_jaccard": float,
    "gap": float,
    **{field.name: float for field in (*fields(Curves), *fields(Grounding))},
    "verdict": str,
    "figure": str,
    "value": float,
    "sentence": str,
}
PHOTOGRAPHS: Columns = {**PHOTOGRAPH, **FIGURES}
SUPERPIXELS: Columns = {
    "sha256": str,
    "name": str,
    "explained": str,
    "superpixel": int,
    "weight": float,
    "std_error": float,
}


def photograph_rows(row: Explained) -> Iterator[Row]:
    """A row for each label explained; one of the photograph alone where there is none, as it failed."""
    facts = photograph(row)
    labels = row.attribution.labels if row.attribution else ()
    for label in labels:
        yield facts | figures(row, label)
    if not labels:
        yield facts | dict.fromkeys(FIGURES)


def superpixel_rows(row: Explained) -> Iterator[Row]:
    """A row for each label explained and each superpixel, by its number."""
    for label in row.attribution.labels if row.attribution else ():
        told = {"sha256": row.image, "name": row.image_name, "explained": label.label}
        pairs = zip(label.weights.tolist(), label.std_error.tolist(), strict=True)
        for superpixel, (weight, error) in enumerate(pairs):
            yield told | {"superpixel": superpixel, "weight": _known(weight), "std_error": _known(error)}


def photograph(row: Explained) -> dict[str, Value]:
    """What is known of a photograph whatever label is explained."""
    predicted, confidence = _predicted(row.attribution) if row.attribution else (None, None)
    return {
        "sha256": row.image,
        "name": row.image_name,
        "width": row.width,
        "height": row.height,
        "known_label": row.label,
        "state": row.state,
        "reason": row.reason,
        "predicted": predicted,
        "confidence": confidence,
    }


def figures(row: Explained, label: LabelAttribution) -> dict[str, Value]:
    """What is known of one label's explanation."""
    if row.attribution is None:
        raise ValueError(f"{row.image_name} is not explained")
    found: dict[str, Value] = dict.fromkeys(FIGURES)
    found |= {
        "explained": label.label,
        "probability": row.attribution.probabilities[label.label],
        "fill_probability": row.attribution.fill_probabilities[label.label],
        "evaluations": row.attribution.evaluations,
        "r2": label.fidelity.r2,
        "r2_held_out": label.fidelity.r2_held_out,
        "spearman": label.stability.spearman,
        "top5_jaccard": label.stability.top5_jaccard,
    }
    if judged := label.judgement:
        verdict = asdict(judged.verdict)
        found |= {"gap": judged.gap, "verdict": verdict.pop("word"), **verdict}
        found |= asdict(judged.curves) | asdict(judged.grounding)
    return {name: _known(value) for name, value in found.items()}


def _predicted(attribution: Attribution) -> tuple[str, float]:
    return min(attribution.probabilities.items(), key=lambda pair: (-pair[1], pair[0]))  # as explanation_flags has it


def _known(value: Value) -> Value:
    """The value; None for a number that is none."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
