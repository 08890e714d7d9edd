"""What the row `adaptive` takes for agreement, and the table of what giving up costs."""

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

from benchmarks import futility
from benchmarks.adaptive import MARGIN, agrees, difference


def test_the_interval_of_the_difference_is_student_s():
    """As SciPy has it; of one photograph there is none, and nothing is concluded from that."""
    apart = np.random.default_rng(0).normal(size=24)
    found, theirs = difference(apart), stats.ttest_1samp(apart, 0).confidence_interval()
    assert found["mean"] == pytest.approx(apart.mean())
    assert (found["low"], found["high"]) == pytest.approx((theirs.low, theirs.high))
    assert difference([0.5]) == {"mean": 0.5, "low": None, "high": None}
    assert not agrees(None)


@pytest.mark.parametrize(
    ("swapped", "photographs", "told"), [(0, 24, True), (1, 24, False), (1, 96, True), (4, 96, True), (7, 96, False)]
)
def test_few_photographs_conclude_little(swapped, photographs, told):
    """One superpixel of five exchanged on so many photographs: the interval has to lie within the margin, not the mean,
    and one of 24 leaves too much open."""
    assert pytest.approx(1 / 30) == MARGIN
    apart = [-1 / 3] * swapped + [0.0] * (photographs - swapped)
    assert agrees(difference(apart)["low"]) == told


def test_the_table_of_giving_up_has_a_line_for_each_gap():
    """And never asks more where it gives up."""
    result = CliRunner().invoke(futility.main, ["--runs", "4"], catch_exceptions=False)
    names, _, *rows = (line.strip("| ").split(" | ") for line in result.stdout.splitlines())
    assert [float(row[0]) for row in rows] == list(futility.GAPS)
    for row in rows:
        assert len(row) == len(names)
        assert float(row[4]) <= float(row[5])
