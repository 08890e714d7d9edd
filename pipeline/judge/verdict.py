"""The two answers of a judgement: is the explanation sound, and what does the model rest on?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.answer import judgement as words
from pipeline.answer.attribution import Claim, Stability
from pipeline.answer.judgement import Basis, Curves, Grounding, Neighbourhood, Reason, Soundness, Thresholds
from pipeline.answer.rule import EMPTY, Rule


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found out about one label's explanation.

    Attributes
    ----------
    k : int
        Number of superpixels.
    fill : float
        The label's score for the bare fill.
    claims, stability : the method's own, and the agreement of its seeds
    gap : float
        The label's score for the photograph less that for the bare fill.
    curves, neighbourhood : the tests' figures
    rule : the method's, if it gives one
    """

    k: int
    fill: float
    claims: Sequence[Claim]
    stability: Stability
    gap: float
    curves: Curves
    neighbourhood: Neighbourhood
    rule: Rule | None = None


def soundness(found: Findings, limits: Thresholds) -> Soundness:
    """Sound, if there is something to explain and none of the tests speaks against the explanation.

    A figure that is not a number passes no test: only one seed is an excuse, since it cannot disagree.
    """
    if not abs(found.gap) >= limits.gap:
        sentence = "Hiding the whole picture hardly changes the answer: there is nothing to explain."
        return Soundness(words.NOTHING, None, "gap", found.gap, sentence)
    if found.rule and found.rule.outcome == EMPTY:
        return Soundness(words.NOTHING, None, "rule.low", found.rule.low, "The answer stays whatever is hidden.")
    tests = (_few, _filled, _unstable, _unclaimed, _unfaithful, _contradicted)
    doubts = (doubt for test in tests if (doubt := test(found, limits)))
    return next(doubts, None) or _sound(found)


def basis(grounding: Grounding, sound: Soundness, limits: Thresholds) -> Basis:
    """What the score needs, by showing the object alone and the background alone: unknown where nobody can tell."""
    if math.isnan(grounding.mask_area):
        return Basis(words.UNKNOWN, "Nobody said where the object is.")
    if grounding.mask_area in words.UNDIVIDED:
        return Basis(words.UNKNOWN, words.UNDIVIDED[grounding.mask_area])
    reliance = grounding.background_reliance
    if sound.word == words.NOTHING or math.isnan(reliance):
        return Basis(words.UNKNOWN, "Hiding the object and the background hardly changes the answer.")
    if reliance > limits.background_reliance:
        return Basis(words.BACKGROUND, "The answer rests on the background, not on the object.")
    if reliance < limits.object_reliance:
        return Basis(words.OBJECT, "The answer rests on the object.")
    return Basis(words.BOTH, "The answer rests on the object and on the background alike.")


def agreement(stability: Stability) -> float:
    """How far seeds agree, 1 wholly and 0 as chance would: by the ranks of all, or by the five strongest.

    The overlap of the five strongest counts above what random sets give: of seven superpixels any two sets of five
    overlap by more than half.
    """
    chance = stability.top5_jaccard_chance
    top = (stability.top5_jaccard - chance) / (1 - chance) if chance < 1 else math.nan
    known = [value for value in (stability.spearman, top) if not math.isnan(value)]
    return max(known, default=math.nan)


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


def _doubt(reason: Reason, figure: str, value: float, sentence: str) -> Soundness:
    return Soundness(words.DOUBTFUL, reason, figure, value, sentence)


def _sound(found: Findings) -> Soundness:
    first = found.claims[0] if found.claims else None
    figure, value = (first.figure, first.value) if first else ("curves.gain", found.curves.gain)
    return Soundness(words.SOUND, None, figure, value, "The colours show what the answer depends on.")


def _few(found: Findings, limits: Thresholds) -> Soundness | None:
    if found.k >= limits.superpixels:
        return None
    sentence = f"Only {found.k} superpixels: too few to tell an explanation from chance."
    return _doubt("few superpixels", "superpixels", found.k, sentence)


def _filled(found: Findings, limits: Thresholds) -> Soundness | None:
    if found.gap > 0 and not found.fill > limits.fill:
        return None
    surer = "surer of the bare fill than of the photograph" if found.gap <= 0 else "sure of the bare fill, too"
    sentence = f"The model is {surer}: the colours are measured against that. Try another fill."
    return _doubt("fill", "fill", found.fill, sentence)


def _unstable(found: Findings, limits: Thresholds) -> Soundness | None:
    agreed = agreement(found.stability)
    if found.stability.seeds < 2 or agreed >= limits.stability:
        return None
    return _doubt("unstable", "stability", agreed, "Repeating the explanation gives another one: do not rely on it.")


def _unclaimed(found: Findings, limits: Thresholds) -> Soundness | None:
    for claim in found.claims:
        if not claim.value >= limits.least(claim.figure, claim.least):
            return _doubt("unfaithful", claim.figure, claim.value, claim.sentence)
    return None


def _unfaithful(found: Findings, _: Thresholds) -> Soundness | None:
    if found.curves.better == 0 and found.curves.gain > 0:
        return None
    sentence = "Taking the green parts away changes the answer no more than taking any others."
    return _doubt("unfaithful", "curves.gain", found.curves.gain, sentence)


def _contradicted(found: Findings, limits: Thresholds) -> Soundness | None:
    near = found.neighbourhood
    if near.median_drop > max(limits.neighbourhood, 2 / found.k):  # of few superpixels each has a large share itself
        sentence = "Hiding any small part changes the answer: the model notices that something is hidden."
        return _doubt("neighbourhood", "neighbourhood.median_drop", near.median_drop, sentence)
    if near.agreement < 0:
        sentence = "Hiding one part at a time shows the opposite: the colours hold for half-hidden pictures alone."
        return _doubt("neighbourhood", "neighbourhood.agreement", near.agreement, sentence)
    return None
