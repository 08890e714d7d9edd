"""Put photographs into the archive, and see those there are."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pipeline.photograph import Unreadable
from polelens.cli.explain import FILE
from polelens.cli.store import archive, as_json, echo_json, progress_console
from storage.archive import Archive, Photograph
from storage.sources import Labels, Source, labels, sources

READERS = 4  # threads: reading waits for files, and decoding leaves Python
AHEAD = 64  # photographs read ahead: bounds the memory


@dataclass
class Added:
    """What came of adding photographs."""

    new: int = 0
    known: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)


@click.group()
def images() -> None:
    """Put photographs into the archive, and see those there are."""


@images.command()
@click.argument("location", metavar="PATH | s3://BUCKET/PREFIX")
@click.option("--labels", "labels_file", type=FILE, help="CSV of path,label.")
@click.option(
    "--masks",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of PNG masks with the same stems.",
)
@as_json
def add(location: str, labels_file: Path | None, masks: Path | None, as_json: bool) -> None:
    """Add JPEG, PNG, WebP, TIFF and BMP files; those known already are not added twice.

    \b
    polelens images add photographs/
    polelens images add photographs/ --labels labels.csv --masks masks/
    polelens images add s3://archive/2026/
    """
    table = labels(labels_file.read_bytes()) if labels_file else Labels({}, {})
    added = _add_all(location, table, masks)
    if as_json:
        unreadable = [{"name": name, "reason": reason} for name, reason in added.unreadable]
        echo_json({"new": added.new, "known": added.known, "unreadable": unreadable})
        return
    for name, reason in added.unreadable:
        click.echo(f"not added: {name}: {reason}", err=True)
    click.echo(f"{added.new} photographs added, {added.known} known already, {len(added.unreadable)} not readable")


@images.command("list")
@click.option(
    "--images",
    "selection",
    default="all",
    show_default=True,
    help="all, label:NAME, sha256:PREFIX or a pattern of names.",
)
@as_json
def list_(selection: str, as_json: bool) -> None:
    """List the photographs of the archive."""
    if as_json:
        echo_json(
            [
                {k: getattr(one, k) for k in ("sha256", "name", "width", "height", "label")}
                for one in archive().select(selection)
            ]
        )
        return
    for one in archive().select(selection):
        click.echo(f"{one.sha256[:12]}  {one.width:5}x{one.height:<5}  {one.label or '-':10}  {one.name}")


def _add_all(location: str, table: Labels, masks: Path | None) -> Added:
    added = Added()
    columns = (TextColumn("photographs"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=progress_console, transient=True) as bar:
        task = bar.add_task("", total=None)
        for name, outcome in _outcomes(location, table, masks):
            bar.advance(task)
            try:
                if outcome.result():
                    added.new += 1
                else:
                    added.known += 1
            except (Unreadable, OSError) as error:
                added.unreadable.append((name, str(error)))
    return added


def _outcomes(location: str, table: Labels, masks: Path | None) -> Iterator[tuple[str, Future[bool]]]:
    """Each photograph's name and whether it was new, in order, a bounded number read ahead."""
    store, waiting = archive(), list[tuple[str, Future[bool]]]()
    with ThreadPoolExecutor(READERS) as pool:
        for source in sources(location):
            label = table.get(source.name)
            waiting.append((source.name, pool.submit(_keep, store, source, label, masks)))
            if len(waiting) >= AHEAD:
                yield waiting.pop(0)
        yield from waiting


def _keep(store: Archive, source: Source, label: str | None, masks: Path | None) -> bool:
    mask = masks / f"{PurePosixPath(source.name).stem}.png" if masks else None
    data = mask.read_bytes() if mask and mask.is_file() else None
    return store.add(Photograph(source.name, source.read(), label, data))
