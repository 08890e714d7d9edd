"""Perturbed pictures composed outside the network: on a CPU in a third of the time that the grafted nodes take.

`pipeline.model.graft` makes the same pictures of the same masks inside the network, so that masks travel to a device
instead of pictures. On a CPU nothing travels, and the graft's passes over each picture are time that the network lacks.

What a picture costs is what is fetched for it: a network's run leaves nothing else in a processor's own cache. So many
pictures are composed at once, stripe by stripe, and the stripe of the scene that they share is fetched once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.model.image_input import ImageInput
from pipeline.model.profile import Profile
from pipeline.scene.scene import Scene

Integers = NDArray[np.signedinteger[Any]]
Stripe = tuple[slice, ...]

STRIPE_BYTES = 1 << 18  # of one picture: what is read and written of a stripe then stays in a megabyte of cache
ROOM_BYTES = 1 << 24  # of pictures composed at once: 26 of 224x224, each of which fetches a 26th of the scene


@dataclass(frozen=True, slots=True, eq=False)
class Composed:
    """What pictures of a scene are composed from: the bits of its numbers, as a network reads them.

    No number is computed with, so that each comes out as it went in, whatever its type: where the canvas shows, the
    bits in which it differs from the fill are turned over.

    Attributes
    ----------
    fill, difference : signed integers [c, h, w] or [h, w, c]
        Of the size of the network's numbers, in its layout.
    segments : intp [1, h, w] or [h, w, c]
    stripes : tuple of indexes
        Of some rows each, in any of these.
    dtype : numpy.dtype
        The network's own.
    """

    fill: Integers
    difference: Integers
    segments: NDArray[np.intp]
    stripes: tuple[Stripe, ...]
    dtype: np.dtype

    @classmethod
    def of(cls, scene: Scene, profile: Profile, entry: ImageInput) -> Self:
        """For a network with this input, whose pictures are prepared after a profile."""
        axis = 0 if entry.layout == "nchw" else 2
        canvas, fill = (_bits(np.moveaxis(profile.tensor(one), 0, axis), entry) for one in (scene.canvas, scene.fill))
        times = 1 if axis == 0 else fill.shape[axis]  # numpy is slow to stretch a last axis
        segments = np.expand_dims(scene.segments.astype(np.intp), axis).repeat(times, axis)
        above = (slice(None),) if axis == 0 else ()  # what comes before the rows
        height = len(scene.segments)
        rows = max(1, STRIPE_BYTES * height // fill.nbytes)
        stripes = tuple((*above, slice(top, top + rows)) for top in range(0, height, rows))
        return cls(fill, canvas ^ fill, segments, stripes, entry.dtype)

    def batches(self, masks: NDArray[np.bool_], size: int) -> Iterator[NDArray[Any]]:
        """The pictures of masks bool [n, k] in batches of `size`, each to be read before the next is asked for."""
        room = self.room(size)
        for start in range(0, len(masks), len(room)):
            made = self.pictures(masks[start : start + len(room)], room)
            yield from (made[first : first + size] for first in range(0, len(made), size))

    def pictures(self, masks: NDArray[np.bool_], into: Integers) -> NDArray[Any]:
        """The canvas where a superpixel is on, else the fill, for masks bool [n, k].

        They are written into the first n of `into`, see `room`: fresh memory is as dear as the writing.
        """
        made = into[: len(masks)]
        most = 8 * self.fill.itemsize
        for start in range(0, len(masks), most):
            self._write(made[start : start + most], masks[start : start + most])
        return made.view(self.dtype)

    def _write(self, made: Integers, masks: NDArray[np.bool_]) -> None:
        """At most as many pictures as a number has bits: bits are spread over the pixels for all of them at once.

        The next picture's is each pixel's highest bit. Shifted down as a sign is, it is all bits or none; then the
        others move up.
        """
        words = _words(masks, self.fill.itemsize)
        for stripe in self.stripes:
            difference, fill, bits = self.difference[stripe], self.fill[stripe], words.take(self.segments[stripe])
            on = np.empty_like(bits)
            for picture in made:
                part = picture[stripe]
                np.right_shift(bits, 8 * bits.itemsize - 1, out=on)
                np.bitwise_and(difference, on, out=part)
                np.bitwise_xor(part, fill, out=part)
                np.add(bits, bits, out=bits)

    def room(self, batch: int) -> Integers:
        """Memory for the pictures that are composed at once: whole batches, and at least one."""
        batches = max(1, ROOM_BYTES // (batch * self.fill.nbytes))
        return np.empty((batches * batch, *self.fill.shape), self.fill.dtype)


def _words(masks: NDArray[np.bool_], size: int) -> Integers:
    """The columns of masks [n, k] as k signed integers of so many bytes, whose highest bits are the first row."""
    packed = np.zeros((masks.shape[1], size), np.uint8)
    packed[:, : -(-len(masks) // 8)] = np.packbits(masks.T, axis=1)
    return packed.view(f">i{size}")[:, 0].astype(f"i{size}")


def _bits(tensor: NDArray[np.float32], entry: ImageInput) -> Integers:
    """A picture in the network's numbers, as integers of their size."""
    numbers = np.ascontiguousarray(tensor, entry.dtype)
    return numbers.view(np.dtype(f"i{numbers.itemsize}"))
