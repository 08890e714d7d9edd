"""Shapes: what the endpoint's answers look like. The field names are Vertex's wherever it has the thing."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Shape(BaseModel):
    """An object of an answer."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, serialize_by_alias=True)


class Told(Shape):
    """What went wrong with a request, or with one instance of it (RFC 9457)."""

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str = Field(description="What was wrong, in a sentence.")
    remedy: str = Field(description="What whoever asks can do.")
    instances: list[Any] | None = Field(
        None, description="Where nothing is right with any instance: what is wrong with each."
    )


class Failed(Shape):
    """In the place of an instance's answer."""

    error: Told


class Skipped(Shape):
    """In the place of an explanation, where `when` does not hold."""

    skipped: str


class Prediction(Shape):
    """What the model says of a photograph, the most probable label first."""

    ids: list[str] = Field(description="The labels' places in the model's output.")
    display_names: list[str]
    confidences: list[float]
    unlisted: int = Field(description="How many labels the model has beyond these.")


class Evidence(Shape):
    """Weights of the superpixels."""

    segments: str = Field(
        description="Address of a 16-bit PNG: which superpixel each pixel of the canvas is of, from 0."
    )
    weights: list[float | None] = Field(description="By superpixel, in units of the model's score for LIME.")
    std_error: list[float | None] = Field(description="Of each weight; null where the method knows none.")
    overlay: str | None = Field(description="Address of the picture of the evidence on the photograph, WebP.")


class Features(Shape):
    """The features that scores are attributed to."""

    image: Evidence


class Attribution(Shape):
    """The evidence for one label."""

    output_display_name: str
    output_index: list[int]
    baseline_output_value: float | None = Field(description="The score of the bare fill; null where nobody asked.")
    instance_output_value: float | None = Field(description="The score of the photograph.")
    approximation_error: float | None = Field(description="Root mean square of the standard errors.")
    feature_attributions: Features
    fidelity: dict[str, Any] | None
    stability: dict[str, Any] | None
    claims: list[dict[str, Any]]
    rule: dict[str, Any] | None
    judgement: dict[str, Any] | None
    answers: list[str] = Field(description="The judgement in sentences.")


class Provenance(Shape):
    """What the explanation is of, and where it is."""

    explanation: str = Field(description="The digest that names it: of photograph, model, recipe and mask.")
    photograph: str
    model: str
    model_sha256: str
    recipe: dict[str, Any]
    mask: str | None
    evaluations: int
    audit: int | None
    page: str | None


class Explanation(Shape):
    """What the model's answer to a photograph rests on."""

    attributions: list[Attribution]
    provenance: Provenance


class Predictions(Shape):
    """The answer to `:predict`: for each instance, in order."""

    model: str
    version: str
    deployed_model_id: str
    predictions: list[Prediction | Failed]


class Explanations(Predictions):
    """The answer to `:explain`: for each instance, in order."""

    explanations: list[Explanation | Failed | Skipped]


class JobTold(Shape):
    """How far a job is, and its answer once it has ended."""

    job: int
    state: Literal["running", "paused", "done", "cancelled"]
    reason: str | None = Field(description="Why it is paused.")
    verb: Literal["predict", "explain"]
    model: str
    version: str
    audit: int = Field(description="The audit that is at it, or was.")
    photographs: int
    answered: int
    failed: int
    answer: Explanations | Predictions | None


class Models(Shape):
    """The names of all models."""

    models: list[str]


class ModelVersion(Shape):
    """A version of a model."""

    version: str
    deployed_model_id: str
    labels: list[str]
    sha256: str
    recipes: list[str] = Field(description="By which it can be explained.")


class ModelTold(Shape):
    """A model and its versions, the newest last."""

    name: str
    ready: bool
    versions: list[ModelVersion]


class Live(Shape):
    """That this process answers."""

    live: bool


class Ready(Shape):
    """That this process can answer: Postgres does."""

    ready: bool
