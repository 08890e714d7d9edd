"""What a field of a recipe may be: one that it may not is refused by its name."""

import json
import math
from collections.abc import Collection, Mapping
from typing import Any

from pipeline.text import meant


def seeds(value: Any) -> tuple[int, ...]:
    """Seeds from JSON, where one number stands for a list of it. Raises ValueError."""
    numbers = [value] if isinstance(value, int) else value
    if not isinstance(numbers, list | tuple):
        raise ValueError(f"recipe: seeds is {value!r}, expected a list of whole numbers")
    return tuple(numbers)


def storable(name: str, value: Any) -> None:
    """Raises ValueError where JSON, UTF-8 or Postgres cannot hold it: NaN, infinity, half a surrogate pair, NUL."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        whole = "\\u0000" not in text and bool(text.encode())
    except (TypeError, ValueError, RecursionError):
        whole = False
    if not whole:
        raise ValueError(f"recipe: {name} is {value!r}, expected finite numbers and plain text")


def named(name: str, value: Any) -> None:
    """Raises ValueError where it is no object with a name."""
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
        raise ValueError(f"recipe: {name} is {value!r}, expected an object with a name and its options")


def positive(value: Any) -> bool:
    """Whether it is a number above 0, and finite."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


def one_of(name: str, value: Any, known: Collection[str]) -> None:
    """Raises ValueError where it is none of those known."""
    if not isinstance(value, str) or value not in known:
        near = meant(value, known) if isinstance(value, str) else ""
        raise ValueError(f"recipe: {name} is {value!r}{near}, expected one of {', '.join(known)}")


def within(name: str, value: Any, low: int, high: int, *words: str) -> None:
    """Raises ValueError where it is no whole number between two; `words` are what else it may be."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        expected = " or ".join([*words, f"a whole number from {low} to {high}"])
        raise ValueError(f"recipe: {name} is {value!r}, expected {expected}")
