"""A model: a classifier's file, normalised, with its labels and its preprocessing profile."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.model.profile import Profile


class ModelRefused(ValueError):
    """A model file that cannot, or must not, be explained: one sentence that says what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a person says of a model file, which goes before what the file says: see `read_model`."""

    labels: Sequence[str] | None = None
    profile: Mapping[str, Any] | None = None
    output: str | None = None
    input_name: str | None = None


NOTHING = Said()


@dataclass(frozen=True, slots=True)
class Model:
    """A classifier, ready to be explained.

    Attributes
    ----------
    name : str
    onnx : bytes
        The normalised file: one picture in, one row of scores out.
    labels : tuple of str
        Index = column of the scores.
    profile : Profile
    sha256 : str
        Of the file as given (for a zip: of the .onnx inside), in hexadecimal.
    batch : bool
        Whether it takes batches; if not, only one picture at a time gives right answers.
    facts : dict
        For people: opset, ir, input, layout, size, element, output, profile_sources (field to source), warnings.
    """

    name: str
    onnx: bytes = field(repr=False)
    labels: tuple[str, ...]
    profile: Profile
    sha256: str
    batch: bool
    facts: dict[str, Any] = field(compare=False, repr=False)

    @property
    def digest(self) -> str:
        """The identity of the black box: SHA-256 over the normalised file, the labels and the profile."""
        rest = json.dumps([self.labels, self.profile.to_json()], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(hashlib.sha256(self.onnx).digest() + rest.encode()).hexdigest()
