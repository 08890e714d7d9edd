"""What is asked of a recipe: its name, and the changes to it, as a command line or a form has them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.methods import method
from pipeline.recipe import Recipe
from pipeline.recipes import recipe
from pipeline.text import resolved
from storage.settings import precision


@dataclass(frozen=True, slots=True)
class Asked:
    """The recipe that a person asks for, as it was typed."""

    name: str
    samples: int | str | None
    seed: int | None
    changes: tuple[str, ...]
    labels: tuple[str, ...]
    thorough: bool = False
    denoise: float | None = None

    def recipe(self, base: Recipe | None = None, known: Sequence[str] = ()) -> Recipe:
        """The recipe: the named one, or another, with its changes; `known` are the labels of the model it is for.

        A named one that asks for scores alone is computed in POLELENS_PRECISION, unless a change says in what.

        Raises ValueError saying which option is wrong.
        """
        fields = dict(_change(change) for change in self.changes)
        if self.samples is not None:
            fields["samples"] = self.samples
        if self.thorough:
            fields |= {"judge": True, "thorough": True}
        if self.denoise is not None:
            fields["denoise"] = self.denoise
        if self.labels:
            fields["labels"] = self._explained(known)
        named = base or recipe(self.name)
        if base is None and not method(named).inside:
            fields = {"precision": precision()} | fields
        made = named.override(fields)
        return made if self.seed is None else made.reseed(self.seed)

    def recipes(self, known: Sequence[str] = ()) -> list[Recipe]:
        """The recipes, where several are named with commas between them; the changes are made to each."""
        names = [name.strip() for name in self.name.split(",")]
        return [replace(self, name=name).recipe(known=known) for name in names]

    def _explained(self, known: Sequence[str]) -> str | list[str]:
        """The model's own labels, as it writes them; `top` and `all` alone are words where no label is called so."""
        names = [resolved(label, known) or label for label in self.labels]
        words = [name for name in names if name in ("top", "all") and name not in known]
        if known and words and len(names) > 1:
            raise ValueError(f"label `{words[0]}` is no label of the model; it goes alone, or leave it out")
        return words[0] if len(names) == 1 and words else names


def _change(text: str) -> tuple[str, Any]:
    """FIELD=VALUE, the value as JSON where it is JSON and as text where it is not."""
    field, equals, value = text.partition("=")
    if not equals or not field:
        raise ValueError(f"--set {text}: expected FIELD=VALUE, like samples=256 or segmenter.n_segments=80")
    return field, _value(value)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # no JSON, a number of thousands of digits, or brackets without end
        return text
