"""A choice: one of several by its name, and its own options beside it, such as {"name": "slic", "n_segments": 50}."""

from collections.abc import Mapping
from typing import Any

Choice = Mapping[str, Any]


def own_options(choice: Choice) -> dict[str, Any]:
    """What a choice says beside the name.

    Examples
    --------
    >>> own_options({"name": "slic", "n_segments": 50})
    {'n_segments': 50}
    """
    return {key: value for key, value in choice.items() if key != "name"}
