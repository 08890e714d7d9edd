"""When an audit is done, and what it costs to know."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import text

from storage import statements as sql
from storage.ledger import Step
from tests.played_ledger import Desk, at_once, await_blocked


def test_an_audit_is_done_when_all_its_photographs_are(desk: Desk) -> None:
    """Done or failed: and neither planned nor in flight at any step."""
    number = desk.audit("a", "b", "c")
    first, second, third = desk.ledger.produce(64)
    desk.finish(third)
    desk.ledger.settle()
    desk.finish(first)
    assert desk.ledger.begin(second.explanation)
    desk.ledger.settle()
    assert desk.audits.get(number).state == "running"
    desk.ledger.fail("prepare", second.explanation, "torn")
    desk.ledger.settle()
    ended = desk.audits.get(number)
    assert ended.state == "done"
    assert ended.finished_at is not None


@pytest.mark.parametrize("state", ["planned", "preparing", "running", "ready", "reducing"])
def test_an_audit_waits_for_every_state_that_is_not_the_end(desk: Desk, state: str) -> None:
    """Whichever photograph it is in, the first or the last."""
    number = desk.audit("a", "b", "c")
    for name in "abc":
        desk.value("UPDATE explanation SET state = 'done' RETURNING 1")
        desk.value(
            "UPDATE explanation e SET state = :state FROM image i WHERE i.id = image_id AND name = :name RETURNING 1",
            state=state,
            name=name,
        )
        desk.ledger.settle()
        assert desk.audits.get(number).state == "running"
    desk.value("UPDATE explanation SET state = 'failed' RETURNING 1")
    desk.ledger.settle()
    assert desk.audits.get(number).state == "done"


def test_another_audit_s_photographs_keep_none_open(desk: Desk) -> None:
    """An audit ends though another one of other photographs goes on; a cancelled one stays cancelled."""
    small, other = desk.audit("a", images="a"), desk.audit("b", images="b")
    desk.finish(next(step for step in desk.ledger.produce(64) if step.audit == small))
    desk.audits.cancel(other)
    desk.ledger.settle()
    assert [desk.audits.get(number).state for number in (small, other)] == ["done", "cancelled"]


def test_two_that_finish_at_once_close_the_audit(desk: Desk) -> None:
    """Whichever commits last, its settling sees both."""

    def work(step: Step) -> None:
        desk.finish(step)
        desk.ledger.settle()

    for turn in range(5):
        number = desk.audit(*[f"{turn}{letter}" for letter in "abcd"], images=f"{turn}*")
        at_once(*[partial(work, step) for step in desk.ledger.produce(64)])
        assert desk.audits.get(number).state == "done"


def test_an_audit_resumed_while_it_is_closed_stays_open(desk: Desk) -> None:
    """Settling looks again after it has waited for the one who resumes."""
    number = desk.audit("a")
    [step] = desk.ledger.produce(64)
    desk.ledger.fail("prepare", step.explanation, "torn")
    with ThreadPoolExecutor(1) as pool, desk.engine.begin() as c:
        c.execute(text("UPDATE audit SET state = 'running'"))
        c.execute(text("UPDATE explanation SET state = 'planned'"))
        settling = pool.submit(desk.ledger.settle)
        await_blocked(c)
        c.commit()
        settling.result()
    assert desk.audits.get(number).state == "running"


def test_what_every_photograph_asks_costs_the_same_in_a_large_archive(desk: Desk) -> None:
    """Few pages are read beside 20,000 photographs done and 20,000 planned, with no statistics of them.

    Pages and not seconds, since they are the same on every machine.
    """
    many = text(
        "INSERT INTO image (sha256, name, width, height, bytes) "
        "SELECT md5(g::text), 'many/' || g, 1, 1, 1 FROM generate_series(1, 40000) g"
    )
    with desk.engine.begin() as c:
        c.execute(many)
    desk.audit()
    desk.value("UPDATE explanation SET state = 'done' WHERE id % 2 = 0 RETURNING 1")
    desk.ledger.produce(64)
    assert _pages(desk, sql.COUNT_IN_FLIGHT) < 1000
    assert _pages(desk, sql.ENDED_AUDITS) < 1000
    assert _pages(desk, sql.PRODUCE, audit=1, free=1, lease=300) < 1000
    assert _pages(desk, sql.OVERDUE, most=500, lease=300, attempts=3) < 1000


def _pages(desk: Desk, statement: str, **values: object) -> int:
    """How many pages of tables and indexes a statement reads."""
    with desk.engine.connect() as c:
        [plan] = c.execute(text(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"), values).scalar_one()
        c.rollback()
    return int(plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"])
