"""Policies: what happens when a version of a model is registered."""

from collections.abc import Iterator
from typing import Any

import click

from pipeline.text import meant
from polelens.cli.beforehand import nothing_yet
from polelens.cli.completion import model_references, policy_models
from polelens.cli.order_options import Ordered, order_options
from polelens.cli.store import policies, registry
from polelens.cli.tables import kept, narrow_table
from polelens.cli.text import as_json, console, echo_json, printable
from storage.policies import Policy
from storage.reaudits import Order

MODEL = click.argument("model", shell_complete=policy_models)


@click.group()
def policy() -> None:
    """Say what happens when a version of a model is registered.

    \b
    polelens policy set poles
    polelens models add export.zip poles     explains the archive under it, and compares it with the version before
    polelens audit comparisons
    """


@policy.command("set")
@click.argument("model", shell_complete=model_references)
@order_options
@as_json
def set_(model: str, ordered: Ordered, as_json: bool) -> None:
    """Explain each new version of MODEL, and compare it with the version before.

    Versions that are registered already count as seen. A model has one policy; this one replaces it.

    \b
    polelens policy set poles
    polelens policy set poles --recipe lime --images 'north/*' --compare none
    """
    policies().set(model, ordered.order(registry().labels(model)))
    made = policies().get(model.partition("@")[0])
    if as_json:
        echo_json(_view(made))
    else:
        click.echo(_sentence(made))
    for line in (*_waits(made.model), *nothing_yet(ordered.images)):
        click.echo(printable(line), err=True)


@policy.command("list")
@as_json
def list_(as_json: bool) -> None:
    """List the policies.

    \b
    polelens policy list --json
    """
    found = policies().all()
    if as_json:
        echo_json([_view(one) for one in found])
        return
    if not found:
        click.echo("there are no policies; `polelens policy set MODEL` makes one", err=True)
        return
    table = narrow_table("model", "name", "recipe", "images", "compare", "last audit", "problem")
    for one in found:
        order = one.order
        recipe = f"{printable(order.recipe.title)}{kept(order.keep)}"
        names = (printable(one.model), printable(order.title.told), recipe, printable(order.selection))
        table.add_row(*names, _compared(order), str(one.audit or ""), printable(one.problem or ""))
    console.print(table)


@policy.command()
@MODEL
@as_json
def show(model: str, as_json: bool) -> None:
    """Show the policy of MODEL.

    \b
    polelens policy show poles
    """
    one = policies().get(model)
    if as_json:
        echo_json(_view(one))
        return
    click.echo(_sentence(one))
    if one.audit is not None:
        click.echo(f"the last audit that it started is {one.audit}")
    if one.problem is not None:
        click.echo(printable(f"the last time it started none: {one.problem}"))


@policy.command()
@MODEL
@as_json
def remove(model: str, as_json: bool) -> None:
    """Forget the policy of MODEL; audits that it started go on.

    \b
    polelens policy remove poles
    """
    removed = policies().remove(model)
    if as_json:
        echo_json({"removed": removed})
    else:
        click.echo(printable(f"{removed} has no policy any more"))


def order_view(order: Order) -> dict[str, Any]:
    """An order as JSON."""
    recipe = order.recipe.to_json() | {"digest": order.recipe.digest}
    told = {"recipe": recipe, "images": order.selection, "compare": _compared(order), "object": order.object_word}
    return told | {"keep_days": order.keep, **order.title.ordered()}


def _waits(model: str) -> Iterator[str]:
    """That there is no such model yet, with what may be meant."""
    names = {one.name for one in registry().all()}
    if model not in names:
        ways = f"the policy waits for its first version, and `polelens policy remove {model}` forgets it"
        yield f"there is no model {model} yet{meant(model, names)}: {ways}"


def _compared(order: Order) -> str:
    return "previous" if order.compare else "none"


def _sentence(one: Policy) -> str:
    what = f"each new version of {one.model} is explained by recipe {one.order.recipe.title}, images"
    then = ", and compared with the version before" if one.order.compare else ""
    return printable(f"{what} {one.order.selection}{then}")


def _view(one: Policy) -> dict[str, Any]:
    told = {"audit": one.audit, "problem": one.problem, "created_at": one.created_at}
    return {"model": one.model, **order_view(one.order), **told}
