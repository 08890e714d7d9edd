"""Text for the terminal and for scripts: what strangers named must not act on the terminal."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress, ProgressColumn

# No markup: `[red]` or `:pole:` in the name of a file is a name.
console = Console(markup=False, emoji=False, highlight=False)
progress_console = Console(stderr=True, markup=False, emoji=False, highlight=False)


def progress_bar(*columns: ProgressColumn) -> Progress:
    """A bar on the error output that goes when it is done; nothing where that is no terminal."""
    return Progress(*columns, console=progress_console, transient=True, disable=not progress_console.is_terminal)


def printable(text: str) -> str:
    r"""The text with whatever is not a printable character as an escape.

    Examples
    --------
    >>> printable("blåbær\x1b[31m.jpg")
    'blåbær\\x1b[31m.jpg'
    """
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def echo_json(value: Any) -> None:
    """Print a value as JSON, for scripts; in ASCII, so that no name in it acts on a terminal."""
    click.echo(_json(value))


def echo_json_list(values: Iterable[Any]) -> None:
    """Print values as a JSON list, each as soon as it is there."""
    separator = "["
    for value in values:
        click.echo(f"{separator}\n{_json(value)}", nl=False)
        separator = ","
    click.echo("[]" if separator == "[" else "\n]")


def echo_json_object(fields: Mapping[str, Any], name: str, values: Iterable[Any]) -> None:
    """Print a JSON object of some fields, and one more that is a long list."""
    click.echo(f'{_json(fields).removesuffix(f"{chr(10)}}}")},\n "{name}": ', nl=False)
    echo_json_list(values)
    click.echo("}")


def plain(value: Any) -> Any:
    """The value as JSON has it."""
    return json.loads(_json(value))


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, default=_plain, allow_nan=False)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not JSON")
