"""Label files: the names of a model's outputs in their order, as the tools that train models write them."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.model.model import ModelRefused
from pipeline.text import read_text

# Where a JSON object keeps its labels: Hugging Face's config.json, then whatever others call it.
WITHIN = ("id2label", "label2id", "class_indices", "labels", "classes", "class_names", "names", "categories")
NAMES = ("name", "label", "displayName", "display_name", "class")
NUMBERED = re.compile(r"\s*(\d{1,6})\s*[\s,;:]\s*(.*\S)\s*")  # Teachable Machine's "0 betong", and "0,betong"
NUMBERED_AFTER = re.compile(r"(.*\S)\s*[,;\t]\s*(\d{1,6})\s*")  # "betong,0"
SHAPES = 'a list, {"0": name}, {name: 0} or an object that holds one as id2label, labels or classes'


def read_labels(data: bytes) -> tuple[str, ...]:
    """The labels in a file: one a line, with or without their numbers, or JSON.

    Lines as in Custom Vision's labels.txt, or numbered from 0 as Teachable Machine and tables have them. JSON as a
    list, by number (Hugging Face's id2label), or numbers by name (Keras's class_indices).

    Raises
    ------
    ModelRefused
        For JSON that holds no labels, and what is no text.

    Examples
    --------
    >>> read_labels(b"0 betong\\n1 tre\\n") == read_labels(b'{"tre": 1, "betong": 0}') == ("betong", "tre")
    True
    """
    try:
        text = read_text(data)[0]
    except ValueError as error:
        raise ModelRefused(f"the labels file is {error}") from error
    if text.lstrip()[:1] in ("{", "["):
        return _of_json(text)
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    found = _without_numbers(lines) or tuple(lines)
    if any(one.endswith(("{", ":")) for one in found[:1]):  # Protocol Buffers' text and YAML
        raise ModelRefused(f"the labels file begins with {found[0]!r}, which is no label; expected one a line, or JSON")
    return found


def _of_json(text: str) -> tuple[str, ...]:
    try:
        return tuple(_listed(json.loads(text)))
    except (ValueError, RecursionError, TypeError, LookupError) as error:
        raise ModelRefused(f"the labels file is JSON without labels ({error}); expected {SHAPES}") from error


def _listed(value: Any) -> Sequence[str]:
    """The labels in JSON, in order. Raises ValueError, TypeError or LookupError."""
    if isinstance(value, list):
        return [_name(one) for one in value]
    if not isinstance(value, Mapping):
        raise ValueError(f"it is {value!r:.40}")
    if inner := next((value[key] for key in WITHIN if isinstance(value.get(key), list | dict)), None):
        return _listed(inner)
    if all(key.isdecimal() for key in value):
        return _by_number({int(key): _name(one) for key, one in value.items()})
    if all(type(one) is int for one in value.values()):
        return _by_number({number: name for name, number in value.items()}, len(value))
    raise ValueError(f"its fields are {', '.join(map(repr, list(value)[:5]))}")


def _by_number(names: Mapping[int, str], expected: int | None = None) -> Sequence[str]:
    if set(names) != set(range(expected or len(names))):
        raise ValueError("its numbers are not 0, 1, 2 and so on, each once")
    return [names[number] for number in range(len(names))]


def _name(value: Any) -> str:
    """A label: text, a number, ImageNet's [wordnet, name], or an object with a name."""
    if isinstance(value, list) and value:
        return _name(value[-1])
    if isinstance(value, Mapping):
        return _name(next(value[key] for key in NAMES if key in value) if set(value) & set(NAMES) else None)
    if isinstance(value, str | int | float) and str(value).strip():
        return str(value).strip()
    raise ValueError(f"{value!r:.40} is no name")


def _without_numbers(lines: Sequence[str]) -> tuple[str, ...]:
    """The names, all different, of lines that are numbered from 0, each number once; nothing if they are not."""
    for pattern, number, name in ((NUMBERED, 1, 2), (NUMBERED_AFTER, 2, 1)):
        for skipped in (0, 1):  # a heading
            found = [pattern.fullmatch(line) for line in lines[skipped:]]
            names = {int(one[number]): one[name] for one in found if one}
            once = len(names) == len(found) == len(set(names.values())) > skipped  # not "0 poles", "1 poles"
            if once and set(names) == set(range(len(names))):
                return tuple(names[place] for place in range(len(names)))
    return ()
