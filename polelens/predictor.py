"""Predictor: whatever answers pictures with scores, a model's file, a registered model or a function."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.document import ModelFacts
from pipeline.explain import Predict, Read, closed
from pipeline.model.blackbox import SLACK
from pipeline.model.inside import Inside
from pipeline.model.labels import told_apart
from pipeline.model.model import NOTHING, Model, Said
from pipeline.model.precision import CPU, F32, Precision
from pipeline.model.profile import Profile
from pipeline.model.tried_provider import opened
from pipeline.scene.scene import Scene, compose
from polelens.inputs import model_file
from polelens.saved_model import is_saved_model
from storage.settings import DOWN, SettingsError, settings

Function = Callable[[NDArray[np.uint8]], Any]
Source = str | os.PathLike[str] | Model | Function
SUFFIXES = (".onnx", ".zip", ".pb")
SEEN = ("size", "crop", "resize", "transparent")  # fields of a profile that decide what a function is shown
MOST_BYTES = 2**25  # of pictures that a function is shown at once


@dataclass(frozen=True, slots=True)
class Runtime:
    """What ONNX Runtime runs a model with: threads, providers, the preferred first, and what it computes in."""

    threads: int = 1
    providers: Sequence[str] = (CPU,)
    precision: Precision = F32


PLAIN = Runtime()


@dataclass(frozen=True, slots=True)
class Predictor:
    """A black box, ready to be asked.

    Attributes
    ----------
    labels : tuple of str
        Index = column of the scores.
    profile : Profile
        How a photograph becomes the canvas that it is shown.
    facts : ModelFacts
        What the document says of it.
    scores : (scene, masks bool [n, k]) -> float32 [n, c]
    inside : Inside or None
        Of a model's network; a function has none.
    notes : tuple of str
        What a person should know of it.
    """

    labels: tuple[str, ...]
    profile: Profile
    facts: ModelFacts
    scores: Predict
    notes: tuple[str, ...] = ()
    inside: Inside | None = None

    @property
    def read(self) -> Read:
        """What is read of its network's inside; it raises ValueError where it has none."""
        return self.inside.read if self.inside else closed

    @classmethod
    def of_model(cls, model: Model, version: int | None = None, runtime: Runtime = PLAIN) -> "Predictor":
        """A model that was read. Raises `pipeline.model.precision.Unprovided` where it cannot be run so."""
        facts = ModelFacts.of((model.name, version), model.sha256, model.profile, model.facts)
        inside = Inside(model, threads=runtime.threads, providers=runtime.providers)
        box = opened(model, runtime.threads, runtime.providers, runtime.precision)
        return cls(model.labels, model.profile, facts, box.scores, inside=inside)

    @classmethod
    def of_function(
        cls, function: Function, labels: Sequence[str] | None = None, profile: Mapping[str, Any] | None = None
    ) -> "Predictor":
        """A function of pictures, uint8 [n, h, w, 3] RGB, that gives probabilities, [n, c].

        Parameters
        ----------
        labels : one a column; their numbers without, and after those that stand there twice, which is said
        profile : its `size`, and `crop`, `resize` and `transparent` where they are not the usual ones

        Raises
        ------
        ValueError
            If the size is missing, or a field says how to normalise: that is the function's own affair.
        """
        seen = dict(profile or {})
        if foreign := sorted(set(seen) - set(SEEN)):
            raise ValueError(
                f"profile: {foreign[0]} is for model files; a function is shown uint8 RGB and does the rest itself"
            )
        if seen.get("size") is None:
            raise ValueError("size is missing: a function is shown pictures of one size; give size=224 or size=(h, w)")
        made = Profile.from_json(seen)
        named, notes = told_apart(tuple(labels or ()))
        box = Answers(function, named)
        if not named:
            columns = box.columns(np.zeros((1, made.height, made.width, 3), np.uint8))
            box = Answers(function, tuple(map(str, range(columns))))
            notes = ("nobody named the labels: they are the numbers of the function's columns",)
        name = getattr(function, "__qualname__", type(function).__qualname__)
        sources = dict.fromkeys(seen, "the caller")
        return cls(box.labels, made, ModelFacts.of((name, None), None, made, {"profile_sources": sources}), box, notes)


@dataclass(frozen=True, slots=True)
class Answers:
    """A function's scores for masks of a scene."""

    function: Function
    labels: tuple[str, ...]

    def __call__(self, scene: Scene, masks: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Its scores, float32 [n, c], shown so many pictures at once as fit into 32 MB."""
        batch = max(1, MOST_BYTES // scene.canvas.nbytes)
        return np.concatenate(
            [self._answer(compose(scene, masks[start : start + batch])) for start in range(0, len(masks), batch)]
        )

    def columns(self, pictures: NDArray[np.uint8]) -> int:
        """How many scores it gives a picture."""
        answer = self._numbers(pictures)
        if answer.ndim != 2 or len(answer) != len(pictures) or not answer.size:
            raise ValueError(f"{self._shape(answer, pictures)}, expected [{len(pictures)}, c]: one row a picture")
        return int(answer.shape[1])

    def _answer(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        scores = self._numbers(pictures)
        n, c = len(pictures), len(self.labels)
        if scores.shape != (n, c):
            raise ValueError(
                f"{self._shape(scores, pictures)}, expected [{n}, {c}]: one row a picture, one column a label"
            )
        with np.errstate(invalid="ignore"):
            wrong = np.argwhere(~((scores >= -SLACK) & (scores <= 1 + SLACK)))
        if len(wrong):
            row, column = wrong[0]
            value = scores[row, column]
            told = f"the function gives {self.labels[column]!r} {value:.4g} for a perturbed picture, which is no"
            if np.isnan(value):
                raise ValueError(f"{told} number; see what makes it of such a picture")
            raise ValueError(f"{told} probability in 0..1; put a softmax or a sigmoid into it")
        return scores

    def _numbers(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What it gives, of whatever shape."""
        given, why = self.function(pictures), ""
        try:
            answer = np.asarray(given)
            if answer.ndim and not np.iscomplexobj(answer):
                return answer.astype(np.float32)
        except (TypeError, ValueError) as error:
            why = f" ({error})"
        told = f"the function gives a {type(given).__name__} that is no array of real numbers{why}"
        raise ValueError(f"{told}, expected probabilities, [{len(pictures)}, c]: one row a picture")

    def _shape(self, answer: NDArray[np.float32], pictures: NDArray[np.uint8]) -> str:
        return f"the function gives {list(answer.shape)} for {len(pictures)} pictures"


def found_model(reference: str | os.PathLike[str], said: Said = NOTHING) -> tuple[Model, int | None]:
    """The model in a file, or a registered one by NAME[@VERSION], and its version; a file goes first.

    Raises
    ------
    ValueError
        If there is neither, or what only a file needs is said of a registered one.
    """
    path = Path(reference)
    if path.is_file() or is_saved_model(path):
        return model_file(path, said=said), None
    if path.suffix in SUFFIXES:
        raise ValueError(f"there is no model file {str(reference)!r}")
    if said != NOTHING:
        raise ValueError(
            "--labels, --profile, --activation, --input and --output go with a model file; a registered one has its own"
        )
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415 -- a file needs no services, nor this import

    try:
        return _registered(str(reference))
    except (SettingsError, OperationalError) as error:
        told = DOWN if isinstance(error, OperationalError) else error
        raise ValueError(
            f"there is no file {str(reference)!r}, and a registered model needs its database: {told}"
        ) from None


def _registered(reference: str) -> tuple[Model, int]:
    from storage.blobs import open_blobs  # noqa: PLC0415 -- as above
    from storage.database import connect  # noqa: PLC0415
    from storage.registry import Registry  # noqa: PLC0415

    engine = connect(settings().database_url)
    try:
        registry = Registry(engine, open_blobs(settings().blobs))
        version = registry.find(reference)
        return registry.load(version.id), version.version
    finally:
        engine.dispose()
