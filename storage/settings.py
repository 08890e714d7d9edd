"""All settings, read from the environment, in one place."""

import os
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, JsonConfigSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from pipeline.answer.judgement import Thresholds
from pipeline.change.criteria import LEAST_DISTANCE
from pipeline.model.precision import CPU, F32, Precision


class SettingsError(ValueError):
    """A setting is missing or wrong; the message names the variable and the remedy."""


def local_home() -> Path:
    """The local stack's folder."""
    return Path(os.environ.get("POLELENS_HOME", "~/.local/share/polelens")).expanduser()


_DEFAULT = Thresholds()
S = TypeVar("S", bound=BaseSettings)
HERE = ("localhost", "127.0.0.1", "::1")
SECRET_CHARACTERS = 16
SERVICES = ("DATABASE_URL", "CELERY_BROKER_URL", "POLELENS_BLOBS")
DOWN = f"the stack is down: `polelens up` starts it on this machine, or set {', '.join(SERVICES)} to one that runs"


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading and trying a stranger's model may take."""

    model_gigabytes: float = 8
    model_seconds: float = 600


class Alone(BaseSettings):
    """The settings that need no services: the judgement's thresholds, and what a model is read and run with."""

    model_config = SettingsConfigDict(
        env_prefix="polelens_", frozen=True, populate_by_name=True, extra="ignore", env_ignore_empty=True
    )

    judge_gap: float = Field(
        default=_DEFAULT.gap, ge=0, le=1, description="nothing to explain: a smaller gap, either way"
    )
    judge_stability: float = Field(
        default=_DEFAULT.stability, ge=0, le=1, description="doubtful (unstable): seeds agree less"
    )
    judge_fidelity: float = Field(
        default=_DEFAULT.fidelity, ge=0, le=1, description="doubtful (unfaithful): a lower held-out R2"
    )
    judge_background_reliance: float = Field(
        default=_DEFAULT.background_reliance, ge=0, le=1, description="rests on the background: a higher reliance"
    )
    judge_fill: float = Field(
        default=_DEFAULT.fill, ge=0, le=1, description="doubtful (fill): the bare fill itself scores higher"
    )
    judge_object_reliance: float = Field(
        default=_DEFAULT.object_reliance, ge=0, le=1, description="rests on the object: a lower background reliance"
    )
    judge_neighbourhood: float = Field(
        default=_DEFAULT.neighbourhood,
        ge=0,
        le=1,
        description="doubtful (neighbourhood): hiding any one superpixel costs a larger share of the gap",
    )
    judge_superpixels: int = Field(
        default=_DEFAULT.superpixels, ge=1, description="doubtful (few superpixels): there are fewer"
    )

    providers: str = Field(default=CPU, description="ONNX Runtime providers, comma-separated")
    precision: Precision = Field(
        default=F32, description="f32, bf16 or f16: of the recipes ordered here that say none and ask for scores alone"
    )
    model_gigabytes: float = Field(default=8, gt=0, description="memory that reading and trying a model may take")
    model_seconds: float = Field(default=600, gt=0, description="time that reading and trying a model may take")

    @property
    def thresholds(self) -> Thresholds:
        """The thresholds as the judgement takes them."""
        return Thresholds(**{one.name: getattr(self, f"judge_{one.name}") for one in fields(Thresholds)})


class Settings(Alone):
    """Every setting beside the `AWS_*` of boto3's usual credential chain and Flower's own `FLOWER_*`.

    The first three default to the local stack of `polelens up`, if one was started in `POLELENS_HOME`.
    """

    database_url: str = Field(validation_alias=AliasChoices("database_url"), repr=False, description="Postgres")
    broker_url: str = Field(
        validation_alias=AliasChoices("celery_broker_url", "broker_url"), repr=False, description="Redis"
    )
    blobs: str = Field(description="a folder, or s3://bucket/prefix (endpoint: AWS_ENDPOINT_URL_S3)")
    home: Path = Field(default_factory=local_home, description="folder of the local stack")
    window: int = Field(default=64, ge=1, description="photographs in flight at once: bounds Redis and scratch rows")
    lease_seconds: float = Field(
        default=300, gt=0, description="without progress for so long, work is handed out again"
    )
    attempts: int = Field(default=3, ge=1, description="a photograph whose work killed so many processes is failed")
    part_seconds: float = Field(default=2, gt=0, description="inference time a part is sized for")
    part_evaluations: int = Field(default=0, ge=0, description="evaluations in a part; 0: from the measured rate")
    batch: int = Field(
        default=0, ge=0, le=4096, description="perturbed pictures in one call of ONNX Runtime; 0: by a short warm-up"
    )
    threads: int = Field(default=1, ge=1, description="ONNX Runtime threads of a worker process")
    produce_seconds: float = Field(default=5, gt=0, description="how often beat refills the window")
    sweep_seconds: float = Field(default=15, gt=0, description="how often beat looks for leases that have run out")
    schedule_seconds: float = Field(default=15, gt=0, description="how often beat looks for audits that are due")
    gc_seconds: float = Field(default=3600, ge=0, description="how often beat has removed what nobody wants; 0: never")
    gc_grace_seconds: float = Field(default=86_400, ge=0, description="a blob younger than this is not removed")
    visibility_seconds: float = Field(default=900, gt=0, description="Redis hands an unacknowledged message out again")
    logs: Literal["text", "json"] = Field(default="text", description="text, or json: an object a line")
    photograph_gigabytes: float = Field(
        default=2.5, gt=0, description="memory that reading one large photograph may take in a worker"
    )
    health: str = Field(default="", description="folder of a file for each worker and beat that is well; empty: none")
    stall_seconds: float = Field(
        default=300,
        ge=0,
        description="a worker that takes no message for so long while some wait ends itself; 0: never",
    )
    change_distance: float = Field(
        default=LEAST_DISTANCE, ge=0, le=2, description="a smaller distance of two explanations counts as no change"
    )
    kept_labels: int = Field(
        default=32,
        ge=0,
        description="of a model with more labels only the scores of those explained, of half as many most probable "
        "ones, and the sum of the rest are kept; 0: all are",
    )
    endpoint_keep_days: int = Field(
        default=30, ge=1, description="how long what the endpoint asked for is kept, where nobody else wants it"
    )
    palette: Literal["green-red", "blue-orange"] = Field(
        default="green-red", description="green-red, or blue-orange for colour-blind readers"
    )

    flower_url: str = Field(default="", description="where Flower is, for the pages to link to; empty: nowhere")
    webhook_url: str = Field(default="", repr=False, description="is told when an audit ends: https, or this machine")
    webhook_secret: str = Field(
        default="", repr=False, validate_default=True, description="signs what the webhook is told"
    )

    @field_validator("webhook_url")
    @classmethod
    def _private(cls, value: str) -> str:
        """What is told says how a model does, so nobody on the way may read it."""
        url = urlsplit(value)
        safe = url.scheme == "https" or (url.scheme == "http" and url.hostname in HERE)
        if value and not (url.hostname and safe):
            raise ValueError("expected https://host/path, or http:// to localhost")
        return value

    @field_validator("flower_url")
    @classmethod
    def _linked(cls, value: str) -> str:
        """Nothing else may be put into a page as a link."""
        if value and urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("expected http://host:port or https://host/path")
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _signing(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("webhook_url") and len(value) < SECRET_CHARACTERS:
            raise ValueError(f"expected at least {SECRET_CHARACTERS} characters, as POLELENS_WEBHOOK_URL is set")
        return value

    @field_validator("database_url", "broker_url")
    @classmethod
    def _address(cls, value: str) -> str:
        """Refused here without its words: what splits a wrong address later quotes a piece of the password."""
        try:
            urlsplit(value).port  # noqa: B018  it is read to be checked
        except ValueError:
            raise ValueError(
                "not an address like scheme://user:password@host:port/name; in a password write @ : / ? # as "
                "%40 %3A %2F %3F %23"
            ) from None
        return value

    @field_validator("blobs")
    @classmethod
    def _place(cls, value: str) -> str:
        """A worker that looks in the wrong place must not start: it would fail every photograph."""
        if "://" in value and not value.startswith("s3://"):
            raise ValueError("expected a folder or s3://bucket/prefix")
        if "://" in value and "@" in urlsplit(value).netloc:
            raise ValueError(
                "expected s3://bucket/prefix with no login in it: boto3 finds it in AWS_ACCESS_KEY_ID and its like"
            )
        return value

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **named: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the local stack's addresses."""
        stack = JsonConfigSettingsSource(settings_cls, json_file=local_home() / "stack.json")
        return init_settings, named["env_settings"], stack


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process. Raises SettingsError naming the variable that is missing or wrong."""
    return read(Settings)


def thresholds() -> Thresholds:
    """The judgement's thresholds, also where there are no services. Raises SettingsError as `settings` does."""
    return read(Alone).thresholds


def limits() -> Limits:
    """What reading and trying a model may take, also where there are no services. Raises SettingsError as above."""
    here = read(Alone)
    return Limits(here.model_gigabytes, here.model_seconds)


def providers() -> list[str]:
    """ONNX Runtime's providers, the preferred first, also where there are no services. Raises SettingsError."""
    return read(Alone).providers.split(",")


def precision() -> Precision:
    """What a recipe that says nothing of it is computed in, where it can be. Raises SettingsError as above."""
    return read(Alone).precision


def read(kind: type[S]) -> S:
    """Some settings from the environment. Raises SettingsError naming the variable that is missing or wrong."""
    try:
        return kind()
    except ValidationError as error:
        problem = error.errors()[0]
        variable = _variable(kind, problem["loc"])
        if {_variable(kind, one["loc"]) for one in error.errors() if one["type"] == "missing"} >= set(SERVICES):
            raise SettingsError(DOWN) from None
        if problem["type"] == "missing":
            raise SettingsError(
                f"{variable} is not set and no local stack is running: set it, or `polelens up`"
            ) from None
        field = kind.model_fields.get(str(problem["loc"][0]))
        secret = variable in SERVICES[:2] or (field is not None and not field.repr) or "@" in str(problem["input"])
        given = "" if secret else f" is {problem['input']!r}"
        reason = problem["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{variable}{given}: {reason[0].lower()}{reason[1:]}") from None


def _variable(kind: type[BaseSettings], place: tuple[int | str, ...]) -> str:
    """The environment's variable of a field that pydantic names."""
    name = str(place[0]).upper()
    return name if name in SERVICES else f"{kind.model_config['env_prefix']}{name}".upper()
