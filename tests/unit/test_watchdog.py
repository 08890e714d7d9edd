"""When a worker counts as stuck: it looks every second, is patient for 3, and no task may take longer than 10."""

from collections.abc import Sequence

from tasks.watchdog import Sight, Watchdog

WAITING, EMPTY = {"infer-now": 0, "infer": 4}, {"infer-now": 0, "infer": 0}


def looks(*seen: Sight) -> Sequence[bool]:
    """What the watchdog says after each sight."""
    watchdog = Watchdog(period=1, patience=3, longest=10)
    return [watchdog.stuck(one) for one in seen]


def test_messages_wait_and_nothing_begins() -> None:
    """After three seconds of it the worker is stuck, and not before."""
    assert looks(*[Sight(0, 0, WAITING)] * 4) == [False, False, True, True]


def test_one_task_that_begins_is_a_sign_of_life() -> None:
    """The seconds are counted anew after it."""
    still, begun = Sight(5, 0, WAITING), Sight(6, 0, WAITING)
    assert looks(still, still, still, begun, begun, begun, begun) == [False] * 3 + [False] * 3 + [True]


def test_the_idle_and_the_busy_are_well() -> None:
    """A worker without messages, one at work, and one of which nobody can tell, however long."""
    for well in (Sight(5, 0, EMPTY), Sight(5, 0, {}), Sight(5, 0, None)):
        assert not any(looks(*[well] * 100))
    assert not any(looks(*[Sight(5, 1, WAITING)] * 10))


def test_a_message_after_a_long_idle_time_is_waited_for() -> None:
    """An hour without work is no hour of neglect."""
    assert looks(*[Sight(5, 0, EMPTY)] * 100, *[Sight(5, 0, WAITING)] * 3)[-3:] == [False, False, True]


def test_redis_that_comes_back_gives_a_new_chance() -> None:
    """What waited while nobody could tell is not held against the worker."""
    unknown, waiting = Sight(5, 0, None), Sight(5, 0, WAITING)
    assert not any(looks(waiting, waiting, waiting, unknown, waiting, waiting)[3:])


def test_longer_than_any_task_may_take_is_not_work() -> None:
    """Whoever should have ended the task is stuck."""
    said = looks(*[Sight(1, 1, WAITING)] * 14)
    assert said.index(True) == 12  # begun at the first, over its time at the eleventh, and patience for three
