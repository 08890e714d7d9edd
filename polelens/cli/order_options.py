"""The options of an audit that starts itself, by a policy or a schedule."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from polelens.asked import Asked
from polelens.cli.images_option import images_option
from polelens.cli.object_word import object_option
from polelens.cli.recipes import recipe_options
from polelens.cli.spans import keep_option
from polelens.cli.title_options import title_options
from storage.reaudits import Order
from storage.title import Title


@dataclass(frozen=True, slots=True)
class Ordered:
    """What the audits are to be, as it was typed."""

    asked: Asked
    images: str
    compare: str
    object_word: str
    title: Title
    keep: int | None

    def order(self, labels: Sequence[str]) -> Order:
        """The order, for a model with these labels. Raises ValueError saying which option is wrong."""
        recipe = self.asked.recipe(known=labels)
        return Order(recipe, self.images, self.compare == "previous", self.object_word, self.title, self.keep)


def order_options(command: Any) -> Any:
    """The options of the audit and of its recipe; the command gets them as `ordered`."""

    @functools.wraps(command)
    def with_order(**options: Any) -> Any:
        names = ("asked", "images", "compare", "object_word", "title", "keep")
        return command(ordered=Ordered(*(options.pop(name) for name in names)), **options)

    decorated: Any = title_options(recipe_options(with_order))
    for option in (
        object_option,
        keep_option,
        click.option(
            "--compare",
            type=click.Choice(["previous", "none"]),
            default="previous",
            show_default=True,
            help="What the audit is compared with when it ends: the previous version's, or nothing.",
        ),
        images_option(),
    ):
        decorated = option(decorated)
    return decorated
