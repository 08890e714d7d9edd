"""Produce and sweep as fast as it goes: `python -m tests.chaos.rush SECONDS`, so that two do both at once."""

import sys
import time

from tasks.produce import produce
from tasks.sweep import sweep

if __name__ == "__main__":
    print("ready", flush=True)
    sys.stdin.readline()
    end = time.monotonic() + float(sys.argv[1])
    while time.monotonic() < end:
        produce()
        sweep()
