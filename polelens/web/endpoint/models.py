"""The endpoint's addresses for models, their health, the superpixels of an explanation, and the document of it all."""

import io
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse, Response
from PIL import Image
from sqlalchemy import text

from pipeline.methods import check, check_inside
from pipeline.recipe import Recipe
from pipeline.recipes import RECIPES
from polelens.web.desk import At, Desk
from polelens.web.endpoint import shapes
from polelens.web.endpoint.asked import Ask
from polelens.web.endpoint.documented import problems, told
from polelens.web.endpoint.problems import Problem
from polelens.web.pictures import FOR_EVER
from storage.audits import Audits
from storage.registry import Registry, Version
from storage.scenes import read_scene

PUBLIC = ("/v2/health/live", "/v2/health/ready")
MODELS = "GET /v1/models lists those there are"
FASTAPIS = ("HTTPValidationError", "ValidationError")
REFERENCE = "#/components/schemas/{model}"

router = APIRouter()


@router.get("/v1/models", responses={200: {"model": shapes.Models}, **problems(401, 503)})
def models(desk: At) -> Response:
    """The names of all models."""
    return told(shapes.Models(models=sorted({one.name for one in _registry(desk).all()})))


@router.get("/v1/models/{name}", responses={200: {"model": shapes.ModelTold}, **problems(401, 404, 503)})
def model(desk: At, name: str) -> Response:
    """A model: its versions, their labels, and what each can be asked."""
    known = version_of(desk, name, "").name
    versions = [_told(one) for one in _registry(desk).all() if one.name == known]
    return told(shapes.ModelTold(name=known, ready=True, versions=versions))


@router.get(
    "/v1/explanations/{key}/segments.png", responses={200: {"content": {"image/png": {}}}, **problems(401, 404, 503)}
)
def segments(desk: At, key: str) -> Response:
    """The superpixels that an explanation's weights are of, as a 16-bit PNG of the model's canvas."""
    found = Audits(desk.engine).keyed([key[:64]]).get(key)
    if found is None or found.scene is None:
        raise Problem(404, f"there is no explanation {key[:64]}", "the provenance of an answer names it")
    scene = read_scene(desk.painter.gallery.archive.blobs, found.scene)
    file = io.BytesIO()
    Image.fromarray(scene.segments.astype(np.uint16)).save(file, "PNG")
    return Response(file.getvalue(), media_type="image/png", headers={"cache-control": FOR_EVER})


@router.get("/v2/health/live", responses={200: {"model": shapes.Live}})
async def live() -> Response:
    """Whether this process answers; nobody signs in for it."""
    return told(shapes.Live(live=True))


@router.get("/v2/health/ready", responses={200: {"model": shapes.Ready}, **problems(503)})
def ready(desk: At) -> Response:
    """Whether Postgres answers, too; nobody signs in for it."""
    with desk.engine.connect() as c:
        c.execute(text("SELECT 1"))
    return told(shapes.Ready(ready=True))


@router.get("/v1/openapi.json", include_in_schema=False)
def openapi(request: Request) -> Response:
    """The endpoint in OpenAPI's words."""
    return JSONResponse(document(request.app.state.endpoint))


def document(routes: Any) -> dict[str, Any]:
    """The OpenAPI document of some routes."""
    told = get_openapi(title="polelens", version="1", routes=routes, summary="Ask models, and what they look at.")
    for path, ways in told["paths"].items():
        for way in ways.values():
            _correct(path, way)
    schemas = {name: one for name, one in told["components"]["schemas"].items() if name not in FASTAPIS}
    for shape in (Ask, shapes.Told):
        schema = shape.model_json_schema(by_alias=True, ref_template=REFERENCE)
        schemas |= schema.pop("$defs", {}) | {shape.__name__: schema}
    told["components"] = {"schemas": schemas, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}}
    return told


def _correct(path: str, way: dict[str, Any]) -> None:
    """What FastAPI cannot know: who has to sign in; and that no path of ours answers in its own words."""
    way["security"] = [] if path in PUBLIC else [{"token": []}]
    if way["responses"].get("422", {}).get("description") == "Validation Error":
        del way["responses"]["422"]


def version_of(desk: Desk, name: str, version: str) -> Version:
    """The version that an address names, the newest where it names none. Raises Problem."""
    try:
        return _registry(desk).find(f"{name}@{version or 'latest'}")
    except ValueError as error:
        raise Problem(404, str(error).partition(";")[0], MODELS) from None


def _registry(desk: Desk) -> Registry:
    return Registry(desk.engine, desk.painter.gallery.archive.blobs)


def _told(one: Version) -> shapes.ModelVersion:
    recipes = [name for name, made in RECIPES.items() if _fits(made, one)]
    return shapes.ModelVersion(
        version=str(one.version),
        deployed_model_id=str(one),
        labels=list(one.labels),
        sha256=one.sha256,
        recipes=recipes,
    )


def _fits(made: Recipe, model: Version) -> bool:
    try:
        check(made, model.labels)
        check_inside(made, model.facts.get("inside"))
    except ValueError:
        return False
    return True
