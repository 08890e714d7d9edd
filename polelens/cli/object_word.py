"""The option by which a person says what the object is called in sentences."""

from typing import Any

import click

LONGEST = 40  # characters: a word or two


class ObjectWord(click.ParamType[str]):
    """A word or two for the object."""

    name = "WORD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word, without blanks around it and without `the`, which the sentences have."""
        word = str(value).strip().removeprefix("the ").strip()
        if not word or len(word) > LONGEST or not word.isprintable():
            self.fail(f"{value!r} is no word for the object; expected one like pole, up to {LONGEST} long", param, ctx)
        return word


object_option = click.option(
    "--object",
    "object_word",
    type=ObjectWord(),
    default="object",
    show_default=True,
    help="What its sentences call the object, like pole.",
)
