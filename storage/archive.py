"""The archive of photographs, known by their content."""

import hashlib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Column, Connection, Engine, Row, func, or_, select, text, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.elements import ColumnElement

from pipeline.pictures import png
from pipeline.scene.boxes import Boxes
from pipeline.scene.mask import ObjectMask, Value, Whereabouts, object_mask, read_mask
from pipeline.scene.photograph import MEGAPIXELS, Transparent, read_photograph
from storage.blob_errors import BlobDamaged
from storage.blobs import Blobs
from storage.keys import image_key, mask_key
from storage.locks import add, adding
from storage.tables import image as table
from storage.tables import image_name as names

PAGE = 1000
ENTER_LOCK = 7_653_212  # any number, unlike the other locks


@dataclass(frozen=True, slots=True)
class Photograph:
    """A photograph as a person hands it in: its name, its file, and what is known of it."""

    name: str
    data: bytes
    label: str | None = None
    mask: bytes | None = None  # an image file of the same size that marks the object: see pipeline.scene.mask
    boxes: Boxes | None = None  # or boxes that hold the object, in the upright photograph's pixels
    mask_value: Value | None = None  # what of the mask is the object, if not all that is not nothing
    megapixels: float = MEGAPIXELS  # the most that is read


@dataclass(frozen=True, slots=True)
class Admitted:
    """A photograph whose bytes are stored: the row that it gets."""

    sha256: str
    name: str
    width: int
    height: int
    bytes: int
    label: str | None
    mask_sha256: str | None
    notes: tuple[str, ...] = ()  # what a person should know of how it was read; kept nowhere

    @property
    def row(self) -> dict[str, Any]:
        """Its fields that are kept."""
        return {key: value for key, value in asdict(self).items() if key != "notes"}

    @property
    def given(self) -> dict[str, str]:
        """What a person said of it."""
        said = {"label": self.label, "mask_sha256": self.mask_sha256}
        return {key: value for key, value in said.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Image:
    """A photograph in the archive."""

    id: int
    sha256: str
    name: str
    width: int
    height: int
    label: str | None
    mask: str | None


@dataclass(frozen=True, slots=True)
class Sizes:
    """A size that photographs have, how many, and the first of their names."""

    width: int
    height: int
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class Archive:
    """The photographs of a database and a blob store."""

    engine: Engine
    blobs: Blobs

    def add(self, photograph: Photograph) -> bool:
        """Keep a photograph; True if it is new. See `adding`, `admit` and `enter`, which keep many."""
        with self.engine.begin() as c:
            add(c)
            return _enter(c, [self.admit(photograph)])[0]

    def adding(self) -> AbstractContextManager[None]:
        """As long as this lasts nobody removes bytes of photographs: what is admitted is there when it is entered."""
        return adding(self.engine)

    def admit(self, photograph: Photograph) -> Admitted:
        """Look at a photograph and store its bytes; it is in the archive once it is entered.

        Raises
        ------
        Unreadable
            If the photograph or its mask cannot be read, the mask has another size, or the boxes lie outside.
        """
        decoded = read_photograph(photograph.data, megapixels=photograph.megapixels)
        height, width = decoded.pixels.shape[:2]
        said = Whereabouts(photograph.mask, photograph.boxes, photograph.mask_value)
        drawn = object_mask(said, height, width)
        sha256 = hashlib.sha256(photograph.data).hexdigest()
        mask = self._keep_mask(said, drawn) if drawn else None
        self.blobs.put(image_key(sha256), photograph.data)
        notes = (*decoded.notes, *(drawn.notes if drawn else ()))
        return Admitted(sha256, photograph.name, width, height, len(photograph.data), photograph.label, mask, notes)

    def enter(self, admitted: Sequence[Admitted]) -> list[bool]:
        """Write photographs down in one transaction, and say of each whether it is new.

        Known content gets the label and the mask it comes with, and keeps the name as another of its names.
        """
        with self.engine.begin() as c:
            return _enter(c, admitted)

    def photograph(self, sha256: str, transparent: Transparent = "white") -> NDArray[np.uint8]:
        """The pixels, upright, uint8 [H, W, 3]; what is transparent shows that. Raises BlobMissing, BlobDamaged."""
        data = self._whole(image_key(sha256), sha256)
        return read_photograph(data, transparent=transparent, megapixels=None).pixels  # it was measured when it came

    def pixels(self, sha256: str) -> int:
        """How many pixels a photograph has."""
        with self.engine.begin() as c:
            query = select(table.c.width * table.c.height).where(table.c.sha256 == sha256)
            return int(c.execute(query).scalar_one())

    def mask(self, sha256: str) -> NDArray[np.bool_]:
        """A mask's pixels, bool [H, W]. Raises BlobMissing, BlobDamaged."""
        return read_mask(self._whole(mask_key(sha256), sha256), megapixels=None).pixels

    def select(self, selection: str = "all") -> Iterator[Image]:
        """The photographs of a selection, page by page: see `condition`."""
        after = 0
        while True:
            found = self.page(selection, after, PAGE)
            yield from found
            if len(found) < PAGE:
                return
            after = found[-1].id

    def page(self, selection: str, after: int, most: int) -> list[Image]:
        """Photographs of a selection that came into the archive after the one with this id, so many."""
        query = select(table).where(condition(selection), table.c.id > after).order_by(table.c.id).limit(most)
        with self.engine.begin() as c:
            return [_image(row) for row in c.execute(query)]

    def find(self, sha256: str) -> Image | None:
        """The photograph with this content, if there is one."""
        with self.engine.begin() as c:
            row = c.execute(select(table).where(table.c.sha256 == sha256)).first()
        return None if row is None else _image(row)

    def sample(self, selection: str, most: int) -> list[Image]:
        """A few photographs of a selection, from all over it and always the same: by the digests of their bytes."""
        query = select(table).where(condition(selection)).order_by(table.c.sha256).limit(most)
        with self.engine.begin() as c:
            return [_image(row) for row in c.execute(query)]

    def count(self, selection: str = "all") -> int:
        """How many photographs a selection has."""
        with self.engine.begin() as c:
            return c.execute(select(func.count()).select_from(table).where(condition(selection))).scalar_one()

    def sizes(self, selection: str = "all") -> Iterator[Sizes]:
        """How large the photographs of a selection are."""
        columns = table.c.width, table.c.height
        query = select(*columns, func.count(), func.min(table.c.name)).where(condition(selection)).group_by(*columns)
        with self.engine.begin() as c:
            yield from (Sizes(*row) for row in c.execute(query.order_by(*columns)))

    def labels(self, selection: str = "all") -> Mapping[str, int]:
        """The labels that photographs of a selection are known by, and how many have each."""
        known = (condition(selection), table.c.label.is_not(None))
        query = select(table.c.label, func.count()).where(*known).group_by(table.c.label).order_by(table.c.label)
        with self.engine.begin() as c:
            return {row[0]: row[1] for row in c.execute(query)}

    def _whole(self, key: str, sha256: str) -> bytes:
        """A file as it was added: cut short it may still be read, and be another photograph."""
        data = self.blobs.get(key)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise BlobDamaged(key, f"its {len(data):,} bytes are not those that were added")
        return data

    def _keep_mask(self, said: Whereabouts, drawn: ObjectMask) -> str:
        """Keep a mask's file as it was given where it alone says what is meant, else what was drawn."""
        whole = said.mask if said.value is None else None
        data = whole or png(np.repeat(drawn.pixels[..., None] * np.uint8(255), 3, axis=2))
        sha256 = hashlib.sha256(data).hexdigest()
        self.blobs.put(mask_key(sha256), data)
        return sha256


def _enter(c: Connection, admitted: Sequence[Admitted]) -> list[bool]:
    fresh = []
    rows = insert(table).on_conflict_do_nothing().returning(table.c.sha256)
    # One at a time: two who enter the same photographs in another order would wait for each other.
    c.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ENTER_LOCK})
    new = set(c.scalars(rows.values([one.row for one in admitted]))) if admitted else set()
    for one in admitted:
        fresh.append(one.sha256 in new)
        new.discard(one.sha256)  # the same content twice: only the first is new
        if one.given and not fresh[-1]:
            c.execute(update(table).where(table.c.sha256 == one.sha256).values(one.given))
    found = {"sha256": [one.sha256 for one in admitted], "name": [one.name for one in admitted]}
    c.execute(text(_KEEP_NAMES), found)
    return fresh


def condition(selection: str) -> ColumnElement[bool]:
    """The photographs that a selection means; neither case nor Unicode's normal form counts.

    `all`; `label:NAME`; `sha256:PREFIX`, or several with commas between them; else a pattern of names, any of a
    photograph's, where * and ? stand for any text and any character, and a backslash for a slash. Raises ValueError
    where a prefix is missing.
    """
    kind, _, rest = selection.partition(":")
    if selection.casefold() == "all":
        return true()
    if kind.casefold() == "label":
        return _compared(table.c.label) == _lowered(rest)
    if kind.casefold() == "sha256":
        prefixes = rest.lower().split(",")
        if not all(prefixes):  # as of a script whose variable is empty: every photograph there is begins so
            raise ValueError("the selection 'sha256:' has no digits; write sha256:2c26b46b, or all for all photographs")
        return or_(*(table.c.sha256.startswith(one, autoescape=True) for one in prefixes))
    escaped = _lowered(selection).replace("%", "\\%").replace("_", "\\_")
    pattern = escaped.replace("*", "%").replace("?", "_")
    others = select(names.c.image_id).where(_compared(names.c.name).like(pattern))
    return _compared(table.c.name).like(pattern) | table.c.id.in_(others)


def _lowered(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower().replace("\\", "/")


def _compared(column: Column[str]) -> ColumnElement[str]:
    """A text as `_lowered` has it: a function of the database's, see migration 0011."""
    return func.compared(column)


# Rows are taken one by one, as in `enter`: there is no other order that two could lock them in.
_KEEP_NAMES = """
INSERT INTO image_name (image_id, name)
SELECT i.id, given.name FROM unnest(CAST(:sha256 AS text[]), CAST(:name AS text[])) AS given (sha256, name)
JOIN image i ON i.sha256 = given.sha256 AND i.name <> given.name ON CONFLICT DO NOTHING
"""


def _image(row: Row[Any]) -> Image:
    return Image(row.id, row.sha256, row.name, row.width, row.height, row.label, row.mask_sha256)
