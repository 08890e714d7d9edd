"""Vector-Jacobian products: for each operator, what a gradient at its outputs is at its inputs."""

from pipeline.model.vjp import (
    activations,
    arithmetic,
    choices,
    convolutions,
    functions,
    moves,
    normalisations,
    pools,
    products,
    reductions,
    resizing,
    selections,
)
from pipeline.model.vjp.walk import Rule

RULES: dict[str, Rule] = {
    **activations.RULES,
    **arithmetic.RULES,
    **choices.RULES,
    **convolutions.RULES,
    **functions.RULES,
    **moves.RULES,
    **normalisations.RULES,
    **pools.RULES,
    **products.RULES,
    **reductions.RULES,
    **resizing.RULES,
    **selections.RULES,
}
