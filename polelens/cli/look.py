"""Look at what a model looks for."""

from pathlib import Path
from typing import Any

import click

from polelens.cli.completion import model_or_file
from polelens.cli.images_option import images_option
from polelens.cli.photographs import photographs_of
from polelens.cli.profiles import FILE, model_options
from polelens.cli.text import as_json, echo_json, progress_bar


@click.command()
@click.argument("model", metavar="NAME[@VERSION]-or-FILE", shell_complete=model_or_file)
@model_options
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The page, an HTML file.")
@click.option("--layer", help="Whose channels; the last with a height and a width unless it is named.")
@click.option("--channel", "channels", type=click.IntRange(0), multiple=True, help="Repeatable; else eight are taken.")
@click.option("--photograph", "files", type=FILE, multiple=True, help="A photograph's file; repeatable.")
@images_option(told="Else photographs of the archive: a selection.")
@click.option("--most", type=click.IntRange(1, 4096), default=64, show_default=True, help="Of the archive, so many.")
@click.option("--steps", type=click.IntRange(1, 4096), default=128, show_default=True, help="Of each picture's climb.")
@click.option("--threads", type=click.IntRange(1), default=2, show_default=True, help="ONNX Runtime threads.")
@as_json
def look(model: str, out: Path, files: tuple[Path, ...], images: str, most: int, **asked: Any) -> None:
    """Make pictures of what a model looks for: its labels, and channels of a layer.

    Each picture is climbed to from noise, and beside those of channels stand the photographs that excite them most,
    with the exciting region left bright.

    \b
    polelens models look poles@2 --out look.html
    polelens models look poles@2 --images label:TRE --channel 3 --channel 17 --out look.html
    polelens models look poles.zip --photograph pole.jpg --out look.html
    """
    from pipeline.model.maximised import Climb  # noqa: PLC0415 -- slow to import, and `models list` does not need it
    from polelens.look import Wanted, page  # noqa: PLC0415
    from polelens.look import look as seen  # noqa: PLC0415
    from polelens.predictor import found_model  # noqa: PLC0415

    read, _ = found_model(model, asked["said"])
    photographs = photographs_of(read, files, images, most)
    wanted = Wanted(asked["layer"], asked["channels"], Climb(asked["steps"]), asked["threads"])
    found = []
    with progress_bar() as bar:
        task = bar.add_task("pictures", total=None)
        for one in seen(read, photographs, wanted):
            found.append(one)
            bar.update(task, completed=len(found))
    out.write_text(page(model, found), encoding="utf-8")
    if asked["as_json"]:
        told = [{"title": one.title, "activations": list(one.activations)} for one in found]
        echo_json({"model": model, "photographs": len(photographs), "page": str(out), "pictures": told})
    else:
        click.echo(f"{len(found)} pictures, of {len(photographs)} photographs: {out}")
