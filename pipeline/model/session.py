"""Opens an onnxruntime session the same way everywhere."""

from collections.abc import Sequence
from pathlib import Path

import onnxruntime

from pipeline.model import tensorrt
from pipeline.model.half import in_float16
from pipeline.model.precision import (
    CPU,
    CUDA,
    F16,
    F32,
    ON_NVIDIA,
    TENSORRT,
    Precision,
    Unprovided,
    options,
    refuse,
)

__all__ = ["CPU", "CUDA", "open_session"]
ERROR, FATAL = 3, 4


def open_session(
    onnx: bytes,
    *,
    threads: int = 1,
    providers: Sequence[str] = (CPU,),
    precision: Precision = F32,
    profile: Path | None = None,
) -> onnxruntime.InferenceSession:
    """A session over an ONNX file in memory; make it in the process that uses it, never before a fork.

    Parameters
    ----------
    onnx : bytes
    threads : int
        Threads of one operator. Stated, because onnxruntime's own default takes every core it sees and knows nothing
        of a container's share; they sleep, rather than spin, while there is nothing to do.
    providers : sequence of str
        Execution providers, the preferred first.
    precision : Precision
        What the preferred provider computes in. The network's inputs and outputs stay as they are.
    profile : Path or None
        A folder where onnxruntime writes what each node took, until `end_profiling` is called.

    Raises
    ------
    Unprovided
        If a provider is missing: onnxruntime itself would go on, ten times slower, on the CPU. Or if it cannot compute
        at this precision.
    """
    onnxruntime.disable_telemetry_events()
    refuse(providers, precision)
    _require(providers, onnxruntime.get_available_providers(), "is not in this onnxruntime; install the extra for it")
    if TENSORRT in providers:
        tensorrt.refuse_rounding()
    if any(one in ON_NVIDIA for one in providers):
        onnxruntime.preload_dlls()  # CUDA and cuDNN of the nvidia wheels, which no loader's path names
    onnx = in_float16(onnx) if precision == F16 and providers[0] == CUDA else onnx
    told = [
        (name, tensorrt.options(onnx, precision) if name == TENSORRT else options(name, threads, precision))
        for name in providers
    ]
    settings = _settings(threads, providers)
    if profile is not None:
        settings.enable_profiling, settings.profile_file_prefix = True, str(profile / "profile")
    session = onnxruntime.InferenceSession(onnx, settings, providers=told, enable_fallback=0)
    _require(
        providers, session.get_providers(), "did not start; check its driver and libraries, such as CUDA and cuDNN"
    )
    return session


def _settings(threads: int, providers: Sequence[str]) -> onnxruntime.SessionOptions:
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.inter_op_num_threads = 1
    # Errors come as exceptions and need not be said twice; only why a GPU did not start is said in the log alone.
    settings.log_severity_level = FATAL if list(providers) == [CPU] else ERROR
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return settings


def _require(providers: Sequence[str], present: Sequence[str], reason: str) -> None:
    for provider in providers:
        if provider not in present:
            raise Unprovided(f"providers: {provider} {reason} (present: {', '.join(present)})")
