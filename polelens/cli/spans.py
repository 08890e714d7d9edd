"""Spans of time on the command line: 90d, 24h."""

from __future__ import annotations

import re
from typing import Any

import click

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}


class _Seconds(click.ParamType[float]):
    """A number and s, m, h, d or w, in seconds."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds."""
        if isinstance(value, int | float):
            return float(value)
        found = re.fullmatch(r"(\d{1,9})([smhdw])", value)
        if found is None:
            self.fail(f"{value!r} is no span of time like 90m, 24h or 7d", param, ctx)
        return int(found[1]) * UNITS[found[2]]


class _Days(click.ParamType[int]):
    """A number of days, like 90d."""

    name = "days"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The days."""
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"(\d{1,5})d", value)
        if found is None or int(found[1]) < 1:
            self.fail(f"{value!r} is no number of days like 90d", param, ctx)
        return int(found[1])


SECONDS, DAYS = _Seconds(), _Days()
keep_option = click.option(
    "--keep", type=DAYS, metavar="90d", help="Delete the audit so many days after its end; without, never."
)
