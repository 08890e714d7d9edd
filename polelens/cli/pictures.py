"""Draw the pictures of what an audit has explained."""

from pathlib import Path

import click

from pipeline.answer.selection import Selection
from polelens.cli.following import NUMBER
from polelens.cli.store import audits, gallery
from polelens.cli.text import as_json, echo_json
from polelens.documents import save
from storage.audits import Explained


@click.command()
@NUMBER
@click.option("--image", required=True, help="Its name, or the beginning of its sha256.")
@click.option("--show", metavar="N|N%|'>WEIGHT'", help="How many superpixels are drawn, the strongest; default all.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default="out", show_default=True)
@as_json
def pictures(number: int, image: str, show: str | None, out: Path, as_json: bool) -> None:
    """Draw the pictures of one photograph, and write them into a folder with every number, as `explain --out` does.

    \b
    polelens audit pictures 3 --image pole-017.jpg --out out
    polelens audit pictures 3 --image pole-017.jpg --show 4 --out out
    """
    selection = None if show is None else Selection.of(show)
    one, row = audits().get(number), explanation_of(number, image)
    files = save(out, one, row, gallery(selection).drawing(row, one.model_profile))
    if as_json:
        echo_json({"files": [str(path) for path in files]})
        return
    for path in files:
        click.echo(path)


def explanation_of(number: int, image: str) -> Explained:
    """The explanation of one photograph."""
    found = audits().of(number, image)
    if not found:
        raise ValueError(f"audit {number} has no explanation of {image!r}; `polelens audit show {number}` lists them")
    if len(found) > 1:
        some = ", ".join(row.image[:12] for row in found[:5])
        raise ValueError(f"{image!r} means more than one photograph; give the beginning of one's sha256, like {some}")
    return found[0]
