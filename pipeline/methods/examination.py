"""What every examination of an answer is: masks to show, and what their scores say of each label explained."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.attribution import Attribution
from pipeline.probe import Block
from pipeline.scene import Scene

Scores = NDArray[np.float32]


class Examination(Protocol):
    """One of the tests that a judged answer is put to; they all go into one probe."""

    def blocks(self, scene: Scene, attribution: Attribution) -> list[Block]:
        """The masks to show."""
        ...

    def findings(self, scene: Scene, attribution: Attribution, scores: Sequence[Scores]) -> list[Mapping[str, Any]]:
        """For each label explained, fields of its `Judgement`, from the scores of each block, float32 [n, c]."""
        ...
