"""Composites: which rule each layer of a network gets."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.model.relevance.layer import LayerRule, alpha2_beta1, box, epsilon, flat, gamma, plus


@dataclass(frozen=True, slots=True)
class Composite:
    """The rules of layers.

    Attributes
    ----------
    convolution : LayerRule
        Of convolutions.
    first : LayerRule or None
        Of the layers that the picture reaches first, where theirs is another.
    dense : LayerRule
        Of products with matrices.
    """

    convolution: LayerRule
    first: LayerRule | None = None
    dense: LayerRule = epsilon


# Lapuschkin et al. 2017 and Montavon et al. 2019; named as in zennit, whose `box` is there for the first convolution.
COMPOSITES: Mapping[str, Composite] = {
    "epsilon": Composite(epsilon),
    "epsilon-plus": Composite(plus),
    "epsilon-plus-flat": Composite(plus, flat),
    "epsilon-gamma-box": Composite(gamma, box),
    "epsilon-alpha2-beta1": Composite(alpha2_beta1),
}
