"""Start, follow, cancel and resume audits, and read what they found."""

from collections.abc import Sequence
from itertools import islice

import click

from pipeline.recipes import recipe
from pipeline.refit import refit_recipe
from polelens.asked import Asked
from polelens.cli.beforehand import check, words
from polelens.cli.comparisons import compare, comparisons_
from polelens.cli.completion import model_references, recipe_names
from polelens.cli.control import ask
from polelens.cli.export import export
from polelens.cli.following import NUMBER, cancel, go_on, go_on_each, resume, watch
from polelens.cli.naming import note, tag
from polelens.cli.object_word import object_option
from polelens.cli.overview import overview_tables
from polelens.cli.pictures import explanation_of, pictures
from polelens.cli.plan import (
    Plan,
    checked,
    means,
    model_and_images,
    plan_command,
    planned_each,
    rounds_told,
    with_rates,
)
from polelens.cli.rates import known_rate, notes
from polelens.cli.recipes import recipe_options
from polelens.cli.rejudge import rejudge
from polelens.cli.removal import delete
from polelens.cli.report import report
from polelens.cli.spans import keep_option
from polelens.cli.store import audits, engine, registry
from polelens.cli.tables import (
    audit_table,
    failed_table,
    not_rejudged_table,
    photograph_table,
    results_table,
)
from polelens.cli.text import as_json, console, echo_json, echo_json_object, printable
from polelens.cli.title_options import title_options, who
from polelens.cli.watch import CtrlC
from polelens.documents import explanation_document, summary
from storage.listing import Which, listed
from storage.overview import overview
from storage.planning import Wanted, selected
from storage.tables import AUDIT_STATES
from storage.title import Title


@click.group()
def audit() -> None:
    """Explain a whole archive: start, follow, cancel and resume audits, and read what they found."""


@audit.command()
@model_and_images
@click.option("--now", is_flag=True, help="Serve it before all other audits, for a person who waits.")
@click.option("--watch", "follow", is_flag=True, help="Follow it until it ends.")
@object_option
@keep_option
@title_options
@recipe_options
@as_json
def start(  # noqa: PLR0913, PLR0917 -- a command's options
    model: str,
    images: str,
    now: bool,
    follow: bool,
    object_word: str,
    keep: int | None,
    title: Title,
    asked: Asked,
    as_json: bool,
) -> None:
    """Explain a selection of photographs under MODEL.

    What was explained before, by the same model and recipe, is taken over and not computed again. Where a mask is new
    the scores that were kept serve, and the model is asked the rest. Several recipes, with commas between them, are an
    audit each; if one is refused none is started.

    \b
    polelens audit start poles --object pole --watch
    polelens audit start poles@2 --recipe lime --images 'north/*' --label TRE
    polelens audit start poles --set segmenter.n_segments=80 --samples 256
    polelens audit start poles --recipe default,shap --watch     an audit each
    polelens audit start poles --keep 90d                        deleted 90 days after its end
    polelens audit start poles --name "spring round" --tag north --note "before the cameras were cleaned"
    """
    version = registry().find(model)
    recipes = checked(asked, version)
    check(images)
    found = [selected(engine(), version, one, images) for one in recipes]
    title = title.by(who())
    wanted = [Wanted(one, images, now, object_word, title=title, keep=keep) for one in recipes]
    numbers = [audits().begin(version, one) for one in wanted]
    ask("produce")
    rates = [known_rate(version, one.precision) for one in recipes]
    plans = planned_each(version, zip(recipes, found, strict=True), images, with_rates(means(None), rates))
    with CtrlC() as ctrl_c:  # who has read the first line may press it
        _tell_started(numbers, plans, as_json=as_json)
        for line in (*words(version, images), *rounds_told(plans), *notes(rates)):
            click.echo(printable(line), err=True)
        if follow:
            go_on_each(numbers, ctrl_c)


for one in (plan_command, watch, cancel, resume, note, tag):
    audit.add_command(one)


@audit.command()
@NUMBER
@click.option("--recipe", "name", shell_complete=recipe_names, help="See `polelens recipes`; without, the audit's own.")
@click.option("--set", "changes", multiple=True, metavar="FIELD=VALUE", help="Change kernel_width or surrogate.")
@click.option("--label", "labels", multiple=True, help="Explain this label; `all`; `top`, the prediction.")
@click.option("--watch", "follow", is_flag=True, help="Follow it until it ends.")
@title_options
@as_json
def refit(  # noqa: PLR0913, PLR0917 -- a command's options
    number: int,
    name: str | None,
    changes: tuple[str, ...],
    labels: tuple[str, ...],
    follow: bool,
    title: Title,
    as_json: bool,
) -> None:
    """Explain what an audit has explained by another surrogate, kernel or label, without the model.

    The scores that were kept answer; so superpixels, fill, masks and seeds are the audit's own, and as the tests behind
    a judgement ask the model, there is none. Of a model with many labels the scores of some were kept: a photograph
    fails where those of the label wanted were not. It is an audit of its own.

    \b
    polelens audit refit 3 --set kernel_width=null --watch
    polelens audit refit 3 --set surrogate=sklearn.linear_model.Lasso --set surrogate.alpha=0.001
    polelens audit refit 3 --label TRE --label STAAL
    """
    one = audits().get(number)
    version = registry().find(one.model)
    base = recipe(name).override({"precision": one.recipe.precision}) if name else one.recipe
    asked = Asked(name or "", None, None, changes, labels).recipe(base, version.labels)
    made = refit_recipe(one.recipe, asked)
    again = audits().refit(number, version, made, title.by(who()))
    progress = audits().progress(again)
    if as_json:
        told = {
            "audit": again,
            "refit_of": number,
            "model": one.model,
            "recipe": made.to_json() | {"digest": made.digest},
        }
        echo_json(told | {"photographs": progress.photographs, "explained_before": progress.done, "evaluations": 0})
    else:
        click.echo(
            f"audit {again}: {progress.photographs:,} photographs of audit {number} by their scores, no evaluations"
        )
    if made != asked:
        click.echo("judge, thorough and denoise are off: they ask the model; there will be no judgement", err=True)
    go_on(again, "produce", watch=follow)


@audit.command("list")
@click.option("--model", metavar="MODEL[@VERSION]", shell_complete=model_references, help="Those under this model.")
@click.option("--state", type=click.Choice(AUDIT_STATES), help="Those in this state.")
@click.option("--name", metavar="PATTERN", help="Those with such a name; * stands for any text.")
@click.option("--tag", "tags", multiple=True, metavar="WORD", help="Those with this tag, and with each further one.")
@click.option("--by", metavar="WHO", help="Those that WHO started: a person, 'policy poles' or 'schedule 3'.")
@click.option("--limit", type=click.IntRange(1, 2**31 - 1), help="The newest so many.")
@as_json
def list_(  # noqa: PLR0913, PLR0917 -- a command's options
    model: str | None,
    state: str | None,
    name: str | None,
    tags: tuple[str, ...],
    by: str | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """List the audits, the newest first.

    \b
    polelens audit list
    polelens audit list --model poles@2 --state done --limit 10
    polelens audit list --name 'spring*' --tag north
    polelens audit list --by 'policy poles' --json
    """
    which = Which(model, state, name, tags, by, limit)
    found = listed(engine(), which)
    if as_json:
        echo_json([summary(one, progress) for one, progress in found])
    elif found:
        console.print(audit_table(found))
    elif which.asked:
        click.echo("no audit is so; `polelens audit list` shows all there are", err=True)
    else:
        click.echo("there are no audits; `polelens audit start MODEL` starts one", err=True)


@audit.command()
@NUMBER
@click.option("--image", help="One photograph: its name, or the beginning of its sha256.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="Lines shown; --json shows all.")
@click.option("--first", type=click.IntRange(0), default=10, show_default=True, help="Photographs to look at first.")
@as_json
def show(number: int, image: str | None, limit: int, first: int, as_json: bool) -> None:
    """Show what an audit found: a line for each photograph, and below them what it all comes to.

    The photographs to look at first are those with most reasons: a wrong label, the background, a doubtful explanation,
    a model that is not sure.

    \b
    polelens audit show 3
    polelens audit show 3 --limit 20 --first 50
    polelens audit show 3 --json                         everything
    polelens audit show 3 --image pole-017.jpg --json    its attribution, as explain writes it
    """
    one = audits().get(number)
    if image is not None:
        row = explanation_of(number, image)
        if as_json:
            echo_json(explanation_document(one, row))
        else:
            console.print(photograph_table(row, one.object_word))
        return
    progress, found = audits().progress(number), overview(engine(), number, first)
    if as_json:
        documents = (explanation_document(one, row) for row in audits().explained(number, ("done", "failed")))
        echo_json_object(summary(one, progress) | found.to_json(), "explanations", documents)
        return
    done, failed = (list(islice(audits().explained(number, (state,)), limit)) for state in ("done", "failed"))
    console.print(results_table(one, progress, found, done, limit))
    kept = audits().not_rejudged(number, limit) if progress.not_rejudged else ()
    tables = (
        *failed_table(progress, failed),
        *not_rejudged_table(progress, kept),
        *overview_tables(found, number, one.object_word),
    )
    console.print(*tables, sep="\n")


audit.add_command(report)
audit.add_command(pictures)
audit.add_command(rejudge)
audit.add_command(compare)
audit.add_command(comparisons_)
audit.add_command(export)
audit.add_command(delete)


def _tell_started(numbers: Sequence[int], plans: Sequence[Plan], *, as_json: bool) -> None:
    """The audits that have started, and what each is about to do."""
    if as_json:
        told = [{"audit": number, **one.to_json()} for number, one in zip(numbers, plans, strict=True)]
        echo_json(told if len(told) > 1 else told[0])
        return
    for number, one in zip(numbers, plans, strict=True):
        recipe = f" by {printable(one.recipe)}" if len(plans) > 1 else ""
        click.echo(f"audit {number}{recipe}: {one.line()}")
    if len(numbers) > 1:
        first, second = numbers[:2]
        ways = f"`polelens audit watch {first}` follows one, and `polelens audit compare {first} {second}` says how far"
        click.echo(f"{ways} two agree when they are done, and whose explanations are more faithful", err=True)
