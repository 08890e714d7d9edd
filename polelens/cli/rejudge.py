"""Give an audit's answers the judgement of today, from the scores that were kept."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import click

from pipeline.judge import faithfulness, grounding
from pipeline.methods import planned
from pipeline.recipe import Recipe
from polelens.cli.following import NUMBER, go_on
from polelens.cli.rates import Rate, known_rate
from polelens.cli.store import audits, blobs, engine, registry
from polelens.cli.text import as_json, echo_json
from polelens.report.words import duration
from storage.rejudging import Outdated, Rejudging
from storage.settings import settings


@dataclass(frozen=True, slots=True)
class Plan:
    """What judging an audit anew comes to; `evaluations` at most, with one label explained."""

    found: Outdated
    evaluations: int
    rate: Rate | None

    @property
    def seconds(self) -> float | None:
        """Of one worker process; None where it is not known how fast that is."""
        return round(self.evaluations / self.rate.value, 1) if self.rate else None

    def to_json(self) -> Mapping[str, Any]:
        """The plan as JSON."""
        return asdict(self.found) | {"evaluations": self.evaluations, "seconds_of_one_worker": self.seconds}

    def line(self) -> str:
        """The plan as a person reads it."""
        told = f"{self.found.outdated + self.found.masks:,} of {self.found.photographs:,} photographs to be judged anew"
        told += f", {self.found.masks:,} of them by a new mask" if self.found.masks else ""
        if not self.evaluations:
            return f"{told}, no evaluations"
        told = f"{told}, at most about {self.evaluations:,} evaluations"
        return told if self.seconds is None else f"{told}, about {duration(self.seconds)} on 1 worker process"


@click.command()
@NUMBER
@click.option("--dry-run", is_flag=True, help="Say what it would come to, and start nothing.")
@click.option("--watch", is_flag=True, help="Follow it until it ends.")
@as_json
def rejudge(number: int, dry_run: bool, watch: bool, as_json: bool) -> None:
    """Judge what an audit has explained anew: by today's thresholds, tests and masks.

    The scores that were kept answer; the model is asked only what today's tests show and nobody has asked. Weights stay
    as they are. Until a photograph's new judgement is there, and if it cannot be had, it keeps the earlier one.

    \b
    polelens audit rejudge 3 --dry-run
    polelens audit rejudge 3 --watch
    """
    one, rejudging = audits().get(number), Rejudging(engine(), settings().thresholds)
    found = rejudging.outdated(number)
    rejudging.refuse_lost(number, blobs())
    rate = known_rate(registry().find(one.model), one.recipe.precision)
    told = Plan(found, evaluations(one.recipe, found), rate)
    wanted = found.outdated + found.masks > 0 and not dry_run
    compared = rejudging.plan(number) if wanted else []
    if as_json:
        echo_json({"audit": number, **told.to_json(), "outdated_comparisons": compared})
    else:
        click.echo(f"audit {number}: {told.line()}")
        for before, after in compared:
            click.echo(
                f"the comparison of audits {before} and {after} stays as it is: "
                f"`polelens audit compare {before} {after}` makes it anew",
                err=True,
            )
    if wanted:
        go_on(number, "produce", watch=watch)


def evaluations(recipe: Recipe, found: Outdated) -> int:
    """At most about so many are asked: what new masks show, and today's tests, where an earlier version had others."""
    each = planned(recipe).get("judging", 0) + (faithfulness.SUBSETS if recipe.thorough else 0)
    return found.tested * each + found.masks * grounding.PLANNED
