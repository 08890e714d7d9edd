"""Check which ways of looking into a model show the model."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from pipeline.recipes import recipe
from polelens.cli.completion import model_or_file
from polelens.cli.images_option import images_option
from polelens.cli.photographs import photographs_of
from polelens.cli.profiles import FILE, model_options
from polelens.cli.text import as_json, console, echo_json, printable, progress_bar

if TYPE_CHECKING:
    from polelens.sanity import Sanity


@click.command()
@click.argument("model", metavar="NAME[@VERSION]-or-FILE", shell_complete=model_or_file)
@model_options
@click.option("--photograph", "files", type=FILE, multiple=True, help="A photograph's file; repeatable.")
@images_option(told="Else photographs of the archive: a selection.")
@click.option("--most", type=click.IntRange(1, 64), default=2, show_default=True, help="Of the archive, so many.")
@click.option("--recipe", "names", metavar="NAME[,NAME...]", help="Of those that look inside, these alone.")
@click.option("--threads", type=click.IntRange(1), default=2, show_default=True, help="ONNX Runtime threads.")
@as_json
def sanity(model: str, files: tuple[Path, ...], images: str, as_json: bool, **asked: Any) -> None:
    """Check which maps of a model's inside show the model, and which the photograph alone.

    The model forgets what it learned, layer by layer from the top: its weights get into random order. A map that stays
    much the same when all is forgotten has nothing to do with what was learned, and is useless for this model.

    \b
    polelens models sanity poles@2
    polelens models sanity poles@2 --images label:TRE --most 4 --recipe lrp,grad-cam
    polelens models sanity poles.zip --photograph pole.jpg --json
    """
    from polelens.predictor import found_model  # noqa: PLC0415 -- slow to import, and `models list` does not need it
    from polelens.sanity import sanity as check  # noqa: PLC0415
    from polelens.sanity import white_box  # noqa: PLC0415

    recipes = [recipe(name.strip()) for name in asked["names"].split(",")] if asked["names"] else white_box()
    read, _ = found_model(model, asked["said"])
    photographs = photographs_of(read, files, images, asked["most"])
    with progress_bar() as bar:
        task = bar.add_task("depths", total=None)
        found = check(
            read,
            photographs,
            recipes,
            threads=asked["threads"],
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if as_json:
        echo_json({"model": model, "photographs": len(photographs)} | found.to_json())
    else:
        _tell(found, len(photographs))


def _tell(found: "Sanity", photographs: int) -> None:
    table = Table("recipe", *(f"{depth}/{len(found.layers)}" for depth in found.depths), "SSIM", "map", box=None)
    for one in found.cascades:
        ranks = [f"{each.rank:.2f}" for each in one.likeness]
        word = "useless" if one.useless else "changes"
        table.add_row(one.recipe, *ranks, f"{one.likeness[-1].structure:.2f}", word)
    click.echo(
        f"How alike each map is to that of the model as it is, when so many layers from the top have forgotten: rank "
        f"correlation of the absolute values, and SSIM of the last; {photographs} "
        f"{'photograph' if photographs == 1 else 'photographs'}, the median."
    )
    console.print(table)
    for one in found.cascades:
        if one.useless:
            click.echo(one.sentence)
    for name, why in found.refused.items():
        click.echo(f"{name}: {printable(why)}", err=True)
