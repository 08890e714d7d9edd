"""Grafts the perturbation onto the front of a network, so that masks travel to it instead of pictures.

    mask [b, k] ─► Transpose ─► Gather by segments ─► Transpose ─► m [b, 1, h, w]
                                      canvas, fill [1, c, h, w] ─► m · canvas + (1 - m) · fill ─► the network's input

For each pixel Gather copies one row of the transposed mask: the values of the whole batch. Gathering from [b, k] along
axis 1 would copy one number at a time, and takes ten times as long on a CPU.
"""

from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from pipeline.model.image_input import ImageInput, image_input
from pipeline.model.onnx_file import opset

AXES_AS_INPUT = 13  # from this opset on Unsqueeze takes its axes as an input
PREFIX = "polelens/"  # no exporter names its tensors so
MASK, SEGMENTS, CANVAS, FILL = (PREFIX + name for name in ("mask", "segments", "canvas", "fill"))


def graft(network: bytes) -> bytes:
    """The network with its perturbation in front, at its own opset.

    Parameters
    ----------
    network : bytes
        An ONNX file as `pipeline.model.normalised.normalise` makes them; NCHW or NHWC, of whatever numbers.

    Returns
    -------
    bytes
        An ONNX file with the inputs `MASK` float32 [b, k], `SEGMENTS` int64 [h, w], `CANVAS` and `FILL` float32
        [1, c, h, w], the last two as `Profile.tensor` makes them. A mask of zeros and ones gives exactly the values
        of fill and canvas; values between blend the two. Labels of `SEGMENTS` are columns of `MASK`.
    """
    model = onnx.ModelProto.FromString(network)
    graph = model.graph
    picture = image_input(graph)
    nodes = [*_selection(opset(model)), *_blend(), *_adaptation(picture), *graph.node]
    del graph.node[:], graph.input[:]
    graph.node.extend(nodes)
    graph.input.extend(_inputs(picture))
    graph.initializer.append(numpy_helper.from_array(np.array(1, np.float32), PREFIX + "one"))
    if opset(model) >= AXES_AS_INPUT:
        graph.initializer.append(numpy_helper.from_array(np.array([1], np.int64), PREFIX + "axes"))
    return bytes(model.SerializeToString(deterministic=True))


def _inputs(picture: ImageInput) -> list[ValueInfoProto]:
    size = [picture.height or "height", picture.width or "width"]
    return [
        helper.make_tensor_value_info(MASK, TensorProto.FLOAT, [picture.batch or "batch", "superpixels"]),
        helper.make_tensor_value_info(SEGMENTS, TensorProto.INT64, size),
        helper.make_tensor_value_info(CANVAS, TensorProto.FLOAT, [1, picture.channels, *size]),
        helper.make_tensor_value_info(FILL, TensorProto.FLOAT, [1, picture.channels, *size]),
    ]


def _selection(version: int) -> list[NodeProto]:
    """`PREFIX`m, float32 [b, 1, h, w]: the mask's value at each pixel."""
    nodes = [
        _node("Transpose", [MASK], "by_superpixel", perm=[1, 0]),
        _node("Gather", [PREFIX + "by_superpixel", SEGMENTS], "by_pixel", axis=0),  # [h, w, b]
        _node("Transpose", [PREFIX + "by_pixel"], "by_picture", perm=[2, 0, 1]),
    ]
    if version < AXES_AS_INPUT:
        return [*nodes, _node("Unsqueeze", [PREFIX + "by_picture"], "m", axes=[1])]
    return [*nodes, _node("Unsqueeze", [PREFIX + "by_picture", PREFIX + "axes"], "m")]


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
