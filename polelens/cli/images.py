"""Put photographs into the archive, and see those there are."""

from pathlib import Path
from typing import Any

import click

from pipeline.scene.boxes import Boxes
from pipeline.scene.mask import Value
from pipeline.scene.photograph import MEGAPIXELS
from polelens.cli.adding import Told, add_all
from polelens.cli.beforehand import meant
from polelens.cli.images_option import images_option
from polelens.cli.profiles import FILE
from polelens.cli.removal import remove_images
from polelens.cli.store import archive
from polelens.cli.text import as_json, echo_json, echo_json_list, printable
from storage.boxes import boxes
from storage.labels import labels
from storage.masks import masks as masks_in
from storage.names import Named
from storage.sources import Source

FIELDS = ("sha256", "name", "width", "height", "label")


@click.group()
def images() -> None:
    """Put photographs into the archive, and see those there are."""


@images.command()
@click.argument("locations", metavar="(PATH | PATTERN | s3://BUCKET/PREFIX)...", nargs=-1, required=True)
@click.option("--labels", "labels_file", type=FILE, help="CSV of path,label.")
@click.option(
    "--masks",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of masks with the photographs' names, whatever their suffixes.",
)
@click.option("--mask-value", metavar="N|N-M|#RRGGBB", help="What of a mask is the object, if not all but 0 and black.")
@click.option(
    "--boxes", "boxes_file", type=FILE, help="Boxes of the object: COCO JSON, or CSV of name,x,y,width,height."
)
@click.option(
    "--megapixels", type=click.FloatRange(0, min_open=True), default=MEGAPIXELS, show_default=True, help="Most read."
)
@as_json
def add(locations: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Add JPEG, PNG, WebP, TIFF, BMP, JPEG 2000, AVIF and HEIC files; those known already are not added twice.

    What cannot be read is listed and does not stop the rest; the exit status is 1 only if nothing could be read.
    Masks and boxes are of the upright photograph, as EXIF turns it; several boxes of a photograph count together.
    Labels, masks and boxes are matched by the end of the path; what fits none or several is named and left out.

    \b
    polelens images add photographs/
    polelens images add north/ south/ 'more/2026-*/*.jpg'
    polelens images add photographs/ --labels labels.csv --masks masks/
    polelens images add photographs/ --masks classes/ --mask-value 15
    polelens images add photographs/ --boxes annotations.json
    polelens images add s3://archive/2026/ --boxes boxes.csv
    """
    added = add_all(archive(), locations, _told(**given))
    if as_json:
        echo_json(added.to_json())
    else:
        for line in added.lines():
            click.echo(printable(line), err=True)
        click.echo(added.counts())
    if not added.new + added.known:
        raise SystemExit(1)


def _told(
    labels_file: Path | None, masks: Path | None, boxes_file: Path | None, mask_value: str | None, megapixels: float
) -> Told:
    if mask_value and not masks:
        raise ValueError("--mask-value says what of a mask is the object: give --masks, too")
    label: Named[str] = labels(labels_file.read_bytes()) if labels_file else Named()
    drawn: Named[Boxes] = boxes(boxes_file.read_bytes()) if boxes_file else Named()
    files: Named[Source] = masks_in(masks) if masks else Named()
    return Told(label, files, drawn, Value.of(mask_value) if mask_value else None, megapixels)


@images.command("list")
@images_option("selection")
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
        near = meant(selection)
        hint = f"did you mean {near!r}?" if near else "`polelens images add PATH` adds some"
        click.echo(printable(f"no photograph is selected by {selection!r}; {hint}"), err=True)


images.add_command(remove_images)
