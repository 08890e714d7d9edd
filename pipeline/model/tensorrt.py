"""TensorRT, as ONNX Runtime is told to use it. Never run: where this was written there was none."""

import os
from hashlib import sha256
from pathlib import Path

from pipeline.model.precision import F16, TENSORRT, Precision, Unprovided

TF32 = "NVIDIA_TF32_OVERRIDE"
CACHES = "XDG_CACHE_HOME"


def refuse_rounding() -> None:
    """Raise Unprovided where it would round float32 of itself: only the environment of the process keeps it from that.

    ONNX Runtime has an option for CUDA and none for TensorRT (its issue 26029).
    """
    if os.environ.get(TF32) != "0":
        raise Unprovided(
            f"providers: {TENSORRT} rounds what it multiplies to TensorFloat-32's ten bits; set {TF32}=0 before the "
            "process starts"
        )


def options(network: bytes, precision: Precision) -> dict[str, str]:
    """Its options for a network. An engine is compiled for each size of a batch, in minutes, and then kept."""
    return {
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(engines(network)),
        "trt_timing_cache_enable": "1",
        "trt_fp16_enable": "1" if precision == F16 else "0",
    }


def engines(network: bytes) -> Path:
    """The folder of a network's engines, made where it is not there.

    Each content has its own, for ONNX Runtime names an engine after the tensors of the graph and not after its weights:
    in one folder for all, a model that was trained again would be answered by its predecessor.
    """
    caches = Path(os.environ.get(CACHES) or "~/.cache").expanduser()
    folder = caches / "polelens" / "tensorrt" / sha256(network).hexdigest()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
