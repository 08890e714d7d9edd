"""Real services for every test that asks for them."""

import os

# Whoever runs tests side by side tells them of a terminal with 80 columns; a test says itself how wide its own is.
os.environ.pop("COLUMNS", None)

pytest_plugins = ["tests.services", "tests.live_audits", "tests.played_ledger", "tests.commands", "tests.flower"]
