"""How much memory a process and all that it has started hold, as a container of theirs would be charged for it."""

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psutil

from tests.chart import manifests, pods

MIB = 2**20
WATCH = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
UNITS = {"Mi": 1, "Gi": 1024}


@dataclass(frozen=True)
class Share:
    """What the chart asks for and allows a component's container, in MiB."""

    request: float
    limit: float


def resident(pid: int) -> float:
    """MiB: what the first process holds, shared libraries too, and what each of its children holds alone."""
    first = psutil.Process(pid)
    children = sum(one.memory_full_info().uss for one in first.children(recursive=True))
    return float(first.memory_info().rss + children) / MIB


def peak(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """MiB: the most that a command held until it ended well."""
    done = subprocess.run(
        [sys.executable, "-c", WATCH, *command], env=dict(environment), cwd="/", stdout=subprocess.PIPE, check=True
    )
    return float(done.stdout.split()[-1]) / 1024  # Linux tells KiB


def shares() -> dict[str, Share]:
    """Of every component, by its name without the release's."""
    found = {name.removeprefix("demo-"): pod["containers"][0]["resources"] for name, pod in pods(manifests())}
    return {name: Share(_mib(one["requests"]["memory"]), _mib(one["limits"]["memory"])) for name, one in found.items()}


def _mib(quantity: str) -> float:
    read = re.fullmatch(r"(\d+)(Mi|Gi)", quantity)
    assert read, quantity
    return int(read[1]) * UNITS[read[2]]
