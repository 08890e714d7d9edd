"""Register models, and see those there are."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from pipeline.model.custom_vision import read_labels
from pipeline.model.profile import Profile
from polelens.cli.control import answer_policies, tell_policies
from polelens.cli.profiles import FILE, MODEL, ends, read_profile
from polelens.cli.store import registry
from polelens.cli.text import as_json, console, echo_json, printable
from polelens.cli.watch_models import watch
from storage.registry import Version, split_reference


@click.group()
def models() -> None:
    """Register models, and see those there are."""


@models.command()
@click.argument("file", type=MODEL)
@click.argument("reference", metavar="NAME[@VERSION]")
@click.option("--labels", "labels_file", type=FILE, help="Labels, one a line; a Custom Vision zip has its own.")
@click.option("--profile", type=FILE, help="Preprocessing profile, JSON; its fields go before what the file says.")
@ends
@as_json
def add(
    file: Path, reference: str, labels_file: Path | None, profile: Path | None, as_json: bool, **named: str | None
) -> None:
    """Register FILE as a version of a model: a Custom Vision zip, an .onnx file, or what TensorFlow wrote.

    TensorFlow's are a frozen graph (.pb) and a SavedModel, as a folder or zipped; they need the extra tensorflow.

    \b
    polelens models add export.zip poles            the next version of poles
    polelens models add net.onnx net@3 --labels labels.txt --profile profile.json
    polelens models add model.pb net --labels labels.txt --input Placeholder --output loss

    Where the model has a policy (see `polelens policy`), the audit of a new version starts by itself.
    """
    from polelens.single import model_file  # noqa: PLC0415 -- slow to import, and `list` does not need it

    name, number = split_reference(reference)
    labels = read_labels(labels_file.read_bytes()) if labels_file else None
    model = model_file(file, name=name, labels=labels, profile=read_profile(profile), **named)
    version, new = registry().add(model, number)
    started = answer_policies()
    if as_json:
        echo_json(_view(version) | {"new": new, "audits": [asdict(one) for one in started]})
        return
    click.echo(f"{printable(str(version))} {'is registered' if new else 'was registered before: nothing changed'}")
    _tell_conversion(version.facts.get("converted"))
    _tell_profile(version.profile, version.facts)
    click.echo(f"labels: {printable(', '.join(version.labels[:8]))}{' ...' if len(version.labels) > 8 else ''}")
    for warning in version.facts.get("warnings", []):
        click.echo(f"note: {printable(warning)}")
    tell_policies(name, started)


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
            str(version.profile.size),
            version.profile.crop,
            version.sha256[:12],
        )
    console.print(table)


models.add_command(watch)


def _tell_conversion(converted: Mapping[str, Any] | None) -> None:
    if converted:
        ends = printable(f"{converted['input']} to {converted['output']}")
        click.echo(
            f"converted by {converted['by']}, {ends}; it differs from TensorFlow's own answers by "
            f"{converted['difference']:.1g} at most"
        )


def _tell_profile(profile: Profile, facts: dict[str, Any]) -> None:
    click.echo("profile, and where each field comes from:")
    for field, value in profile.to_json().items():
        click.echo(f"  {field:7} {value!s:24} {facts.get('profile_sources', {}).get(field, '')}")


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
