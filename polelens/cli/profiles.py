"""What a command line says of a model file, and what is said of a model: its profile, and where that comes from."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import click

from pipeline.model.model import Said
from pipeline.model.profile import Activation, Profile
from polelens.cli.text import printable
from polelens.model_words import inside_sentence
from polelens.said import profile_of, said_of

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
MODEL = click.Path(exists=True, path_type=Path)  # a SavedModel is a folder


def model_options(command: Any) -> Any:
    """The options that say what a model file does not; the command gets them as `said`."""

    @functools.wraps(command)
    def with_said(**options: Any) -> Any:
        names = ("labels_file", "profile", "activation", "output", "input_name")
        return command(said=_said(*(options.pop(name) for name in names)), **options)

    decorated: Any = with_said
    for option in (
        click.option(
            "--input", "input_name", metavar="NAME", help="Where pictures enter a TensorFlow graph, if it is not found."
        ),
        click.option("--output", metavar="NAME", help="The model's output with the scores, where it is not found."),
        click.option(
            "--activation",
            type=click.Choice(get_args(Activation)),
            help="What makes probabilities of the model's outputs; before what the file says.",
        ),
        click.option("--profile", type=FILE, help="Preprocessing profile, JSON; its fields go before what files say."),
        click.option(
            "--labels", "labels_file", type=FILE, help="Labels, one a line, in the order of the model's outputs."
        ),
    ):
        decorated = option(decorated)
    return decorated


def tell_model(profile: Profile, facts: Mapping[str, Any]) -> None:
    """Print a profile with the source of each field, and what a person should know of the model."""
    _tell_conversion(facts.get("converted"))
    click.echo("profile, and where each field comes from:")
    sources = facts.get("profile_sources", {})
    for field, value in (profile.to_json() | {"activation": profile.activation}).items():
        click.echo(f"  {field:10} {value!s:24} {sources.get(field, '')}".rstrip())
    for warning in facts.get("warnings", []):
        click.echo(f"note: {printable(warning)}")


def tell_inside(facts: Mapping[str, Any]) -> None:
    """Print what a model's inside can be asked."""
    click.echo(f"inside: {printable(inside_sentence(facts))}")


def _tell_conversion(converted: Mapping[str, Any] | None) -> None:
    if converted:
        ends = printable(f"{converted['input']} to {converted['output']}")
        click.echo(
            f"converted by {converted['by']}, {ends}; it differs from TensorFlow's own answers by "
            f"{converted['difference']:.1g} at most"
        )


def _said(
    labels: Path | None, profile: Path | None, activation: str | None, output: str | None, input_name: str | None
) -> Said:
    fields = None if profile is None else profile_of(profile.read_bytes(), str(profile))
    return said_of(labels.read_bytes() if labels else None, fields, activation, output, input_name)
