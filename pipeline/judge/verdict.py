"""The verdict: one word on an explanation, and a sentence for a line inspector."""

from collections.abc import Mapping, Sequence

from pipeline.answer.attribution import Claim, Stability
from pipeline.answer.judgement import Curves, Grounding, Thresholds, Verdict

TRUSTED = "The colours show what the answer rests on."


def verdict(
    gap: float, own: tuple[Sequence[Claim], Stability], curves: Curves, grounding: Grounding, limits: Thresholds
) -> Verdict:
    """The first of these that holds: nothing to explain, unstable, unfaithful, background; else trusted.

    Parameters
    ----------
    own : the method's claims, and the agreement of its seeds
    """
    claims, stability = own
    agreement = max(stability.spearman, stability.top5_jaccard)
    if not abs(gap) >= limits.gap:
        return Verdict(
            "unexplained", "gap", gap, "Hiding the whole picture hardly changes the answer: nothing to explain."
        )
    if agreement < limits.stability:  # false for NaN: one seed cannot disagree
        return Verdict(
            "unstable", "stability", agreement, "Repeating the explanation gives another one: do not rely on it."
        )
    for claim in claims:
        if not claim.value >= limits.least(claim.figure, claim.least):
            return Verdict("unfaithful", claim.figure, claim.value, claim.sentence)
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
    figure, value = (claims[0].figure, claims[0].value) if claims else ("curves.gain", curves.gain)
    return Verdict("trusted", figure, value, TRUSTED)


def confident_fill(fill_probabilities: Mapping[str, float] | None, limits: Thresholds) -> str | None:
    """The label that the model gives the bare fill with more than the threshold; None if it is not so sure, or unasked.

    Examples
    --------
    >>> confident_fill({"STAAL": 0.1, "TRE": 0.9}, Thresholds())
    'TRE'
    """
    if fill_probabilities is None:
        return None
    label = max(fill_probabilities, key=lambda name: fill_probabilities[name])
    return label if fill_probabilities[label] > limits.fill else None
