"""What a report is written from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from pipeline.answer.attribution import Attribution, Claim, LabelAttribution
from pipeline.answer.judgement import Judgement
from pipeline.answer.rule import Rule
from pipeline.answer.stopped import Stopped
from storage.overview import Overview


@dataclass(frozen=True, slots=True)
class AuditView:
    """An audit: what was asked, and how it went.

    `images` counts the photographs selected, `done` and `failed` the explanations; `seconds` is the wall time, None
    where it is unknown; `failures` are (name of the photograph, reason); `overview` is what the front page shows.
    """

    id: int
    state: str
    model: str
    version: int | str
    model_sha256: str
    recipe: str
    recipe_digest: str
    recipe_fields: Mapping[str, Any]
    created: datetime
    finished: datetime | None
    images: int
    done: int
    failed: int
    evaluations: int
    seconds: float | None
    failures: Sequence[tuple[str, str]] = ()
    overview: Overview = field(default_factory=Overview)
    object_word: str = "object"  # what its sentences call the object
    rejudged: datetime | None = None  # when it was judged anew
    title: str = ""  # its name and tags, as people gave them
    shown: str = ""  # which of the photographs are shown, where it is not all that are explained


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of one explanation; None or NaN where there is none to give.

    `mask_share` is the share of the positive weight that lies inside the object's mask, `mask_area` the share of the
    canvas that the mask covers: what evidence spread evenly would give. `background_reliance` is how far the score
    rests on what is outside the mask; `judgement` holds the two answers, or the one word of an earlier version.
    `sensitivity` is the rank correlation under each changed choice; `denoised` is how many superpixels the noise
    experiment took away, and the label's confidence before and after; `rule` is the method's, if it gives one;
    `stopped` why no more seeds were asked, where they were asked in rounds; `claims` are figures of the method's own,
    and `inside` what it read of the network's inside, if it did.
    """

    seeds: int
    evaluations: int
    r2: float | None = None
    r2_held_out: float | None = None
    spearman: float | None = None
    top5_jaccard: float | None = None
    top5_jaccard_chance: float | None = None
    sign_agreement: float | None = None
    mask_share: float | None = None
    mask_area: float | None = None
    background_reliance: float | None = None
    judgement: Judgement | None = None
    sensitivity: Mapping[str, float] = field(default_factory=dict)
    denoised: tuple[int, float, float] | None = None
    rule: Rule | None = None
    stopped: Stopped | None = None
    claims: tuple[Claim, ...] = ()
    inside: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, attribution: Attribution, label: LabelAttribution) -> Self:
        """The numbers of one label's part of an attribution."""
        return cls(
            seeds=label.agreement.seeds,
            evaluations=attribution.evaluations,
            r2=label.fit.r2 if label.fit else None,
            r2_held_out=label.fit.r2_held_out if label.fit else None,
            spearman=label.agreement.spearman,
            top5_jaccard=label.agreement.top5_jaccard,
            top5_jaccard_chance=label.agreement.top5_jaccard_chance,
            sign_agreement=label.agreement.sign_agreement,
            denoised=_denoised(attribution, label),
            rule=label.rule,
            stopped=label.agreement.stopped,
            claims=label.claims,
            inside=_inside(attribution, label),
            **_judged(label),
        )


@dataclass(frozen=True, slots=True)
class ExplanationView:
    """One photograph explained for one label.

    `pictures` are WebP files by kind, of `KINDS` those that there are, each drawn only when it is written: an
    archive's do not fit into memory. `label` is the one a person gave, None where nobody did; `label_known` whether the
    model has it.
    """

    image: str
    sha256: str
    predicted: str
    explained: str
    probabilities: Mapping[str, float]
    figures: Figures
    pictures: Mapping[str, Callable[[], bytes]] = field(default_factory=dict)
    label: str | None = None
    label_known: bool = True


def _judged(label: LabelAttribution) -> dict[str, Any]:
    """The figures that a judgement adds."""
    if label.judgement is None:
        return {}
    found = label.judgement.grounding
    return {
        "mask_share": found.mask_share,
        "mask_area": found.mask_area,
        "background_reliance": found.background_reliance,
        "judgement": label.judgement,
        "sensitivity": {name: one.spearman for name, one in label.judgement.sensitivity.items()},
    }


def _inside(attribution: Attribution, label: LabelAttribution) -> Mapping[str, Any] | None:
    """What was read of the network's inside, with this label's ledger alone."""
    inside = attribution.inside
    if inside is None or "ledger" not in inside:
        return inside
    return {**inside, "ledger": {label.label: inside["ledger"][label.label]}}


def _denoised(attribution: Attribution, label: LabelAttribution) -> tuple[int, float, float] | None:
    """How many superpixels were taken away, and the label's confidence before and after."""
    after = label.denoised
    if after is None:
        return None
    return len(after.removed), attribution.probabilities[label.label], after.probabilities[label.label]
