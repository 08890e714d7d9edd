"""Register models, and see those there are."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from pipeline.model.model import Said
from pipeline.recipes import recipe
from polelens.cli.completion import model_references
from polelens.cli.control import answer_policies, tell_policies
from polelens.cli.look import look
from polelens.cli.profiles import MODEL, model_options, tell_inside, tell_model
from polelens.cli.removal import remove_model
from polelens.cli.rounding import rounding_of, told_of
from polelens.cli.sanity import sanity
from polelens.cli.store import registry
from polelens.cli.text import as_json, console, echo_json, printable
from polelens.cli.watch_models import watch
from polelens.documents import version_document
from polelens.model_words import inside_word
from storage.registry import Version, split_reference
from storage.settings import precision


@click.group()
def models() -> None:
    """Register models, and see those there are."""


@models.command()
@click.argument("file", type=MODEL)
@click.argument("reference", metavar="NAME[@VERSION]", shell_complete=model_references)
@model_options
@as_json
def add(file: Path, reference: str, said: Said, as_json: bool) -> None:
    """Register FILE as a version of a model: a Custom Vision zip, an .onnx file, or what TensorFlow wrote.

    TensorFlow's are a frozen graph (.pb) and a SavedModel, as a folder or zipped; they need the extra tensorflow.

    \b
    polelens models add export.zip poles            the next version of poles
    polelens models add net.onnx net@3 --labels labels.txt --profile profile.json
    polelens models add tags.onnx tags --labels labels.txt --activation sigmoid
    polelens models add model.pb net --labels labels.txt --input Placeholder --output loss

    Where POLELENS_PRECISION is below f32 it says what that does to the weights of a few photographs of the archive.
    Where the model has a policy (see `polelens policy`), the audit of a new version starts by itself.
    """
    from polelens.inputs import model_file  # noqa: PLC0415 -- slow to import, and `list` does not need it

    name, number = split_reference(registry().canonical(reference))
    version, new = registry().add(model_file(file, name=name, said=said, inside=True), number)
    started = answer_policies()
    told = rounding_of(version, replace(recipe("default"), precision=precision()), "all")
    if as_json:
        echo_json(version_document(version) | {"new": new, "audits": [asdict(one) for one in started]} | told_of(told))
        return
    click.echo(f"{printable(str(version))} {'is registered' if new else 'was registered before: nothing changed'}")
    tell_model(version.profile, version.facts)
    click.echo(f"labels: {printable(', '.join(version.labels[:8]))}{' ...' if len(version.labels) > 8 else ''}")
    tell_inside(_inside(version))
    if told:
        click.echo(printable(told.sentence))
    tell_policies(name, started)


@models.command()
@click.argument("reference", metavar="NAME[@VERSION]", shell_complete=model_references)
@as_json
def show(reference: str, as_json: bool) -> None:
    """Show a version of a model: its profile with the source of each field, notes, labels and file.

    \b
    polelens models show poles
    polelens models show poles@2 --json
    """
    version = registry().find(reference)
    if as_json:
        echo_json(version_document(version))
        return
    click.echo(printable(f"{version}, sha256 {version.sha256}"))
    tell_model(version.profile, version.facts)
    for field in ("format", "opset", "ir", "input", "element", "layout", "output"):
        if field in version.facts:
            click.echo(f"  {field:10} {printable(str(version.facts[field]))}")
    tell_inside(_inside(version))
    click.echo("labels:")
    for label in version.labels:
        click.echo(f"  {printable(label)}")


@models.command("list")
@as_json
def list_(as_json: bool) -> None:
    """List the models and their versions.

    \b
    polelens models list
    polelens models list --json
    """
    versions = registry().all()
    if as_json:
        echo_json([version_document(version) for version in versions])
        return
    if not versions:
        click.echo("there are no models; `polelens models add FILE NAME` registers one", err=True)
        return
    table = Table("model", "labels", "size", "crop", "inside", "sha256", box=None)
    for version in versions:
        count = str(len(version.labels)) if len(version.labels) > 5 else ", ".join(version.labels)
        table.add_row(
            printable(str(version)),
            printable(count),
            str(version.profile.to_json()["size"]),
            version.profile.crop,
            inside_word(version.facts.get("inside")),
            version.sha256[:12],
        )
    console.print(table)


models.add_command(watch)
models.add_command(look)
models.add_command(sanity)
models.add_command(remove_model)


def _inside(version: Version) -> Any:
    """What its inside can be asked: as it was tried when it was registered, or, where it was not then, now."""
    from pipeline.model.inside import Inside  # noqa: PLC0415 -- slow to import, and `list` does not need it

    return version.facts.get("inside") or Inside(registry().load(version.id)).facts()
