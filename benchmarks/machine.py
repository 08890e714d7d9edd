"""The machine and the software, in plain words."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version

import onnxruntime
import psutil

from tasks.device import processor

PACKAGES = ("polelens", "onnxruntime", "numpy", "scikit-image", "celery", "lime")


def machine() -> str:
    """Cores, processor, memory, and whether there is a GPU that onnxruntime can use."""
    memory = psutil.virtual_memory().total / 2**30
    gpu = "with a GPU" if has_cuda() else "no GPU"
    return f"{len(os.sched_getaffinity(0))} cores of {processor()}, {memory:.0f} GB of memory, {gpu}"


def has_cuda() -> bool:
    """Whether onnxruntime was built for CUDA."""
    return "CUDAExecutionProvider" in onnxruntime.get_available_providers()


def versions() -> dict[str, str]:
    """Python's version, and those of the packages that matter."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def today() -> str:
    """The date, UTC."""
    return datetime.now(UTC).date().isoformat()
