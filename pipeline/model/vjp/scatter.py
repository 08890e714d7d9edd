"""The adjoint of taking places along an axis: to add up, at each place, what was taken from it.

By Gather and MatMul alone. Scattering with addition is in no opset before 16, and adds in another order each time on
some devices.
"""

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from pipeline.model.vjp.draft import Draft

FEW = 16  # of the same place; those taken more often are added up by a product of matrices


def scattered(draft: Draft, message: str, axis: int, taken: NDArray[np.int64], x: str) -> str:
    """Each message where it was taken from, of places that are known.

    Parameters
    ----------
    draft : Draft
    message : str
        Its axis has the length of `taken`.
    axis : int
    taken : int64 [m]
        Which places of the axis were taken, within 0..length - 1; some several times, some never.
    x : str
        The tensor that was taken from, or one of its rank and type that is as long along the axis.

    Returns
    -------
    str
        Of the message's shape, but for the axis, which is as long as that of `x`.
    """
    length, rank = draft.length(x, axis), len(draft.shape(x))
    if (np.diff(taken) == 1).all():
        start = int(taken[0]) if len(taken) else 0
        return within_zeros(draft, message, (axis, rank), (start, length - start - len(taken)))
    times = np.bincount(taken, minlength=length)
    if times.max() > FEW:
        return along(draft, message, (axis, rank), draft.constant(np.eye(length)[taken], x))
    if times.min() < times.max():
        message = within_zeros(draft, message, (axis, rank), (0, 1))  # the place len(taken) is a zero
    order, firsts = np.argsort(taken, kind="stable"), np.cumsum(times) - times
    again = np.arange(times.max())[:, None]
    sources = np.where(times > again, order[np.minimum(firsts + again, len(order) - 1)], len(taken))
    return draft.total([draft.node("Gather", message, draft.constant(row), axis=axis) for row in sources])


def scattered_by(draft: Draft, message: str, indices: str, x: str) -> str:
    """The same along axis 0 of `x`, of places that are computed or are an input: whole numbers of any shape."""
    flat = draft.reshape(indices, [-1])
    depth = draft.node("Gather", draft.node("Shape", x), draft.integers(0))
    hot = draft.node("OneHot", flat, depth, draft.constant(np.array([0, 1], np.float32)), axis=0)  # [length, m]
    if draft.element(x) != TensorProto.FLOAT:
        hot = draft.cast(hot, x)
    size = draft.node("Concat", draft.node("Shape", flat), draft.integers(-1), axis=0)
    return draft.reshape_like(draft.node("MatMul", hot, draft.node("Reshape", message, size)), x)


def within_zeros(draft: Draft, message: str, place: tuple[int, int], more: tuple[int, int]) -> str:
    """With zeros before and after along one axis; `place` is (axis, rank)."""
    axis, rank = place
    before, after = [0] * rank, [0] * rank
    before[axis], after[axis] = more
    return draft.pad(message, before, after)


def along(draft: Draft, message: str, place: tuple[int, int], matrix: str) -> str:
    """One axis of a message times a matrix [m, length]; `place` is (axis, rank)."""
    axis, rank = place
    perm = [*range(axis), *range(axis + 1, rank), axis]
    product = draft.node("MatMul", draft.transpose(message, perm), matrix)
    return draft.transpose(product, [int(one) for one in np.argsort(perm)])
