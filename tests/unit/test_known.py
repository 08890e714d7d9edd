"""What was said before is known again by the picture, unless another mask makes another picture of it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.answer.attribution import Attribution
from pipeline.conversation.known import NOTHING, Known
from pipeline.conversation.probe import Evidence, Listed, Probe
from pipeline.explain import answer
from pipeline.judge import grounding
from pipeline.methods import explainer
from pipeline.recipe import Recipe
from pipeline.recipes import RECIPES
from pipeline.scene.scene import Scene, compose
from pipeline.scene.segments import grid
from pipeline.scene.variant import Variant
from storage.rounds import divided

LABELS = ("light", "dark")
FEW = {"samples": 16, "seeds": [1, 11, 21]}
JUDGED = {
    "default": RECIPES["default"].override(FEW),
    "adaptive": RECIPES["adaptive"].override({"samples": 16}),
    "thorough": RECIPES["default"].override(FEW | {"thorough": True}),
    "denoise": RECIPES["default"].override(FEW | {"denoise": 1.0}),
}


def scene(mask: tuple[int, int] | None = None) -> Scene:
    """A photograph in 16 squares, with a mask of its rows from the first number to the second."""
    canvas = np.random.default_rng(3).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    return Scene(canvas, grid(canvas, 16), np.full_like(canvas, 90), None if mask is None else _rows(*mask))


def _rows(first: int, last: int) -> np.ndarray:
    rows = np.zeros((32, 32), dtype=bool)
    rows[first:last] = True
    return rows


def model(shown: Scene, masks: np.ndarray) -> np.ndarray:
    """How bright a picture is, with interactions."""
    bright = np.tanh(compose(shown, masks).mean(axis=(1, 2, 3)) / 100 - 1)
    return np.stack([bright, 1 - bright], axis=1).astype(np.float32)


def conversed(shown: Scene, made: Recipe, known: Known = NOTHING) -> tuple[Attribution, list[Evidence], int]:
    """The answer, what it rests on, and how many rows the model was asked: those that are not known."""
    talker, evidence, asked = explainer(made, LABELS), [], 0
    step: Probe | Attribution = talker.open(shown)
    while isinstance(step, Probe):
        rows = known.answers(step)
        asked += sum(row is None for row in rows)
        fresh = answer(shown, step, model)
        told = [new if row is None else row for row, new in zip(rows, fresh, strict=True)]
        evidence.append(Evidence(step, np.stack(told)))
        step = talker.proceed(shown, evidence)
    return step, evidence, asked


@pytest.mark.parametrize("name", JUDGED)
@pytest.mark.parametrize("before", [None, (0, 12)], ids=["no mask", "another mask"])
def test_a_new_mask_asks_what_it_shows_and_no_more(name: str, before: tuple[int, int] | None) -> None:
    """And every number, and the evidence, are those of an explanation from scratch; also from the second's evidence."""
    made, masked = JUDGED[name], scene((4, 20))
    scratch, whole, _ = conversed(masked, made)
    _, evidence, _ = conversed(scene(before), made)
    for _ in range(2):
        found, evidence, asked = conversed(masked, made, Known.of(evidence).beyond_the_mask())
        assert asked == grounding.PLANNED
        assert found.to_json() == scratch.to_json()
        assert [one.probe for one in evidence] == [one.probe for one in whole]
        assert all(np.array_equal(one.scores, other.scores) for one, other in zip(evidence, whole, strict=True))


def test_the_same_mask_asks_nothing() -> None:
    """All that was said of a photograph answers its own conversation."""
    first, evidence, _ = conversed(scene((4, 20)), JUDGED["thorough"])
    again, _, asked = conversed(scene((4, 20)), JUDGED["thorough"], Known.of(evidence))
    assert (asked, again.to_json()) == (0, first.to_json())


def test_pictures_that_the_mask_makes_are_not_known_under_another() -> None:
    """All but the whole photograph, which shows no mask."""
    masks = np.array([[True, True], [True, False], [False, False]])
    variants = (None, Variant("blur"), Variant("blur", "object"))
    probe = Probe(2, tuple(Listed.of(masks, variant) for variant in variants))
    known = Known.of([Evidence(probe, np.arange(18, dtype=np.float32).reshape(9, 2))])
    assert [row is not None for row in known.beyond_the_mask().answers(probe)] == [True] * 7 + [False] * 2


def test_superpixels_of_another_number_are_others() -> None:
    """Two masks that are packed alike are not the same picture."""
    one, other = (Probe(k, (Listed.of(np.zeros((1, k), dtype=bool)),)) for k in (9, 10))
    known = Known.of([Evidence(one, np.ones((1, 2), np.float32))])
    assert known.answers(other) == [None]
    assert known.answers(replace(one, purpose="judge"))[0] is not None


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(1, 20))
def test_a_round_is_divided_into_what_is_known_and_what_is_not(known: list[bool], size: int) -> None:
    """The parts follow each other; a known one has its rows' scores, another has none and is at most that large."""
    rows = [np.array([i, -i], np.float32) if one else None for i, one in enumerate(known)]
    pieces = divided(rows, size)
    assert [pieces[0].start, *(piece.stop for piece in pieces)] == [*(piece.start for piece in pieces), len(rows)]
    for piece in pieces:
        own = rows[piece.start : piece.stop]
        if piece.scores is None:
            assert own == [None] * len(own)
            assert 0 < len(own) <= size
        else:
            np.testing.assert_array_equal(np.frombuffer(piece.scores, "<f4").reshape(-1, 2), np.array(own))
