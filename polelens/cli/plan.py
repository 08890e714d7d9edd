"""What an audit will come to: photographs, evaluations, parts, bytes and time."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import click

from pipeline.judge import grounding
from pipeline.methods import check, planned
from pipeline.recipe import Recipe
from polelens.cli.beforehand import check as check_selection
from polelens.cli.beforehand import words
from polelens.cli.recipes import Asked, recipe_options
from polelens.cli.store import engine, ledger, registry
from polelens.cli.text import as_json, echo_json, printable
from polelens.report.words import duration, size
from storage.paces import Paces
from storage.planning import Selected, selected
from storage.registry import Version
from storage.settings import settings
from tasks.device import device
from tasks.parts import size as part_size

# Of one explanation: the pictures and the scene of photographs of 800 pixels or more, as in docs/operations.md.
PICTURES_BYTES, SCENE_BYTES, SCORE_BYTES = 1_300_000, 100_000, 4
AUDITS, WARM_UP = "audits", "warm-up"  # where a rate comes from


@dataclass(frozen=True, slots=True)
class Rate:
    """Evaluations a second of one worker process, and where that is known from."""

    value: float
    source: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What remains to be done in an audit."""

    model: str
    recipe: str
    photographs: int
    explained_before: int
    explained_again: int  # as their mask is another one than before
    evaluations: int
    parts: int
    bytes: int
    workers: int
    evaluations_per_second: float | None  # of one worker process
    rate_from: str | None
    seconds: float | None  # on so many workers

    def to_json(self) -> Mapping[str, Any]:
        """The plan as JSON."""
        alone = None if self.seconds is None else round(self.seconds * self.workers, 1)
        return asdict(self) | {"seconds_of_one_worker": alone}

    def line(self) -> str:
        """The plan as a person reads it."""
        said = [f"{self.photographs:,} photographs under {printable(self.model)}"]
        if self.explained_before:
            said.append(f"{self.explained_before:,} of them explained before")
        if self.explained_again:
            said.append(f"{self.explained_again:,} again for their new masks")
        return ", ".join([*said, self.work()])

    def work(self) -> str:
        """What is left to do, alone."""
        asked = f"about {self.evaluations:,} evaluations in {self.parts:,} parts, {size(self.bytes)} to store"
        if self.seconds is None:
            return f"{asked}, how fast is not known yet: `polelens audit plan` measures it"
        workers = "1 worker process" if self.workers == 1 else f"{self.workers} worker processes"
        return f"{asked}, about {duration(self.seconds)} on {workers}"


@click.command("plan")
@click.argument("model", metavar="MODEL[@VERSION]")
@click.option(
    "--images", default="all", show_default=True, help="all, label:NAME, sha256:PREFIX or a pattern of names."
)
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Inference processes.")
@recipe_options
@as_json
def plan_command(model: str, images: str, workers: int, asked: Asked, as_json: bool) -> None:
    """Say what an audit of MODEL would come to, and start nothing.

    The time is that of the inference, from the rate that audits of the model were seen to have; where there were none,
    a warm-up of a few seconds on this machine measures it.

    \b
    polelens audit plan poles --workers 8
    polelens audit plan poles@2 --recipe lime --images 'north/*' --json
    polelens audit plan poles --recipe default,lime              each, and both together
    """
    version = registry().find(model)
    recipes = checked(asked, version)
    check_selection(images)
    measured = known_rate(version) or _measured(version)
    plans = [plan(version, one, selected(engine(), version, one, images), measured, workers) for one in recipes]
    together = summed(plans)
    if as_json:
        several = {"plans": [one.to_json() for one in plans], "together": together.to_json()}
        echo_json(several if len(plans) > 1 else together.to_json())
        return
    for one in plans:
        click.echo(f"{printable(one.recipe)}: {one.line()}" if len(plans) > 1 else one.line())
    if len(plans) > 1:
        click.echo(f"together: {together.work()}")
    for line in words(version, images):
        click.echo(printable(line), err=True)
    if measured.source == WARM_UP:
        click.echo(f"measured by a warm-up on this machine: {measured.value:,.0f} evaluations a second and process")


def checked(asked: Asked, version: Version) -> list[Recipe]:
    """The recipes that a command line asks for. Raises ValueError if one does not fit the model, or two are alike."""
    recipes: dict[str, Recipe] = {}
    for one in asked.recipes(known=version.labels):
        check(one, version.labels)
        if one.digest in recipes:
            raise ValueError(f"recipes {recipes[one.digest].name} and {one.name} are one and the same; name it once")
        recipes[one.digest] = one
    return list(recipes.values())


def plan(version: Version, recipe: Recipe, found: Selected, rate: Rate | None, workers: int = 1) -> Plan:
    """The plan of an audit with so many photographs.

    Of one whose mask is new the model is asked what the mask shows; the rest is known, but for the tests of an answer
    that an earlier version judged by others.
    """
    remaining, rounds = found.photographs - found.explained, planned(recipe).values()
    new, each, size_of_part = remaining - found.outdated, sum(rounds), part_size(ledger(), version.id)
    judging = planned(recipe).get("judging", 0)
    evaluations = new * each + (found.outdated - found.rejudged) * grounding.PLANNED + found.rejudged * judging
    stored = PICTURES_BYTES + SCENE_BYTES + SCORE_BYTES * each * len(version.labels)
    return Plan(
        model=str(version),
        recipe=recipe.name,
        photographs=found.photographs,
        explained_before=found.explained,
        explained_again=found.outdated,
        evaluations=evaluations,
        parts=new * sum(-(-asked // size_of_part) for asked in rounds) + found.outdated,
        bytes=remaining * stored,
        workers=workers,
        evaluations_per_second=round(rate.value, 1) if rate else None,
        rate_from=rate.source if rate else None,
        seconds=round(evaluations / rate.value / workers, 1) if rate else None,
    )


def summed(plans: Sequence[Plan]) -> Plan:
    """What audits by several recipes come to; a photograph counts once for each of them."""
    names = ("photographs", "explained_before", "explained_again", "evaluations", "parts", "bytes")
    totals = {name: sum(getattr(one, name) for one in plans) for name in names}
    seconds = [one.seconds for one in plans if one.seconds is not None]
    recipes = ",".join(one.recipe for one in plans)
    return replace(plans[0], recipe=recipes, seconds=round(sum(seconds), 1) if seconds else None, **totals)


def known_rate(version: Version) -> Rate | None:
    """The rate that was seen in audits, else that of a warm-up on a device like this machine's."""
    seen = ledger().rate(version.id)
    if seen:
        return Rate(seen, AUDITS)
    warm = Paces(engine()).find(version.id, device(settings()))
    return Rate(warm.rate, WARM_UP) if warm else None


def _measured(version: Version) -> Rate:
    """The rate that a warm-up on this machine finds, remembered for the workers on it."""
    from pipeline.model.blackbox import BlackBox  # noqa: PLC0415 -- slow to import, and seldom needed
    from pipeline.model.pace import find_pace  # noqa: PLC0415

    here, model = settings(), registry().load(version.id)
    box = BlackBox(model, threads=here.threads, providers=here.providers.split(","))
    return Rate(Paces(engine()).keep(version.id, device(here), find_pace(model, box)).rate, WARM_UP)
