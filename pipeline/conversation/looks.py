"""Looks: what a reading of the network's inside is shown, which switches no regions.

A look is the photograph wholly, or on its way from the fill, or with noise on it. Its rows have shares, with which what
is read of them is summed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.scene.variant import Variant

Array = NDArray[np.float32]

WHOLE_WAY = (0.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Some rows of a look.

    Attributes
    ----------
    levels : float32 [n]
        How far each is on the way from the fill, 0, to the canvas, 1.
    shares : float32 [n]
        With which what is read of them is summed.
    noise : float
        Standard deviation, of 255, of Gaussian noise upon each.
    draws : n of (seed, number)
        What the noise of each is drawn by.
    """

    levels: Array
    shares: Array
    noise: float = 0.0
    draws: tuple[tuple[int, int], ...] = ()

    def noises(self, shape: tuple[int, ...]) -> Iterator[Array]:
        """The noise of each row, float32 [h, w, 3] of such a shape; it is neither rounded nor cut off at 0 or 255."""
        for seed, number in self.draws:
            generator = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, number, *shape])))
            yield generator.normal(0, self.noise, shape).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Path:
    """n places on the straight way from the fill to the canvas: the middles of n parts, each counting by its length.

    The stretches between `ends`, of which the first is 0 and the last 1, are cut into equally many equal parts each.
    `finer` is the rest of the middles of 3n / 2 parts beside those of n / 2: each part is cut in three, of which the
    middle one's middle is known. With a variant it is the way from that one's fill to that one's canvas.
    """

    n: int
    finer: bool = False
    variant: Variant | None = None
    ends: tuple[float, ...] = WHOLE_WAY

    @property
    def k(self) -> None:
        """It has no regions of its own."""

    def rows(self, start: int, stop: int) -> Rows:
        """Rows start..stop."""
        parts = self.n * 3 // 2 if self.finer else self.n
        ends = np.interp(np.linspace(0, 1, parts + 1), np.linspace(0, 1, len(self.ends)), self.ends)
        new = np.delete(np.arange(parts), np.s_[1::3]) if self.finer else np.arange(parts)
        levels, lengths = ((ends[1:] + ends[:-1]) / 2)[new], np.diff(ends)[new]
        shares = lengths / lengths.sum()
        return Rows(levels[start:stop].astype(np.float32), shares[start:stop].astype(np.float32))

    def masks(self, k: int) -> NDArray[np.bool_]:
        """Bool [n, k], all regions on; how far, `rows` says."""
        return np.ones((self.n, k), dtype=bool)

    def to_json(self) -> dict[str, Any]:
        """The JSON object that `Probe.from_json` reads."""
        finer: dict[str, Any] = {"finer": True} if self.finer else {}
        ends = {} if self.ends == WHOLE_WAY else {"ends": list(self.ends)}
        return {"path": self.n} | finer | ends | ({"variant": self.variant.to_json()} if self.variant else {})


@dataclass(frozen=True, slots=True)
class Whole:
    """The whole photograph n times, each with noise of its own where there is any; all count alike."""

    n: int = 1
    noise: float = 0.0
    seed: int = 0
    variant: Variant | None = None

    @property
    def k(self) -> None:
        """It has no regions of its own."""

    def rows(self, start: int, stop: int) -> Rows:
        """Rows start..stop."""
        ones = np.ones(stop - start, np.float32)
        draws = tuple((self.seed, number) for number in range(start, stop)) if self.noise else ()
        return Rows(ones, ones / np.float32(self.n), self.noise, draws)

    def masks(self, k: int) -> NDArray[np.bool_]:
        """Bool [n, k], all regions on."""
        return np.ones((self.n, k), dtype=bool)

    def to_json(self) -> dict[str, Any]:
        """The JSON object that `Probe.from_json` reads."""
        noise = {"noise": self.noise, "seed": self.seed} if self.noise else {}
        return {"whole": self.n} | noise | ({"variant": self.variant.to_json()} if self.variant else {})


Look = Path | Whole
