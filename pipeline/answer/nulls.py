"""Numbers that are not there: NaN in memory, null in JSON and in the database."""

import math
from collections.abc import Mapping
from typing import Any


def to_null(value: Any) -> Any:
    """The same value with None for every number that JSON cannot say, however deep in dicts, lists and tuples.

    Examples
    --------
    >>> to_null({"mean": math.nan, "ends": (0.5, math.inf)})
    {'mean': None, 'ends': [0.5, None]}
    """
    if isinstance(value, Mapping):
        return {key: to_null(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_null(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def from_null(value: Any) -> Any:
    """A number, or a mapping or list of numbers, with NaN for None.

    Examples
    --------
    >>> from_null({"mean": None})
    {'mean': nan}
    """
    if isinstance(value, Mapping):
        return {key: from_null(item) for key, item in value.items()}
    if isinstance(value, list):
        return [from_null(item) for item in value]
    return math.nan if value is None else value
