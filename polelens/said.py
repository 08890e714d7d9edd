"""What a person says of a model file beside the file: labels, a profile, and where it begins and ends."""

import json
from collections.abc import Mapping
from typing import Any

from pipeline.model.label_files import read_labels
from pipeline.model.model import Said


def said_of(
    labels: bytes | None,
    profile: Mapping[str, Any] | None,
    activation: str | None,
    output: str | None,
    input_name: str | None,
) -> Said:
    """All of it, of which anything may be missing; the activation goes before the profile's. Raises ValueError."""
    fields = {**(profile or {}), "activation": activation} if activation else profile
    return Said(read_labels(labels) if labels else None, fields, output, input_name)


def profile_of(data: bytes, name: str = "it") -> dict[str, Any]:
    """The profile in a JSON file's bytes. Raises ValueError."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"profile: {name} is not JSON ({error})") from None
    if not isinstance(value, dict):
        raise ValueError(f'profile: {name} holds no JSON object, expected one like {{"size": 224, "crop": "center"}}')
    return value
