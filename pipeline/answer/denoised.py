"""Denoised: the photograph without what speaks against a label."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.nulls import from_null, to_null

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Denoised:
    """The photograph without what speaks against a label: see `pipeline.methods.noise_experiment`.

    Attributes
    ----------
    removed : tuple of int
        The superpixels taken away, in order of their number.
    probabilities : label -> 0..1
        The model's for the photograph without them.
    weights, std_error : float64 [k]
        The explanation of that; zero for what was taken away. NaN where the method knows no errors.
    r2_held_out : float
        Of that explanation's surrogate, NaN where there is none.
    """

    removed: tuple[int, ...]
    probabilities: Mapping[str, float]
    weights: Array
    std_error: Array
    r2_held_out: float

    def to_json(self) -> dict[str, Any]:
        """The value of `denoised` in `attribution.json`."""
        arrays = {"weights": self.weights.tolist(), "std_error": self.std_error.tolist()}
        told = {"removed": list(self.removed), "probabilities": dict(self.probabilities), **arrays}
        return to_null(told | {"r2_held_out": self.r2_held_out})  # type: ignore[no-any-return]

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """What `to_json` wrote."""
        arrays = {name: np.array(value[name], dtype=float) for name in ("weights", "std_error")}
        held_out = from_null(value["r2_held_out"])
        return cls(tuple(value["removed"]), value["probabilities"], **arrays, r2_held_out=held_out)
