"""The device that a worker infers on, in a few words: what is measured on one holds on any other that reads alike."""

import platform
from pathlib import Path

from pipeline.model.precision import CPU, F32, ON_PROCESSOR, Precision
from storage.rates import told
from storage.settings import Settings


def device(here: Settings, precision: Precision = F32) -> str:
    """The providers and the processor with its threads; on a GPU, whose model nobody here can tell, the host."""
    if here.providers.startswith(ON_PROCESSOR):
        preferred = CPU if here.providers.startswith(CPU) else here.providers
        return told(f"{preferred}, {here.threads} of {processor()}", precision)
    return told(f"{here.providers} of {platform.node()}", precision)


def processor() -> str:
    """The processor's name, as Linux tells it; elsewhere its architecture."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
