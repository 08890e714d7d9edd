"""Recipes: the presets, and how a command line changes them."""

import json
from typing import Any

import click
from rich.table import Table

from pipeline.recipe import Recipe
from pipeline.recipes import RECIPES, recipe
from polelens.cli.store import as_json, console, echo_json


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
    table = Table("recipe", "superpixels", "fill", "design", "seeds x samples", "surrogate", box=None)
    for name, one in RECIPES.items():
        size = f"{len(one.seeds)} x {one.samples}"
        table.add_row(name, _options(one.segmenter), one.fill, one.design, size, _options(one.surrogate))
    console.print(table)


def chosen(name: str, changes: tuple[str, ...], *, samples: int | None, seed: int | None, labels: Any) -> Recipe:
    """The recipe that a command line asks for.

    `changes` are FIELD=VALUE, the value as JSON where it is JSON and as text where it is not.
    """
    fields: dict[str, Any] = {}
    for change in changes:
        field, equals, value = change.partition("=")
        if not equals:
            raise ValueError(f"--set {change}: expected FIELD=VALUE, like samples=256 or segmenter.n_segments=80")
        fields[field] = _value(value)
    fields |= {"samples": samples} if samples is not None else {}
    fields |= {"labels": labels} if labels else {}
    made = recipe(name).override(fields) if fields else recipe(name)
    return made if seed is None else made.reseed(seed)


def label_choice(labels: tuple[str, ...]) -> Any:
    """What --label means: a word (top, all) alone, or names."""
    return labels[0] if labels in (("top",), ("all",)) else list(labels)


def recipe_options(command: Any) -> Any:
    """The options that choose a recipe and change it."""
    for option in (
        click.option("--label", "labels", multiple=True, help="Explain this label; `all`; default the top prediction."),
        click.option("--set", "changes", multiple=True, metavar="FIELD=VALUE", help="Change any field of the recipe."),
        click.option("--seed", type=click.IntRange(0), help="First seed; further seeds are ten apart."),
        click.option("--samples", type=click.IntRange(1), help="Masks under each seed."),
        click.option("--recipe", "recipe_name", default="default", show_default=True, help="See `polelens recipes`."),
    ):
        command = option(command)
    return command


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _options(value: Any) -> str:
    rest = ", ".join(f"{key} {option}" for key, option in value.items() if key != "name")
    return f"{value['name']} ({rest})" if rest else str(value["name"])
