"""Instances: the photographs of a request, each by itself, so that what is wrong with one is no other's matter."""

import hashlib
import re
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any

from sqlalchemy import Engine

from pipeline.scene.photograph import Unreadable
from polelens.web.endpoint.limits import DECODED_AT_ONCE, MEGAPIXELS
from polelens.web.endpoint.problems import Problem
from storage.answers import there
from storage.archive import Photograph
from storage.jobs import Instance

SHA256 = re.compile("[0-9a-fA-F]{64}")
FOLDER = "endpoint/"  # that the names of photographs which came this way begin with
EXPECTED = 'expected {"image": {"b64": "..."}} or {"photograph": "SHA-256"}'

_decoding = BoundedSemaphore(DECODED_AT_ONCE)


@dataclass(frozen=True, slots=True)
class Photographed:
    """An instance that can be looked for: the photograph's SHA-256, and its bytes where it came with them."""

    sha256: str
    data: bytes | None = None


Read = Photographed | Problem
Enter = Callable[[Photograph], None]  # puts one into the archive; raises Unreadable, and Problem for who may not


def read(given: Any) -> Read:
    """One instance of a request, or what is wrong with it."""
    try:
        return _read(given)
    except Problem as problem:
        return problem


def _read(given: Any) -> Photographed:
    named = set(given) if isinstance(given, Mapping) else None
    if named == {"photograph"}:
        if not isinstance(given["photograph"], str) or not SHA256.fullmatch(given["photograph"]):
            raise _wrong(
                "photograph is no SHA-256", "give 64 hexadecimal digits, as `polelens images list --json` does"
            )
        return Photographed(given["photograph"].lower())
    if named == {"image"} and isinstance(given["image"], Mapping) and set(given["image"]) == {"b64"}:
        return _decoded(given["image"]["b64"])
    if named in ({"content"}, {"content", "mimeType"}):  # as Vertex has it
        return _decoded(given["content"])
    what = f"an object of {', '.join(sorted(map(str, named)))[:60] or 'nothing'}" if named is not None else "no object"
    raise _wrong(f"the instance is {what}", EXPECTED)


def _decoded(given: Any) -> Photographed:
    try:
        data = b64decode(given, validate=True) if isinstance(given, str) else b""
    except ValueError:
        data = b""
    if not data:
        raise _wrong("the photograph is not in base64", "encode the file's bytes, without line breaks and data: before")
    return Photographed(hashlib.sha256(data).hexdigest(), data)


def entered(reading: Engine, enter: Enter, found: Sequence[Read]) -> list[Instance]:
    """The instances as a job has them; a photograph that came with its bytes is in the archive then, by `enter`."""
    with reading.begin() as c:
        known = there(c, [one.sha256 for one in found if isinstance(one, Photographed)])
    rows: list[Instance] = []
    for one in found:
        if isinstance(one, Photographed) and one.data is not None and one.sha256 not in known:
            problem = _enter(enter, one.sha256, one.data)
            rows.append({"error": problem.to_json()} if problem else {"photograph": one.sha256})
        elif isinstance(one, Photographed):
            rows.append({"photograph": one.sha256})
        else:
            rows.append({"error": one.to_json()})
    return rows


def _enter(enter: Enter, sha256: str, data: bytes) -> Problem | None:
    try:
        with _decoding:
            enter(Photograph(f"{FOLDER}{sha256[:16]}", data, megapixels=MEGAPIXELS))
    except Unreadable as error:
        return Problem(
            422, f"the photograph cannot be read: {error}", "send a JPEG, a PNG or another file of a picture"
        )
    return None


def _wrong(detail: str, remedy: str) -> Problem:
    return Problem(400, detail, remedy)
