"""Placement: which of a network's nodes a provider left to the CPU, and what share of the time they take."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.model.precision import CPU


@dataclass(frozen=True, slots=True)
class Placement:
    """What a black box runs on.

    Attributes
    ----------
    provider : str
        The preferred one.
    nodes : int
        That run on ONNX Runtime's own kernels for the CPU, as the provider has none for them.
    share : float
        Of the time of a run.
    """

    provider: str
    nodes: int
    share: float


def read_profile(provider: str, events: Sequence[dict[str, Any]]) -> Placement:
    """What a profile says of its last run: the first ones choose kernels and take memory."""
    last = {
        one["name"]: (one["args"]["provider"], one["dur"])
        for one in events
        if one.get("cat") == "Node" and one.get("args", {}).get("provider")
    }
    fallen = [duration for where, duration in last.values() if where == CPU]
    whole = sum(duration for _, duration in last.values())
    return Placement(provider, len(fallen), sum(fallen) / whole if whole else 0.0)
