"""The pages of models: the versions there are, what each is and can be asked, and one more from whoever uploads it."""

from threading import BoundedSemaphore
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from pipeline.model.model import Said
from pipeline.model.profile import Activation
from pipeline.recipes import RECIPES
from polelens.documents import version_document
from polelens.model_words import inside_sentence, inside_word
from polelens.quarantine import model_within
from polelens.said import profile_of, said_of
from polelens.web.control import Busy
from polelens.web.desk import At, Desk
from polelens.web.finding import NotThere, Refused, reading
from polelens.web.forms import file, files, gone_to, told, uploads
from polelens.web.rendering import page
from polelens.web.twins import csv_of, json_of
from polelens.web.view import LONGEST, place_of
from polelens.web.who import AnOperator, Person
from storage.listing import Which, known
from storage.policies import Policies
from storage.registry import Registry, Version, split_reference
from storage.settings import limits
from storage.versions import MOST, Listed, versions

LARGEST_MODEL = 512 * 2**20  # bytes; a larger one is added by the command
LARGEST_BESIDE = 2**20  # bytes of the labels' file and of the profile
BODIES = {"/models": LARGEST_MODEL + 4 * 2**20}
CHECKED = BoundedSemaphore(1)  # a file that is checked takes gigabytes, see `polelens.quarantine`
AUDITS = 12
ACTIVATIONS = get_args(Activation)
OWN = ("format", "opset", "ir", "input", "element", "layout", "output")  # facts of the file, as `models show` has them

router = APIRouter()


@router.get("/models")
def models(request: Request, desk: At) -> Response:
    """The versions of models, the newest first."""
    found = _listed(request, desk, MOST + 1)
    insides = {one.version.id: inside_word(one.version.facts.get("inside")) for one in found}
    values: dict[str, Any] = {"found": found[:MOST], "more": len(found) > MOST, "insides": insides}
    return page(
        request,
        "models.html",
        **values,
        name=request.query_params.get("name", ""),
        activations=ACTIVATIONS,
        megabytes=LARGEST_MODEL // 2**20,
    )


@router.get("/models.json")
def models_json(request: Request, desk: At) -> Response:
    """A page of the same as JSON, and the id before which the next one begins."""
    found = _listed(request, desk, MOST + 1)
    before = found[MOST - 1].version.id if len(found) > MOST else None
    return json_of({"models": [version_document(one.version) | _came(one) for one in found[:MOST]], "before": before})


@router.get("/models.csv")
def models_csv(request: Request, desk: At) -> Response:
    """All of the same as CSV."""
    found = _listed(request, desk, None)
    flat = ("name", "version", "sha256", "digest")
    rows = ({name: getattr(one.version, name) for name in flat} | _came(one) for one in found)
    return csv_of(rows, "models.csv")


@router.post("/models")
async def add(request: Request, desk: At, who: AnOperator) -> Response:
    """Register a model's file: it is read and tried in a process of its own, and refused as the command refuses it."""
    async with uploads(request, 3) as form:
        added = await run_in_threadpool(_added, desk, form, who)
    return gone_to(f"/models/{added}")


def version(desk: At, reference: str) -> Version:
    """The version that an address names."""
    try:
        return desk.registry.find(reference)
    except ValueError as error:
        raise NotThere(str(error)) from None


TheVersion = Annotated[Version, Depends(version)]


@router.get("/models/{reference}.json")
def model_json(version: TheVersion) -> Response:
    """A version as `polelens models show --json` has it."""
    return json_of(version_document(version))


@router.get("/models/{reference}")
def model(request: Request, desk: At, version: TheVersion) -> Response:
    """A version: its profile and where each field comes from, what it can be asked, its audits; and a try of it."""
    inside = version.facts.get("inside")
    chosen = desk.archive.find(request.query_params.get("photograph", ""))
    values: dict[str, Any] = {
        "version": version,
        "profile": version.profile.to_json() | {"activation": version.profile.activation},
        "sources": version.facts.get("profile_sources", {}),
        "facts": {name: version.facts[name] for name in OWN if name in version.facts},
        "inside": inside_sentence(inside) if inside else None,
        "audits": known(desk.engine, Which(model=str(version), most=AUDITS)),
        "chosen": chosen,
        "recipes": list(RECIPES),
    }
    return page(request, "model.html", **values)


def _added(desk: Desk, form: FormData, who: Person) -> Version:
    [*sent] = files(form, "model")
    if not sent:
        raise Refused("there is no file: choose a Custom Vision zip, an .onnx file, or what TensorFlow wrote")
    with reading():
        name, number = split_reference(Registry(desk.engine, desk.blobs).canonical(told(form, "name")))
        said = _said(form)
    if not CHECKED.acquire(blocking=False):
        raise Busy("another model is being read and tried: try again in a minute")
    try:
        data = sent[0].file.read()
        with reading():
            read = model_within(limits(), data, name=name, said=said, inside=True)
            added, new = Registry(desk.writes, desk.blobs).add(read, number)
    finally:
        CHECKED.release()
    if new:
        desk.note(who, "models add", "models")
        if Policies(desk.writes).answer():
            desk.control.ask("produce")
    return added


def _said(form: FormData) -> Said:
    """What the form says of the file. Raises ValueError."""
    profile = file(form, "profile", LARGEST_BESIDE)
    activation = told(form, "activation") or None
    if activation is not None and activation not in ACTIVATIONS:
        raise ValueError(f"activation is {activation!r}, expected one of {', '.join(ACTIVATIONS)}")
    ends = (told(form, name) or None for name in ("output", "input"))
    return said_of(file(form, "labels", LARGEST_BESIDE), profile_of(profile) if profile else None, activation, *ends)


def _listed(request: Request, desk: Desk, most: int | None) -> list[Listed]:
    asked = request.query_params
    with reading():
        before = place_of("before", asked.get("before", ""))
    return list(versions(desk.engine, asked.get("name", "")[:LONGEST], before, most))


def _came(one: Listed) -> dict[str, Any]:
    return {"created_at": one.created_at, "audits": one.audits}
