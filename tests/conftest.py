"""Real services for every test that asks for them."""

pytest_plugins = ["tests.services", "tests.bench", "tests.desk", "tests.commands", "tests.flower"]
