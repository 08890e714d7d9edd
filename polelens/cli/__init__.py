"""The command line."""

from polelens.cli.main import main

__all__ = ["main"]
