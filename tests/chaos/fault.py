"""What a fault is: something that breaks while an audit runs, and is mended."""

from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from tests.chaos.live_stack import Stage


class Broken(AssertionError):
    """A promise was broken."""


class Missed(Exception):
    """The audit ended before the fault could strike."""


class Fault(Protocol):
    """One way to break an audit."""

    @property
    def name(self) -> str:
        """A few plain words."""

    def strike(self, stage: "Stage", dice: np.random.Generator) -> None:
        """Break something and return when it is mended: the service is up again, the process goes on.

        What may be left to chance is decided by `dice`, so that a seed replays it. A strike that looks at what comes
        after the mending calls `stage.mended()` at that moment. Raises Broken, or Missed.
        """
