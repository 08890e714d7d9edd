"""Class activation maps: which places of a late layer's feature maps have to do with a label.

The formulas, with their sources, are in `pipeline.model.class_maps`. A map has the layer's few places, 7 by 7 of a
picture of 224, and is stretched over the canvas bilinearly: it knows nothing finer. Nothing is drawn, so that there are
no errors: asked again, it says the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.answer.attribution import LabelAttribution, laid
from pipeline.conversation.probe import Evidence
from pipeline.conversation.reading import Kind, Of, Reading
from pipeline.methods.asked import BASE_ROWS, check_of
from pipeline.methods.looked import Looked
from pipeline.methods.method import Method
from pipeline.scene.scene import Scene

Array = NDArray[np.float32]

# What a map costs, in evaluations: the network once, and its tail, backward or forward, for each place or channel.
COSTS: dict[Kind, int] = {"cam": 2, "grad-cam": 2, "grad-cam++": 2, "recipro-cam": 2, "ablation-cam": 8}


@dataclass(frozen=True, slots=True)
class Options:
    """What is mapped, and where.

    Attributes
    ----------
    layer : str or None
        A tensor of the network's graph with a height and a width; None is the last that has them.
    of : "logit" or "probability"
        Whether the map is of the label's probability, or of what the softmax or sigmoid makes it from.
    """

    layer: str | None = None
    of: Of = "logit"

    def __post_init__(self) -> None:
        if not (self.layer is None or (isinstance(self.layer, str) and self.layer)):
            raise ValueError(f"layer is {self.layer!r}, expected the name of a tensor, or null for the last that fits")
        check_of(self.of)


class ActivationMap(Looked):
    """A class activation map after a recipe whose layer is named, for a model with these labels."""

    __slots__ = ()

    def reading(self, columns: Sequence[int]) -> Reading:
        """The map's."""
        options, kind = Options(**self.recipe.options), KINDS[self.recipe.method]
        backward = len(columns) if kind in ("grad-cam", "grad-cam++") else 1
        return Reading(kind, tuple(columns), options.of, options.layer, COSTS[kind] + backward - 1)

    def answer(
        self, scene: Scene, columns: Sequence[int], read: Evidence
    ) -> tuple[list[LabelAttribution], Mapping[str, Any]]:
        """The map of each label, stretched over the canvas."""
        maps, reading = unfolded(read.scores[0], len(columns)), read.probe.reading
        found = [_explained(scene, self.labels[c], one) for c, one in zip(columns, maps, strict=True)]
        told = {"read": reading.kind, "of": reading.of, "layer": reading.layer, "map": list(maps.shape[1:])}
        return found, told


def unfolded(answer: Array, columns: int) -> Array:
    """The maps in a reading's answer, which begins with their height and width: float32 [columns, height, width]."""
    height, width = answer[:2].round().astype(int)
    return answer[2:].reshape(columns, height, width)


def stretched(one: Array, size: tuple[int, int]) -> Array:
    """A map over a canvas of this height and width, bilinearly; its sum there is its mean over the layer's places.

    Examples
    --------
    >>> float(stretched(np.array([[0, 4]], np.float32), (6, 8)).sum())
    2.0
    """
    height, width = size
    image = Image.fromarray(np.ascontiguousarray(one, np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR), np.float32) / np.float32(height * width)


def _explained(scene: Scene, label: str, one: Array) -> LabelAttribution:
    heat = stretched(one, (scene.canvas.shape[0], scene.canvas.shape[1]))
    return LabelAttribution(label, laid(heat, scene.segments), heat=heat)


KINDS: dict[str, Kind] = {kind: kind for kind in COSTS}


def _method(kind: Kind) -> Method:
    return Method(
        ActivationMap,
        lambda _: BASE_ROWS + COSTS[kind],
        options=Options,
        reads=frozenset({"scores", kind}),
        once=False,
    )


MAPS: dict[str, Method] = {kind: _method(kind) for kind in COSTS}
