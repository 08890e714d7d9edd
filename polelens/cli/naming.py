"""Call an audit something, and write down what is worth remembering of it."""

from dataclasses import replace

import click

from polelens.cli.following import NUMBER
from polelens.cli.store import audits
from polelens.cli.text import as_json, echo_json, printable
from polelens.documents import summary
from storage.title import Title


@click.command()
@NUMBER
@click.argument("text", required=False)
@click.option("--name", metavar="NAME", help="What you call it; '' takes its name away.")
@as_json
def note(number: int, text: str | None, name: str | None, as_json: bool) -> None:
    """Write a note on an audit in the place of the one before; without TEXT and --name, show it.

    \b
    polelens audit note 3 "before the cameras were cleaned"
    polelens audit note 3 --name "spring round"
    polelens audit note 3
    polelens audit note 3 ""                      takes the note away
    """
    title = audits().get(number).title
    changed = replace(title, note=title.note if text is None else text, name=title.name if name is None else name)
    _tell(number, _keep(number, title, changed), as_json)


@click.command()
@NUMBER
@click.argument("words", nargs=-1)
@click.option("--remove", "gone", multiple=True, metavar="WORD", help="Take this one away.")
@as_json
def tag(number: int, words: tuple[str, ...], gone: tuple[str, ...], as_json: bool) -> None:
    """Add tags to an audit, or take some away; without any, show those there are.

    \b
    polelens audit tag 3 spring north
    polelens audit tag 3 --remove north
    polelens audit list --tag spring
    """
    title = audits().get(number).title
    unknown = sorted(set(gone) - set(title.tags))
    if unknown:
        there = f"it has {', '.join(title.tags)}" if title.tags else "it has none"
        raise ValueError(f"audit {number} has no tag {unknown[0]!r}; {there}")
    kept = tuple(one for one in (*title.tags, *words) if one not in gone)
    _tell(number, _keep(number, title, replace(title, tags=kept)), as_json)


def _keep(number: int, before: Title, after: Title) -> Title:
    if after != before:
        audits().retitle(number, after)
    return after


def _tell(number: int, title: Title, as_json: bool) -> None:
    if as_json:
        echo_json(summary(audits().get(number), audits().progress(number)))
        return
    named = f"audit {number}" + (f", {title.name}" if title.name else "")
    tags = f" [{', '.join(title.tags)}]" if title.tags else ""
    click.echo(printable(f"{named}{tags}: {title.note or 'no note'}"))
