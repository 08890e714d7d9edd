"""The permutation test against brute force, its false alarms, and whom Benjamini and Hochberg believe."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from pipeline.change.permutation import DRAWN, _contrasts, discoveries, p_value, smallest_p


def rows(n, p=3, seed=0, shift=0.0):
    return np.random.Generator(np.random.Philox([seed, n, p])).normal(size=(n, p)) + shift


def by_hand(first, second):
    """Every way of dealing the rows to two groups, one by one."""
    both = np.concatenate([first, second])

    def apart(chosen):
        other = [row for row in range(len(both)) if row not in chosen]
        return np.linalg.norm(both[list(chosen)].mean(axis=0) - both[other].mean(axis=0))

    found = [apart(chosen) for chosen in combinations(range(len(both)), len(first))]
    return np.mean([one >= apart(range(len(first))) - 1e-12 for one in found])


@pytest.mark.parametrize(("n", "m"), [(4, 4), (3, 5), (5, 2)])
def test_the_p_value_is_the_share_of_relabelings_as_far_apart(n, m):
    """For any sizes, by going through all of them."""
    for seed in range(5):
        first, second = rows(n, seed=seed), rows(m, seed=seed + 50, shift=0.8)
        assert p_value(first, second) == pytest.approx(by_hand(first, second), abs=1e-12)


@pytest.mark.parametrize(("n", "m"), [(4, 4), (9, 9), (3, 4), (12, 12)])
def test_groups_far_apart_have_the_smallest_p_value_there_is(n, m):
    """Which is what the number of relabelings, or of those drawn, allows."""
    found = p_value(rows(n), rows(m, seed=1, shift=1000))
    assert found == pytest.approx(smallest_p(n, m), rel=1e-3) if n < 12 else found <= 3 / DRAWN


def test_rows_alike_are_no_difference():
    """The same rows twice, even exactly, are as near as rows can be."""
    same = rows(9)
    assert p_value(same, same) == 1
    assert p_value(same, same[::-1]) == 1
    assert p_value(np.ones((4, 3)), np.ones((4, 3))) == 1


@pytest.mark.parametrize("draw", ["normal", "standard_cauchy", "standard_exponential"])
def test_false_alarms_keep_their_rate(draw):
    """Rows of one source are told apart in no more than the stated share of trials, whatever their distribution."""
    generator = np.random.Generator(np.random.Philox(3))
    found = np.array([p_value(*getattr(generator, draw)(size=(2, 6, 20))) for _ in range(1000)])
    for alpha in (0.01, 0.05, 0.2):
        assert (found <= alpha).mean() <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / 1000)
    assert (found <= 0.2).mean() > 0.1  # a test that never speaks keeps every rate


def test_the_believed_are_those_of_scipy():
    """The same hypotheses are rejected as by adjusted p-values, at any rate; none where there is none."""
    generator = np.random.Generator(np.random.Philox(4))
    for rate in (0.01, 0.05, 0.3):
        p_values = np.concatenate([generator.random(50), generator.random(20) ** 6])
        believed = p_values <= discoveries(p_values, rate)
        assert (believed == (false_discovery_control(p_values) <= rate)).all()
    assert discoveries([], 0.05) == 0
    assert discoveries([0.2, 0.9], 0.05) == 0


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(4, 4, 2 / 70), (3, 4, 1 / 35), (1, 19, 0.05), (9, 9, 2 / 48_620), (9, 10, 1 / 10_000), (12, 12, 1 / 10_000)],
)
def test_the_smallest_p_value_is_one_relabeling(first, second, expected):
    """Or two, where both groups exchanged are as far apart; one in 10,000 where relabelings are drawn."""
    assert smallest_p(first, second) == expected


def test_at_its_boundary_a_p_value_is_believed():
    """One is judged by the rate itself, and of two the larger by it, the smaller by half."""
    assert discoveries([0.05], 0.05) == 0.05
    assert discoveries([0.0501], 0.05) == 0
    assert discoveries([0.9, 0.025], 0.05) == 0.025
    assert discoveries([0.9, 0.0251], 0.05) == 0
    assert discoveries([0.05, 0.04], 0.05) == 0.05


@pytest.mark.parametrize(("n", "m"), [(2, 3), (12, 12)])
def test_relabelings_are_kept_and_cannot_be_changed(n, m):
    """The groups as they are come first; each row is a difference of two means; the same ones whenever asked."""
    found = _contrasts(n, m)
    np.testing.assert_array_equal(found[0], [1 / n] * n + [-1 / m] * m)
    assert len(found) == (10 if n == 2 else DRAWN + 1)
    np.testing.assert_array_equal((found > 0).sum(axis=1), n)
    np.testing.assert_array_equal(np.unique(found), [-1 / m, 1 / n])
    np.testing.assert_allclose(found.sum(axis=1), 0, atol=1e-12)
    assert not found.flags.writeable


def test_drawn_relabelings_take_each_row_as_often():
    """About half of them have it in the first group, of twelve against twelve."""
    share = (_contrasts(12, 12) > 0).mean(axis=0)
    assert share == pytest.approx(0.5, abs=0.03)
