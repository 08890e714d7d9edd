"""Put photographs into the archive, and see those there are."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TypeVar

import click
from botocore.exceptions import ClientError
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn

from pipeline.scene.boxes import Boxes
from pipeline.scene.photograph import Unreadable
from polelens.cli.profiles import FILE
from polelens.cli.store import archive
from polelens.cli.text import as_json, echo_json, echo_json_list, printable, progress_bar
from storage.archive import Admitted, Archive, Photograph
from storage.boxes import boxes
from storage.sources import SUFFIXES, Named, Source, labels, mask_of, sources

T = TypeVar("T")

READERS = 4  # threads: reading waits for files, and decoding leaves Python
FIELDS = ("sha256", "name", "width", "height", "label")
AHEAD = 64  # photographs read ahead, and entered at once: bounds the memory


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of the photographs beside their files."""

    labels: Named[str]
    boxes: Named[Boxes]
    masks: Path | None


@dataclass(frozen=True, slots=True)
class Kept:
    """What came of one photograph: the row it gets, and what came along."""

    row: Admitted
    label: bool
    mask: bool


@dataclass
class Added:
    """What came of adding photographs; `masks` counts boxes too, `unmatched` are the names in a file of boxes that no
    photograph has."""

    new: int = 0
    known: int = 0
    labels: int = 0
    masks: int = 0
    unmatched: list[str] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    def count(self, kept: Kept, new: bool) -> None:
        """Count one that is in the archive now."""
        self.new += new
        self.known += not new
        self.labels += kept.label
        self.masks += kept.mask


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
@click.option(
    "--boxes", "boxes_file", type=FILE, help="Boxes of the object: COCO JSON, or CSV of name,x,y,width,height."
)
@as_json
def add(location: str, labels_file: Path | None, masks: Path | None, boxes_file: Path | None, as_json: bool) -> None:
    """Add JPEG, PNG, WebP, TIFF and BMP files; those known already are not added twice.

    What cannot be read is listed and does not stop the rest; the exit status is 1 only if nothing could be read.
    Masks and boxes are of the upright photograph, as EXIF turns it; several boxes of a photograph count together.

    \b
    polelens images add photographs/
    polelens images add photographs/ --labels labels.csv --masks masks/
    polelens images add photographs/ --boxes annotations.json
    polelens images add s3://archive/2026/ --boxes boxes.csv
    """
    table: Named[str] = labels(labels_file.read_bytes()) if labels_file else Named({}, {})
    drawn: Named[Boxes] = boxes(boxes_file.read_bytes()) if boxes_file else Named({}, {})
    added = _add_all(location, Told(table, drawn, masks))
    if as_json:
        unreadable = [{"name": name, "reason": reason} for name, reason in added.unreadable]
        echo_json(asdict(added) | {"unreadable": unreadable})
    else:
        for name, reason in added.unreadable:
            click.echo(printable(f"not added: {name}: {reason}"), err=True)
        if added.unmatched:
            some, more = ", ".join(added.unmatched[:3]), ", ..." if len(added.unmatched) > 3 else ""
            click.echo(printable(f"boxes of {len(added.unmatched)} without a photograph here: {some}{more}"), err=True)
        known = f", {added.labels} with a label" if labels_file else ""
        known += f", {added.masks} with a mask" if masks or boxes_file else ""
        counts = f"{added.new} photographs added, {added.known} known already, {len(added.unreadable)} not readable"
        click.echo(counts + known)
    if not added.new + added.known:
        raise SystemExit(1)


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
    """List the photographs of the archive.

    \b
    polelens images list
    polelens images list --images 'label:TRE' --json
    """
    found = archive().select(selection)
    if as_json:
        echo_json_list({name: getattr(one, name) for name in FIELDS} for one in found)
        return
    one = None
    for one in found:
        label, size = printable(one.label or "-"), f"{one.width:5}x{one.height:<5}"
        click.echo(f"{one.sha256[:12]}  {size}  {label:10}  {printable(one.name)}")
    if one is None:
        click.echo(f"no photograph is selected by {selection!r}; `polelens images add PATH` adds some", err=True)


def _add_all(location: str, told: Told) -> Added:
    pool = ThreadPoolExecutor(READERS)
    try:
        return _entered(location, told, _outcomes(pool, location, told))
    finally:
        pool.shutdown(cancel_futures=True)  # as when the blob store is full: no other is begun


def _entered(location: str, told: Told, outcomes: Iterator[tuple[str, Future[Kept]]]) -> Added:
    """Enter them many at a time: each has its bytes in the store before its row."""
    added, none = Added(), True
    awaited = {PurePosixPath(name).name for name in told.boxes.by_path}
    columns = (TextColumn("photographs"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with progress_bar(*columns) as bar:
        task = bar.add_task("", total=None)
        while some := list(islice(outcomes, AHEAD)):
            none = False
            awaited -= {PurePosixPath(name).name for name, _ in some}
            kept = [one for name, outcome in some if (one := _kept(added, name, outcome))]
            for one, new in zip(kept, archive().enter([one.row for one in kept]), strict=True):
                added.count(one, new)
            bar.advance(task, len(some))
    if none:
        raise ValueError(f"there is no photograph in {location!r}: looked for {', '.join(sorted(SUFFIXES))}")
    added.unmatched = [name for name in told.boxes.by_path if PurePosixPath(name).name in awaited]
    return added


def _kept(added: Added, name: str, outcome: Future[Kept]) -> Kept | None:
    """What came of a photograph; None if it cannot be read, which is noted."""
    try:
        return outcome.result()
    except Unreadable as error:
        added.unreadable.append((name, str(error)))
        return None


def _outcomes(pool: ThreadPoolExecutor, location: str, told: Told) -> Iterator[tuple[str, Future[Kept]]]:
    """Each photograph's name and what came of it, in order, a bounded number read ahead."""
    store, waiting = archive(), list[tuple[str, Future[Kept]]]()
    for source in sources(location):
        waiting.append((source.name, pool.submit(_keep, store, source, told)))
        if len(waiting) >= AHEAD:
            yield waiting.pop(0)
    yield from waiting


def _keep(store: Archive, source: Source, told: Told) -> Kept:
    data = _read(source.read)
    drawn = _read(partial(mask_of, told.masks, source.name)) if told.masks else None
    label, boxed = told.labels.get(source.name), told.boxes.get(source.name)
    row = store.admit(Photograph(source.name, data, label, drawn, boxed))
    return Kept(row, label is not None, drawn is not None or boxed is not None)


def _read(read: Callable[[], T]) -> T:
    """The bytes; what cannot be fetched is one unreadable photograph, and no reason to stop."""
    try:
        return read()
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error
    except ClientError as error:  # the server's word on this object; a server that does not answer stops it all
        raise Unreadable(str(error)) from error
