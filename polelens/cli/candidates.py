"""What may be meant by a word that is being typed: names and numbers that the archive has, with a few words on each."""

from collections.abc import Iterable, Iterator
from functools import lru_cache

import click
from sqlalchemy import Engine, make_url

from pipeline.recipes import RECIPES
from polelens.cli.store import blobs, database_url
from storage.archive import Archive
from storage.audits import Audits
from storage.database import connect, with_driver
from storage.policies import Policies
from storage.registry import Registry
from storage.schedules import Schedules

PHOTOGRAPHS = 50  # names: more than a person would look through
PATIENCE = {"connect_timeout": "2", "options": "-c statement_timeout=2000"}  # seconds, the least there is; milliseconds

Found = Iterable[tuple[str, str]]


def model_references(ctx: click.Context, incomplete: str) -> Found:
    """Each model by its name; its versions once an @ is typed."""
    del ctx
    versions = _registry().all()
    if "@" in incomplete:
        return [(str(one), f"{len(one.labels)} labels") for one in versions]
    return {one.name: (one.name, f"newest version {one.version}") for one in versions}.values()


def recipe_names(ctx: click.Context, incomplete: str) -> Found:
    """The named recipes."""
    del ctx, incomplete
    return [(name, one.method) for name, one in RECIPES.items()]


def label_names(ctx: click.Context, incomplete: str) -> Found:
    """The labels of the model that was typed before."""
    del incomplete
    reference = ctx.params.get("model") or ctx.args[0]  # after an option that lacks its value, arguments are unparsed
    return [(label, "") for label in (*_registry().find(reference).labels, "all", "top")]


def selections(ctx: click.Context, incomplete: str) -> Found:
    """All, the labels that photographs are known by, and photographs whose names begin so."""
    del ctx
    return list(_selections(Archive(_engine(), blobs()), incomplete))


def audit_numbers(ctx: click.Context, incomplete: str) -> Found:
    """The audits, the newest first."""
    del ctx, incomplete
    return [(str(one.id), f"{one.model}, {one.recipe.name}, {one.state}") for one in Audits(_engine()).all()]


def schedule_numbers(ctx: click.Context, incomplete: str) -> Found:
    """The schedules."""
    del ctx, incomplete
    return [(str(one.id), f"{one.model}, {one.timing.cron}") for one in Schedules(_engine()).all()]


def policy_models(ctx: click.Context, incomplete: str) -> Found:
    """The models that have a policy."""
    del ctx, incomplete
    return [(one.model, one.order.recipe.name) for one in Policies(_engine()).all()]


def _selections(archive: Archive, incomplete: str) -> Iterator[tuple[str, str]]:
    yield "all", "every photograph"
    yield from ((f"label:{label}", f"{count:,} photographs") for label, count in archive.labels().items())
    if incomplete:
        yield from ((one.name, one.label or "") for one in archive.sample(f"{incomplete}*", PHOTOGRAPHS))


@lru_cache(maxsize=1)
def _engine() -> Engine:
    url = make_url(with_driver(database_url())).update_query_dict(PATIENCE)
    return connect(url.render_as_string(hide_password=False))


def _registry() -> Registry:
    return Registry(_engine(), blobs())
