"""Recipes: the presets, and how a command line changes them."""

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import click
from rich.table import Table

from pipeline.methods import method, planned_evaluations
from pipeline.recipe import AUTO, Recipe
from pipeline.recipes import RECIPES, recipe
from pipeline.scene.choice import Choice, own_options
from pipeline.text import resolved
from polelens.cli.completion import label_names, recipe_names
from polelens.cli.text import as_json, console, echo_json

COLUMNS = ("method", "superpixels", "fill", "design", "seeds x samples")


@click.command()
@as_json
def recipes(as_json: bool) -> None:
    """List the named recipes.

    \b
    polelens recipes
    polelens recipes --json
    """
    if as_json:
        echo_json({name: one.to_json() | {"digest": one.digest} for name, one in RECIPES.items()})
        return
    table = Table("recipe", *COLUMNS, "evaluations", box=None)
    for name, one in RECIPES.items():
        table.add_row(name, *_cells(one), f"{planned_evaluations(one):,}")
    console.print(table)


class Samples(click.ParamType[int | str]):
    """A number of masks, or the word for as many as the superpixels ask for."""

    name = "N|auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """The number or the word, whatever its case."""
        if str(value).casefold() == AUTO:
            return AUTO
        if not str(value).isdecimal() or int(value) < 1:
            self.fail(f"{value!r} is neither a whole number from 1 nor {AUTO}", param, ctx)
        return int(value)


@dataclass(frozen=True, slots=True)
class Asked:
    """The recipe that a command line asks for, as it was typed."""

    name: str
    samples: int | str | None
    seed: int | None
    changes: tuple[str, ...]
    labels: tuple[str, ...]
    thorough: bool = False
    denoise: float | None = None

    def recipe(self, base: Recipe | None = None, known: Sequence[str] = ()) -> Recipe:
        """The recipe: the named one, or another, with its changes; `known` are the labels of the model it is for.

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
        made = (base or recipe(self.name)).override(fields)
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


def recipe_options(command: Any) -> Any:
    """The options that choose a recipe and change it; the command gets them as `asked`."""

    @functools.wraps(command)
    def with_asked(**options: Any) -> Any:
        names = ("recipe_name", "samples", "seed", "changes", "labels", "thorough", "denoise")
        return command(asked=Asked(*(options.pop(name) for name in names)), **options)

    decorated: Any = with_asked
    for option in (
        click.option(
            "--denoise",
            is_flag=False,
            flag_value=1.0,
            type=click.FloatRange(0, 1, min_open=True),
            metavar="[SHARE]",
            help="Explain again without what speaks against the label; all of it, or the strongest by this share.",
        ),
        click.option(
            "--thorough", is_flag=True, help="Say which choices move the explanation; costs about as much again."
        ),
        click.option(
            "--label",
            "labels",
            multiple=True,
            shell_complete=label_names,
            help="Explain this label; `all`; default the top prediction.",
        ),
        click.option("--set", "changes", multiple=True, metavar="FIELD=VALUE", help="Change any field of the recipe."),
        click.option("--seed", type=click.IntRange(0), help="First seed; further seeds are ten apart."),
        click.option("--samples", type=Samples(), help="Masks under each seed; auto: as superpixels ask for."),
        click.option(
            "--recipe",
            "recipe_name",
            default="default",
            show_default=True,
            shell_complete=recipe_names,
            help="See `polelens recipes`.",
        ),
    ):
        decorated = option(decorated)
    return decorated


def _cells(one: Recipe) -> list[str]:
    """What a recipe says under `COLUMNS`; nothing where its method has no use for it."""
    uses, rounds = method(one).uses, one.rounds()
    seeds = f"{f'{rounds.first}-' if rounds else ''}{len(one.seeds)}" if "seeds" in uses else ""
    samples = str(one.samples) if "samples" in uses else ""
    fitted = [_options(one.surrogate)] if "surrogate" in uses else []
    return [
        ", ".join([_options({"name": one.method, **one.options}), *fitted]),
        _options(one.segmenter),
        one.fill,
        one.design if "design" in uses else "",
        " x ".join(part for part in (seeds, samples) if part),
    ]


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


def _options(value: Choice) -> str:
    rest = ", ".join(f"{key} {option}" for key, option in own_options(value).items())
    return f"{value['name']} ({rest})" if rest else str(value["name"])
