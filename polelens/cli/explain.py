"""Explain one photograph, without services."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from pipeline.answer.selection import Selection
from pipeline.methods import method, planned
from pipeline.model.model import Model, Said
from pipeline.recipe import Recipe
from pipeline.scene.photograph import MEGAPIXELS
from polelens.asked import Asked
from polelens.cli.completion import model_or_file
from polelens.cli.explanation_tables import MASKS_ALONE, further_tables, superpixel_table
from polelens.cli.object_word import object_option
from polelens.cli.profiles import FILE, model_options, tell_model
from polelens.cli.recipes import recipe_options
from polelens.cli.side_by_side import tell_side_by_side
from polelens.cli.text import as_json, console, echo_json, printable, progress_bar
from polelens.cost import InRounds
from polelens.explanation import Explanation
from polelens.notebook import explain as explain_one
from polelens.notebook import side_by_side as beside
from polelens.predictor import found_model
from polelens.report.answers import answers
from polelens.report.words import claimed, read_inside
from polelens.sides import SideBySide
from storage.settings import providers, thresholds

HANDED = ("threads", "palette", "show", "mask", "boxes", "mask_value", "megapixels")


class Rectangle(click.ParamType[tuple[float, ...]]):
    """Four numbers with commas between them."""

    name = "X,Y,WIDTH,HEIGHT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """The numbers; whether they lie in the photograph shows when it is read."""
        try:
            x, y, width, height = map(float, value.split(","))
        except ValueError:
            self.fail(f"{value!r} is not X,Y,WIDTH,HEIGHT, like 410,60,85,900", param, ctx)
        return x, y, width, height


@click.command()
@click.argument("image", type=FILE)
@click.option(
    "--model",
    required=True,
    metavar="FILE-or-NAME",
    shell_complete=model_or_file,
    help="A model's file as `models add` takes it, or NAME[@VERSION].",
)
@model_options
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for the pictures and attribution.json."
)
@click.option("--palette", type=click.Choice(["green-red", "blue-orange"]), default="green-red", show_default=True)
@click.option("--show", metavar="N|N%|'>WEIGHT'", help="How many superpixels are drawn, the strongest; default all.")
@click.option("--threads", type=click.IntRange(1), default=2, show_default=True, help="ONNX Runtime threads.")
@click.option("--mask", type=FILE, help="Picture of the same size that marks the object.")
@click.option("--mask-value", metavar="N|N-M|#RRGGBB", help="What of it is the object, if not all but 0 and black.")
@click.option("--box", "boxes", type=Rectangle(), multiple=True, help="Box that holds the object; repeatable.")
@click.option(
    "--megapixels", type=click.FloatRange(0, min_open=True), default=MEGAPIXELS, show_default=True, help="Most read."
)
@object_option
@recipe_options
@as_json
def explain(
    image: Path,
    model: str,
    said: Said,
    out: Path | None,
    asked: Asked,
    **options: Any,
) -> None:
    """Explain what a model sees in IMAGE.

    Needs no services but for a model that is registered. With --out the pictures and every number are in that folder.

    \b
    polelens explain pole.jpg --model poles.zip --out out
    polelens explain cat.jpg --model net.onnx --labels labels.txt --profile profile.json --recipe lime --out out
    polelens explain pole.jpg --model poles.zip --mask mask.png --thorough --denoise --out out
    polelens explain pole.jpg --model poles@2 --label TRE --label STAAL --samples 256 --out out
    polelens explain pole.jpg --model poles.zip --box 410,60,85,900 --out out
    polelens explain pole.jpg --model poles.zip --show 4 --out out
    polelens explain pole.jpg --model poles.zip --show '>0.02' --out out
    polelens explain pole.jpg --model poles.zip --recipe default,occlusion,rise --out out

    With several recipes they are shown side by side, put to the same tests, and it is said which is best supported.
    """
    for one in asked.recipes():
        method(one).check(one)  # what is wrong with it is said before the model is read
    if options["show"] is not None:
        Selection.of(options["show"])  # and so is this
    read, version = found_model(model, said)
    recipes = asked.recipes(known=read.labels)
    if not options["as_json"]:
        tell_model(read.profile, read.facts)
        for cost in filter(None, map(InRounds.of, recipes)):
            click.echo(f"note: {printable(cost.sentence)}", err=True)
    if out:
        out.mkdir(parents=True, exist_ok=True)  # before the work: it may not be ours to write
    with progress_bar() as bar:
        task = bar.add_task("perturbations", total=None)
        handed = {name: options[name] for name in HANDED} | {"thresholds": thresholds(), "version": version}
        handed["providers"] = providers()
        handed["progress"] = lambda done, total: bar.update(task, completed=done, total=total)
        found = _explained(image, read, recipes, handed)
    first = found.sides[0].explanation if isinstance(found, SideBySide) else found
    for note in (*first.notes, *_drawn(first)):
        click.echo(f"note: {note}", err=True)
    if out:
        found.save(out)
    if options["as_json"]:
        echo_json(found.document())
    elif isinstance(found, SideBySide):
        tell_side_by_side(found, out)
    else:
        _tell(found, out, options["object_word"])


def _explained(
    image: Path, read: Model, recipes: Sequence[Recipe], handed: Mapping[str, Any]
) -> Explanation | SideBySide:
    if len(recipes) == 1:
        return explain_one(image, read, recipe=recipes[0], **handed)
    return beside(image, read, recipes, **handed)


def _drawn(explanation: Explanation) -> Iterator[str]:
    """How many superpixels the pictures show, where that was asked for."""
    if explanation.style.show is None:
        return
    for label in explanation.attribution.labels:
        drawn = np.count_nonzero(explanation.style.drawn(label.weights))
        yield f"the overlay of {printable(label.label)} shows {drawn} of {len(label.weights)} superpixels"


def _tell(explanation: Explanation, out: Path | None, word: str) -> None:
    attribution = explanation.attribution
    shares = sorted(attribution.probabilities.items(), key=lambda pair: -pair[1])
    click.echo("\nthe model says: " + ", ".join(f"{printable(name)} {share:.1%}" for name, share in shares[:5]))
    for label in attribution.labels:
        fit, agreement = label.fit.r2_held_out if label.fit else math.nan, label.agreement.spearman
        told = [f"{(label.weights > 0).sum()} superpixels for it, {(label.weights < 0).sum()} against"]
        told += [] if math.isnan(fit) else [f"held-out R2 {fit:.2f}"]
        told += [] if math.isnan(agreement) else [f"{label.agreement.seeds} seeds agree {agreement:.2f}"]
        click.echo(f"\n{printable(label.label)}: {', '.join(told)} ({attribution.evaluations:,} evaluations)")
        if label.rule:
            click.echo(label.rule.sentence)
        if label.agreement.stopped:
            click.echo(label.agreement.stopped.sentence)
        for claim in claimed(label.claims):
            click.echo(claim.text)
        if label.judgement:
            for answer in answers(label.judgement, word):
                click.echo(printable(answer.text))
        if label.weights.any() or not label.rule:
            console.print(superpixel_table(explanation.backdrop, label))
    if attribution.inside:
        click.echo(f"\n{printable(read_inside(attribution.inside))}")
    console.print(*further_tables(attribution), sep="\n")
    if not explanation.recipe.thorough and any(label.errors for label in attribution.labels):
        click.echo(f"{MASKS_ALONE}\n")
    parts = planned(explanation.recipe, explanation.scene.k)
    click.echo(
        f"evaluations, {'at most' if explanation.recipe.stopping else 'about'}: "
        + ", ".join(f"{name} {n:,}" for name, n in parts.items())
    )
    click.echo(f"\n{out / 'overlay.png'} shows it" if out else "\n--out FOLDER writes the pictures and every number")
