"""Grafts the perturbation onto the front of a network, so that masks travel to it instead of pictures.

    mask [b, k] ─► Transpose ─► Gather by segments ─► Transpose ─► m [b, 1, h, w]
                                      canvas, fill [1, c, h, w] ─► m · canvas + (1 - m) · fill ─► the network's input

For each pixel Gather copies one row of the transposed mask: the values of the whole batch. Gathering from [b, k] along
axis 1 would copy one number at a time, and takes ten times as long on a CPU.

Of bits, for devices, where each pixel has a thread of its own and what counts is how often a picture is written:

    mask [b, k] ─► Gather by segments ─► m [b, 1, h, w] ─► Where(m, canvas, fill) ─► the network's input

Of soft regions (`pipeline.scene.lattice`) the cells of each mask are stretched in place of the gather:

    rows [shifts, h, s], columns [shifts, s, w] ─► Gather by the shifts [b] ─► rows · cells [b, s, s] · columns ─► m
"""

from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from pipeline.model.image_input import ImageInput, image_input
from pipeline.model.onnx_file import opset

Masks = Literal["shares", "bits", "cells"]

WHERE = 9  # the first opset that has it
AXES_AS_INPUT = 13  # from this opset on Unsqueeze takes its axes as an input
PREFIX = "polelens/"  # no exporter names its tensors so
MASK, SEGMENTS, CANVAS, FILL = (PREFIX + name for name in ("mask", "segments", "canvas", "fill"))
CELLS, DOWN, ACROSS, ROWS, COLUMNS = (PREFIX + name for name in ("cells", "down", "across", "rows", "columns"))
CONSTANTS: dict[str, NDArray[Any]] = {
    PREFIX + "one": np.array(1, np.float32),
    PREFIX + "axes": np.array([1], np.int64),
}


def graft(network: bytes, masks: Masks = "shares") -> bytes:
    """The network with its perturbation in front, at its own opset.

    Parameters
    ----------
    network : bytes
        An ONNX file as `pipeline.model.normalised.normalise` makes them; NCHW or NHWC, of whatever numbers.
    masks : str
        What masks are made of. `shares`: numbers of 0 to 1. `bits`: `MASK` is bool [b, k]. `cells`: those of a lattice;
        `CELLS` float32 [b, s, s], the shifts `DOWN` and `ACROSS` int64 [b], and `ROWS` and `COLUMNS`, how much of each
        cell a pixel shows at each shift, take the place of `MASK` and `SEGMENTS`.

    Returns
    -------
    bytes
        An ONNX file with the inputs `MASK` float32 [b, k], `SEGMENTS` int64 [h, w], `CANVAS` and `FILL` float32
        [1, c, h, w], the last two as `Profile.tensor` makes them. A mask of zeros and ones, or of bits, gives exactly
        the values of fill and canvas; values between blend the two. Labels of `SEGMENTS` are columns of `MASK`.
    """
    model = onnx.ModelProto.FromString(network)
    graph = model.graph
    picture = image_input(graph)
    made, network_nodes = [*_perturbation(masks, opset(model)), *_adaptation(picture)], list(graph.node)
    del graph.node[:], graph.input[:]
    graph.node.extend([*made, *network_nodes])
    regions = _lattice(picture) if masks == "cells" else _regions(picture, masks)
    graph.input.extend([*regions, *_pictures(picture)])
    read = {name for node in made for name in node.input}
    graph.initializer.extend(numpy_helper.from_array(one, name) for name, one in CONSTANTS.items() if name in read)
    return bytes(model.SerializeToString(deterministic=True))


def _regions(picture: ImageInput, masks: Masks) -> list[ValueInfoProto]:
    numbers = TensorProto.BOOL if masks == "bits" else TensorProto.FLOAT
    return [
        helper.make_tensor_value_info(MASK, numbers, [_batch(picture), "superpixels"]),
        helper.make_tensor_value_info(SEGMENTS, TensorProto.INT64, _size(picture)),
    ]


def _lattice(picture: ImageInput) -> list[ValueInfoProto]:
    batch, (height, width) = _batch(picture), _size(picture)
    return [
        helper.make_tensor_value_info(CELLS, TensorProto.FLOAT, [batch, "side", "side"]),
        helper.make_tensor_value_info(DOWN, TensorProto.INT64, [batch]),
        helper.make_tensor_value_info(ACROSS, TensorProto.INT64, [batch]),
        helper.make_tensor_value_info(ROWS, TensorProto.FLOAT, ["down", height, "side"]),
        helper.make_tensor_value_info(COLUMNS, TensorProto.FLOAT, ["across", "side", width]),
    ]


def _pictures(picture: ImageInput) -> list[ValueInfoProto]:
    shape = [1, picture.channels, *_size(picture)]
    return [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in (CANVAS, FILL)]


def _batch(picture: ImageInput) -> int | str:
    return picture.batch or "batch"


def _size(picture: ImageInput) -> list[int | str]:
    return [picture.height or "height", picture.width or "width"]


def _perturbation(masks: Masks, version: int) -> list[NodeProto]:
    """`PREFIX`picture, float32 [b, c, h, w], of masks."""
    channel = _channel(version)
    if masks == "cells":
        return [*_stretch(), channel, *_blend()]
    if masks == "shares":
        return [*_selection(MASK), channel, *_blend()]
    if version < WHERE:
        cast = _node("Cast", [MASK], "shares", to=TensorProto.FLOAT)
        return [cast, *_selection(cast.output[0]), channel, *_blend()]
    chosen = _node("Gather", [MASK, SEGMENTS], "by_picture", axis=1)  # [b, h, w]
    return [chosen, channel, _node("Where", [PREFIX + "m", CANVAS, FILL], "picture")]


def _selection(mask: str) -> list[NodeProto]:
    """`PREFIX`by_picture, float32 [b, h, w]: the mask's value at each pixel."""
    return [
        _node("Transpose", [mask], "by_superpixel", perm=[1, 0]),
        _node("Gather", [PREFIX + "by_superpixel", SEGMENTS], "by_pixel", axis=0),  # [h, w, b]
        _node("Transpose", [PREFIX + "by_pixel"], "by_picture", perm=[2, 0, 1]),
    ]


def _stretch() -> list[NodeProto]:
    """The same of a lattice: how much of the cells that are on each pixel shows."""
    return [
        _node("Gather", [ROWS, DOWN], "rows_shifted", axis=0),  # [b, h, s]
        _node("Gather", [COLUMNS, ACROSS], "columns_shifted", axis=0),  # [b, s, w]
        _node("MatMul", [PREFIX + "rows_shifted", CELLS], "by_row"),
        _node("MatMul", [PREFIX + "by_row", PREFIX + "columns_shifted"], "by_picture"),
    ]


def _channel(version: int) -> NodeProto:
    """`PREFIX`m [b, 1, h, w]: the same for all channels."""
    if version < AXES_AS_INPUT:
        return _node("Unsqueeze", [PREFIX + "by_picture"], "m", axes=[1])
    return _node("Unsqueeze", [PREFIX + "by_picture", PREFIX + "axes"], "m")


def _blend() -> list[NodeProto]:
    """`PREFIX`picture, float32 [b, c, h, w]. One product each, since fill + m · (canvas - fill) would round."""
    return [
        _node("Mul", [PREFIX + "m", CANVAS], "on"),
        _node("Sub", [PREFIX + "one", PREFIX + "m"], "off_mask"),
        _node("Mul", [PREFIX + "off_mask", FILL], "off"),
        _node("Add", [PREFIX + "on", PREFIX + "off"], "picture"),
    ]


def _adaptation(picture: ImageInput) -> list[NodeProto]:
    """From `PREFIX`picture to the tensor that the network's first nodes read, in its layout and type."""
    nodes = []
    if picture.layout == "nhwc":
        nodes.append(_node("Transpose", [PREFIX + "picture"], "laid_out", perm=[0, 2, 3, 1]))
    if picture.element != TensorProto.FLOAT:
        nodes.append(_node("Cast", [nodes[-1].output[0] if nodes else PREFIX + "picture"], "cast", to=picture.element))
    if not nodes:
        nodes.append(_node("Identity", [PREFIX + "picture"], "input"))
    nodes[-1].output[0] = picture.name
    return nodes


def _node(operator: str, inputs: list[str], output: str, **attributes: Any) -> NodeProto:
    name = PREFIX + output
    return helper.make_node(operator, inputs, [name], name=name, **attributes)
