"""Words: the numbers of an explanation as sentences, each marked good, fair or poor."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.answer.attribution import Claim
from pipeline.answer.judgement import fill_warning
from pipeline.pictures.lettering import percent
from polelens.report.views import Figures
from storage.overview import Overview, Reliance

Mark = Literal["good", "fair", "poor", "plain"]
COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")

APART = frozenset({"fidelity.r2_held_out", "rule.low"})  # claims that have sentences of their own
GOOD, FAIR = 0.8, 0.5  # of a correlation or R²: the usual reading of strong and moderate; a convention, not a test
ON_OBJECT, PARTLY_ON_OBJECT = 0.5, 0.25  # of the evidence: most of it, or at least a quarter


@dataclass(frozen=True, slots=True)
class Sentence:
    """What one number or answer says."""

    mark: Mark
    text: str


def named(sentence: str, word: str) -> str:
    """A sentence of ours with an audit's own word for the object.

    Examples
    --------
    >>> named("The answer rests on the object.", "insulator")
    'The answer rests on the insulator.'
    """
    return sentence.replace("the object", f"the {word}")


def sentences(figures: Figures, word: str = "object") -> list[Sentence]:
    """Everything the figures have to say, what is not known left out; `word` is for the object."""
    found = [
        _reliance(figures),
        _on_object(figures),
        _agreement(figures),
        _top_five(figures),
        _signs(figures),
        _fit(figures),
        *claimed(figures.claims),
        _moved(figures),
        _denoised(figures),
        Sentence("plain", figures.rule.sentence) if figures.rule else None,
        _stopped(figures),
        Sentence("plain", read_inside(figures.inside)) if figures.inside else None,
    ]
    asked = Sentence("plain", f"{figures.evaluations:,} perturbations put to the model")
    told = [Sentence(one.mark, named(one.text, word)) for one in found if one]
    return [*told, asked]


def claimed(claims: Iterable[Claim]) -> list[Sentence]:
    """The figures of a method's own that are known, and how much of each is enough.

    Examples
    --------
    >>> [one.text for one in claimed([Claim("completeness", 0.994, 0.9, "")])]
    ['Completeness 0.99, of which 0.9 is enough']
    """
    return [
        Sentence(
            "good" if one.value >= one.least else "poor",
            f"{one.figure.capitalize()} {one.value:.2f}, of which {one.least:g} is enough",
        )
        for one in claims
        if one.figure not in APART and math.isfinite(one.value)
    ]


def read_inside(inside: Mapping[str, Any]) -> str:
    """What was read of the network's inside, in a line.

    Examples
    --------
    >>> read_inside({"read": "cam", "of": "logit", "layer": "relu_9", "map": [7, 7]})
    'Read: cam of the logit at layer relu_9, 7x7 places stretched bilinearly'
    >>> read_inside({"read": "gradient", "of": "probability", "nodes": 32, "baselines": ["black", "white"]})
    'Read: gradient of the probability at 32 nodes from black, white'
    >>> read_inside({"read": "gradient", "of": "probability", "nodes": 1, "baselines": ["mean"]})
    'Read: gradient of the probability at 1 node from mean'
    >>> entries = {"logit": 4.0, "photograph": 3.0, "biases": 1.0, "stabilisers": 0.0}
    >>> read_inside({"read": "lrp", "of": "logit", "composite": "epsilon-plus", "ledger": {"TRE": entries}})
    'Read: lrp of the logit by epsilon-plus; of TRE: logit 4, photograph 3, biases 1, stabilisers 0'
    """
    told = f"Read: {inside['read']} of the {inside['of']}"
    if "layer" in inside:
        told += f" at layer {inside['layer']}, {'x'.join(map(str, inside['map']))} places stretched bilinearly"
    if "nodes" in inside:
        nodes = "1 node" if inside["nodes"] == 1 else f"{inside['nodes']} nodes"
        told += f" at {nodes} from {', '.join(inside['baselines'])}"
    if "regions" in inside:
        told += f", gathered into {inside['cut']} regions ({inside['regions']}{', fast' if inside['fast'] else ''})"
    if "ledger" in inside:
        told += f" by {inside['composite']}"
    for label, entries in inside.get("ledger", {}).items():
        told += f"; of {label}: {', '.join(f'{name} {value:.3g}' for name, value in entries.items())}"
    return told


def interval(reliance: Reliance) -> str:
    """A mean with its interval, as far as they are known.

    Examples
    --------
    >>> interval(Reliance("TRE", 9, 0.918, 0.598, 0.988)), interval(Reliance("TRE", 1, 0.5, None, None))
    ('0.92 (0.60 to 0.99)', '0.50')
    """
    if reliance.mean is None:
        return "not known"
    bounds = "" if reliance.low is None or reliance.high is None else f" ({reliance.low:.2f} to {reliance.high:.2f})"
    return f"{reliance.mean:.2f}{bounds}"


def fills(overview: Overview) -> str | None:
    """The bare fills that the model is sure of, in one sentence; None if there are none.

    Examples
    --------
    >>> fills(Overview(confident_fills={"TRE": 20, "STAAL": 1}))
    'The model is sure of the bare fill as TRE (20), STAAL (1): weights are measured against that answer.'
    """
    told = ", ".join(f"{label} ({count:,})" for label, count in overview.confident_fills.items())
    return fill_warning(told) if told else None


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


def size(bytes_: float) -> str:
    """A number of bytes as a person says it.

    Examples
    --------
    >>> size(950), size(1_340_000), size(260e9)
    ('950 B', '1.3 MB', '260 GB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if bytes_ < 1000:
            return f"{bytes_:.0f} {unit}" if unit == "B" or bytes_ >= 100 else f"{bytes_:.1f} {unit}"
        bytes_ /= 1000
    return f"{bytes_:.1f} TB"


def _reliance(figures: Figures) -> Sentence | None:
    value = known(figures.background_reliance)
    return (
        None
        if value is None
        else Sentence("plain", f"Background reliance {value:.2f}: 0 is all on the object, 1 all on the background")
    )


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


def _moved(figures: Figures) -> Sentence | None:
    """Which choice moves the explanation most, beside what other seeds alone do."""
    values = {name: value for name, value in figures.sensitivity.items() if known(value) is not None}
    seeds = values.pop("seeds", None)
    if not values:
        return None
    name = min(values, key=lambda one: values[one])
    what, _, which = name.partition(":")
    choice = f"noise of {which} in 255" if what == "noise" else f"another {what} ({which})"
    beside = "" if seeds is None else f" (other seeds alone: {seeds:.2f})"
    return Sentence("plain", f"Moved most by {choice}: {values[name]:.2f} rank correlation{beside}")


def _denoised(figures: Figures) -> Sentence | None:
    if figures.denoised is None:
        return None
    removed, before, after = figures.denoised
    if not removed:
        return Sentence("plain", "No superpixel speaks against it")
    return Sentence(
        "plain", f"Without the {removed} superpixels against it, {percent(before)} becomes {percent(after)}"
    )


def _stopped(figures: Figures) -> Sentence | None:
    end = figures.stopped
    return Sentence("fair" if end.open else "plain", end.sentence) if end else None


def _on_object(figures: Figures) -> Sentence | None:
    share, area = known(figures.mask_share), known(figures.mask_area)
    if share is None:
        return None
    beside = "" if area is None else f", which covers {percent(area)} of the picture"
    mark = _mark(share, ON_OBJECT, PARTLY_ON_OBJECT)
    return Sentence(mark, f"{percent(share)} of the supporting evidence lies on the object{beside}")


def _mark(value: float, good: float, fair: float) -> Literal["good", "fair", "poor"]:
    if value >= good:
        return "good"
    return "fair" if value >= fair else "poor"
