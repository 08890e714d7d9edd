"""Precision: with how many bits of each number a provider computes, and how it is told so.

`f32` is the file's own numbers, on every provider: where one would round of itself, it is told not to.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

Precision = Literal["f32", "bf16", "f16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
F32: Precision = "f32"
F16: Precision = "f16"
CPU, CUDA, OPENVINO = "CPUExecutionProvider", "CUDAExecutionProvider", "OpenVINOExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"
ON_PROCESSOR = (CPU, OPENVINO)  # OpenVINO's other devices are not asked for
ON_NVIDIA = (CUDA, TENSORRT)
# ONNX Runtime's own kernels for a processor compute a float16 network in float32, with casts in between.
LOWER: Mapping[str, Sequence[Precision]] = {OPENVINO: ("bf16", "f16"), CUDA: ("f16",), TENSORRT: ("f16",)}


class Unprovided(RuntimeError):
    """A provider is missing, or cannot do what is asked of it here; another machine may have it."""


def refuse(providers: Sequence[str], precision: Precision) -> None:
    """Raise Unprovided where the preferred provider cannot compute at this precision."""
    if precision == F32 or precision in LOWER.get(providers[0], ()):
        return
    able = ", ".join(name for name, can in LOWER.items() if precision in can)
    raise Unprovided(
        f"precision: {providers[0]} does not compute in {precision}; set POLELENS_PROVIDERS to {able}, or order f32"
    )


def options(provider: str, threads: int, precision: Precision) -> dict[str, str]:
    """The options of a provider, as ONNX Runtime takes them.

    OpenVINO has its threads to itself, and takes bf16 for the best it can where it is not told; CUDA rounds what it
    multiplies to the ten bits of TensorFloat-32 where that is not forbidden.
    """
    if provider == OPENVINO:
        hints = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": str(threads), "NUM_STREAMS": "1"}
        return {"device_type": "CPU", "load_config": json.dumps({"CPU": hints})}
    return {"use_tf32": "0"} if provider == CUDA else {}
