"""Register models, and see those there are."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from pipeline.model.model import Said
from polelens.cli.completion import model_references
from polelens.cli.control import answer_policies, tell_policies
from polelens.cli.profiles import MODEL, model_options, tell_model
from polelens.cli.store import registry
from polelens.cli.text import as_json, console, echo_json, printable
from polelens.cli.watch_models import watch
from storage.registry import Version, split_reference


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

    Where the model has a policy (see `polelens policy`), the audit of a new version starts by itself.
    """
    from polelens.inputs import model_file  # noqa: PLC0415 -- slow to import, and `list` does not need it

    name, number = split_reference(registry().canonical(reference))
    version, new = registry().add(model_file(file, name=name, said=said), number)
    started = answer_policies()
    if as_json:
        echo_json(_view(version) | {"new": new, "audits": [asdict(one) for one in started]})
        return
    click.echo(f"{printable(str(version))} {'is registered' if new else 'was registered before: nothing changed'}")
    tell_model(version.profile, version.facts)
    click.echo(f"labels: {printable(', '.join(version.labels[:8]))}{' ...' if len(version.labels) > 8 else ''}")
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
        echo_json(_view(version))
        return
    click.echo(printable(f"{version}, sha256 {version.sha256}"))
    tell_model(version.profile, version.facts)
    for field in ("format", "opset", "ir", "input", "element", "layout", "output"):
        if field in version.facts:
            click.echo(f"  {field:10} {printable(str(version.facts[field]))}")
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
        echo_json([_view(version) for version in versions])
        return
    if not versions:
        click.echo("there are no models; `polelens models add FILE NAME` registers one", err=True)
        return
    table = Table("model", "labels", "size", "crop", "sha256", box=None)
    for version in versions:
        count = str(len(version.labels)) if len(version.labels) > 5 else ", ".join(version.labels)
        table.add_row(
            printable(str(version)),
            printable(count),
            str(version.profile.to_json()["size"]),
            version.profile.crop,
            version.sha256[:12],
        )
    console.print(table)


models.add_command(watch)


def _view(version: Version) -> dict[str, Any]:
    return {
        "name": version.name,
        "version": version.version,
        "sha256": version.sha256,
        "digest": version.digest,
        "labels": list(version.labels),
        "profile": version.profile.to_json(),
        "facts": version.facts,
    }
