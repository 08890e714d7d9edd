"""Explain one photograph, without services."""

import json
from pathlib import Path
from typing import Any

import click
from rich.progress import Progress

from pipeline.export import read_labels
from pipeline.model import Model
from polelens.cli.recipes import chosen, label_choice, recipe_options
from polelens.cli.store import as_json, echo_json, progress_console
from polelens.single import Explanation, model_file
from polelens.single import explain as explain_one

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("image", type=FILE)
@click.option(
    "--model", required=True, metavar="FILE-or-NAME", help="An .onnx file, a Custom Vision zip, or NAME[@VERSION]."
)
@click.option("--labels", "labels_file", type=FILE, help="Labels, one a line, in the order of the model's outputs.")
@click.option("--profile", type=FILE, help="Preprocessing profile, JSON; goes before what the model file says.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for the pictures and attribution.json."
)
@click.option("--palette", type=click.Choice(["green-red", "blue-orange"]), default="green-red", show_default=True)
@click.option("--threads", type=click.IntRange(1), default=2, show_default=True, help="ONNX Runtime threads.")
@recipe_options
@as_json
def explain(
    image: Path, model: str, labels_file: Path | None, profile: Path | None, out: Path | None, **options: Any
) -> None:
    """Explain what a model sees in IMAGE.

    \b
    polelens explain pole.jpg --model poles.zip --out out
    polelens explain cat.jpg --model net.onnx --labels labels.txt --profile profile.json --recipe lime --out out
    polelens explain pole.jpg --model poles@2 --label TRE --label STAAL --samples 256 --out out
    """
    recipe = chosen(
        options["recipe_name"],
        options["changes"],
        samples=options["samples"],
        seed=options["seed"],
        labels=label_choice(options["labels"]) if options["labels"] else None,
    )
    labels = read_labels(labels_file.read_bytes()) if labels_file else None
    read, version = _model(model, labels, read_profile(profile))
    with Progress(console=progress_console, transient=True) as bar:
        task = bar.add_task("perturbations", total=None)
        explanation = explain_one(
            image,
            read,
            recipe=recipe,
            threads=options["threads"],
            palette=options["palette"],
            progress=lambda done, total: bar.update(task, completed=done, total=total),
            version=version,
        )
    if out:
        explanation.save(out)
    if options["as_json"]:
        echo_json(explanation.document())
    else:
        _tell(explanation, out)


def read_profile(path: Path | None) -> dict[str, Any] | None:
    """The profile in a JSON file. Raises ValueError."""
    if path is None:
        return None
    try:
        value = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"profile: {path} is not JSON ({error})") from None
    if not isinstance(value, dict):
        raise ValueError(f'profile: {path} holds no JSON object, expected one like {{"size": 224, "crop": "center"}}')
    return value


def _model(reference: str, labels: Any, profile: Any) -> tuple[Model, int | None]:
    path = Path(reference)
    if path.is_file():
        return model_file(path, labels=labels, profile=profile), None
    if path.suffix in (".onnx", ".zip"):
        raise ValueError(f"there is no model file {reference!r}")
    if labels or profile:
        raise ValueError("--labels and --profile go with a model file; a registered model has its own")
    from polelens.cli.store import registry  # noqa: PLC0415 -- a file needs no services

    version = registry().find(reference)
    return registry().load(version.id), version.version


def _tell(explanation: Explanation, out: Path | None) -> None:
    for label in explanation.attribution.labels:
        probability = explanation.attribution.probabilities[label.label]
        click.echo(
            f"{label.label} {probability:.1%}: {(label.weights > 0).sum()} superpixels for it, "
            f"{(label.weights < 0).sum()} against, held-out R2 {label.fidelity.r2_held_out:.2f}, "
            f"agreement of seeds {label.stability.spearman:.2f} ({explanation.attribution.evaluations} evaluations)"
        )
    if out:
        click.echo(f"{out / 'overlay.png'} shows it")
