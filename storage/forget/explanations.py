"""Explanations that no audit wants: how they are removed, and how much that frees."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, text

from storage.blobs import Blobs
from storage.forget.losses import Losses
from storage.forget.unreferenced import EXPLANATIONS, MASKS, SCENES, Kind, Sweeper, stored
from storage.keys import explanation_key, mask_key, scene_key
from storage.locks import removing

Below = tuple[Kind, list[str]]  # what the keys of some blobs of a kind begin with
MARKS = "marks"
PAGE = 500  # explanations removed in one transaction
SAMPLE = 200  # explanations whose blobs are weighed: as keys are digests, the first by their keys are any

# What is not done yet may be a refit that still has to read its source's scores.
NEEDED = "EXISTS (SELECT FROM explanation r WHERE r.refit_of = e.id AND r.state <> 'done')"
LOOSE = f"NOT EXISTS (SELECT FROM audit_explanation ae WHERE ae.explanation_id = e.id) AND NOT {NEEDED}"


@dataclass(frozen=True, slots=True)
class Going:
    """Explanations that would go: a condition on the explanation `e`, and the values in it."""

    condition: str
    values: Mapping[str, Any]

    def weigh(self, c: Connection, blobs: Blobs) -> Losses:
        """How many they are, and the bytes of their blobs and of the scenes that no other explanation has."""
        number = c.execute(text(f"SELECT count(*) FROM explanation e WHERE {self.condition}"), self.values).scalar_one()  # noqa: S608
        rows = c.execute(text(_SAMPLE.format(going=self.condition)), {**self.values, "most": SAMPLE}).all()
        share = number / len(rows) if rows else 1
        losses = Losses(exact=number == len(rows))
        losses.add("explanations", number)
        losses.add(MARKS, marks(c, self.condition, self.values))
        for kind, below in _below(rows, scenes=[row.scene for row in rows if row.alone]):
            weighed = list(stored(blobs, below))
            size = sum(one.bytes for one in weighed)
            losses.add(kind.name, round(share * len(weighed)), round(share * size))
        return losses


@dataclass(frozen=True, slots=True)
class Explanations:
    """Removes explanations of a database, with the blobs that were theirs alone."""

    sweeper: Sweeper

    @property
    def engine(self) -> Engine:
        """Of the database."""
        return self.sweeper.engine

    def drop(self, explanations: Sequence[int]) -> Losses:
        """Remove those of these that are loose, in one transaction, and then their blobs."""
        losses = Losses()
        values = {"ids": list(explanations)}
        with removing(self.engine) as c:
            losses.add(MARKS, marks(c, _DROPPED, values))
            rows = c.execute(text(_DROP), values).all()
            losses.add("explanations", len(rows))
            self.sweeper.act.note(c, losses)
        losses.update(self.sweep(rows))
        return losses

    def sweep(self, rows: Sequence[Row[Any]], *, masks: bool = False) -> Losses:
        """Remove the blobs that rows spoke of that are gone, but for what others speak of."""
        losses = Losses()
        for kind, below in _below(rows, scenes=[row.scene for row in rows], masks=masks):
            losses.update(self.sweeper.remove_below(kind, below))
        return losses

    def loose(self) -> Iterator[list[int]]:
        """The explanations that no audit wants, page by page: whatever a killed command has left, too."""
        after = 0
        while True:
            with self.engine.begin() as c:
                last = c.scalar(text(_RANGE), {"after": after, "page": 10 * PAGE})
                found = c.scalars(text(_LOOSE), {"after": after, "last": last}).all()
            if last is None:
                return
            yield from (list(found[start : start + PAGE]) for start in range(0, len(found), PAGE))
            after = last


def marks(c: Connection, going: str, values: Mapping[str, Any]) -> int:
    """How many marks people have put on the explanations `e` that go, by a condition: they go with them."""
    query = f"SELECT count(*) FROM mark k JOIN explanation e ON e.id = k.explanation_id WHERE {going}"  # noqa: S608
    return int(c.execute(text(query), values).scalar_one())


def _below(rows: Iterable[Any], scenes: Iterable[str | None], *, masks: bool = False) -> Iterator[Below]:
    """Each kind of blobs that rows speak of, and what the keys of theirs begin with."""
    rows = list(rows)
    yield EXPLANATIONS, [explanation_key(row.key, "") for row in rows]
    yield SCENES, sorted({scene_key(one) for one in scenes if one})
    if masks:
        yield MASKS, sorted({mask_key(row.mask_sha256) for row in rows if row.mask_sha256})


_DROPPED = f"e.id = ANY(:ids) AND {LOOSE}"

_DROP = f"""
DELETE FROM explanation e WHERE {_DROPPED} RETURNING e.key, e.scene, e.mask_sha256
"""  # noqa: S608  of constants alone

_RANGE = "SELECT max(id) FROM (SELECT id FROM explanation WHERE id > :after ORDER BY id LIMIT :page) page"

_LOOSE = f"""
SELECT e.id FROM explanation e WHERE e.id > :after AND e.id <= :last AND {LOOSE} ORDER BY e.id
"""  # noqa: S608

# A scene is theirs alone where every explanation that has it goes.
_SAMPLE = """
SELECT e.key, e.scene, e.mask_sha256,
       NOT EXISTS (SELECT FROM explanation o WHERE o.scene = e.scene AND NOT EXISTS (
           SELECT FROM explanation e WHERE e.id = o.id AND {going})) AS alone
FROM explanation e WHERE {going} ORDER BY e.key LIMIT :most
"""
