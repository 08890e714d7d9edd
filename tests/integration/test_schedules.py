"""Schedules: each due time starts one audit, whoever ticks and whoever sleeps."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pytest
from sqlalchemy import text

from pipeline.recipe import Recipe
from storage.blobs import FolderBlobs
from storage.reaudits import Order, Started
from storage.registry import Registry
from storage.schedules import Schedule, Schedules, Timing
from tests import models
from tests.live_audits import Bench, pictures
from tests.played_ledger import Desk, at_once, engine_of, model

ORDER = Order(Recipe("default"))
WEEKLY = Timing("0 2 * * 0", "Europe/Oslo")
BEGIN, END = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC)
SUNDAYS = ("03-08T01", "03-15T01", "03-22T01", "03-29T01", "04-05T00", "04-12T00", "04-19T00", "04-26T00")  # in UTC
DUE = [datetime.fromisoformat(f"2026-{one}:00:00+00:00") for one in SUNDAYS]

WEEK = (datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 4, 3, tzinfo=UTC))


@pytest.fixture
def schedules(desk: Desk) -> Schedules:
    """Schedules in an archive of two photographs."""
    desk.photographs("a", "b")
    return Schedules(desk.engine)


def tick_through(url: str, dead_from: datetime, dead_to: datetime) -> None:
    """A beat's ticks from BEGIN to END, but for those while it is dead: every ten minutes around what is due."""
    with engine_of(url) as engine:
        now = BEGIN
        while now < END:
            if not dead_from <= now < dead_to:
                Schedules(engine).tick(now)
            near = any(abs(now - due) <= timedelta(hours=2) for due in DUE)
            now += timedelta(minutes=10 if near else 120)


def since(desk: Desk, schedule: Schedule, moment: datetime) -> None:
    """Let a schedule be as old as a test needs it."""
    with desk.engine.begin() as c:
        c.execute(text("UPDATE schedule SET since = :moment WHERE id = :id"), {"moment": moment, "id": schedule.id})


def answered(schedules: Schedules, schedule: Schedule) -> list[datetime]:
    """The due times that have started an audit, the earliest first."""
    runs = schedules.runs(schedule.id)
    assert all(run.audit is not None for run in runs)
    return [run.due_at for run in reversed(runs)]


def test_two_beats_over_a_change_of_the_clock_start_each_audit_once(
    desk: Desk, schedules: Schedules, database_url: str
) -> None:
    """Two processes tick through two months, one dead for a week over a due time: eight Sundays, eight audits.

    The clock is an argument of the tick; the processes, their race and the database are real.
    """
    schedule = schedules.add("planted@latest", WEEKLY, ORDER)
    since(desk, schedule, BEGIN)
    fresh = get_context("spawn")
    beats = [fresh.Process(target=tick_through, args=(database_url, *dead)) for dead in (WEEK, (END, END))]
    for beat in beats:
        beat.start()
    for beat in beats:
        beat.join(120)
    assert [beat.exitcode for beat in beats] == [0, 0]
    assert answered(schedules, schedule) == DUE
    assert len(desk.audits.all()) == len(DUE)
    assert len({run.audit for run in schedules.runs(schedule.id)}) == len(DUE)


def test_ticks_at_once_start_one_audit(desk: Desk, schedules: Schedules) -> None:
    """Of four at the same moment one starts it, and the others nothing."""
    schedule = schedules.add("planted", WEEKLY, ORDER)
    since(desk, schedule, BEGIN)
    for due in DUE:
        found = at_once(*[partial(schedules.tick, due)] * 4)
        assert sorted(map(len, found)) == [0, 0, 0, 1]
    assert answered(schedules, schedule) == DUE


def test_all_beats_dead_for_weeks_catch_up_once(desk: Desk, schedules: Schedules) -> None:
    """The latest due time that was missed is answered when somebody ticks again, and the ones before it never."""
    schedule = schedules.add("planted", WEEKLY, ORDER)
    since(desk, schedule, BEGIN)
    schedules.tick(DUE[0] + timedelta(seconds=1))
    late = DUE[5] + timedelta(days=2)
    assert len(schedules.tick(late)) == 1
    assert schedules.tick(late + timedelta(minutes=1)) == []
    assert answered(schedules, schedule) == [DUE[0], DUE[5]]


def test_nothing_is_due_before_its_time(desk: Desk, schedules: Schedules) -> None:
    """Not what lies before the schedule was made, nor a second early; then it is, once."""
    schedule = schedules.add("planted", WEEKLY, ORDER)
    assert schedules.tick() == []
    coming = schedule.coming(datetime.now(UTC), 2)
    assert schedules.tick(coming[0] - timedelta(seconds=1)) == []
    [started] = schedules.tick(coming[0])
    assert started == Started(1, "planted@1", None)
    assert schedules.tick(coming[0] + timedelta(days=1)) == []
    assert len(schedules.tick(coming[1])) == 1


def test_a_paused_schedule_starts_nothing_and_catches_nothing_up(desk: Desk, schedules: Schedules) -> None:
    """Resumed, it begins from then on; removed, it is gone, and the audits it started are not."""
    schedule = schedules.add("planted", WEEKLY, ORDER)
    since(desk, schedule, BEGIN)
    schedules.pause(schedule.id)
    assert schedules.tick(DUE[2]) == []
    assert schedules.get(schedule.id).coming(DUE[2], 3) == []
    schedules.resume(schedule.id)
    assert schedules.tick(DUE[2] + timedelta(hours=1)) == []
    since(desk, schedule, DUE[2] + timedelta(hours=2))
    assert len(schedules.tick(DUE[3])) == 1
    schedules.remove(schedule.id)
    assert schedules.tick(DUE[4]) == []
    assert len(desk.audits.all()) == 1
    for method in (schedules.pause, schedules.resume, schedules.remove, schedules.get):
        with pytest.raises(ValueError, match="there is no schedule 1"):
            method(1)


def test_resuming_what_was_not_paused_changes_nothing(desk: Desk, schedules: Schedules) -> None:
    """What is due stays due."""
    schedule = schedules.add("planted", WEEKLY, ORDER)
    since(desk, schedule, BEGIN)
    schedules.resume(schedule.id)
    assert len(schedules.tick(DUE[0])) == 1


def test_latest_is_the_newest_version_at_that_time(desk: Desk, schedules: Schedules, tmp_path: Path) -> None:
    """A version stays what it is; the newest is found at each due time, and compared with the one before."""
    followed, pinned = (schedules.add(name, WEEKLY, ORDER) for name in ("planted@latest", "planted@1"))
    for one in (followed, pinned):
        since(desk, one, BEGIN)
    assert [one.model for one in schedules.tick(DUE[0])] == ["planted@1", "planted@1"]
    Registry(desk.engine, FolderBlobs(tmp_path)).add(model(onnx=b"another"))
    found = schedules.tick(DUE[1])
    assert [(one.model, one.before) for one in found] == [("planted@2", 2), ("planted@1", None)]


def test_an_audit_that_cannot_start_leaves_its_reason(desk: Desk) -> None:
    """It is not tried again before it is due again, and other schedules go on."""
    schedules = Schedules(desk.engine)
    empty = schedules.add("planted", WEEKLY, Order(Recipe("default"), "nobody*"))
    desk.photographs("a")
    full = schedules.add("planted", WEEKLY, ORDER)
    for one in (empty, full):
        since(desk, one, BEGIN)
    assert len(schedules.tick(DUE[0])) == 1
    assert schedules.tick(DUE[0] + timedelta(hours=1)) == []
    [run] = schedules.runs(empty.id)
    assert run.audit is None
    assert "no photograph is selected by 'nobody*'" in (run.problem or "")
    assert desk.value("SELECT count(*) FROM audit") == 1


def test_a_schedule_that_could_never_work_is_refused(desk: Desk, schedules: Schedules) -> None:
    """No such model or label."""
    with pytest.raises(ValueError, match="there is no model nobody"):
        schedules.add("nobody", WEEKLY, ORDER)
    with pytest.raises(ValueError, match="no label 'maybe'"):
        schedules.add("planted", WEEKLY, Order(Recipe("default", labels=("maybe",))))
    assert schedules.all() == []


def test_real_beats_start_what_is_due_once(bench: Bench) -> None:
    """Two beats and a worker: what was missed is caught up once; one beat is killed, a week later the other goes on.

    A week later is the same as all that happened having been a week earlier.
    """
    version = bench.model(models.constant(), "a", "b", "c")
    bench.photographs("due", pictures(1))
    schedules = Schedules(bench.audits.engine)
    few = Order(Recipe("default", samples=4, seeds=(1,), judge=False))
    now = datetime.now(UTC)
    schedule = schedules.add(str(version), Timing(f"{now.minute} {now.hour} * * {now.isoweekday() % 7}"), few)
    [worker] = bench.workers(1)
    beats = bench.beats(2)
    for weeks, number in ((3, 1), (1, 2)):
        _pass(bench, weeks)
        _until(lambda number=number: len(schedules.runs(schedule.id)) >= number)
        ticks = worker.log().count(" schedule: ")
        _until(lambda ticks=ticks: worker.log().count(" schedule: ") > ticks + 3)
        assert len(schedules.runs(schedule.id)) == number
        if number == 1:
            beats[0].kill()
    assert len({run.audit for run in schedules.runs(schedule.id)}) == len(bench.audits.all()) == 2
    _until(lambda: {one.state for one in bench.audits.all()} == {"done"})


def _pass(bench: Bench, weeks: int) -> None:
    """Let weeks pass: all that happened was so much earlier."""
    with bench.audits.engine.begin() as c:
        for change in ("schedule SET since = since", "schedule_run SET due_at = due_at"):
            c.execute(text(f"UPDATE {change} - :weeks * interval '1 week'"), {"weeks": weeks})


def _until(holds: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not so in {seconds} s"
        time.sleep(0.1)
