"""What an audit comes to, read from the views of the judgements: see docs/formats.md."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Engine, text

from pipeline.answer.judgement import SOUND


@dataclass(frozen=True, slots=True)
class Share:
    """How many photographs have a verdict of an earlier version, and their share of all that have one."""

    verdict: str
    photographs: int
    share: float


@dataclass(frozen=True, slots=True)
class Judged:
    """How many photographs have these two answers, and their share of all that have any; `masked`: with a mask."""

    soundness: str
    reason: str | None
    basis: str
    masked: bool
    photographs: int
    share: float


@dataclass(frozen=True, slots=True)
class Reliance:
    """Mean background reliance of the photographs explained for a label, None for all, and its 95 % interval.

    `photographs` are those with a known reliance and something to explain; without one there is no mean. `groups` are
    those of one folder and minute taken as one; with fewer than two there is no interval.
    """

    label: str | None
    photographs: int
    mean: float | None
    low: float | None
    high: float | None
    groups: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """A photograph to look at, and why."""

    rank: int
    image: str
    sha256: str
    why: str
    explained: str
    predicted: str
    confidence: float
    known_label: str | None
    verdict: str | None
    background_reliance: float | None
    soundness: str | None = None
    reason: str | None = None
    basis: str | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """An audit in a few numbers.

    Attributes
    ----------
    verdicts : those given by an earlier version, in one word
    look_first : the photographs to look at first, in their order
    flagged : how many there are to look at
    confident_fills : how many photographs' bare fill the model is sure of, by the label that it gives the fill
    explanations : how many explanations there are, one for each photograph and label
    means : mean of some figures over all explanations, None where none is known
    """

    verdicts: Sequence[Share] = ()
    background_reliance: Sequence[Reliance] = ()
    look_first: Sequence[Look] = ()
    flagged: int = 0
    confident_fills: Mapping[str, int] = field(default_factory=dict)
    explanations: int = 0
    means: Mapping[str, float | None] = field(default_factory=dict)
    judgements: Sequence[Judged] = ()

    def count(self, *, sound: bool = False, masked: bool = False, basis: str | None = None) -> int:
        """How many photographs have two answers; of those alone whose explanation is sound, which have a mask, or
        whose answer rests on this."""
        return sum(
            one.photographs
            for one in self.judgements
            if (one.soundness == SOUND or not sound) and (one.masked or not masked) and basis in (None, one.basis)
        )

    @property
    def reliance(self) -> Reliance:
        """That of all photographs together."""
        return next((one for one in self.background_reliance if one.label is None), Reliance(None, 0, None, None, None))

    def to_json(self) -> dict[str, Any]:
        """As `audit show --json` prints it."""
        names = ("judgements", "verdicts", "background_reliance", "look_first", "confident_fills")
        return {name: asdict(self)[name] for name in names}


def overview(engine: Engine, audit: int, first: int) -> Overview:
    """An audit's overview, with so many photographs to look at first."""
    values = {"audit": audit, "first": first}
    with engine.begin() as c:
        means = dict(c.execute(text(_MEANS), values).one()._mapping)
        return Overview(
            verdicts=[Share(*row) for row in c.execute(text(_VERDICTS), values)],
            background_reliance=[Reliance(*row) for row in c.execute(text(_RELIANCE), values)],
            look_first=[Look(*row) for row in c.execute(text(_LOOK), values)],
            flagged=c.execute(text(_FLAGGED), values).scalar_one(),
            confident_fills={row.label: row.photographs for row in c.execute(text(_FILLS), values)},
            explanations=means.pop("explanations"),
            means=means,
            judgements=[Judged(*row) for row in c.execute(text(_JUDGEMENTS), values)],
        )


_VERDICTS = """
SELECT verdict, photographs, share FROM verdicts WHERE audit = :audit ORDER BY photographs DESC, verdict
"""

_JUDGEMENTS = """
SELECT soundness, reason, basis, masked, photographs, share FROM judgements WHERE audit = :audit
ORDER BY photographs DESC, soundness, reason, basis, masked
"""

_RELIANCE = """
SELECT label, photographs, mean, low, high, groups FROM background_reliance WHERE audit = :audit ORDER BY label
"""

_LOOK = """
SELECT rank, image, sha256, why, explained, predicted, confidence, known_label, verdict, background_reliance,
       soundness, reason, basis
FROM look_first WHERE audit = :audit AND rank <= :first ORDER BY rank
"""

_FLAGGED = "SELECT count(*) FROM look_first WHERE audit = :audit"

_FILLS = """
SELECT confident_fill AS label, count(*) AS photographs FROM explanation_flags
WHERE audit = :audit AND foremost AND confident_fill IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1
"""

_MEANS = """
SELECT count(*) AS explanations, avg(r2_held_out) AS r2_held_out, avg(spearman) AS spearman,
       avg(mask_share) AS mask_share, avg(background_reliance) AS background_reliance
FROM explanation_flags WHERE audit = :audit
"""
