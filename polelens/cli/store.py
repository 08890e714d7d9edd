"""What the commands work on: the stores of the settings."""

import json
from functools import lru_cache
from typing import Any

import click
from rich.console import Console
from sqlalchemy import Engine

from storage.archive import Archive
from storage.audits import Audits
from storage.blobs import Blobs, open_blobs
from storage.database import connect
from storage.registry import Registry
from storage.settings import settings

console = Console(stderr=False)
progress_console = Console(stderr=True)


@lru_cache(maxsize=1)
def engine() -> Engine:
    """The database."""
    return connect(settings().database_url)


@lru_cache(maxsize=1)
def blobs() -> Blobs:
    """The blob store."""
    return open_blobs(settings().blobs)


def registry() -> Registry:
    """The models."""
    return Registry(engine(), blobs())


def archive() -> Archive:
    """The photographs."""
    return Archive(engine(), blobs())


def audits() -> Audits:
    """The audits."""
    return Audits(engine())


def echo_json(value: Any) -> None:
    """Print a value as JSON, for scripts."""
    click.echo(json.dumps(value, indent=1, default=str, ensure_ascii=False))


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
