"""The option by which a person says what the object is called in sentences."""

from typing import Any

import click

from storage.title import object_word


class ObjectWord(click.ParamType[str]):
    """A word or two for the object."""

    name = "WORD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word, without blanks around it and without `the`, which the sentences have."""
        try:
            return object_word(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


object_option = click.option(
    "--object",
    "object_word",
    type=ObjectWord(),
    default="object",
    show_default=True,
    help="What its sentences call the object, like pole.",
)
