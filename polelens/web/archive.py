"""The pages of the archive: its photographs, each in small, and more of them from whoever uploads some."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from PIL import Image as Pillow
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from pipeline.pictures import webp
from pipeline.scene.photograph import Unreadable
from polelens.web.desk import At, Desk
from polelens.web.finding import NotThere, Refused, reading
from polelens.web.forms import files, told, uploads
from polelens.web.pictures import FOR_EVER
from polelens.web.rendering import fragment, page
from polelens.web.twins import csv_of, json_of
from polelens.web.view import LONGEST, place_of
from polelens.web.who import AnOperator, Person
from storage.archive import Archive, Image, Photograph
from storage.marks import LONGEST_LABEL

PAGE = 60
FILES = 200  # photographs in one form
LARGEST = 64 * 2**20  # bytes of a photograph: a TIFF of 20 megapixels
BODIES = {"/photographs": 512 * 2**20}
SIZE = 240  # pixels of the longer side of a photograph in small

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Asked:
    """Which photographs of the archive a person looks at, and after which one."""

    images: str = "all"
    after: int = 0

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> "Asked":
        """The view of a query. Raises ValueError."""
        after = place_of("after", asked.get("after", ""), 2**63 - 1)
        return cls(asked.get("images", "").strip() or "all", after or 0)

    @property
    def asked(self) -> dict[str, str]:
        """The query of this view's first page."""
        return {} if self.images == "all" else {"images": self.images}


@dataclass
class Added:
    """What came of photographs that were sent."""

    new: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    first: str = ""  # the SHA-256 of the first that is in the archive now


@router.get("/photographs")
def photographs(request: Request, desk: At) -> Response:
    """The photographs of the archive, as they came."""
    asked, found = _page(request, desk, PAGE + 1)
    values: dict[str, Any] = {"asked": asked, "found": found[:PAGE], "more": len(found) > PAGE}
    return page(request, "archive.html", **values, most=FILES, megabytes=LARGEST // 2**20, model=_model(request))


@router.get("/photographs.json")
def photographs_json(request: Request, desk: At) -> Response:
    """A page of the same as JSON, and the number after which the next one begins."""
    _, found = _page(request, desk, PAGE + 1)
    after = found[PAGE - 1].id if len(found) > PAGE else None
    return json_of({"photographs": [_row(one) for one in found[:PAGE]], "after": after})


@router.get("/photographs.csv")
def photographs_csv(request: Request, desk: At) -> Response:
    """All of the same as CSV."""
    asked, _ = _page(request, desk, 1)
    return csv_of(map(_row, desk.archive.select(asked.images)), "photographs.csv")


@router.get("/photographs/{image}.webp")
async def small(desk: At, image: str) -> Response:
    """A photograph in small."""
    data = await to_thread.run_sync(_small, desk, image, limiter=desk.painter.at_once)
    return Response(data, media_type="image/webp", headers={"cache-control": FOR_EVER})


def _small(desk: Desk, image: str) -> bytes:
    if desk.archive.find(image) is None:
        raise NotThere(image)
    picture = Pillow.fromarray(desk.archive.photograph(image))
    picture.thumbnail((SIZE, SIZE))
    return webp(np.asarray(picture))


@router.post("/photographs")
async def add(request: Request, desk: At, who: AnOperator) -> Response:
    """Put photographs into the archive, and say what came of each."""
    async with uploads(request, FILES) as form:
        sent, label = files(form, "photographs"), told(form, "label") or None
        if not sent:
            raise Refused("there is no photograph: choose one or more files")
        added = await run_in_threadpool(keep, desk, sent, label, who)
    return HTMLResponse(fragment(request, "added.html", added=added))


def keep(desk: Desk, sent: Sequence[UploadFile], label: str | None, who: Person) -> Added:
    """Put what was sent into the archive, one after another; what cannot be read stops none of the others."""
    if label is not None and not (len(label) <= LONGEST_LABEL and label.isprintable()):
        raise Refused(f"label is {label!r}, expected a line of up to {LONGEST_LABEL} characters")
    store, added = Archive(desk.writes, desk.blobs), Added()
    with store.adding():
        for one in sent:
            _keep(store, added, one, label)
    if added.new:
        desk.note(who, "images add", "photographs", len(added.new))
    return added


def _keep(store: Archive, added: Added, sent: UploadFile, label: str | None) -> None:
    name = _name(sent.filename or "")
    data = sent.file.read(LARGEST + 1)
    try:
        if len(data) > LARGEST:
            raise Unreadable(f"it has more than {LARGEST // 2**20} MB; add it by `polelens images add`")
        admitted = store.admit(Photograph(name, data, label))
    except Unreadable as error:
        added.refused.append((name, str(error)))
        return
    [new] = store.enter([admitted])
    (added.new if new else added.known).append(name)
    added.first = added.first or admitted.sha256


def _name(given: str) -> str:
    """A file's name without folders and without what is no text, as a browser may send anything."""
    name = given.replace("\\", "/").rpartition("/")[2]
    return "".join(sign if sign.isprintable() else "?" for sign in name)[:200] or "photograph"


def _page(request: Request, desk: Desk, most: int) -> tuple[Asked, list[Image]]:
    with reading():
        asked = Asked.of(request.query_params)
        return asked, desk.archive.page(asked.images, asked.after, most)


def _model(request: Request) -> str:
    """The model that a photograph is chosen for."""
    return request.query_params.get("model", "")[:LONGEST]


def _row(one: Image) -> dict[str, Any]:
    return {"sha256": one.sha256, "name": one.name, "width": one.width, "height": one.height, "label": one.label}
