"""The columns of an export: one place for their names and types, whatever the format."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields

from pipeline.answer.attribution import LabelAttribution
from pipeline.answer.judgement import Curves, Grounding, Judgement, Neighbourhood
from pipeline.answer.nulls import to_null
from storage.audits import Explained
from storage.marks import Said

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
    **{field.name: float for field in (*fields(Curves)[:4], *fields(Grounding))},  # the areas; the rest is below
    "verdict": str,
    "figure": str,
    "value": float,
    "sentence": str,
    "soundness": str,
    "doubt": str,
    "basis": str,
    **{field.name: float for field in fields(Neighbourhood)},
    "orders": int,
    "better": int,
    "rule_outcome": str,
    "rule_superpixels": int,
    "rule_precision": float,
    "rule_low": float,
    "rule_high": float,
    "rule_area": float,
    "stopped": str,
}
PHOTOGRAPHS: Columns = {**PHOTOGRAPH, **FIGURES}
SUPERPIXELS: Columns = {
    "sha256": str,
    "name": str,
    "explained": str,
    "superpixel": int,
    "weight": float,
    "std_error": float,
    "half_width": float,
}

MARKS: Columns = {
    "sha256": str,
    "name": str,
    "explained": str,
    "who": str,
    "word": str,
    "label": str,
    "tags": str,
    "comment": str,
    "marked_at": str,
}


def mark_row(said: Said) -> Row:
    """What a person says of an explanation; tags have blanks between them."""
    mark = said.mark
    told: dict[str, Value] = {"sha256": said.image, "name": said.name, "explained": said.explained}
    told |= {"who": mark.who, "word": mark.word, "label": mark.label, "comment": mark.comment}
    return told | {"tags": " ".join(mark.tags), "marked_at": mark.marked_at.isoformat() if mark.marked_at else None}


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
        columns = {"weight": label.weights, "std_error": label.std_error, "half_width": label.half_width}
        for superpixel, values in enumerate(zip(*(column.tolist() for column in columns.values()), strict=True)):
            yield told | to_null({"superpixel": superpixel, **dict(zip(columns, values, strict=True))})


def photograph(row: Explained) -> dict[str, Value]:
    """What is known of a photograph whatever label is explained."""
    return {
        "sha256": row.image,
        "name": row.image_name,
        "width": row.width,
        "height": row.height,
        "known_label": row.label,
        "state": row.state,
        "reason": row.reason,
        "predicted": row.attribution.predicted if row.attribution else None,
        "confidence": row.attribution.confidence if row.attribution else None,
    }


def figures(row: Explained, label: LabelAttribution) -> dict[str, Value]:
    """What is known of one label's explanation."""
    if row.attribution is None:
        raise ValueError(f"{row.image_name} is not explained")
    found: dict[str, Value] = dict.fromkeys(FIGURES)
    found |= {
        "explained": label.label,
        "probability": row.attribution.probabilities[label.label],
        "fill_probability": (row.attribution.fill_probabilities or {}).get(label.label),
        "evaluations": row.attribution.evaluations,
        "r2": label.fit.r2 if label.fit else None,
        "r2_held_out": label.fit.r2_held_out if label.fit else None,
        "spearman": label.agreement.spearman,
        "top5_jaccard": label.agreement.top5_jaccard,
        "stopped": end.why if (end := label.agreement.stopped) else None,
    }
    if judged := label.judgement:
        found |= {"gap": judged.gap, "sentence": " ".join(judged.sentences), **_answers(judged)}
        found |= asdict(judged.curves) | asdict(judged.grounding) | asdict(judged.neighbourhood)
    if rule := label.rule:
        found |= {"rule_superpixels": rule.size}
        found |= {f"rule_{name}": getattr(rule, name) for name in ("outcome", "precision", "low", "high", "area")}
    known: dict[str, Value] = to_null(found)
    return known


def _answers(judged: Judgement) -> dict[str, Value]:
    """The two answers, or the verdict of an earlier version, and the figure that decided."""
    decided = judged.verdict or judged.soundness
    return {
        "verdict": judged.verdict.word if judged.verdict else None,
        "figure": decided.figure if decided else None,
        "value": decided.value if decided else None,
        "soundness": judged.soundness.word if judged.soundness else None,
        "doubt": judged.soundness.reason if judged.soundness else None,
        "basis": judged.basis.word if judged.basis else None,
    }
