"""Preprocessing profiles, as a command line names them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
MODEL = click.Path(exists=True, path_type=Path)  # a SavedModel is a folder


Command = TypeVar("Command", bound=Callable[..., Any])


def ends(command: Command) -> Command:
    """Give a command the options that name a TensorFlow graph's ends: `input_name` and `output`."""
    help_text = "Where {} a TensorFlow graph, where it cannot be found."
    command = click.option("--output", help=help_text.format("scores leave"))(command)
    return click.option("--input", "input_name", help=help_text.format("pictures enter"))(command)


def read_profile(path: Path | None) -> dict[str, Any] | None:
    """The profile in a JSON file. Raises ValueError."""
    return None if path is None else profile_of(path.read_bytes(), str(path))


def profile_of(data: bytes, name: str = "it") -> dict[str, Any]:
    """The profile in a JSON file's bytes. Raises ValueError."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"profile: {name} is not JSON ({error})") from None
    if not isinstance(value, dict):
        raise ValueError(f'profile: {name} holds no JSON object, expected one like {{"size": 224, "crop": "center"}}')
    return value
