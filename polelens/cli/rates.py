"""How fast a worker process answers for a model: as audits were seen to, or as a warm-up on this machine finds."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipeline.model.precision import F32, Precision, Unprovided
from polelens.cli.store import engine, ledger, registry
from storage.paces import Paces
from storage.registry import Version
from storage.settings import settings
from tasks.device import device

# Of processes that share cores and caches each is slower than one alone, on the two threads of a core by up to a half.
# Audits that were slower yet than so much of a warm-up shared their machines with other work.
SHARED = 0.65
AUDITS, WARM_UP = "audits", "warm-up"  # where a rate comes from


@dataclass(frozen=True, slots=True)
class Rate:
    """Evaluations a second of one worker process, and where that is known from."""

    value: float
    source: str
    slower: float | None = None  # what audits were seen to have, on machines that did other work, too

    def notes(self) -> Iterator[str]:
        """What a person should know of it."""
        if self.slower:
            slow = f"audits of it had {self.slower:,.0f} evaluations a second and process, beside other work it seems"
            yield f"{slow}; reckoned with {self.value:,.0f}, from a warm-up on this machine"
        elif self.source == WARM_UP:
            yield f"measured by a warm-up on this machine: {self.value:,.0f} evaluations a second and process"


def notes(rates: Iterable[Rate | None]) -> Iterable[str]:
    """What a person should know of several rates, each line once."""
    return dict.fromkeys(line for one in rates if one for line in one.notes())


def known_rate(version: Version, precision: Precision = F32) -> Rate | None:
    """The rate that was seen in audits, but no less than an idle device like this machine's has after its warm-up."""
    seen = ledger().rate(version.id, precision)
    warm = Paces(engine()).find(version.id, device(settings(), precision))
    if seen and not (warm and seen < SHARED * warm.rate):
        return Rate(seen, AUDITS)
    return Rate(SHARED * warm.rate if seen else warm.rate, WARM_UP, seen) if warm else None


def measured_rate(version: Version, precision: Precision) -> Rate | None:
    """The rate that a warm-up on this machine finds, remembered for the workers on it.

    None for a lower precision that this machine does not have: workers elsewhere may.
    """
    from pipeline.model.pace import find_pace  # noqa: PLC0415
    from pipeline.model.tried_provider import opened  # noqa: PLC0415 -- slow to import, and seldom needed

    here, model = settings(), registry().load(version.id)
    try:
        box = opened(model, here.threads, here.providers.split(","), precision)
    except Unprovided:
        if precision == F32:
            raise
        return None
    return Rate(Paces(engine()).keep(version.id, device(here, precision), find_pace(model, box)).rate, WARM_UP)
