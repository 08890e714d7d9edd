"""Removing photographs: the file, the mask, names, explanations and scenes, and what comparisons have of them.

An audit is of fewer photographs then, and all its figures are, for they are read from the rows that there are. What a
comparison came to stays as it was said, of all its photographs, and the comparison is outdated from then on: with them
it was found which changes count, and the photographs that stay keep their numbers until somebody compares anew.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import normalize

from sqlalchemy import Connection, Engine, Row, select, text

from storage.archive import condition
from storage.blobs import Blobs
from storage.forget.audits import GOES_ON
from storage.forget.explanations import MARKS, SAMPLE, Explanations, Going, marks
from storage.forget.losses import Losses
from storage.forget.trail import Act
from storage.forget.unreferenced import IMAGES, MASKS, Kind, Sweeper, stored
from storage.keys import image_key, mask_key
from storage.locks import removing
from storage.tables import image as table

PAGE = 50  # photographs removed in one transaction, each whole, with all explanations of it
COMPARED = "photographs of comparisons"
SAID = (  # what people and workers wrote, and where
    ("audit", "name"),
    ("audit", "note"),
    ("policy", "name"),
    ("policy", "note"),
    ("policy", "problem"),
    ("schedule", "name"),
    ("schedule", "note"),
    ("schedule_run", "problem"),
    ("comparison", "reason"),
    ("mark", "comment"),
)
UNSAID = "?"  # in the place of a name in a text, which no title is made too long by
TITLED = ("audit", "policy", "schedule")  # what has a selection
REMOVED = "(removed)"  # in the place of a selection that named a photograph


@dataclass(frozen=True, slots=True)
class ImagesRemoval:
    """Removes the photographs of a selection, each whole: killed in between, the others are there as they were."""

    engine: Engine
    blobs: Blobs
    selection: str

    def losses(self) -> Losses:
        """What would go. Raises ValueError if the selection has no photograph, or a running audit wants one."""
        with self.engine.begin() as c:
            values = {"images": c.scalars(select(table.c.id).where(condition(self.selection))).all()}
            if not values["images"]:
                raise self._nobody()
            _refuse_wanted(c, values)
            losses = Going("e.image_id = ANY(:images)", values).weigh(c, self.blobs)
            losses.add("photographs", len(values["images"]))
            losses.add(IMAGES.name, len(values["images"]), c.execute(text(_BYTES), values).scalar_one())
            losses.add(COMPARED, c.execute(text(_COMPARED), values).scalar_one())
            masks = c.scalars(text(_MASKS), values).all()
        losses.update(_weighed(self.blobs, masks))
        return losses

    def carry_out(self, act: Act) -> Losses:
        """Remove them. Raises ValueError as above, and Adding, which is one, while photographs are added."""
        explanations, losses = Explanations(Sweeper(self.engine, self.blobs, act)), Losses()
        images = self._next()
        if not images:
            raise self._nobody()
        while images:
            losses.update(self._remove(images, explanations))
            images = self._next()
        return losses

    def _nobody(self) -> ValueError:
        return ValueError(f"no photograph is selected by {self.selection!r}; `polelens images list` shows the names")

    def _next(self) -> Sequence[int]:
        query = select(table.c.id).where(condition(self.selection)).order_by(table.c.id).limit(PAGE)
        with self.engine.begin() as c:
            return c.scalars(query).all()

    def _remove(self, images: Sequence[int], explanations: Explanations) -> Losses:
        values, losses = {"images": list(images)}, Losses()
        with removing(self.engine, photographs=True) as c:
            _refuse_wanted(c, values)
            photographs = c.execute(text(_PHOTOGRAPHS), values).all()
            for one in photographs:
                _unname(c, one)
            losses.add(COMPARED, _uncompare(c, values))
            c.execute(text(_LEAVE_AUDITS), values)
            losses.add(MARKS, marks(c, "e.image_id = ANY(:images)", values))
            rows = c.execute(text(_DROP), values).all()
            losses.add("explanations", len(rows))
            losses.add("photographs", c.execute(text("DELETE FROM image WHERE id = ANY(:images)"), values).rowcount)
            explanations.sweeper.act.note(c, losses)
        losses.update(explanations.sweep(rows, masks=True))
        for kind, below in _files(photographs):
            losses.update(explanations.sweeper.remove_below(kind, below))
        return losses


def _weighed(blobs: Blobs, masks: Sequence[str]) -> Losses:
    """How many masks there are, and their bytes: as digests come in any order, the first are any."""
    some = list(stored(blobs, map(mask_key, masks[:SAMPLE])))
    share = len(masks) / min(len(masks), SAMPLE) if masks else 1
    losses = Losses(exact=len(masks) <= SAMPLE)
    losses.add(MASKS.name, round(share * len(some)), round(share * sum(one.bytes for one in some)))
    return losses


def _refuse_wanted(c: Connection, values: Mapping[str, Any]) -> None:
    """Raise ValueError if an audit that goes on wants one of these photographs."""
    if on := c.execute(text(_WANTED), {**values, "states": list(GOES_ON)}).first():
        raise ValueError(
            f"audit {on.id}, which has some of these photographs, is {on.state}; "
            f"`polelens audit cancel {on.id}` stops it, and then they can be removed"
        )


def _uncompare(c: Connection, values: Mapping[str, Any]) -> int:
    """Take photographs out of the comparisons that have them, which are outdated by that; how many places they had."""
    c.execute(text(_OUTDATE), values)
    return int(c.execute(text("SELECT count(*) FROM change WHERE image_id = ANY(:images)"), values).scalar_one())


def _unname(c: Connection, photograph: Row[Any]) -> None:
    """Leave no name of a photograph in what was asked and written: selections of it, jobs, titles and reasons."""
    values = {"names": photograph.names, "sha256": photograph.sha256, "removed": REMOVED}
    for name in TITLED:
        c.execute(text(_UNSELECT.format(table=name)), values)
    c.execute(text(_UNASK), values)
    for name in (*TITLED, "mark"):
        c.execute(text(_UNTAG.format(table=name)), values)
    for name, column in SAID:
        for said in c.scalars(text(_SAYING.format(table=name, column=column)), values).all():
            told = {"said": said, "without": without(said, photograph.names)}
            c.execute(text(_UNSAY.format(table=name, column=column)), told)


def without(said: str, names: Sequence[str]) -> str:
    """A text without the names of a photograph, as a whole: what is a part of a longer word is another's name.

    Examples
    --------
    >>> without("1.jpg is darker than 11.jpg; see north/1.JPG.", ["1.jpg"])
    '? is darker than 11.jpg; see north/?.'
    """
    longest_first = sorted((normalize("NFC", one) for one in names), key=len, reverse=True)
    words = "|".join(map(re.escape, longest_first))
    return re.sub(rf"(?<!\w)(?:{words})(?!\w)", UNSAID, normalize("NFC", said), flags=re.IGNORECASE)


def _files(photographs: Sequence[Row[Any]]) -> Iterator[tuple[Kind, list[str]]]:
    yield IMAGES, [image_key(one.sha256) for one in photographs]
    yield MASKS, [mask_key(one.mask_sha256) for one in photographs if one.mask_sha256]


_BYTES = "SELECT coalesce(sum(bytes), 0)::bigint FROM image WHERE id = ANY(:images)"

# Of these photographs and of what was explained of them, but for what others have.
_MASKS = """
SELECT mask_sha256 FROM (
    SELECT id AS image_id, mask_sha256 FROM image UNION ALL SELECT image_id, mask_sha256 FROM explanation) had
WHERE mask_sha256 IN (
    SELECT mask_sha256 FROM image WHERE id = ANY(:images)
    UNION SELECT mask_sha256 FROM explanation WHERE image_id = ANY(:images))
GROUP BY mask_sha256 HAVING bool_and(image_id = ANY(:images)) ORDER BY mask_sha256
"""

_COMPARED = "SELECT count(*) FROM change WHERE image_id = ANY(:images)"

_WANTED = """
SELECT a.id, a.state FROM audit a JOIN audit_explanation ae ON ae.audit_id = a.id
JOIN explanation e ON e.id = ae.explanation_id
WHERE a.state = ANY(:states) AND e.image_id = ANY(:images) ORDER BY a.id LIMIT 1
"""

_PHOTOGRAPHS = """
SELECT i.id, i.sha256, i.mask_sha256,
       ARRAY[i.name] || ARRAY(SELECT n.name FROM image_name n WHERE n.image_id = i.id) AS names
FROM image i WHERE i.id = ANY(:images) ORDER BY i.id
"""

_OUTDATE = """
UPDATE comparison c SET removed = c.removed + gone.n FROM (
    SELECT comparison_id, count(*) AS n FROM change WHERE image_id = ANY(:images) GROUP BY comparison_id) gone
WHERE c.id = gone.comparison_id AND c.state = 'done'
"""

_LEAVE_AUDITS = """
DELETE FROM audit_explanation ae USING explanation e WHERE e.id = ae.explanation_id AND e.image_id = ANY(:images)
"""

_DROP = "DELETE FROM explanation WHERE image_id = ANY(:images) RETURNING key, scene, mask_sha256"

_UNSELECT = """
UPDATE {table} SET selection = :removed
WHERE compared(selection) IN (SELECT compared(one) FROM unnest(CAST(:names AS text[])) one)
   OR (lower(selection) LIKE 'sha256:________%' AND EXISTS (
        SELECT FROM unnest(string_to_array(substr(lower(selection), 8), ',')) one
        WHERE length(one) >= 8 AND starts_with(:sha256, one)))
"""

_UNASK = "DELETE FROM job WHERE instances @> jsonb_build_array(jsonb_build_object('photograph', CAST(:sha256 AS text)))"

_SAYING = """
SELECT DISTINCT {column} FROM {table} WHERE EXISTS (
    SELECT FROM unnest(CAST(:names AS text[])) one WHERE position(compared(one) IN compared({column})) > 0)
"""

_UNSAY = "UPDATE {table} SET {column} = :without WHERE {column} = :said"

_THEIRS = "compared(tag) IN (SELECT compared(one) FROM unnest(CAST(:names AS text[])) one)"

_UNTAG = f"""
UPDATE {{table}} SET tags = ARRAY(SELECT tag FROM unnest(tags) tag WHERE NOT {_THEIRS} ORDER BY tag COLLATE "C")
WHERE EXISTS (SELECT FROM unnest(tags) tag WHERE {_THEIRS})
"""  # noqa: S608  of constants alone
