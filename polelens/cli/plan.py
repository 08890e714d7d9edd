"""What an audit will come to: photographs, evaluations, parts, bytes and time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import click
import redis
from kombu.exceptions import OperationalError as BrokerError

from pipeline.judge import grounding
from pipeline.methods import check, planned
from pipeline.recipe import Recipe
from polelens.cli.beforehand import check as check_selection
from polelens.cli.beforehand import words
from polelens.cli.completion import model_references, selections
from polelens.cli.recipes import Asked, recipe_options
from polelens.cli.sample import NOTHING_SEEN, Sample, sample
from polelens.cli.store import engine, ledger, registry
from polelens.cli.text import as_json, echo_json, printable
from polelens.report.words import duration, size
from polelens.stack.workers import Crew, crew
from storage.paces import Paces
from storage.planning import Selected, selected
from storage.registry import Version
from storage.settings import settings
from tasks.device import device
from tasks.parts import size as part_size

# Of one explanation: the pictures and the scene of photographs of 800 pixels or more, as in docs/operations.md.
PICTURES_BYTES, SCENE_BYTES, SCORE_BYTES = 1_300_000, 100_000, 4
# Of one explanation: both reductions, mostly pictures, whose size is bounded. Processor seconds of the demo's archive
# under the default recipe on a core of an Intel Xeon of 2023.
REDUCE_SECONDS = 0.15
# Of processes that share cores and caches each is slower than one alone, on the two threads of a core by up to a half.
# Audits that were slower yet than so much of a warm-up shared their machines with other work.
SHARED = 0.65
AUDITS, WARM_UP = "audits", "warm-up"  # where a rate comes from
ANSWERING, ASKED, ASSUMED = "answering", "asked", "assumed"  # where the number of workers comes from


@dataclass(frozen=True, slots=True)
class Rate:
    """Evaluations a second of one worker process, and where that is known from."""

    value: float
    source: str
    slower: float | None = None  # what audits were seen to have, on machines that did other work, too

    def notes(self) -> Iterator[str]:
        """What a person should know of it."""
        if self.slower:
            slow = f"audits of it had {self.slower:,.0f} evaluations a second and process, beside other work it seems"
            yield f"{slow}; reckoned with {self.value:,.0f}, from a warm-up on this machine"
        elif self.source == WARM_UP:
            yield f"measured by a warm-up on this machine: {self.value:,.0f} evaluations a second and process"


@dataclass(frozen=True, slots=True)
class Means:
    """What a plan reckons with: how fast a process is, how many there are, and what a sample of photographs says."""

    rate: Rate | None
    crew: Crew
    crew_from: str
    sample: Sample = NOTHING_SEEN

    def seconds(self, evaluations: int, photographs: int) -> float | None:
        """The time that an idle machine takes; None where no rate is known.

        Inference shares its cores with preparing and reducing, which alone take what their own processes need.
        """
        if self.rate is None:
            return None
        rest = photographs * (self.sample.seconds + REDUCE_SECONDS)
        return max((evaluations / self.rate.value + rest) / self.crew.infer, rest / self.crew.rest)


@dataclass(frozen=True, slots=True)
class Plan:
    """What remains to be done in an audit."""

    model: str
    recipe: str
    photographs: int
    explained_before: int
    explained_again: int  # as their mask is another one than before
    superpixels: int  # the mean of so many photographs; of none: what the recipe asks for
    superpixels_from: int
    evaluations: int
    parts: int
    bytes: int
    workers: int
    workers_from: str
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
        said.append(self._asked())
        seen = f"the mean of {self.superpixels_from} photographs" if self.superpixels_from else "as the recipe asks"
        said.append(f"reckoned with {self.superpixels} superpixels, {seen}")
        return ", ".join([*said, self._lasting()])

    def work(self) -> str:
        """What is left to do, alone."""
        return f"{self._asked()}, {self._lasting()}"

    def _asked(self) -> str:
        return f"about {self.evaluations:,} evaluations in {self.parts:,} parts, {size(self.bytes)} to store"

    def _lasting(self) -> str:
        if self.seconds is None:
            return "how fast is not known yet: `polelens audit plan` measures it"
        return f"about {duration(self.seconds)} on {self._workers()}"

    def _workers(self) -> str:
        number = "1 worker process" if self.workers == 1 else f"{self.workers} worker processes"
        if self.workers_from == ASSUMED:
            return f"{number}, assumed as none answers"
        return f"the {number} that answer{'s' * (self.workers == 1)}" if self.workers_from == ANSWERING else number


def model_and_images(command: Any) -> Any:
    """The argument and the option that say which model, and which photographs."""
    images = click.option(
        "--images",
        default="all",
        show_default=True,
        shell_complete=selections,
        help="all, label:NAME, sha256:PREFIX or a pattern of names.",
    )
    return click.argument("model", metavar="MODEL[@VERSION]", shell_complete=model_references)(images(command))


@click.command("plan")
@model_and_images
@click.option(
    "--workers", type=click.IntRange(1), show_default="those that answer", help="Inference processes to reckon with."
)
@recipe_options
@as_json
def plan_command(model: str, images: str, workers: int | None, asked: Asked, as_json: bool) -> None:
    """Say what an audit of MODEL would come to, and start nothing.

    The time is that of machines that do nothing else, from the rate that audits of the model were seen to have; where
    there were none, a warm-up of a few seconds on this machine measures it. A few photographs are prepared to see how
    many superpixels they get.

    \b
    polelens audit plan poles --workers 8
    polelens audit plan poles@2 --recipe lime --images 'north/*' --json
    polelens audit plan poles --recipe default,shap              each, and both together
    """
    version = registry().find(model)
    recipes = checked(asked, version)
    check_selection(images)
    found = [selected(engine(), version, one, images) for one in recipes]
    measured = known_rate(version) or _measured(version)
    plans = planned_each(version, zip(recipes, found, strict=True), images, means(measured, workers))
    if as_json:
        told = {"plans": [one.to_json() for one in plans], "together": together(plans)}
        echo_json(told if len(plans) > 1 else plans[0].to_json())
    else:
        _tell(plans)
    for line in (*words(version, images), *measured.notes()):
        click.echo(printable(line), err=True)


def _tell(plans: Sequence[Plan]) -> None:
    """A line each, and what they come to."""
    if len(plans) == 1:
        click.echo(plans[0].line())
        return
    for one in plans:
        click.echo(f"{printable(one.recipe)}: {one.line()}")
    click.echo(f"together: {replace(plans[0], **together(plans)).work()}")


def checked(asked: Asked, version: Version) -> list[Recipe]:
    """The recipes that a command line asks for. Raises ValueError if one does not fit the model, or two are alike."""
    recipes: dict[str, Recipe] = {}
    for one in asked.recipes(known=version.labels):
        check(one, version.labels)
        if one.digest in recipes:
            raise ValueError(f"recipes {recipes[one.digest].name} and {one.name} are one and the same; name it once")
        recipes[one.digest] = one
    return list(recipes.values())


def planned_each(
    version: Version, recipes: Iterable[tuple[Recipe, Selected]], images: str, reckoned: Means
) -> list[Plan]:
    """The plans of audits by several recipes, each with a sample of its own."""
    return [plan(version, one, found, replace(reckoned, sample=sample(version, one, images))) for one, found in recipes]


def together(plans: Sequence[Plan]) -> dict[str, Any]:
    """What several plans come to, one after another."""
    seconds = [one.seconds for one in plans if one.seconds is not None]
    totals = {name: sum(getattr(one, name) for one in plans) for name in ("evaluations", "parts", "bytes")}
    return totals | {"seconds": round(sum(seconds), 1) if seconds else None}


def means(rate: Rate | None, workers: int | None = None) -> Means:
    """What a plan reckons with: so many workers, else those that answer, else one."""
    if workers is not None:
        return Means(rate, Crew.local(workers), ASKED)
    try:
        there = crew(settings().broker_url)
    except (BrokerError, redis.RedisError, OSError):
        there = Crew(0, 0)
    if not there.infer:
        return Means(rate, Crew.local(1), ASSUMED)
    return Means(rate, Crew(there.infer, max(1, there.rest)), ANSWERING)


def plan(version: Version, recipe: Recipe, found: Selected, reckoned: Means) -> Plan:
    """The plan of an audit with so many photographs.

    Of one whose mask is new the model is asked what the mask shows; the rest is known, but for the tests of an answer
    that an earlier version judged by others.
    """
    remaining, parts = found.photographs - found.explained, planned(recipe, reckoned.sample.superpixels)
    new, each, size_of_part = remaining - found.outdated, sum(parts.values()), part_size(ledger(), version.id)
    judging, rate = parts.get("judging", 0), reckoned.rate
    evaluations = new * each + (found.outdated - found.rejudged) * grounding.PLANNED + found.rejudged * judging
    stored = PICTURES_BYTES + SCENE_BYTES + SCORE_BYTES * each * len(version.labels)
    seconds = reckoned.seconds(evaluations, remaining)
    return Plan(
        model=str(version),
        recipe=recipe.name,
        photographs=found.photographs,
        explained_before=found.explained,
        explained_again=found.outdated,
        superpixels=reckoned.sample.superpixels or recipe.superpixels,
        superpixels_from=reckoned.sample.photographs,
        evaluations=evaluations,
        parts=new * sum(-(-asked // size_of_part) for asked in parts.values()) + found.outdated,
        bytes=remaining * stored,
        workers=reckoned.crew.infer,
        workers_from=reckoned.crew_from,
        evaluations_per_second=round(rate.value, 1) if rate else None,
        rate_from=rate.source if rate else None,
        seconds=None if seconds is None else round(seconds, 1),
    )


def known_rate(version: Version) -> Rate | None:
    """The rate that was seen in audits, but no less than an idle device like this machine's has after its warm-up."""
    seen, warm = ledger().rate(version.id), Paces(engine()).find(version.id, device(settings()))
    if seen and not (warm and seen < SHARED * warm.rate):
        return Rate(seen, AUDITS)
    return Rate(SHARED * warm.rate if seen else warm.rate, WARM_UP, seen) if warm else None


def _measured(version: Version) -> Rate:
    """The rate that a warm-up on this machine finds, remembered for the workers on it."""
    from pipeline.model.blackbox import BlackBox  # noqa: PLC0415 -- slow to import, and seldom needed
    from pipeline.model.pace import find_pace  # noqa: PLC0415

    here, model = settings(), registry().load(version.id)
    box = BlackBox(model, threads=here.threads, providers=here.providers.split(","))
    return Rate(Paces(engine()).keep(version.id, device(here), find_pace(model, box)).rate, WARM_UP)
