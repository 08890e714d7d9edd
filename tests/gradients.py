"""Small graphs of one operator, and what their backward pass has to give.

A case is run in ONNX Runtime in float32, as everybody runs it, and by `onnx.reference` in float64, where a difference
quotient is good to nine digits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import NodeProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as LacksOperator
from scipy import special

from pipeline.model.backward import SEED, backward, gradient_of

OLDEST, NEWEST = 7, 26  # the newest that onnxruntime 1.28 takes, the oldest that is supported
Values = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Case:
    """An operator with its inputs.

    Attributes
    ----------
    nodes : sequence of NodeProto
        The last makes `y`.
    values : mapping of str to array
        The inputs of floating-point numbers, by which is differentiated.
    constants : mapping of str to array
        Initialisers; those of floating-point numbers have the type of the inputs.
    opset : int
    open_batch : bool
        Whether the first axis of the inputs is left open in the file.
    """

    nodes: Sequence[NodeProto]
    values: Values
    constants: Values = field(default_factory=dict)
    opset: int = 13
    open_batch: bool = True

    def file(self, kind: Any = np.float32) -> bytes:
        """The ONNX file of this case, of float32, float16 or float64."""
        element = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
        inputs = [
            helper.make_tensor_value_info(name, element, ["n" if self.open_batch else value.shape[0], *value.shape[1:]])
            if value.ndim
            else helper.make_tensor_value_info(name, element, [])
            for name, value in self.values.items()
        ]
        tensors = [numpy_helper.from_array(_typed(value, kind), name) for name, value in self.constants.items()]
        outputs = [onnx.ValueInfoProto(name="y")]  # of a type to be inferred
        graph = helper.make_graph(self.nodes, "case", inputs, outputs, tensors)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)
        return onnx.shape_inference.infer_shapes(model).SerializeToString()


def in_onnxruntime(file: bytes, values: Values, kind: Any = np.float32) -> dict[str, NDArray[Any]]:
    """The outputs in ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(
        zip(names, session.run(None, {name: value.astype(kind) for name, value in values.items()}), strict=True)
    )


def in_float64(file: bytes, values: Values) -> dict[str, NDArray[Any]]:
    """The outputs in float64: by ONNX Runtime where it has all the operators so, else by `onnx.reference`."""
    try:
        return in_onnxruntime(file, values, np.float64)
    except LacksOperator:
        evaluator = ReferenceEvaluator(file, new_ops=[Erf, Gelu, Lrn, Mish])
        answers = evaluator.run(None, {name: value.astype(np.float64) for name, value in values.items()})
        return dict(zip(evaluator.output_names, answers, strict=True))


def disagreement_with_adjoint(case: Case, rng: np.random.Generator) -> float:
    """How far ⟨Ax, s⟩ and ⟨x, Aᵀs⟩ are apart, of numbers whose products and sums are of about 1; in float32."""
    y = in_onnxruntime(case.file(), case.values)["y"]
    rest = in_onnxruntime(case.file(), {name: np.zeros_like(value) for name, value in case.values.items()})["y"]
    seed = rng.integers(-3, 4, y.shape)
    back = backward(case.file(), "y", list(case.values))
    onnx.checker.check_model(onnx.load_from_string(back), full_check=True)
    answers = in_onnxruntime(back, {**case.values, SEED: seed})
    forth = (y.astype(np.float64) - rest) * seed
    again = [(value * answers[gradient_of(name)].astype(np.float64)) for name, value in case.values.items()]
    for name, value in case.values.items():
        assert answers[gradient_of(name)].shape == value.shape
    size = np.abs(forth).sum() + sum(np.abs(one).sum() for one in again) + 1
    return float(abs(forth.sum() - sum(one.sum() for one in again)) / size)


def disagreement_with_quotient(case: Case, rng: np.random.Generator, step: float = 1e-5) -> tuple[float, float]:
    """How far the gradient is, along a random direction, from the central difference in float64, and from float32's."""
    double, plain = case.file(np.float64), in_float64(case.file(np.float64), case.values)["y"]
    assert np.allclose(plain, in_onnxruntime(case.file(), case.values)["y"], rtol=1e-4, atol=1e-4)
    direction = {name: rng.normal(size=value.shape) for name, value in case.values.items()}
    seed = rng.normal(size=plain.shape)
    forth, back = (
        in_float64(double, {name: value + way * step * direction[name] for name, value in case.values.items()})["y"]
        for way in (1, -1)
    )
    exact = in_float64(backward(double, "y", list(case.values)), {**case.values, SEED: seed})
    single = in_onnxruntime(backward(case.file(), "y", list(case.values)), {**case.values, SEED: seed})
    exact, single = ({name: answers[gradient_of(name)] for name in case.values} for answers in (exact, single))
    along = np.concatenate([(exact[name] * direction[name]).ravel() for name in case.values])
    quotient = ((forth - back) * seed).sum() / (2 * step)
    largest = max(np.abs(one).max() for one in exact.values()) + 1e-3
    rounded = max(np.abs(exact[name] - single[name]).max() for name in exact)
    return float(abs(quotient - along.sum()) / (np.abs(along).sum() + 1e-3)), float(rounded / largest)


def _typed(value: NDArray[Any], kind: Any) -> NDArray[Any]:
    value = np.asarray(value)
    return value.astype(kind) if value.dtype.kind == "f" else value


class Erf(OpRun):  # onnx's own rounds to float32
    op_domain = ""

    def _run(self, x: NDArray[Any]) -> tuple[NDArray[Any]]:
        return (special.erf(x),)


class Gelu(OpRun):  # onnx's own has no float64
    op_domain = ""

    def _run(self, x: NDArray[Any], approximate: str = "none") -> tuple[NDArray[Any]]:
        if approximate == "tanh":
            return (x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),)
        return (x * special.ndtr(x),)


class Mish(OpRun):  # onnx's own has no float64
    op_domain = ""

    def _run(self, x: NDArray[Any]) -> tuple[NDArray[Any]]:
        return (x * np.tanh(np.logaddexp(0, x)),)


class Lrn(OpRun):  # onnx's own goes over pictures where it should over channels
    op_domain = ""

    def _run(self, x: NDArray[Any], alpha: float, beta: float, bias: float, size: int) -> tuple[NDArray[Any]]:
        near = (size - 1) // 2
        padded = np.pad(x**2, [(0, 0), (near, size - 1 - near)] + [(0, 0)] * (x.ndim - 2))
        squares = sum(padded[:, place : place + x.shape[1]] for place in range(size))
        return (x / (bias + alpha / size * squares) ** beta,)


Lrn.__name__ = "LRN"
