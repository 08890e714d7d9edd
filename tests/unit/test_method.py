"""A method says what of a recipe it reads, and refuses the rest."""

from dataclasses import dataclass, fields
from typing import Any

import pytest

from pipeline.methods import METHODS
from pipeline.methods.lime import Lime
from pipeline.methods.method import DISPENSABLE, Method
from pipeline.recipe import Recipe
from pipeline.recipes import RECIPES


@dataclass(frozen=True, slots=True)
class Whole:
    """Options of a method that nobody runs."""

    both: bool = True


ASKS_ONCE = Method(Lime, lambda _: 1, options=Whole)

OTHERWISE: dict[str, Any] = {
    "design": "coin",
    "samples": 64,
    "seeds": (5,),
    "stopping": {"first": 3},
    "kernel_width": 0.5,
    "surrogate": {"name": "ridge", "alpha": 3},
}


@pytest.mark.parametrize("name", DISPENSABLE)
def test_what_a_method_does_not_read_cannot_be_set(name: str) -> None:
    """It would change the digest, so that all is explained again, and no number."""
    recipe = Recipe("x", **{name: OTHERWISE[name]})
    with pytest.raises(ValueError, match=f"has no use for {name}; leave it out"):
        ASKS_ONCE.check(recipe)
    Method(Lime, lambda _: 1, frozenset({name})).check(recipe)


def test_what_every_method_reads_is_free() -> None:
    """Superpixels, fill, labels, tests and the method's own options are no field that it may do without."""
    assert set(DISPENSABLE) < {one.name for one in fields(Recipe)}
    changes = {"segmenter": {"name": "grid", "n_segments": 9}, "fill": "blur", "labels": "all", "judge": False}
    ASKS_ONCE.check(Recipe("x", **changes, denoise=1.0, options={"both": False}))


@pytest.mark.parametrize("name", RECIPES)
def test_named_recipes_are_taken_by_their_methods(name: str) -> None:
    """None of them sets what its method has no use for."""
    METHODS[RECIPES[name].method].check(RECIPES[name])
