"""Rows that the model has answered, as one label sees them: whether its answer is kept, and how near it is to that."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipeline.conversation.probe import Masks, Scores
from pipeline.methods.anchor_options import Options

LEAST = 1e-6  # of a score, so that it has a logarithm
Set = tuple[int, ...]  # superpixels, in order of their number


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Rows that the model has answered, as one label sees them.

    Attributes
    ----------
    masks : bool [n, k]
    kept : bool [n]
        Whether the answer is kept.
    nearness : float64 [n]
        The logarithm of the label's score over the one that is needed: how near the answer is to being kept, or how far
        from being lost. It tells which superpixels help where hardly a row is kept, and where hardly one is not.
    """

    masks: Masks
    kept: NDArray[np.bool_]
    nearness: NDArray[np.float64]

    def having(self, on: Set) -> Self:
        """The rows that have these superpixels on."""
        rows = self.masks[:, list(on)].all(axis=1)
        return type(self)(self.masks[rows], self.kept[rows], self.nearness[rows])

    def nearness_with(self) -> NDArray[np.float64]:
        """The mean nearness with each superpixel on, float64 [k]; 0 where it never is."""
        return np.asarray(self.nearness @ self.masks / np.maximum(self.masks.sum(axis=0), 1))

    def effects(self) -> NDArray[np.float64]:
        """The mean nearness with each superpixel on less that with it off, float64 [k]."""
        return self.nearness_with() - replace(self, masks=~self.masks).nearness_with()


@dataclass(frozen=True, slots=True)
class Criterion:
    """When the answer of the label in this column is kept, after its score for the photograph."""

    options: Options
    column: int
    score: float

    def seen(self, masks: Masks, scores: Scores) -> Seen:
        """What this label sees in the model's answers, float32 [n, c], to masks, bool [n, k]."""
        own = scores[:, self.column].astype(float)
        needed = self._needed(scores)
        kept = own >= needed
        return Seen(masks, kept, np.log(np.maximum(own, LEAST) / np.maximum(needed, LEAST)))

    def _needed(self, scores: Scores) -> NDArray[np.float64]:
        """The score from which on the answer is kept, float64 [n]: a share of the photograph's, or the best other's."""
        if self.options.keep == "score":
            return np.full(len(scores), self.options.share * self.score)
        others = np.delete(scores, self.column, axis=1)
        return np.asarray(others.max(axis=1, initial=0.0), dtype=np.float64)


def pooled(found: Sequence[Seen]) -> Seen:
    """All rows of some, of which there is at least one."""
    names = ("masks", "kept", "nearness")
    return Seen(*(np.concatenate([getattr(one, name) for one in found]) for name in names))
