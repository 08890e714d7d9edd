"""Parts of the way are short where gradients change, and the same wherever they are worked out."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.methods.mesh import EVEN, NEAR, check_mesh, graded

SCORE = st.floats(0, 1)


def density(labels: Sequence[tuple[float, float]], places: np.ndarray) -> np.ndarray:
    """As the docstring of `graded` has it, for each label, [labels, places]."""
    start, end = np.array(labels).T[:, :, None]
    score = np.clip(start + (end - start) * places, 0, 1)
    return (score * (1 - score) / (places + NEAR)) ** (2 / 3)


@given(st.lists(st.tuples(SCORE, SCORE), min_size=1, max_size=4), st.integers(1, 200))
def test_parts_fill_the_way(scores: list[tuple[float, float]], parts: int) -> None:
    """From 0 to 1, each beyond the last, whatever the scores are."""
    starts, ends = np.array(scores).T
    places = graded(starts, ends, parts)
    assert (places[0], places[-1], len(places)) == (0, 1, parts + 1)
    assert np.all(np.diff(places) > 0)


@pytest.mark.parametrize(
    "labels",
    [
        [(0.001, 0.4)],
        [(0.5, 0.95)],
        [(0.6, 0.3)],
        [(0.02, 1.0)],
        [(-0.01, 0.5)],  # no probability, where a network's last bits are its own
        [(0.5, 1.01)],
        [(0.5, 0.95), (1e-6, 1e-5), (0.3, 0.01)],  # each counts alike, however small
    ],
    ids=str,
)
def test_each_part_has_as_much_of_the_density(labels: list[tuple[float, float]]) -> None:
    """By a sum over each part of its own: what a thousand cells do at once."""
    places = graded(*np.array(labels).T, 12)
    means = density(labels, (np.arange(100_000) + 0.5) / 100_000).mean(axis=1)
    for a, b in pairwise(places):
        within = a + (b - a) * (np.arange(1000) + 0.5) / 1000
        share = (density(labels, within).mean(axis=1) / means).mean()
        assert ((1 - EVEN) * share + EVEN) * (b - a) == pytest.approx(1 / 12, rel=0.01)


def test_a_score_that_nothing_moves_has_parts_all_alike() -> None:
    """At 0 or at 1 from end to end, where every part is as good as another."""
    for score in (0.0, 1.0, 1.0005):
        np.testing.assert_allclose(graded(np.array([score]), np.array([score]), 8), np.arange(9) / 8, atol=1e-5)


def test_what_is_no_mesh_is_refused() -> None:
    """By its name, with those there are."""
    for mesh in ("uniform", "graded"):
        check_mesh(mesh)
    with pytest.raises(ValueError, match=r"^mesh is 'finest', expected uniform or graded$"):
        check_mesh("finest")


def test_a_score_that_looks_past_contrast_is_met_better_than_by_equal_parts() -> None:
    """One that moves with the logarithm of how far the way is gone, now up and now down: graded parts miss its rise by
    less than half of what as many equal ones do, root mean squares over many such scores."""
    turns = np.linspace(np.log(NEAR), np.log(1 + NEAR), 60)
    meshes = [np.array(graded(np.array([0.5]), np.array([0.5]), 36)), np.arange(37) / 36]
    misses = []
    for seed in range(100):
        slopes = np.random.Generator(np.random.Philox(seed)).normal(size=len(turns) - 1)
        rise = slopes @ np.diff(turns)
        for places in meshes:
            middles = (places[1:] + places[:-1]) / 2 + NEAR
            gradients = slopes[np.searchsorted(turns, np.log(middles)) - 1] / middles
            misses.append(np.diff(places) @ gradients - rise)
    graded_ones, equal_ones = np.square(misses).reshape(-1, 2).mean(axis=0) ** 0.5
    assert graded_ones < equal_ones / 2
