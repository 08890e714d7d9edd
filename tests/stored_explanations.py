"""Explanations that nobody computed, as the database gives them."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution, Errors, Fit, LabelAttribution, Stability
from pipeline.answer.judgement import Basis, Curves, Grounding, Judgement, Soundness
from pipeline.answer.stopped import Stopped
from storage.audits import Explained

JUDGEMENT = Judgement(
    0.5,
    Curves(0.2, 0.4, 0.7, 0.6),
    Grounding(),
    Soundness("doubtful", "unstable", "stability", 0.4, "It varies."),
    Basis("unknown", "Nobody said where."),
)


def explained(
    number: int,
    size: tuple[int, int],
    weights: Mapping[str, NDArray[np.floating]],
    *,
    name: str | None = None,
    reason: str | None = None,
) -> Explained:
    """A photograph of this height and width with the weights of each label, or with the reason why it failed."""
    labels = tuple(_label(label, values) for label, values in weights.items())
    probabilities = {label: 1 / (place + 1) for place, label in enumerate(weights)}
    return Explained(
        id=number,
        key=f"{number:064x}",
        image=f"{number:064x}",
        image_name=name or f"{number}.jpg",
        width=size[1],
        height=size[0],
        label=None,
        mask=None,
        scene=f"scene {number}",
        state="failed" if reason else "done",
        reason=reason,
        attribution=Attribution(probabilities, dict.fromkeys(weights, 0.1), 20, labels) if labels else None,
    )


def _label(label: str, weights: NDArray[np.floating]) -> LabelAttribution:
    return LabelAttribution(
        label=label,
        weights=np.array(weights, dtype=float),
        errors=Errors(np.full(len(weights), 0.01), np.stack([weights, weights])),
        fit=Fit(0.0, 0.9, float("nan")),
        stability=Stability(2, spearman=0.7, stopped=Stopped("futile", 5, 0.04)),
        judgement=JUDGEMENT,
    )
