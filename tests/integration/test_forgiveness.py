"""An attempt that ended in an error is taken back, though Postgres may hear of it late."""

from collections.abc import Iterator
from contextlib import contextmanager

from storage.ledger import PartKey
from tasks.forgiveness import Attempt, Forgiveness
from tests.played_ledger import Desk, key

AWAY = """
CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no space left on device'; END $$;
CREATE TRIGGER away BEFORE UPDATE ON explanation FOR EACH ROW EXECUTE FUNCTION away();
CREATE TRIGGER away BEFORE UPDATE ON part FOR EACH ROW EXECUTE FUNCTION away()
"""
BACK = "DROP FUNCTION away CASCADE"


def test_what_the_ledger_hears_at_once_is_free_for_the_next_try(desk: Desk) -> None:
    """Nothing is late, and the reduction waits for no lease."""
    job, forgiveness = desk.reduction(), Forgiveness()
    forgiveness.forgive(_attempt(desk, job.id))
    assert forgiveness.late == []
    assert desk.ledger.claim_reduction(job.id) is not None


def test_what_the_ledger_did_not_hear_is_said_when_it_is_there(desk: Desk) -> None:
    """Explanations and parts alike, each once, however often it was asked in vain; and no error comes of it."""
    job, steps = desk.opened()
    desk.take(steps[0])
    desk.take(steps[1])
    forgiveness = Forgiveness()
    with _away(desk):
        forgiveness.forgive(_attempt(desk, job.id, key(steps[0])))
        forgiveness.catch_up()
        forgiveness.forgive(_attempt(desk, job.id, key(steps[1])))
        assert forgiveness.late == [_attempt(desk, job.id, key(step)) for step in steps[:2]]
    assert desk.value("SELECT sum(attempts) FROM part") == 2
    forgiveness.catch_up()
    assert desk.value("SELECT sum(attempts) FROM part") == 0
    assert forgiveness.late == []


def test_who_is_heard_late_takes_the_reduction_from_nobody(desk: Desk) -> None:
    """Also where the next error brings the word: only what has ended just now is this process's own."""
    job, forgiveness = desk.reduction(), Forgiveness()
    with _away(desk):
        forgiveness.forgive(_attempt(desk, job.id))
    forgiveness.forgive(_attempt(desk, job.id + 1))
    assert forgiveness.late == []
    assert desk.value("SELECT attempts FROM explanation") == 0
    assert desk.ledger.claim_reduction(job.id) is None


def _attempt(desk: Desk, explanation: int, part: PartKey | None = None) -> Attempt:
    return Attempt(lambda: desk.ledger, explanation, part)


@contextmanager
def _away(desk: Desk) -> Iterator[None]:
    """Postgres takes no word of any step."""
    with desk.ledger.engine.begin() as c:
        c.exec_driver_sql(AWAY)
    yield
    with desk.ledger.engine.begin() as c:
        c.exec_driver_sql(BACK)
