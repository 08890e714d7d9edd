"""`polelens gc`: remove what nothing refers to."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import click
from rich.progress import TextColumn, TimeElapsedColumn

from polelens.cli.removal import Way, removal_options
from polelens.cli.spans import SECONDS
from polelens.cli.store import blobs, engine
from polelens.cli.text import progress_bar
from storage.forget.garbage import LOOKED_AT, Garbage
from storage.forget.losses import Losses
from storage.forget.trail import Act, act
from storage.settings import settings


@click.command()
@click.option("--most", type=click.IntRange(1), help="Blobs removed at most; without, all.")
@click.option(
    "--grace", type=SECONDS, metavar="24h", help="How old a blob must be.  [default: POLELENS_GC_GRACE_SECONDS]"
)
@removal_options
def gc(most: int | None, grace: float | None, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Remove what nothing refers to, or is needed no more.

    That is explanations that no audit has, blobs that no row speaks of, and pictures that earlier versions stored and
    that are drawn now. Audits that were started with --keep go when their time is over. It takes the same memory for
    any archive. Audits may run meanwhile, and another gc too; it may be stopped at any moment. What other programs put
    into the store stays.

    \b
    polelens gc --dry-run
    polelens gc --yes
    polelens gc --yes --most 10000 --json      for cron
    """
    seconds = settings().gc_grace_seconds if grace is None else grace
    removal = Everything(Garbage(engine(), blobs(), act("gc"), seconds), most)
    Way(yes, dry_run, as_json).go(removal, "what nothing refers to", removal.garbage.act)
    if removal.left:
        click.echo(f"photographs are being added: {' and '.join(removal.left)} are left for another time", err=True)


@dataclass(slots=True)
class Everything:
    """All garbage, as something that can be removed; `left` are the kinds that were left for another time."""

    garbage: Garbage
    most: int | None
    left: Sequence[str] = ()

    def losses(self) -> Losses:
        """What would go."""
        with _bar() as each:
            return self.garbage.count(each)

    def carry_out(self, act: Act) -> Losses:
        """Remove it."""
        del act  # it has its own
        losses = self.garbage.rows()
        with _bar() as each:
            swept, self.left = self.garbage.sweep(self.most, each)
        losses.update(swept)
        return losses


@contextmanager
def _bar() -> Iterator[Callable[[], None]]:
    """A bar that counts keys, and what moves it by a page."""
    with progress_bar(TextColumn("{task.completed:,.0f} keys looked at"), TimeElapsedColumn()) as bar:
        task = bar.add_task("keys", total=None)
        yield lambda: bar.advance(task, LOOKED_AT)
