"""The option that says which photographs of the archive are meant."""

from collections.abc import Callable
from typing import Any

import click

from polelens.cli.completion import selections

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def images_option(
    name: str = "images", told: str = "all, label:NAME, sha256:PREFIX or a pattern of names."
) -> Decorator:
    """The option `--images`, which the command gets as `name`: one selection, and `told` is its help."""
    return click.option(
        "--images",
        name,
        multiple=True,
        default=("all",),
        show_default=True,
        callback=_one,
        shell_complete=selections,
        help=told,
    )


def _one(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> str:
    """The selection; of several no one would be what was meant."""
    if len(given) > 1:
        several = " and ".join(map(repr, given))
        raise click.BadParameter(f"{several}, expected one selection; a pattern may hold * and ?", ctx, param)
    return given[0]
