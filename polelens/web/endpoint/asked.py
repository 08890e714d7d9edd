"""What a request says: its body, and the question that it is to a model with these labels."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.methods import check, check_inside
from pipeline.recipe import Recipe
from pipeline.recipes import recipe
from pipeline.text import resolved
from polelens.web.endpoint.condition import Condition
from polelens.web.endpoint.limits import MOST_INSTANCES
from polelens.web.endpoint.problems import Problem
from storage.registry import Version

INSTANCE = {
    "oneOf": [
        {
            "title": "Image",
            "type": "object",
            "required": ["image"],
            "additionalProperties": False,
            "properties": {
                "image": {
                    "type": "object",
                    "required": ["b64"],
                    "additionalProperties": False,
                    "properties": {"b64": {"type": "string", "contentEncoding": "base64"}},
                }
            },
        },
        {
            "title": "Content",
            "description": "As Vertex has it; the type is read from the bytes.",
            "type": "object",
            "required": ["content"],
            "additionalProperties": False,
            "properties": {
                "content": {"type": "string", "contentEncoding": "base64"},
                "mimeType": {"type": "string"},
            },
        },
        {
            "title": "Photograph",
            "description": "Of the archive, by its SHA-256.",
            "type": "object",
            "required": ["photograph"],
            "additionalProperties": False,
            "properties": {"photograph": {"type": "string", "pattern": "^[0-9a-fA-F]{64}$"}},
        },
    ]
}


class Parameters(BaseModel):
    """How photographs are explained."""

    model_config = ConfigDict(extra="forbid")

    recipe: str = Field("default", description="One that `polelens recipes` lists.")
    labels: str | list[str] | None = Field(
        None, description="Labels to explain; `all`; `top`, the prediction, unless told."
    )
    changes: dict[str, Any] = Field(
        default_factory=dict,
        alias="set",
        description='Fields of the recipe, such as {"samples": 64, "segmenter.n_segments": 80}.',
    )
    when: str = Field("", description="Explain only where this holds of the prediction: `score<0.8`.")


class Ask(BaseModel):
    """The body of `:predict` and `:explain`."""

    model_config = ConfigDict(extra="forbid")

    instances: Annotated[
        list[Any], Field(min_length=1, max_length=MOST_INSTANCES, json_schema_extra={"items": INSTANCE})
    ]
    parameters: Parameters = Parameters()


def read(body: bytes) -> Ask:
    """What a body asks. Raises Problem for a body that asks nothing that can be; instances are looked at one by one."""
    try:
        return Ask.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        status = 413 if where == "instances" and first["type"] == "too_long" else 400
        raise Problem(status, f"{where or 'the body'}: {first['msg'][0].lower()}{first['msg'][1:]}") from None


def explained_by(asked: Parameters, model: Version) -> Recipe:
    """The recipe that a request asks for. Raises Problem where there is none such, or the model cannot be asked it."""
    try:
        changes = asked.changes | ({} if asked.labels is None else {"labels": _labels(asked.labels, model.labels)})
        made = recipe(asked.recipe).override(changes)
        check(made, model.labels)
        check_inside(made, model.facts.get("inside"))
        if asked.when:
            Condition.of(asked.when)
    except ValueError as error:
        raise Problem(400, str(error), f"GET /v1/models/{model.name} says what {model} can be asked") from None
    return made


def _labels(asked: str | Sequence[str], known: Sequence[str]) -> str | list[str]:
    """The model's own labels, as it writes them, whatever the case."""
    if isinstance(asked, str):
        return asked if asked in ("top", "all") else [resolved(asked, known) or asked]
    return [resolved(one, known) or one for one in asked]
