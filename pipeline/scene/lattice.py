"""A lattice: soft regions, a square grid of cells that is stretched over a canvas and shifted by each mask.

These are the masks of Petsiuk, Das and Saenko, "RISE", BMVC 2018, section 3.2, as their code makes them: the grid is
stretched bilinearly to one cell more than the canvas holds, and the canvas is cut out of it at a random place.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FRACTION = 16  # bits of a shift: over a cell of 32 pixels each shift is as likely as the next, to 1 in 2,048
Bits = NDArray[np.bool_]
Shares = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Lattice:
    """A grid of `side` by `side` cells.

    A mask of it is a row of k bits: one for each cell, row by row, and then how far down and how far across it is
    shifted, each as `FRACTION` bits of a fraction of a cell. So a mask says all by itself, on a canvas of any size,
    and with all bits on, or all off, it shows the whole photograph, or the bare fill.
    """

    side: int

    @property
    def cells(self) -> int:
        """Number of cells."""
        return self.side**2

    @property
    def k(self) -> int:
        """Bits of a mask."""
        return self.cells + 2 * FRACTION

    def grids(self, masks: Bits) -> Shares:
        """Which cells are on, float32 [n, side, side], of masks bool [n, k]."""
        return masks[:, : self.cells].reshape(-1, self.side, self.side).astype(np.float32)

    def shifts(self, masks: Bits, size: tuple[int, ...]) -> NDArray[np.int64]:
        """How many pixels down and across each mask is shifted on a canvas of this height and width, int64 [2, n]."""
        bits = masks[:, self.cells :].reshape(-1, 2, FRACTION)
        fractions = bits @ 0.5 ** np.arange(1, FRACTION + 1)  # exact, and below 1
        return (fractions * [self.cell(length) for length in size]).T.astype(np.int64)

    def cell(self, length: int) -> int:
        """Pixels of a cell along a side of so many pixels, and how many shifts there are."""
        return -(-length // self.side)

    def stretches(self, length: int) -> Shares:
        """How much of each cell a pixel along a side shows, float32 [shifts, length, side], for each shift.

        The two nearest cells in proportion to their distance, mirrored at the border as `skimage.transform.resize` of
        order 1 does it by default.
        """
        pixels = self.cell(length) * (self.side + 1)
        at = np.abs((np.arange(pixels) + 0.5) * self.side / pixels - 0.5)
        at = np.minimum(at, 2 * (self.side - 1) - at)
        near = 1 - np.abs(at[:, None] - np.arange(self.side))
        shares = near.clip(min=0).astype(np.float32)
        return np.stack([shares[shift : shift + length] for shift in range(self.cell(length))])

    def shares(self, masks: Bits, size: tuple[int, ...]) -> Shares:
        """How much of the canvas each pixel shows under masks bool [n, k], 0..1, float32 [n, h, w].

        The reference for what the grafted network makes of them, and for `total`.
        """
        down, across = self.shifts(masks, size)
        rows, columns = (self.stretches(length) for length in size)
        return np.asarray(rows[down] @ self.grids(masks) @ columns[across].swapaxes(1, 2))

    def total(self, masks: Bits, values: NDArray[np.floating], size: tuple[int, ...]) -> NDArray[np.float64]:
        """The sum over masks bool [n, k] of `shares`, each times its values [n, c]: float64 [c, h, w].

        A mask is rows · grid · columns, so grids of one shift are added before they are stretched: ten times as fast,
        and more, as stretching hundreds of masks one by one.
        """
        down, across = self.shifts(masks, size)
        rows, columns = (self.stretches(length).astype(float) for length in size)
        grids = np.zeros((len(rows), len(columns), values.shape[1], self.side, self.side))
        np.add.at(grids, (down, across), values[:, :, None, None] * self.grids(masks)[:, None])
        joined = grids.transpose(2, 0, 3, 1, 4).reshape(values.shape[1], len(rows) * self.side, -1)
        left = rows.transpose(1, 0, 2).reshape(size[0], -1)
        right = columns.transpose(0, 2, 1).reshape(-1, size[1])
        return np.asarray(left @ joined @ right)
