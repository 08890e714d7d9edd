"""All faults that there are."""

from tests.chaos import cancelled, deliveries, forgetting, kills, outages, poison
from tests.chaos.fault import Fault

FAULTS: tuple[Fault, ...] = (
    *kills.FAULTS,
    *deliveries.FAULTS,
    *poison.FAULTS,
    *cancelled.FAULTS,
    *forgetting.FAULTS,
    *outages.FAULTS,
)
