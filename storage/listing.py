"""The list of audits, with how far each is, in one query."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from sqlalchemy import Engine, text

from storage.audits import AUDIT, Audit, audit_of
from storage.progress import COUNT, Progress, kept
from storage.registry import split_reference


@dataclass(frozen=True, slots=True)
class Which:
    """The audits to list: those that are all that is asked; None asks nothing.

    Attributes
    ----------
    model : str or None
        A name, or name@version.
    state : str or None
    name : str or None
        A pattern, where * and ? stand for any text and any character; case does not count.
    tags : tuple of str
        An audit has them all.
    by : str or None
        Who started it.
    most : int or None
        The newest so many.
    before : int or None
        Those with a smaller number: where the page of newer ones ended.
    """

    model: str | None = None
    state: str | None = None
    name: str | None = None
    tags: tuple[str, ...] = ()
    by: str | None = None
    most: int | None = None
    before: int | None = None

    @property
    def asked(self) -> bool:
        """Whether anything is."""
        return self != Which()


def listed(engine: Engine, which: Which) -> Sequence[tuple[Audit, Progress]]:
    """The audits that are asked for and how far each is, the newest first."""
    with engine.begin() as c:
        rows = c.execute(text(_COUNTED), _values(which)).all()
    return [(audit_of(row), Progress(**{name: getattr(row, name) for name in _FIGURES})) for row in rows]


def known(engine: Engine, which: Which) -> Sequence[tuple[Audit, Progress | None]]:
    """The same without counting anything: None where figures are not kept."""
    with engine.begin() as c:
        found = [audit_of(row) for row in c.execute(text(_LISTED), _values(which))]
        figures = kept(c, [one.id for one in found])
        return [(one, figures.get(one.id)) for one in found]


def like(pattern: str | None) -> str | None:
    """A pattern of names as SQL has it."""
    if pattern is None:
        return None
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%").replace("?", "_")


def _values(which: Which) -> dict[str, Any]:
    model, version = split_reference(which.model) if which.model else (None, None)
    return asdict(which) | {"model": model, "version": version, "tags": list(which.tags), "name": like(which.name)}


_LISTED = f"""
{AUDIT} WHERE (CAST(:model AS text) IS NULL OR m.name = :model)
      AND (CAST(:version AS integer) IS NULL OR m.version = :version)
      AND (CAST(:state AS text) IS NULL OR a.state = :state)
      AND (CAST(:name AS text) IS NULL OR a.name ILIKE :name)
      AND (CAST(:by AS text) IS NULL OR a.started_by = :by) AND a.tags @> CAST(:tags AS text[])
      AND (CAST(:before AS integer) IS NULL OR a.id < :before)
ORDER BY a.id DESC LIMIT CAST(:most AS integer)
"""

_FIGURES = [one.name for one in fields(Progress)]
_KEPT = ("photographs", "done", "failed", "not_rejudged", "evaluations")  # where an audit has ended
_COUNTED = f"""
SELECT found.*, n.paused_at, n.pause_reason, n.in_flight, f.counted_at AS kept_at,
       coalesce(f.evaluations, n.evaluations_done) AS evaluations_done,
       {", ".join(f"coalesce(f.{name}, n.{name}) AS {name}" for name in _KEPT)}
FROM ({_LISTED}) found LEFT JOIN audit_figures f ON f.audit_id = found.id
CROSS JOIN LATERAL ({COUNT.format(audit="found.id", where="f.audit_id IS NULL")}) n ORDER BY found.id DESC
"""  # noqa: S608  of constants alone
