"""Preprocessing profiles, as a command line names them."""

import json
from pathlib import Path
from typing import Any

import click

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def read_profile(path: Path | None) -> dict[str, Any] | None:
    """The profile in a JSON file. Raises ValueError."""
    if path is None:
        return None
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"profile: {path} is not JSON ({error})") from None
    if not isinstance(value, dict):
        raise ValueError(f'profile: {path} holds no JSON object, expected one like {{"size": 224, "crop": "center"}}')
    return value
