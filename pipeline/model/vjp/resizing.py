"""Pictures made larger or smaller."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from pipeline.model.vjp.alone import alone
from pipeline.model.vjp.draft import Unsupported
from pipeline.model.vjp.scatter import along
from pipeline.model.vjp.walk import Rule, Step

ROI = 11  # from this opset on Resize has a region, scales and sizes; before it scales alone


def resize(step: Step) -> Sequence[str | None]:
    """∂y times the transposed matrix of each axis that is resized: every mode is linear, and goes axis by axis.

    ONNX Runtime is asked for the matrices, for how places are rounded depends on mode, opset and version.
    """
    step.only(0)
    if step.attribute("coordinate_transformation_mode") == "tf_crop_and_resize":
        raise Unsupported("tf_crop_and_resize")
    draft, message = step.draft, step.message
    before, after = draft.shape(step.x), draft.shape(step.y)
    for axis, (length, out) in enumerate(zip(before, after, strict=True)):
        if length == out:
            continue
        if not isinstance(length, int) or not isinstance(out, int):
            raise Unsupported(f"the size of {step.x!r} is not known")
        matrix = _matrix(step, axis, length, out)
        message = along(draft, message, (axis, len(before)), draft.constant(matrix, step.x))
    return [message]


def _matrix(step: Step, axis: int, length: int, out: int) -> NDArray[np.float32]:
    """What the node makes of each place of one axis, float32 [out, length]."""
    node = NodeProto(op_type="Resize")
    node.attribute.extend(one for one in step.node.attribute if one.name != "axes")
    rows = np.eye(length, dtype=np.float32)[None, :, :, None]
    answer = alone(step.draft.model, node, rows, *_target(step, axis, (1, length, out, 1)))
    return np.ascontiguousarray(answer[0, :, :, 0].T)


def _target(step: Step, axis: int, shape: tuple[int, int, int, int]) -> list[NDArray[np.generic]]:
    """The inputs of Resize beside the picture: a scale for its third axis as the node has it, or a size."""
    left_out = np.zeros(0, np.float32)
    scales_at = 1 if step.draft.opset < ROI else 2
    rank = len(step.draft.shape(step.x))
    axes = [one % rank for one in step.attribute("axes", range(rank))]
    if step.input(scales_at):
        scales = step.draft.value(step.node.input[scales_at])
        if scales is None:
            raise Unsupported("its scales are computed")
        if scales.size:
            own = np.array([1, 1, scales[axes.index(axis)], 1], np.float32)
            return [own] if scales_at == 1 else [left_out, own]
    if step.attribute("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise Unsupported("keep_aspect_ratio_policy")
    return [left_out, left_out, np.array(shape, np.int64)]


RULES: dict[str, Rule] = {"Resize": resize}
