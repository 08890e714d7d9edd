"""What every method is: one side of the conversation with the black box."""

from collections.abc import Sequence
from typing import Protocol

from pipeline.answer.attribution import Attribution
from pipeline.conversation.probe import Evidence, Probe
from pipeline.scene.scene import Scene


class Explainer(Protocol):
    """Show a probe, read the scores, ask again or answer.

    An explainer keeps no state between calls: `proceed` gets all the evidence so far, and any process may call it.
    """

    def open(self, scene: Scene) -> Probe:
        """The first probe."""
        ...

    def proceed(self, scene: Scene, evidence: Sequence[Evidence]) -> Probe | Attribution:
        """The next probe, or the answer."""
        ...
