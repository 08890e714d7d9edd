"""A classifier's network, asked how a canvas would have to change for a label or a channel to be excited more."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.model.backward import SEED, gradient_of
from pipeline.model.graft import CANVAS, FILL, MASK, SEGMENTS
from pipeline.model.interior import PICTURE, Interior
from pipeline.model.maximised import Ascent
from pipeline.model.model import Model
from pipeline.model.session import open_session

Array = NDArray[np.float32]


class Excitable:
    """A model's network, behind its perturbation with everything shown.

    Parameters
    ----------
    model : Model
    threads : int
        ONNX Runtime's.

    Raises
    ------
    ValueError
        In one sentence, where the network cannot be looked into.
    """

    def __init__(self, model: Model, threads: int = 1) -> None:
        self.interior = Interior(model)
        self._profile, self._labels = model.profile, len(model.labels)
        self._open = partial(open_session, threads=threads)
        self._size = model.profile.height, model.profile.width
        self._black = model.profile.tensor(np.zeros((*self._size, 3), np.uint8))
        self._gradients = cache(lambda of: self._open(self.interior.gradient(of)))
        self._features = cache(lambda layer: self._open(self.interior.features(layer)))

    @property
    def size(self) -> tuple[int, int]:
        """Of the canvas: height and width."""
        return self._size

    def maps(self, canvas: NDArray[np.uint8], layer: str) -> Array:
        """A layer's feature maps of a canvas, float32 [c, h, w]. Raises ValueError for a layer that has none."""
        (found,) = self._features(layer).run([layer], self._feeds(canvas.astype(np.float32)))
        if found.ndim != 4:
            raise ValueError(f"layer is {layer!r}, of the shape {list(found.shape)}, expected [1, channels, h, w]")
        return np.asarray(found[0], np.float32)

    def of_label(self, column: int) -> Ascent:
        """What makes a label's logit grow; of one logit for two labels what makes it grow or fall."""
        ascent, width = self._ascent(self.interior.anatomy.logit)
        return ascent(0, 2 * column - 1) if (width, self._labels) == (1, 2) else ascent(column, 1)

    def of_channel(self, layer: str, channel: int) -> Ascent:
        """What makes the mean of a channel of a layer grow."""
        return self._ascent(layer)[0](channel, 1)

    def _ascent(self, of: str) -> tuple[Callable[[int, float], Ascent], int]:
        """What makes one place of a tensor's second axis grow, with a sign, and how many places there are."""
        session = self._gradients(of)
        (shown,) = self._features(of).run([of], self._feeds(np.zeros((*self._size, 3), np.float32)))

        def ascent(seed: NDArray[np.generic], canvas: Array) -> Array:
            (gradient,) = session.run([gradient_of(PICTURE)], {**self._feeds(canvas), SEED: seed})
            return self._on_canvas(np.asarray(gradient[0], np.float32))

        return lambda place, sign: partial(ascent, _seed(shown, of, place, sign)), shown.shape[1]

    def _feeds(self, canvas: Array) -> dict[str, NDArray[Any]]:
        picture = self._black + self._profile.change(canvas)
        return {
            MASK: np.ones((1, 1), np.float32),
            SEGMENTS: np.zeros(self._size, np.int64),
            CANVAS: picture[None],
            FILL: np.zeros_like(picture[None]),
        }

    def _on_canvas(self, gradient: Array) -> Array:
        """A gradient with respect to the network's picture as one with respect to the canvas, float32 [h, w, 3]."""
        colors = self._profile.change(np.eye(3, dtype=np.float32)[None])[:, 0]  # [c, 3]: what each colour changes
        return np.asarray(np.einsum("chw,ck->hwk", gradient, colors), np.float32)


def _seed(shown: NDArray[np.generic], of: str, place: int, sign: float) -> NDArray[np.generic]:
    """A sign at a place of the second axis, shared out over the axes behind it; zeros elsewhere."""
    if place >= shown.shape[1]:
        raise ValueError(f"{of!r} has {shown.shape[1]} channels, numbered from 0; there is no {place}")
    seed = np.zeros_like(shown)
    seed[:, place] = sign / max(1, shown[0, 0].size)
    return seed
