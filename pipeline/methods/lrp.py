"""Layer-wise relevance propagation: a label's logit, handed back layer by layer until it lies on the pixels.

Bach et al., "On pixel-wise explanations for non-linear classifier decisions by layer-wise relevance propagation", PLOS
ONE 2015. What pixels have, and what stayed with biases and stabilisers on the way, adds up to the logit; the ledger
says how much is where. It takes one pass, and nothing is drawn, so that there are no errors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Claim, LabelAttribution, laid
from pipeline.conversation.probe import Evidence
from pipeline.conversation.reading import Of, Reading
from pipeline.methods.asked import BASE_ROWS, check_of
from pipeline.methods.looked import Looked
from pipeline.methods.method import Method
from pipeline.scene.scene import Scene

Array = NDArray[np.float32]

RELEVANCE = 6  # evaluations that one label's relevance costs: 2.4 to 10 times a forward pass, by the composite
LEAST_CONSERVED = 0.5  # a map that has less speaks for the smaller part of the score
ENTRIES = ("logit", "photograph", "biases", "stabilisers")
COMPOSITES = ("epsilon", "epsilon-plus", "epsilon-plus-flat", "epsilon-gamma-box", "epsilon-alpha2-beta1")


@dataclass(frozen=True, slots=True)
class Options:
    """By which rules.

    Attributes
    ----------
    composite : str
        Of `pipeline.model.relevance.composite`, where they are said to belong.
    of : "logit" or "probability"
        What is handed back; a network that shows no logits has its probability alone.
    """

    composite: str = "epsilon-plus-flat"
    of: Of = "logit"

    def __post_init__(self) -> None:
        if self.composite not in COMPOSITES:
            raise ValueError(f"composite is {self.composite!r}, expected one of {', '.join(COMPOSITES)}")
        check_of(self.of)


class Lrp(Looked):
    """Relevance after a recipe, for a model with these labels."""

    __slots__ = ()

    def reading(self, columns: Sequence[int]) -> Reading:
        """The relevance of each label, with its ledger."""
        options, cost = Options(**self.recipe.options), RELEVANCE * len(columns)
        return Reading("lrp", tuple(columns), options.of, composite=options.composite, cost=cost)

    def answer(
        self, scene: Scene, columns: Sequence[int], read: Evidence
    ) -> tuple[list[LabelAttribution], Mapping[str, Any]]:
        """The relevance of each label, and where the rest of its score went."""
        told, reading = read.scores[0].reshape(len(columns), -1), read.probe.reading
        ledgers = {self.labels[c]: ledger(one) for c, one in zip(columns, told, strict=True)}
        found = [_explained(scene, self.labels[c], one) for c, one in zip(columns, told, strict=True)]
        return found, {"read": "lrp", "of": reading.of, "composite": reading.composite, "ledger": ledgers}


def ledger(told: Array) -> dict[str, float]:
    """The entries at the end of what was read for one label, in units of the logit."""
    return dict(zip(ENTRIES, told[-len(ENTRIES) :].astype(float).tolist(), strict=True))


def _explained(scene: Scene, label: str, told: Array) -> LabelAttribution:
    heat = np.ascontiguousarray(told[: -len(ENTRIES)].reshape(scene.segments.shape))
    return LabelAttribution(label, laid(heat, scene.segments), heat=heat, claims=(_conserved(ledger(told)),))


def _conserved(entries: dict[str, float]) -> Claim:
    """How much of what was shared out lies on the photograph, 0..1; NaN of a logit of zero."""
    pixels, *kept = (abs(entries[name]) for name in ENTRIES[1:])
    everything = pixels + sum(kept)
    lost = sum(kept) / everything if everything else np.nan
    sentence = (
        f"{lost:.0%} of the score stayed with the network's own biases and is not the photograph's: "
        "the coloured parts speak for the rest."
        if everything
        else "The network's score for this label is zero: there is nothing to share out."
    )
    return Claim("conservation", 1 - lost, LEAST_CONSERVED, sentence)


METHOD = Method(Lrp, lambda _: BASE_ROWS + RELEVANCE, options=Options, reads=frozenset({"scores", "lrp"}), once=False)
