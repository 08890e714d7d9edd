"""The registry of models: which versions there are, and the files behind them."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, insert, select, text

from pipeline.model.model import Model
from pipeline.model.profile import Profile
from pipeline.text import meant, resolved
from storage.blob_errors import BlobDamaged
from storage.blobs import Blobs
from storage.keys import model_key
from storage.locks import want
from storage.tables import model as table

NEWEST = 2**31 - 1  # what Postgres keeps a version in


@dataclass(frozen=True, slots=True)
class Version:
    """A registered version of a model."""

    id: int
    name: str
    version: int
    sha256: str
    digest: str
    labels: tuple[str, ...]
    profile: Profile
    facts: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class Registry:
    """The models of a database and a blob store."""

    engine: Engine
    blobs: Blobs

    def add(self, model: Model, version: int | None = None) -> tuple[Version, bool]:
        """Register a model; the same bytes, labels and profile under the same name are the version they were.

        Returns
        -------
        (Version, bool)
            The version, and whether it is new.

        Raises
        ------
        ValueError
            If the version exists with other content.
        """
        with self.engine.begin() as c:
            want(c)
            self.blobs.put(model_key(model.digest), model.onnx)
            c.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": model.name})
            known = c.execute(select(table).where(table.c.name == model.name, table.c.digest == model.digest)).first()
            if known is not None and version in (None, known.version):
                return version_of(known), False
            if known is not None:
                raise ValueError(f"{model.name}@{known.version} is this very model already; leave the version out")
            return _insert(c, model, version), True

    def find(self, reference: str) -> Version:
        """The version that NAME or NAME@VERSION names; the newest where none is given. Raises ValueError."""
        with self.engine.begin() as c:
            return find(c, reference)

    def labels(self, reference: str) -> tuple[str, ...]:
        """The labels of the version that a reference names, where there is one by now; else none."""
        with suppress(ValueError):
            return self.find(reference).labels
        return ()

    def canonical(self, reference: str) -> str:
        """A reference as the registry writes its name, see `canonical`."""
        with self.engine.begin() as c:
            return canonical(c, reference)

    def load(self, model: int) -> Model:
        """The model with this id, its file included. Raises BlobMissing, and its kind BlobDamaged."""
        with self.engine.begin() as c:
            row = c.execute(select(table).where(table.c.id == model)).one()
        found = Model(
            name=row.name,
            onnx=self.blobs.get(model_key(row.digest)),
            labels=tuple(row.labels),
            profile=Profile.from_json(row.profile),
            sha256=row.sha256,
            batch=row.batch,
            facts=row.facts,
        )
        if found.digest != row.digest:
            raise BlobDamaged(model_key(row.digest), "it is not the file that was registered")
        return found

    def all(self) -> Sequence[Version]:
        """Every version, by name and number."""
        with self.engine.begin() as c:
            return [version_of(row) for row in c.execute(select(table).order_by(table.c.name, table.c.version))]


def find(c: Connection, reference: str) -> Version:
    """The version that NAME or NAME@VERSION names; the newest where none is given. Case does not matter.

    Raises ValueError.
    """
    asked, number = split_reference(reference)
    names = c.scalars(select(table.c.name).distinct()).all()
    name = resolved(asked, names)
    if name is None and not names:
        raise ValueError(f"there is no model {reference}, nor any other; `polelens models add FILE NAME` registers one")
    if name is None:
        near = meant(asked, names)
        raise ValueError(f"there is no model {reference}{near}; `polelens models list` shows those there are")
    rows = c.execute(select(table).where(table.c.name == name).order_by(table.c.version.desc())).all()
    row = next((row for row in rows if number in (None, row.version)), None)
    if row is None:
        has = f"{name} has {len(rows)}, the newest {rows[0].version}"
        raise ValueError(f"there is no model {reference}: {has}; `polelens models list` shows those there are")
    return version_of(row)


def canonical(c: Connection, reference: str) -> str:
    """A reference as the registry writes its name, whose case does not matter; unchanged where it has no such model."""
    name, at, version = reference.partition("@")
    known = resolved(name, c.scalars(select(table.c.name).distinct()).all())
    return f"{known or name}{at}{version}"


def registered_after(c: Connection, name: str, model: int) -> Sequence[Version]:
    """The versions of a name registered after the model with this id, the oldest first."""
    query = select(table).where(table.c.name == name, table.c.id > model).order_by(table.c.id)
    return [version_of(row) for row in c.execute(query)]


def version_before(c: Connection, version: Version) -> Version | None:
    """The version with the next smaller number."""
    earlier = (table.c.name == version.name) & (table.c.version < version.version)
    row = c.execute(select(table).where(earlier).order_by(table.c.version.desc()).limit(1)).first()
    return version_of(row) if row else None


def split_reference(reference: str) -> tuple[str, int | None]:
    """A reference's name and version: `poles@2` is ("poles", 2), `poles` and `poles@latest` have None.

    Raises ValueError if the version is not a whole number from 1 or the name is empty.
    """
    name, at, version = reference.partition("@")
    if not name or not name.isprintable() or any(c.isspace() or c == "/" for c in name):
        raise ValueError(f"model is {reference!r}, expected a name without spaces or slashes, like poles or poles@2")
    if not at or version == "latest":
        return name, None
    if not version.isdecimal() or len(version) > len(str(NEWEST)) or not 1 <= int(version) <= NEWEST:
        raise ValueError(f"model is {reference!r}: the version must be a whole number from 1, or latest")
    return name, int(version)


def _insert(c: Connection, model: Model, version: int | None) -> Version:
    newest = c.scalar(select(func.max(table.c.version)).where(table.c.name == model.name)) or 0
    taken = version is not None and c.scalar(
        select(table.c.id).where(table.c.name == model.name, table.c.version == version)
    )
    if taken:
        raise ValueError(f"{model.name}@{version} exists with other content; leave the version out for {newest + 1}")
    values = {
        "name": model.name,
        "version": version or newest + 1,
        "sha256": model.sha256,
        "digest": model.digest,
        "labels": list(model.labels),
        "profile": model.profile.to_json(),
        "facts": json.loads(json.dumps(model.facts)),
        "batch": model.batch,
    }
    return version_of(c.execute(insert(table).values(values).returning(table)).one())


def version_of(row: Row[Any]) -> Version:
    """The version in a row of `model`."""
    profile = Profile.from_json(row.profile)
    return Version(row.id, row.name, row.version, row.sha256, row.digest, tuple(row.labels), profile, row.facts)
