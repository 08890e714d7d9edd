"""Commands that remove: each says what would go, asks, removes it, and says what is gone."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import click

from polelens.cli.completion import model_references
from polelens.cli.following import NUMBER
from polelens.cli.store import audits, blobs, engine, registry
from polelens.cli.text import as_json, echo_json, printable
from polelens.report.words import size
from storage.forget.audits import AuditRemoval
from storage.forget.images import ImagesRemoval
from storage.forget.losses import Losses
from storage.forget.models import ModelRemoval
from storage.forget.trail import Act, act

C = TypeVar("C", bound=Callable[..., Any])


class Removal(Protocol):
    """Something that can be removed."""

    def losses(self) -> Losses:
        """What would go. Raises ValueError."""

    def carry_out(self, act: Act) -> Losses:
        """Remove it; what is gone."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a removal is to go about."""

    yes: bool
    dry_run: bool
    as_json: bool

    def go(self, removal: Removal, of: str, made: Act) -> None:
        """Say what would go, ask, and remove it; with a yes beforehand, remove it and say what is gone."""
        losses = Losses() if self.yes and not self.dry_run else removal.losses()
        if not self.dry_run and (self.yes or losses):
            self._ask(of, losses)
            losses = removal.carry_out(made)
        if self.as_json:
            echo_json({"dry_run": self.dry_run, **losses.to_json()})
        elif not losses:
            click.echo("there is nothing to remove")
        else:
            click.echo(printable(f"{of}: {told(losses)} would go" if self.dry_run else f"removed: {told(losses)}"))

    def _ask(self, of: str, losses: Losses) -> None:
        if self.yes:
            return
        click.echo(printable(f"{of}: {told(losses)} would go"), err=True)
        try:
            click.confirm(printable(f"Remove {of}? It cannot be taken back"), abort=True, err=True)
        except click.Abort:
            click.echo(err=True)  # where nobody answers, the question's line is not ended
            raise ValueError("nothing is removed; --yes removes without asking") from None


def removal_options(command: C) -> C:
    """The options that say how a removal is to go about."""
    for one in (
        as_json,
        click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing."),
        click.option("--yes", is_flag=True, help="Do not ask; for scripts."),
    ):
        command = one(command)
    return command


def told(losses: Losses) -> str:
    """What goes or is gone, as a person reads it."""
    counts = ", ".join(_counted(number, kind) for kind, number, _ in losses) or "nothing"
    return f"{counts} ({'' if losses.exact else 'about '}{size(losses.size)})"


def _counted(number: int, kind: str) -> str:
    """So many of a kind, whose name is in the plural: its first word that ends in s is what is counted."""
    if number != 1:
        return f"{number:,} {kind}"
    one = re.sub(r"s\b", "", kind, count=1).replace(" are ", " is ")
    return f"1 {one}"


@click.command()
@NUMBER
@removal_options
def delete(number: int, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Delete an audit, its comparisons, and the explanations that no other audit has.

    What another audit shares stays, and so do the scores that a refit has still to read. Photographs and the model
    stay. An audit that goes on must be cancelled before.

    \b
    polelens audit delete 3 --dry-run
    polelens audit delete 3 --yes
    """
    audits().get(number)
    removal = AuditRemoval(engine(), blobs(), number)
    Way(yes, dry_run, as_json).go(removal, f"audit {number}", act("audit delete", audit=number))


@click.command("remove")
@click.argument("reference", metavar="NAME@VERSION", shell_complete=model_references)
@removal_options
def remove_model(reference: str, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Remove a version of a model: its audits, their comparisons and explanations, and its file.

    The same file under another name keeps the file and what its own audits have. Photographs stay.

    \b
    polelens models remove poles@1 --dry-run
    polelens models remove poles@1 --yes
    """
    if "@" not in reference or reference.endswith("@latest"):
        raise ValueError(f"name the version to be removed, like {registry().find(reference)}")
    removal = ModelRemoval(engine(), blobs(), registry().find(reference))
    if removal.is_newest() and not as_json:
        version = removal.version
        again = f"the next version of {version.name} that is registered may be {version} again, and another model"
        click.echo(printable(f"{version} is the newest: {again}"), err=True)
    Way(yes, dry_run, as_json).go(removal, str(removal.version), act("models remove"))


@click.command("remove")
@click.argument("selection")
@removal_options
def remove_images(selection: str, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Remove photographs: files, masks, names, explanations, scenes, and their rows in comparisons.

    SELECTION is all, label:NAME, sha256:PREFIX or a pattern of names. Audits are of fewer photographs then; a
    comparison stays as it was said and is listed as outdated. Reports and exports written before are yours to delete.

    \b
    polelens images remove 'north/0017.jpg' --dry-run
    polelens images remove sha256:2c26b46b68ff --yes
    """
    removal = ImagesRemoval(engine(), blobs(), selection)
    Way(yes, dry_run, as_json).go(removal, f"the photographs of {selection!r}", act("images remove"))
