"""Counting beside the pages: nobody waits long, nothing is counted twice at once, and what is old says so."""

import threading
from collections.abc import Iterator

import pytest

from polelens.web.counting import Counting, Figure

LONG = 60.0  # seconds: whoever waits so long waits for the count


@pytest.fixture
def counting() -> Iterator[Counting]:
    """A counting of its own."""
    made = Counting()
    yield made
    made.close()


def test_whoever_asks_waits_no_longer_than_said_and_the_count_goes_on(counting: Counting) -> None:
    """None at first; once it is counted the figure is there, and those who asked meanwhile had it counted once."""
    gate, counts = threading.Event(), []

    def count() -> int:
        assert gate.wait(LONG)
        counts.append(1)
        return 7

    assert [counting.figure("n", count, seconds=0) for _ in range(3)] == [None] * 3
    gate.set()
    assert counting.figure("n", count, seconds=LONG) == Figure(7)
    assert len(counts) == 1


def test_an_old_figure_is_told_with_its_moment(counting: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is counted anew it is what it was, and says of when; what is of the same for good says nothing."""
    monkeypatch.setattr("polelens.web.counting.TIMES", 0)
    monkeypatch.setattr("polelens.web.counting.OLD_SECONDS", 0)
    gate = threading.Event()
    assert counting.figure("n", lambda: 7, seconds=LONG)
    old = counting.figure("n", lambda: gate.wait(LONG) and 8, seconds=0)
    assert old is not None
    assert (old.value, old.as_of is not None) == (7, True)
    gate.set()
    assert counting.figure("m", lambda: 1, of="as it is", seconds=LONG) == Figure(1)
    assert counting.figure("m", lambda: 2, of="as it is", seconds=LONG) == Figure(1)
    assert counting.figure("m", lambda: 2, of="changed", seconds=LONG) == Figure(2)


def test_a_figure_will_do_for_a_multiple_of_what_it_took(counting: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that counting one takes no more than its share, however often it is asked for."""
    monkeypatch.setattr("polelens.web.counting.TIMES", 1e9)
    assert [counting.figure("n", iter((7, 8)).__next__, seconds=LONG) for _ in range(2)] == [Figure(7)] * 2


def test_what_counting_raises_is_raised_to_who_waits_and_counted_again(counting: Counting) -> None:
    """A database that was away is asked once more by the next."""

    def fail() -> int:
        raise OSError

    with pytest.raises(OSError):
        counting.figure("n", fail, seconds=LONG)
    assert counting.figure("n", lambda: 7, seconds=LONG) == Figure(7)


def test_memory_and_what_waits_are_bounded(counting: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures asked for last are remembered; where too many are to be counted, one more is not."""
    monkeypatch.setattr("polelens.web.counting.REMEMBERED", 2)
    for name in range(5):
        assert counting.figure(name, lambda: 1, of=1, seconds=LONG)
    assert list(counting._known) == [3, 4]
    monkeypatch.setattr("polelens.web.counting.WAITING", 1)
    gate = threading.Event()
    assert counting.figure("slow", lambda: gate.wait(LONG), seconds=0) is None
    assert counting.figure("more", lambda: 1, seconds=LONG) is None
    gate.set()
