"""The F of paired differences against Student's t, the formula by hand and simulated rows."""

import numpy as np
import pytest
from scipy.linalg import hadamard
from scipy.stats import f, ttest_1samp

from pipeline.change.paired import directions, p_value

TRIALS = 2000


def rows(n, scatter, seed=0):
    """Differences without a mean, float64 [n, p], that scatter so far in each of p directions."""
    generator = np.random.Generator(np.random.Philox([seed, n, len(scatter)]))
    return generator.normal(size=(n, len(scatter))) * scatter


@pytest.mark.parametrize("n", [3, 4, 9])
def test_one_column_is_student_s_test(n):
    """Its F is the square of his t."""
    one = rows(n, [2.0]) + 1
    assert p_value(one) == pytest.approx(ttest_1samp(one[:, 0], 0).pvalue, rel=1e-12)


@pytest.mark.parametrize(("n", "p"), [(3, 40), (9, 4), (9, 49), (30, 6)])
def test_it_is_the_formula_with_covariances_written_out(n, p):
    """The traces of S, of its square, and those without bias, from the matrix of p by p itself."""
    d = rows(n, np.geomspace(1, 0.1, p)) + 0.1
    s = np.cov(d, rowvar=False)
    trace, square, m = np.trace(s), np.trace(s @ s), n - 1
    of_trace = m * (m + 1) / ((m - 1) * (m + 2)) * (trace**2 - 2 * square / (m + 1))
    of_square = m**2 / ((m - 1) * (m + 2)) * (square - trace**2 / m)
    v = (trace**2 / square + min(max(of_trace / of_square, 1), p)) / 2
    assert directions(d) == pytest.approx(v, rel=1e-9)
    expected = f.sf(n * (d.mean(axis=0) ** 2).sum() / trace, v, v * (n - 1))
    assert p_value(d) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("n", [3, 5, 9])
@pytest.mark.parametrize("scatter", [np.ones(20), np.geomspace(1, 0.05, 40)], ids=["alike", "unlike"])
def test_false_alarms_keep_their_rate(n, scatter):
    """Also the rare ones, by which Benjamini and Hochberg judge an archive; and directions that scatter unlike."""
    found = np.array([p_value(rows(n, scatter, seed)) for seed in range(TRIALS)])
    for alpha in (0.01, 0.05):
        assert (found <= alpha).mean() <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / TRIALS)
    assert (found <= 0.001).sum() <= 10  # of two expected
    assert (found <= 0.3).mean() > 0.1  # a test that never speaks keeps every rate


@pytest.mark.parametrize(("n", "shift"), [(3, 1.5), (9, 0.6)])
def test_a_mean_that_is_there_is_found(n, shift):
    """In 95 of 100 cases, where in each of 20 directions it is so many times what one difference scatters."""
    found = np.array([p_value(rows(n, np.ones(20), seed) + shift) for seed in range(200)])
    assert (found <= 0.05).mean() >= 0.95


def test_order_scale_and_direction_do_not_matter():
    """Of rows, of columns, of the unit, of the axes and of the sign."""
    d = rows(9, np.geomspace(1, 0.1, 12)) + 0.2
    turned, _ = np.linalg.qr(rows(12, np.ones(12)))
    for same in (d[::-1], d[:, ::-1], 1e-6 * d, -d, d @ turned):
        assert p_value(same) == pytest.approx(p_value(d), rel=1e-9)


def test_differences_that_do_not_scatter_are_sure():
    """All the same: no chance of it unless they are zero; scattering alike in each direction, the formula holds."""
    assert p_value(np.zeros((4, 3))) == 1
    assert p_value(np.ones((4, 3))) == 0
    assert directions(np.eye(3)) == pytest.approx((2 + 3) / 2)


@pytest.mark.parametrize("scale", [1.0, 2.0, 3.0])
def test_rows_that_scatter_alike_in_every_direction_have_as_many_as_they_can(scale):
    """On whichever side of all n - 1 of them rounding puts the plain ratio: below, above and at it, with these."""
    assert directions(scale * np.eye(3)) == pytest.approx((2 + 3) / 2)
    assert directions(scale * hadamard(8)[:, 1:]) == pytest.approx(7)


@pytest.mark.parametrize("n", [3, 5, 9])
def test_rows_along_one_line_scatter_in_one_direction(n):
    """However many columns there are."""
    along = np.arange(n)[:, None] * np.array([1.0, -2.0, 0.5])
    assert directions(along) == pytest.approx(1)
    assert p_value(along) == pytest.approx(ttest_1samp(along[:, 0], 0).pvalue)
