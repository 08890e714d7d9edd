"""The device that a worker infers on, in a few words: what is measured on one holds on any other that reads alike."""

import platform
from pathlib import Path

from pipeline.model.session import CPU
from storage.settings import Settings


def device(here: Settings) -> str:
    """The providers and the processor with its threads; on a GPU, whose model nobody here can tell, the host."""
    if here.providers.startswith(CPU):
        return f"{CPU}, {here.threads} of {processor()}"
    return f"{here.providers} of {platform.node()}"


def processor() -> str:
    """The processor's name, as Linux tells it; elsewhere its architecture."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
