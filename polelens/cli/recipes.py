"""Recipes: the presets, and how a command line changes them."""

import functools
from typing import Any

import click

from pipeline.methods import method, planned_evaluations
from pipeline.recipe import AUTO, Recipe
from pipeline.recipes import RECIPES
from pipeline.scene.choice import Choice, own_options
from polelens.asked import Asked
from polelens.cli.completion import label_names, recipe_names
from polelens.cli.tables import narrow_table
from polelens.cli.text import as_json, console, echo_json
from polelens.cost import InRounds

COLUMNS = ("method", "superpixels", "fill", "design", "seeds x samples")


@click.command()
@as_json
def recipes(as_json: bool) -> None:
    """List the named recipes.

    With --json, every field of each and its digest.

    \b
    polelens recipes
    polelens recipes --json
    """
    if as_json:
        echo_json({name: one.to_json() | {"digest": one.digest} for name, one in RECIPES.items()})
        return
    table = narrow_table("recipe", *COLUMNS, "evaluations", whole={"recipe", "superpixels", "evaluations"})
    for name, one in RECIPES.items():
        cost = InRounds.of(one)
        table.add_row(name, *_cells(one), f"{f'{cost.least:,}-' if cost else ''}{planned_evaluations(one):,}")
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
            multiple=True,
            default=("default",),
            show_default=True,
            callback=lambda ctx, param, names: ",".join(names),
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
        " ".join(str(one.segmenter[key]) for key in ("name", "n_segments") if key in one.segmenter),
        one.fill,
        one.design if "design" in uses else "",
        " x ".join(part for part in (seeds, samples) if part),
    ]


def _options(value: Choice) -> str:
    rest = ", ".join(f"{key} {option}" for key, option in own_options(value).items())
    return f"{value['name']} ({rest})" if rest else str(value["name"])
