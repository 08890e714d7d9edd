"""`python -m polelens` is the `polelens` command."""

from polelens.cli import main

main(prog_name="polelens")
