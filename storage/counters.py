"""Counters: what has happened, added up in the transaction that made it so; `storage.monitoring` reads them."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from storage import statements as sql

# Beside these, `count_done` keeps photographs, evaluations, parts and seconds.
DUPLICATES = "duplicates"  # answers refused, since another had come first
REPUBLISHED = "republished"  # photographs handed out again by the sweeper
CAUSES = ("prepare", "infer", "reduce", "killed")  # the step that failed a photograph, or processes that died of it


def failed(cause: str) -> str:
    """The counter of photographs failed by a cause."""
    return f"failed:{cause}"


KILLED = failed("killed")


def count(c: Connection, what: str, explanations: Sequence[int]) -> None:
    """Add these explanations to a counter of their models."""
    if explanations:
        c.execute(text(sql.COUNT), {"what": what, "ids": list(explanations)})


def count_done(c: Connection, explanation: int, *, new: bool = True) -> None:
    """Add an explanation that is done, whose parts are not dropped yet, to its model's counters.

    One that was judged anew is no further photograph.
    """
    c.execute(text(sql.COUNT_DONE), {"id": explanation, "new": int(new)})
