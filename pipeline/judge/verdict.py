"""The verdict: one word on an explanation, and a sentence for a line inspector."""

from collections.abc import Mapping

from pipeline.answer.attribution import Fidelity, Stability
from pipeline.answer.judgement import Curves, Grounding, Thresholds, Verdict


def verdict(
    gap: float, judged: tuple[Fidelity, Stability], curves: Curves, grounding: Grounding, limits: Thresholds
) -> Verdict:
    """The first of these that holds: nothing to explain, unstable, unfaithful, background; else trusted."""
    fidelity, stability = judged
    agreement = max(stability.spearman, stability.top5_jaccard)
    if not abs(gap) >= limits.gap:
        return Verdict(
            "unexplained", "gap", gap, "Hiding the whole picture hardly changes the answer: nothing to explain."
        )
    if agreement < limits.stability:  # false for NaN: one seed cannot disagree
        return Verdict(
            "unstable", "stability", agreement, "Repeating the explanation gives another one: do not rely on it."
        )
    if not fidelity.r2_held_out >= limits.fidelity:
        sentence = "The simple model behind the colours does not follow the classifier: do not rely on it."
        return Verdict("unfaithful", "fidelity.r2_held_out", fidelity.r2_held_out, sentence)
    if curves.gain <= 0:
        sentence = "Taking the green parts away changes the answer no more than taking any others."
        return Verdict("unfaithful", "curves.gain", curves.gain, sentence)
    if grounding.background_reliance > limits.background_reliance:
        value = grounding.background_reliance
        return Verdict(
            "background",
            "grounding.background_reliance",
            value,
            "The answer rests on the background, not on the object.",
        )
    return Verdict(
        "trusted", "fidelity.r2_held_out", fidelity.r2_held_out, "The colours show what the answer rests on."
    )


def confident_fill(fill_probabilities: Mapping[str, float], limits: Thresholds) -> str | None:
    """The label that the model gives the bare fill with more than the threshold; None if it is not so sure.

    Examples
    --------
    >>> confident_fill({"STAAL": 0.1, "TRE": 0.9}, Thresholds())
    'TRE'
    """
    label = max(fill_probabilities, key=lambda name: fill_probabilities[name])
    return label if fill_probabilities[label] > limits.fill else None
