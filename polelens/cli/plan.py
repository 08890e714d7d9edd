"""What an audit will come to: photographs, evaluations, parts, bytes and time."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import click
import redis
from kombu.exceptions import OperationalError as BrokerError

from pipeline.judge import grounding
from pipeline.many_labels import columns_kept
from pipeline.methods import check, looked_into, method, planned
from pipeline.model.precision import F32
from pipeline.recipe import Recipe
from polelens.asked import Asked
from polelens.cli.beforehand import check as check_selection
from polelens.cli.beforehand import words
from polelens.cli.completion import model_references, selections
from polelens.cli.rates import Rate, known_rate, measured_rate, notes
from polelens.cli.recipes import recipe_options
from polelens.cli.rounding import rounding_of, told_of
from polelens.cli.sample import NOTHING_SEEN, Sample, sample
from polelens.cli.store import engine, ledger, registry
from polelens.cli.text import as_json, echo_json, printable
from polelens.cost import InRounds
from polelens.report.words import duration, size
from polelens.stack.workers import Crew, crew
from storage.planning import Selected, selected
from storage.registry import Version
from storage.settings import settings
from tasks.parts import size as part_size

if TYPE_CHECKING:
    from pipeline.model.inside import Inside

# Of one explanation: its scene, its probes, and each score: see docs/operations.md and `python -m benchmarks storage`.
SCENE_BYTES, PROBE_BYTES, SCORE_BYTES = 120_000, 5_000, 4
# Of one explanation: both reductions. Processor seconds of the demo's archive under the default recipe on a core of an
# Intel Xeon of 2023.
REDUCE_SECONDS = 0.05
TOTALS = ("evaluations_least", "evaluations", "parts", "bytes")
ANSWERING, ASKED, ASSUMED = "answering", "asked", "assumed"  # where the number of workers comes from


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
    precision: str
    photographs: int
    explained_before: int
    explained_again: int  # as their mask is another one than before
    superpixels: int  # the mean of so many photographs; of none: what the recipe asks for
    superpixels_from: int
    evaluations_least: int  # less than the next where seeds are asked in rounds; all else is reckoned with the next
    evaluations: int
    parts: int
    bytes: int
    workers: int
    workers_from: str
    evaluations_per_second: float | None  # of one worker process
    rate_from: str | None
    seconds: float | None  # on so many workers
    in_rounds: InRounds | None  # of one photograph

    def to_json(self) -> dict[str, Any]:
        """The plan as JSON."""
        alone = None if self.seconds is None else round(self.seconds * self.workers, 1)
        return asdict(self) | {"seconds_of_one_worker": alone}

    def line(self) -> str:
        """The plan as a person reads it."""
        said = [f"{self.photographs:,} photographs under {printable(self.model)}"]
        if self.precision != F32:
            said.append(f"computed in {self.precision}")
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
        least = f"{self.evaluations_least:,} to " if self._varies else ""
        parts = f"{'at most ' if self._varies else ''}{self.parts:,} parts"
        return f"about {least}{self.evaluations:,} evaluations in {parts}, {size(self.bytes)} to store"

    def _lasting(self) -> str:
        if self.seconds is None:
            return "how fast is not known yet: `polelens audit plan` measures it"
        return f"{'at most' if self._varies else 'about'} {duration(self.seconds)} on {self._workers()}"

    @property
    def _varies(self) -> bool:
        return self.evaluations_least < self.evaluations

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
    rates = [known_rate(version, one.precision) or measured_rate(version, one.precision) for one in recipes]
    reckoned = with_rates(means(None, workers), rates)
    plans = planned_each(version, zip(recipes, found, strict=True), images, reckoned)
    roundings = [rounding_of(version, one, images) for one in recipes]
    if as_json:
        each = [one.to_json() | told_of(loss) for one, loss in zip(plans, roundings, strict=True)]
        echo_json({"plans": each, "together": together(plans)} if len(each) > 1 else each[0])
    else:
        _tell(plans)
    beside = (*rounds_told(plans), *notes(rates), *(loss.sentence for loss in roundings if loss))
    for line in (*words(version, images), *beside):
        click.echo(printable(line), err=True)


def rounds_told(plans: Iterable[Plan]) -> list[str]:
    """What a photograph may cost, of each plan whose recipe asks in rounds and that has something to ask."""
    return [one.in_rounds.sentence for one in plans if one.in_rounds and one.evaluations]


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
    inside = lru_cache(maxsize=1)(lambda: _inside(version))
    for one in asked.recipes(known=version.labels):
        check(one, version.labels)
        if method(one).inside:
            looked_into(one, inside())
        if one.digest in recipes:
            raise ValueError(f"recipes {recipes[one.digest].name} and {one.name} are one and the same; name it once")
        recipes[one.digest] = one
    return list(recipes.values())


def _inside(version: Version) -> "Inside":
    from pipeline.model.inside import Inside  # noqa: PLC0415 -- slow to import, and seldom needed

    return Inside(registry().load(version.id))


def planned_each(
    version: Version, recipes: Iterable[tuple[Recipe, Selected]], images: str, reckoned: Iterable[Means]
) -> list[Plan]:
    """The plans of audits by several recipes, each with means and a sample of its own."""
    return [
        plan(version, one, found, replace(with_rate, sample=sample(version, one, images)))
        for (one, found), with_rate in zip(recipes, reckoned, strict=True)
    ]


def together(plans: Sequence[Plan]) -> dict[str, Any]:
    """What several plans come to, one after another."""
    seconds = [one.seconds for one in plans if one.seconds is not None]
    totals = {name: sum(getattr(one, name) for one in plans) for name in TOTALS}
    return totals | {"seconds": round(sum(seconds), 1) if seconds else None}


def with_rates(reckoned: Means, rates: Iterable[Rate | None]) -> list[Means]:
    """The same means with each rate."""
    return [replace(reckoned, rate=one) for one in rates]


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
    new, each = remaining - found.outdated, sum(parts.values())
    size_of_part = part_size(ledger(), version.id, recipe.precision)
    judging, rate = parts.get("judging", 0), reckoned.rate
    in_rounds = InRounds.of(recipe, reckoned.sample.superpixels)
    evaluations = new * each + (found.outdated - found.rejudged) * grounding.PLANNED + found.rejudged * judging
    kept = columns_kept(len(version.labels), settings().kept_labels)
    stored = SCENE_BYTES + PROBE_BYTES + SCORE_BYTES * each * kept
    seconds = reckoned.seconds(evaluations, remaining)
    return Plan(
        model=str(version),
        recipe=recipe.name,
        precision=recipe.precision,
        photographs=found.photographs,
        explained_before=found.explained,
        explained_again=found.outdated,
        superpixels=reckoned.sample.superpixels or recipe.superpixels,
        superpixels_from=reckoned.sample.photographs,
        evaluations_least=evaluations - (new * (each - in_rounds.least) if in_rounds else 0),
        evaluations=evaluations,
        parts=new * sum(-(-asked // size_of_part) for asked in parts.values()) + found.outdated,
        bytes=remaining * stored,
        workers=reckoned.crew.infer,
        workers_from=reckoned.crew_from,
        evaluations_per_second=round(rate.value, 1) if rate else None,
        rate_from=rate.source if rate else None,
        seconds=None if seconds is None else round(seconds, 1),
        in_rounds=in_rounds,
    )
