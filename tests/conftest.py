"""Real services for every test that asks for them."""

import os
from pathlib import Path

# Whoever runs tests side by side tells them of a terminal with 80 columns; a test says itself how wide its own is.
os.environ.pop("COLUMNS", None)

# Every process that a test starts runs the code of this checkout, whichever one is installed.
ROOT = str(Path(__file__).resolve().parents[1])
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [ROOT, os.environ.get("PYTHONPATH")]))

pytest_plugins = [
    f"tests.{name}" for name in ("skips", "services", "live_audits", "played_ledger", "commands", "flower")
]
