"""`python -m benchmarks`: measure rows and write docs/benchmarks.md. Set up by `make bench`."""

import os
from importlib import import_module
from pathlib import Path

import click

from benchmarks.book import keep
from benchmarks.row import NotHere, Row
from benchmarks.subjects import MODEL

# Modules of this package, in the order of the page.
ROWS: tuple[str, ...] = (
    "efficiency",
    "efficiency_few",
    "profile",
    "storage",
    "overhead",
    "throughput",
    "peers",
    "accuracy",
    "natural",
    "shapley",
    "coverage",
    "mixtures",
    "adaptive",
    "anchors",
    "change",
    "scaling",
    "coordination",
    "gradient",
    "inside_pace",
    "forgetting",
    "precision",
    "pages",
    "gpu",
)


@click.command()
@click.argument("rows", nargs=-1, type=click.Choice(ROWS), metavar="[ROW]...")
@click.option("--quick", is_flag=True, help="Sizes so small that the figures mean nothing; kept out of docs/.")
@click.option("--model", type=click.Path(exists=True, dir_okay=False), help=f"An .onnx file or a zip; else {MODEL}.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder of the page; default docs.")
def main(rows: tuple[str, ...], quick: bool, model: str | None, out: Path | None) -> None:
    """Measure ROWs, all if none is named, and write the page and the JSON beside it; other rows stay as they are.

    \b
    python -m benchmarks
    python -m benchmarks scaling coordination
    python -m benchmarks --quick
    """
    if model:
        os.environ[MODEL] = model
    folder = out or Path("build/benchmarks" if quick else "docs")
    for name in rows or ROWS:
        row = measure(name, quick)
        click.echo(f"{name}: {'-' if row.value is None else f'{row.value:.3g}'} ({row.goal}). {row.sentence}")
        keep(folder, [row], known())


def measure(name: str, quick: bool) -> Row:
    """One row; without a value if it cannot be measured here."""
    module = import_module(f"benchmarks.{name}")
    try:
        row: Row = module.measure(quick)
    except NotHere as reason:
        row = module.ROW.not_here(str(reason))
    return row


def known() -> list[Row]:
    """Every row there is, without its value, in the order of the page."""
    return [import_module(f"benchmarks.{name}").ROW for name in ROWS]


if __name__ == "__main__":
    main()
