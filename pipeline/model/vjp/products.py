"""Products of matrices."""

from collections.abc import Sequence

import numpy as np

from pipeline.model.vjp.arithmetic import unbroadcast
from pipeline.model.vjp.draft import Draft, Unsupported
from pipeline.model.vjp.walk import Rule, Step

BIAS_OPTIONAL = 11  # from this opset on Gemm needs no third input


def gemm(step: Step) -> Sequence[str | None]:
    """Y = a A'B' + b C, where A' and B' are A and B or their transposes: ∂A' = a ∂Y B'ᵀ, ∂B' = a A'ᵀ ∂Y, ∂C = b ∂Y."""
    turned_a, turned_b = step.attribute("transA", 0), step.attribute("transB", 0)
    a, b, g = (*step.node.input[:2], step.message)
    first = second = third = None
    if step.wanted[0]:
        first = _gemm(step, b, g, turned_b, 1) if turned_a else _gemm(step, g, b, 0, 1 - turned_b)
    if step.wanted[1]:
        second = _gemm(step, g, a, 1, turned_a) if turned_b else _gemm(step, a, g, 1 - turned_a, 0)
    if len(step.wanted) == 3 and step.wanted[2]:
        draft = step.draft
        shapes = draft.shape(step.y), draft.shape(step.node.input[2])
        third = unbroadcast(draft, draft.times(g, step.attribute("beta", 1.0), step.y), *shapes)
    return [first, second, third]


def matmul(step: Step) -> Sequence[str | None]:
    """∂A = ∂Y Bᵀ, ∂B = Aᵀ ∂Y, summed over the axes along which a stack of matrices was stretched."""
    draft, (a, b), g = step.draft, step.node.input, step.message
    shape_a, shape_b, shape_y = draft.shape(a), draft.shape(b), draft.shape(step.y)
    row, column = len(shape_a) == 1, len(shape_b) == 1  # a vector stands for a matrix of one row, or of one column
    if row:
        a, g = draft.unsqueeze(a, [0]), draft.unsqueeze(g, [len(shape_y) - (not column)])
    if column:
        b, g = draft.unsqueeze(b, [1]), draft.unsqueeze(g, [len(shape_y) + row])
    stack = shape_y[: len(shape_y) - (not row) - (not column)]
    first = second = None
    if step.wanted[0]:
        product = draft.node("MatMul", g, _turned(draft, b, max(len(shape_b), 2)))
        first = unbroadcast(draft, product, (*stack, *((1, *shape_a) if row else shape_a[-2:])), shape_a)
    if step.wanted[1]:
        product = draft.node("MatMul", _turned(draft, a, max(len(shape_a), 2)), g)
        product = draft.squeeze(product, [len(stack) + 1]) if column else product
        second = unbroadcast(draft, product, (*stack, *(shape_b if column else shape_b[-2:])), shape_b)
    return [first, second]


def _gemm(step: Step, a: str, b: str, turned_a: int, turned_b: int) -> str:
    draft = step.draft
    bias = [draft.constant([0], step.x)] if draft.opset < BIAS_OPTIONAL else []
    return draft.node("Gemm", a, b, *bias, alpha=step.attribute("alpha", 1.0), transA=turned_a, transB=turned_b)


def _turned(draft: Draft, matrix: str, rank: int) -> str:
    """Each matrix of a stack transposed."""
    value = draft.value(matrix)
    if value is not None:
        return draft.constant(np.ascontiguousarray(value.swapaxes(-1, -2)))
    return draft.node("Transpose", matrix, perm=[*range(rank - 2), rank - 1, rank - 2])


def einsum(step: Step) -> Sequence[str | None]:
    """For each operand the sum, of ∂y and the other operands, over the letters that the operand lacks."""
    equation = str(step.attribute("equation")).replace(" ", "")
    terms, arrow, out = equation.partition("->")
    operands = terms.split(",")
    if "." in equation or not arrow or any(len(set(term)) < len(term) for term in (*operands, out)):
        raise Unsupported(f"equation {equation}")
    handed: list[str | None] = []
    for place, term in enumerate(operands):
        others = [*step.node.input[:place], *step.node.input[place + 1 :]]
        rest = [out, *operands[:place], *operands[place + 1 :]]
        if not set(term) <= set("".join(rest)):
            raise Unsupported(f"equation {equation}")
        handed.append(step.draft.node("Einsum", step.message, *others, equation=f"{','.join(rest)}->{term}"))
    return handed


RULES: dict[str, Rule] = {"Einsum": einsum, "Gemm": gemm, "MatMul": matmul}
