"""The options by which a person says what an audit is called."""

import functools
import getpass
import os
from typing import Any

import click

from storage.title import Title

WHO = "POLELENS_USER"  # whom an audit is said to be started by, where it is not who is logged in


def title_options(command: Any) -> Any:
    """The options of an audit's name, note and tags; the command gets them as `title`."""

    @functools.wraps(command)
    def with_title(**options: Any) -> Any:
        name, note, tags = (options.pop(one) for one in ("title_name", "note", "tags"))
        return command(title=Title(name.strip(), note.strip(), tags), **options)

    decorated: Any = with_title
    for option in (
        click.option(
            "--tag", "tags", multiple=True, metavar="WORD", help="A word to find it by; may be given more than once."
        ),
        click.option("--note", default="", metavar="TEXT", help="Whatever is worth remembering of it."),
        click.option("--name", "title_name", default="", metavar="NAME", help="What you call it."),
    ):
        decorated = option(decorated)
    return decorated


def who() -> str:
    """Who is at the command line: `POLELENS_USER`, else who is logged in; nobody where the system knows no name."""
    try:
        return (os.environ.get(WHO, "").strip() or getpass.getuser())[:100]
    except (KeyError, OSError):  # a container under a number that has no name
        return ""
