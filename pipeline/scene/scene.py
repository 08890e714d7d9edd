"""A scene: all that is needed to perturb one photograph."""

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.scene.lattice import Lattice


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One photograph, ready to be perturbed.

    Attributes
    ----------
    canvas : uint8 [h, w, 3]
        The photograph as the network sees it, RGB, before normalisation.
    segments : int32 [h, w]
        Superpixel labels 0..k-1, none missing.
    fill : uint8 [h, w, 3]
        What a switched-off superpixel shows.
    mask : bool [h, w] or None
        Where the object is, if that is known.
    lattice : Lattice or None
        Soft regions that masks switch in the place of the superpixels.

    Raises
    ------
    ValueError
        If the shapes differ or the labels are not exactly 0..k-1. Segments that start at 1 are the classic silent
        bug of this field: one superpixel is never switched and every weight is painted one place off.
    """

    canvas: NDArray[np.uint8]
    segments: NDArray[np.int32]
    fill: NDArray[np.uint8]
    mask: NDArray[np.bool_] | None = None
    lattice: Lattice | None = None

    def __post_init__(self) -> None:
        if self.segments.ndim != 2 or self.segments.dtype != np.int32:
            raise ValueError(f"segments is {self.segments.dtype} {self.segments.shape}, expected int32 [h, w]")
        h, w = self.segments.shape
        for name in ("canvas", "fill"):
            array = getattr(self, name)
            if array.shape != (h, w, 3) or array.dtype != np.uint8:
                raise ValueError(
                    f"{name} is {array.dtype} {array.shape}, expected uint8 {(h, w, 3)} as the segments are"
                )
        if self.mask is not None and (self.mask.shape != (h, w) or self.mask.dtype != np.bool_):
            raise ValueError(f"mask is {self.mask.dtype} {self.mask.shape}, expected bool {(h, w)}")
        present = np.bincount(self.segments.ravel(), minlength=1) if self.segments.min() >= 0 else np.zeros(1)
        if not present.all():
            raise ValueError("segments must be labelled 0..k-1 with none missing; see pipeline.scene.segments.relabel")

    @property
    def k(self) -> int:
        """Number of superpixels, or bits of a mask over soft regions."""
        return self.lattice.k if self.lattice else int(self.segments.max()) + 1

    @property
    def fingerprint(self) -> int:
        """A number of 32 bits that stands for the canvas: it keys what is drawn by chance for this photograph."""
        return zlib.crc32(self.canvas.tobytes())


def compose(scene: Scene, masks: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The perturbed pictures that masks describe: canvas where a superpixel is on, fill where it is off.

    Of soft regions a pixel shows both in proportion, rounded, which the network is spared. The reference that the
    in-graph perturbation is checked against; not used on the way of an audit.

    Parameters
    ----------
    masks : bool [n, k]

    Returns
    -------
    uint8 [n, h, w, 3]
    """
    if scene.lattice:
        shares = scene.lattice.shares(masks, scene.segments.shape)[..., None]
        return np.stack([np.round(one * scene.canvas + (1 - one) * scene.fill).astype(np.uint8) for one in shares])
    on = masks[:, scene.segments]  # [n, h, w]
    return np.where(on[..., None], scene.canvas, scene.fill)
