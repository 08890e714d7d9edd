"""The networks that are made of one to look into it: with a gradient behind it, a layer made readable, or its tail."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import onnx

from pipeline.conversation.reading import BY_GRADIENT, Of, Reading
from pipeline.model.anatomy import Anatomy, anatomy
from pipeline.model.backward import WITHOUT_GRADIENT, backward
from pipeline.model.graft import PREFIX, graft
from pipeline.model.lrp import lrp
from pipeline.model.model import Model
from pipeline.model.simplified import simplified
from pipeline.model.tail import tail
from pipeline.model.tap import tap
from pipeline.text import meant

PICTURE = PREFIX + "picture"
OF_SCORES = "a recipe of scores alone, such as lime or shap"
NAMED = 4  # layers that are named where one is not found
FORWARD = ("cam", "recipro-cam", "ablation-cam")  # maps that run the network's tail instead


class Interior:
    """A model's network, and what is made of it; each is made when it is first asked for.

    Raises
    ------
    ValueError
        In one sentence, where a network cannot be looked into, has no such layer or no gradient.
    """

    def __init__(self, model: Model) -> None:
        self._network = model.onnx
        self._size = model.profile.height, model.profile.width
        self._profile = model.profile

    @cached_property
    def plain(self) -> bytes:
        """The network with its constants folded, which is easier to look into."""
        try:
            return simplified(self._network, self._size)
        except Exception as error:  # onnx's and onnxruntime's errors share no nearer ancestor
            reason = str(error).strip().splitlines()[0]
            raise ValueError(f"the network cannot be looked into ({reason}); take a recipe of scores alone") from error

    @cached_property
    def grafted(self) -> bytes:
        """The same behind the perturbation."""
        return graft(self.plain)

    @cached_property
    def anatomy(self) -> Anatomy:
        """What it can be asked, told from its graph."""
        return anatomy(self.plain)

    def of(self, of: Of) -> str:
        """The tensor that a reading is of."""
        return self.anatomy.logit if of == "logit" else self._scores

    def told(self, of: Of) -> Of:
        """What a reading of this is of: of the probability, too, where the network shows no logits before it."""
        return of if self.anatomy.logit != self._scores else "probability"

    @cached_property
    def _scores(self) -> str:
        return str(onnx.ModelProto.FromString(self.plain).graph.output[0].name)

    def gradient(self, of: str) -> bytes:
        """The network that gives the gradient with respect to the picture, and nothing else."""
        return backward(self.grafted, of, [PICTURE])

    def layer_gradient(self, of: str, layer: str) -> bytes:
        """The network that gives a layer and the gradient with respect to it, and nothing else."""
        return backward(self.grafted, of, [layer], beside=[layer])

    def relevance(self, composite: str, of: str) -> bytes:
        """The network that also gives the picture's relevance for a tensor of scores, between black and white."""
        black, white = (self._profile.tensor(np.full((*self._size, 3), value, np.uint8)) for value in (0, 255))
        return lrp(self.grafted, of, PICTURE, composite, (black, white))

    def features(self, layer: str) -> bytes:
        """The network that also gives a layer."""
        return tap(self.grafted, [layer])

    def tail(self, of: str, layer: str) -> bytes:
        """The network from a layer on."""
        return tail(self.plain, layer, of)

    def refuse(self, reading: Reading) -> None:
        """Raise ValueError where a reading is not to be had of this network."""
        found, layer = self.anatomy, reading.layer
        if reading.kind in BY_GRADIENT and found.without_rule:
            taker = "the recipe" if reading.kind == "gradient" else reading.kind
            raise ValueError(
                f"{taker} takes the gradient of the network, and there is none for its "
                f"{', '.join(found.without_rule)}; take {WITHOUT_GRADIENT if found.layer else OF_SCORES}"
            )
        if reading.kind == "lrp":
            self.relevance(reading.composite or "", self.of(reading.of))
        if reading.kind in ("gradient", "lrp"):
            return
        if layer is None:
            raise ValueError(
                f"{reading.kind} is a map of a layer, and the network has none with a height and a width; take "
                f"{OF_SCORES if found.without_rule else 'integrated-gradients or a recipe of scores alone'}"
            )
        self.check_layer(layer)
        if reading.kind == "cam" and not (found.exact_cam and layer == found.layer):
            raise ValueError(
                "cam needs a network that ends in pooling and one linear layer right after the layer it maps, and this "
                "one does not; take grad-cam or recipro-cam"
            )
        if reading.kind == "cam" and self.of(reading.of) != found.logit:
            raise ValueError("cam is what places add to the logit, and to no probability; take options.of=logit")
        if reading.kind in FORWARD:
            self.tail(self.of(reading.of), layer)
        else:
            self.features(layer)

    def check_layer(self, layer: str) -> None:
        """Raise ValueError where a layer is none of the network's with places to map."""
        graph = onnx.ModelProto.FromString(self.plain).graph
        shapes = {value.name: value.type.tensor_type.shape.dim for value in graph.value_info}
        maps = [name for name, dims in shapes.items() if _has_places([dim.dim_value for dim in dims])]
        if layer not in maps:
            last = ", ".join(maps[-NAMED:])
            raise ValueError(
                f"layer is {layer!r}, which is no tensor of the network with a height and a width"
                f"{meant(layer, maps)}; the last that are: {last}"
            )


def _has_places(lengths: Sequence[int]) -> bool:
    """Whether a tensor is of feature maps, [n, c, h, w]: of more than one place."""
    return len(lengths) == len("nchw") and lengths[2] * lengths[3] != 1
