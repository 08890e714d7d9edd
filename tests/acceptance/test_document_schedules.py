"""docs/schedules.md, followed from top to bottom."""

from tests.documents import SCHEDULES
from tests.newcomer import Newcomer


def test_the_schedules_followed(newcomer: Newcomer) -> None:
    """Each of its commands works, in their order."""
    newcomer.follow(SCHEDULES)
