"""Opens an onnxruntime session the same way everywhere."""

from collections.abc import Sequence

import onnxruntime

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
ERROR, FATAL = 3, 4


def open_session(onnx: bytes, *, threads: int = 1, providers: Sequence[str] = (CPU,)) -> onnxruntime.InferenceSession:
    """A session over an ONNX file in memory; make it in the process that uses it, never before a fork.

    Parameters
    ----------
    onnx : bytes
    threads : int
        Threads of one operator. Stated, because onnxruntime's own default takes every core it sees and knows nothing
        of a container's share; they sleep, rather than spin, while there is nothing to do.
    providers : sequence of str
        Execution providers, the preferred first.

    Raises
    ------
    RuntimeError
        If a provider is missing: onnxruntime itself would go on, ten times slower, on the CPU.
    """
    onnxruntime.disable_telemetry_events()
    _require(providers, onnxruntime.get_available_providers(), "is not in this onnxruntime; install onnxruntime-gpu")
    if CUDA in providers:
        onnxruntime.preload_dlls()  # CUDA and cuDNN of the nvidia wheels, which no loader's path names
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Errors come as exceptions and need not be said twice; only why a GPU did not start is said in the log alone.
    options.log_severity_level = FATAL if list(providers) == [CPU] else ERROR
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(onnx, options, providers=list(providers), enable_fallback=0)
    _require(
        providers, session.get_providers(), "did not start; check its driver and libraries, such as CUDA and cuDNN"
    )
    return session


def _require(providers: Sequence[str], present: Sequence[str], reason: str) -> None:
    for provider in providers:
        if provider not in present:
            raise RuntimeError(f"providers: {provider} {reason} (present: {', '.join(present)})")
