"""Real services for every test that asks for them."""

import os
from pathlib import Path

import pytest

# Whoever runs tests side by side tells them of a terminal with 80 columns; a test says itself how wide its own is.
os.environ.pop("COLUMNS", None)

# One thread of arithmetic, as a worker has: those of tests side by side would spin while they wait for a core. Before
# anything imports NumPy, which reads it once.
os.environ.update({f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")})

# Every process that a test starts runs the code of this checkout, whichever one is installed.
ROOT = str(Path(__file__).resolve().parents[1])
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [ROOT, os.environ.get("PYTHONPATH")]))

PLUGINS = "undertaker skips services live_audits played_ledger commands flower newcomer memory"
pytest_plugins = [f"tests.{name}" for name in PLUGINS.split()]


@pytest.hookimpl(optionalhook=True)  # pytest-xdist's, which `make tensorflow` does without
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores, for tests wait for services about half of their time; at most four."""
    return min((os.cpu_count() or 1) + 1, 4)
