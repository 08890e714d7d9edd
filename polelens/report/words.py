"""Words: the numbers of an explanation as sentences, each marked good, fair or poor."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pipeline.pictures.lettering import percent
from polelens.report.views import Figures

Mark = Literal["good", "fair", "poor", "plain"]
COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")

GOOD, FAIR = 0.8, 0.5  # of a correlation or R²: the usual reading of strong and moderate; a convention, not a test
ON_POLE, PARTLY_ON_POLE = 0.5, 0.25  # of the evidence: most of it, or at least a quarter


@dataclass(frozen=True, slots=True)
class Sentence:
    """What one number says."""

    mark: Mark
    text: str


def sentences(figures: Figures) -> list[Sentence]:
    """Everything the figures have to say, what is not known left out."""
    found = [
        _verdict(figures),
        _on_pole(figures),
        _agreement(figures),
        _top_five(figures),
        _signs(figures),
        _fit(figures),
    ]
    asked = Sentence("plain", f"{figures.evaluations:,} perturbations put to the model")
    return [*(sentence for sentence in found if sentence), asked]


def headline(verdicts: Mapping[str, int], grounded: int) -> Sentence | None:
    """What an audit comes to, in one sentence; None where nothing was judged.

    Examples
    --------
    >>> headline({"background": 22, "trusted": 2}, 24).text
    'The model looks at the background: 22 of 24 answers rest on it.'
    """
    total = sum(verdicts.values())
    if not total:
        return None
    trusted, background = verdicts.get("trusted", 0), verdicts.get("background", 0)
    if 2 * background > total:
        return Sentence("poor", f"The model looks at the background: {background:,} of {total:,} answers rest on it.")
    if 2 * trusted > total and grounded:
        rest = f"; {background:,} rest on the background" if background else ""
        return Sentence("good", f"The model looks at the poles: {trusted:,} of {total:,} explanations hold{rest}.")
    if 2 * trusted > total:
        return Sentence("good", f"{trusted:,} of {total:,} explanations hold; no mask says where the object is.")
    return Sentence("fair", f"Only {trusted:,} of {total:,} explanations can be trusted: look at them one by one.")


def known(value: float | None) -> float | None:
    """The value, with None for NaN and infinity."""
    return value if value is not None and math.isfinite(value) else None


def duration(seconds: float) -> str:
    """A time as a person says it.

    Examples
    --------
    >>> duration(8.44), duration(95), duration(7320)
    ('8.4 s', '1 min 35 s', '2 h 2 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _verdict(figures: Figures) -> Sentence | None:
    if figures.verdict is None or figures.sentence is None:
        return None
    mark: Mark = "good" if figures.verdict == "trusted" else "poor"
    return Sentence(mark, f"{figures.verdict.capitalize()}: {figures.sentence}")


def _agreement(figures: Figures) -> Sentence | None:
    value = known(figures.spearman)
    if value is None:
        return None
    seeds = COUNTS[figures.seeds] if figures.seeds < len(COUNTS) else str(figures.seeds)
    words = {"good": "agree", "fair": "agree in part", "poor": "disagree"}
    mark = _mark(value, GOOD, FAIR)
    return Sentence(mark, f"{seeds.capitalize()} seeds {words[mark]}: {value:.2f} rank correlation")


def _top_five(figures: Figures) -> Sentence | None:
    value, chance = known(figures.top5_jaccard), known(figures.top5_jaccard_chance)
    if value is None:
        return None
    beside = "" if chance is None else f" (chance gives {chance:.2f})"
    return Sentence("plain", f"Their five strongest superpixels overlap by {value:.2f}{beside}")


def _signs(figures: Figures) -> Sentence | None:
    value = known(figures.sign_agreement)
    return (
        None
        if value is None
        else Sentence("plain", f"{percent(value)} of superpixels keep their sign under every seed")
    )


def _fit(figures: Figures) -> Sentence | None:
    r2, held_out = known(figures.r2), known(figures.r2_held_out)
    judged = held_out if held_out is not None else r2
    if judged is None:
        return None
    words = {"good": "closely", "fair": "roughly", "poor": "poorly"}
    mark = _mark(judged, GOOD, FAIR)
    numbers = [f"R² {r2:.2f}"] if r2 is not None else []
    numbers += [f"{held_out:.2f} on rows held out"] if held_out is not None else []
    return Sentence(mark, f"The surrogate follows the model {words[mark]}: {', '.join(numbers)}")


def _on_pole(figures: Figures) -> Sentence | None:
    share, area = known(figures.mask_share), known(figures.mask_area)
    if share is None:
        return None
    beside = "" if area is None else f", which covers {percent(area)} of the picture"
    mark = _mark(share, ON_POLE, PARTLY_ON_POLE)
    return Sentence(mark, f"{percent(share)} of the supporting evidence lies on the pole{beside}")


def _mark(value: float, good: float, fair: float) -> Literal["good", "fair", "poor"]:
    if value >= good:
        return "good"
    return "fair" if value >= fair else "poor"
