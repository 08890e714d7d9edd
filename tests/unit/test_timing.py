"""When a schedule is due: cron on the clock of a place, through the nights when that clock jumps."""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

import pytest

from storage.schedules import Timing

WEEKLY = Timing("0 2 * * 0", "Europe/Oslo")


def utc(*fields: int) -> datetime:
    return datetime(*fields, tzinfo=UTC)


def test_a_skipped_hour_is_due_when_the_clock_has_skipped_it() -> None:
    """On 29 March 2026 Oslo has no two o'clock: the audit is due at three, summer time, and it alone."""
    found = [moment.astimezone(UTC) for moment in islice(WEEKLY.after(utc(2026, 3, 20)), 3)]
    assert found == [utc(2026, 3, 22, 1), utc(2026, 3, 29, 1), utc(2026, 4, 5, 0)]
    assert WEEKLY.last(utc(2026, 3, 1), utc(2026, 3, 29, 0, 59)) == utc(2026, 3, 22, 1)
    assert WEEKLY.last(utc(2026, 3, 1), utc(2026, 3, 29, 1)) == utc(2026, 3, 29, 1)


def test_an_hour_that_comes_twice_is_due_once() -> None:
    """On 25 October 2026 Oslo has half past two twice: the audit is due at the first."""
    timing = Timing("30 2 * * 0", "Europe/Oslo")
    found = [moment.astimezone(UTC) for moment in islice(timing.after(utc(2026, 10, 20)), 2)]
    assert found == [utc(2026, 10, 25, 0, 30), utc(2026, 11, 1, 1, 30)]
    for minute in (29, 30, 31):
        found = timing.last(utc(2026, 10, 1), utc(2026, 10, 25, 1, minute))
        assert found is not None
        assert found.astimezone(UTC) == utc(2026, 10, 25, 0, 30)


@pytest.mark.parametrize("zone", ["Europe/Oslo", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("cron", ["0 2 * * 0", "30 2 * * *", "45 1 * * *", "0 * * * *", "15 */6 * * *"])
def test_what_is_due_next_is_the_same_from_wherever_one_looks(zone: str, cron: str) -> None:
    """Through the days of a year when the clock jumps, forwards and back."""
    timing = Timing(cron, zone)
    times = [one.astimezone(UTC) for one in takewhile(lambda one: one < utc(2027, 1, 1), timing.after(utc(2026, 1, 1)))]
    assert times == sorted(set(times))
    for month, day in ((3, 8), (3, 29), (4, 4), (10, 3), (10, 25), (11, 1)):
        for minutes in range(-600, 26 * 60, 97):
            moment = utc(2026, month, day) + timedelta(minutes=minutes)
            place = bisect_right(times, moment)
            assert next(timing.after(moment)).astimezone(UTC) == times[place]
            last = timing.last(moment - timedelta(hours=30), moment)
            expected = times[place - 1] if times[place - 1] > moment - timedelta(hours=30) else None
            assert (last and last.astimezone(UTC)) == expected


@pytest.mark.parametrize(
    ("cron", "zone", "told"),
    [
        ("every sunday", "UTC", "cron is 'every sunday' .*expected minute hour day month weekday"),
        ("0 2 * *", "UTC", "wrong number of fields"),
        ("0 0 2 * * 0", "UTC", "wrong number of fields"),
        ("61 2 * * 0", "UTC", "bad minute"),
        ("0 0 30 2 *", "UTC", "bad day-of-month"),
        ("0 2 * * 0", "Europe/Olso", "timezone is 'Europe/Olso', expected a name like Europe/Oslo"),
        ("0 2 * * 0", "../etc", "timezone is"),
        ("0 2 * * 0", "Europe", "timezone is"),
        ("0 2 * * 0", "", "timezone is"),
    ],
)
def test_what_is_no_time_is_refused(cron: str, zone: str, told: str) -> None:
    """In one sentence, with what was given and an example."""
    with pytest.raises(ValueError, match=told):
        Timing(cron, zone)
