"""Readings: what of the model a probe asks for."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Self

Kind = Literal["scores", "gradient", "cam", "grad-cam", "grad-cam++", "recipro-cam", "ablation-cam", "lrp"]
Of = Literal["probability", "logit"]

BY_GRADIENT: frozenset[Kind] = frozenset({"gradient", "grad-cam", "grad-cam++"})  # what takes a gradient


@dataclass(frozen=True, slots=True)
class Reading:
    """What a probe reads of the model.

    Scores are answered mask by mask. Whatever else is read, of the network's inside, is summed over the rows of each
    block, so that nobody keeps as many pictures as there are rows.

    Attributes
    ----------
    kind : Kind
    columns : tuple of int
        Of the labels that it is read for, in the order of the answer; of scores all.
    of : "probability" or "logit"
        Whether it is read of the answer, or of what the answer's softmax or sigmoid reads.
    layer : str or None
        The tensor that a map is read at.
    cost : int
        What a row costs, in evaluations.
    composite : str or None
        The rules by which relevance is handed back: see `pipeline.model.relevance.composite`.
    """

    kind: Kind = "scores"
    columns: tuple[int, ...] = ()
    of: Of = "probability"
    layer: str | None = None
    cost: int = 1
    composite: str | None = None

    @property
    def pooled(self) -> bool:
        """Whether its answer is a row for each block of a probe, not for each mask."""
        return self.kind != "scores"

    def to_json(self) -> dict[str, Any]:
        """The JSON object that `from_json` reads: what is not the default."""
        told = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in told.items() if value != getattr(SCORES, name)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The reading that `to_json` wrote."""
        return cls(**{**value, "columns": tuple(value.get("columns", ()))})


SCORES = Reading()
