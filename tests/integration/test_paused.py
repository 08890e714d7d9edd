"""Paused audits: who is paused, what becomes of their work, and when they go on."""

from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import pytest

from storage.blobs import open_blobs
from storage.keys import model_key
from storage.ledger import Step
from storage.notices import Notices
from storage.pauses import Paused, Pauses
from tasks import sweep
from tests.commands import Commands, CommandsIn
from tests.played_ledger import Desk, key, rows

_PAUSED_BEFORE = """
WITH told AS (UPDATE notice SET ended_at = now() - interval '{0} seconds' WHERE id = (SELECT max(id) FROM notice))
UPDATE audit SET paused_at = now() - interval '{0} seconds' RETURNING 1
"""
FULL = "the blob store /data is full (No space left on device): make room there"


@pytest.fixture
def pauses(desk: Desk) -> Pauses:
    """The desk's pauses."""
    return Pauses(desk.engine)


def test_only_the_audits_that_want_the_explanation_are_paused(desk: Desk, pauses: Pauses) -> None:
    """Each once, with the reason; not those of other photographs, nor those that have ended or were cancelled."""
    desk.photographs("a", "b")
    first, again, cancelled = (desk.audit(images="a") for _ in range(3))
    other = desk.audit(images="b")
    desk.audits.cancel(cancelled)
    step = next(step for step in desk.ledger.produce(64) if step.photograph == "a")
    assert pauses.pause(step.explanation, FULL) == [first, again]
    assert pauses.pause(step.explanation, "another") == []
    assert [(one.audit, one.reason) for one in pauses.all()] == [(first, FULL), (again, FULL)]
    states = {number: desk.audits.get(number).state for number in (first, again, cancelled, other)}
    assert states == {first: "paused", again: "paused", cancelled: "cancelled", other: "running"}
    progress = desk.audits.progress(first)
    assert (progress.state, progress.pause_reason) == ("paused", FULL)
    assert progress.paused_at is not None


def test_a_paused_audit_s_work_rests(desk: Desk, pauses: Pauses) -> None:
    """Nothing of it is begun, published, swept up or failed; what was under way may still be kept."""
    job, (first, *others) = desk.opened()
    part = desk.take(first)
    pauses.pause(job.id, FULL)
    assert desk.ledger.produce(64) == []
    assert desk.ledger.take_part(key(others[0])) is None
    assert desk.impatient().overdue() == []
    desk.ledger.settle()
    assert desk.ledger.record_part(part, rows(part), 1) == []
    assert desk.value("SELECT sum(attempts) FROM part WHERE number > 0") == 0
    assert desk.audits.get(1).state == "paused"


def test_it_goes_on_where_it_was(desk: Desk, pauses: Pauses) -> None:
    """What was in flight is handed out again at once, without waiting for its lease, and what is done stays."""
    job, (first, *others) = desk.opened()
    desk.answer([first])
    pauses.pause(job.id, FULL)
    assert pauses.lift([1]) == [1]
    assert pauses.lift([1]) == []
    progress = desk.audits.progress(1)
    assert (progress.state, progress.paused_at, progress.pause_reason) == ("running", None, None)
    assert desk.ledger.overdue() == others


def test_who_pauses_again_and_again_rests_longer_each_time(desk: Desk, pauses: Pauses) -> None:
    """The first pause may end at once; another within the hour lasts half a minute, the third a whole one."""
    job = desk.begun()
    for before in range(3):
        pauses.pause(job.id, FULL)
        for seconds in (0, 30 * before - 1, 30 * before + 1):
            desk.value(_PAUSED_BEFORE.format(seconds))
            assert pauses.all()[0].rested == (seconds >= 30 * before)
        desk.value("UPDATE notice SET ended_at = now() - interval '10 minutes' RETURNING 1")
        pauses.lift([1])


def test_a_model_that_is_lost_holds_up_its_own_audit_alone(tmp_path: Path) -> None:
    """The store is tried once, and each audit goes on if its own model is there; without a store none does."""
    store, there, lost = open_blobs(str(tmp_path / "blobs")), "ab" * 32, "cd" * 32
    store.put(model_key(there), b"a model")
    paused = [Paused(number, datetime.now(UTC), FULL, model, True) for number, model in ((1, lost), (2, there))]
    (tmp_path / "a file").touch()
    assert sweep._served(paused, str(tmp_path / "blobs")) == [2]
    assert sweep._served(paused, str(tmp_path / "a file" / "blobs")) == []


def test_a_paused_audit_names_its_model(desk: Desk, pauses: Pauses) -> None:
    """The store is tried for the model's blob: without it no step could begin."""
    job = desk.begun()
    assert pauses.all() == []
    pauses.pause(job.id, FULL)
    assert [(one.audit, one.model) for one in pauses.all()] == [(1, desk.model.digest)]
    assert pauses.model(job.id) == desk.model.digest


def test_a_person_may_cancel_and_resume_it(desk: Desk, pauses: Pauses) -> None:
    """Cancelled, nobody lifts it; resumed, it goes on at once."""
    job = desk.begun()
    pauses.pause(job.id, FULL)
    desk.audits.cancel(1)
    assert pauses.lift([1]) == []
    assert (desk.audits.get(1).state, pauses.all()) == ("cancelled", [])
    desk.audits.resume(1)
    pauses.pause(job.id, FULL)
    desk.audits.resume(1)
    assert desk.audits.progress(1).pause_reason is None
    assert [step.explanation for step in desk.ledger.overdue()] == [job.id]


def test_an_audit_whose_last_photograph_was_done_meanwhile_ends_when_it_goes_on(desk: Desk, pauses: Pauses) -> None:
    """Not before: a paused audit is not done."""
    job = desk.reduction()
    pauses.pause(job.id, FULL)
    desk.value("UPDATE explanation SET state = 'done' RETURNING 1")
    desk.ledger.settle()
    assert desk.audits.get(1).state == "paused"
    pauses.lift([1])
    desk.ledger.settle()
    assert desk.audits.get(1).state == "done"


def test_the_webhook_is_told(desk: Desk, pauses: Pauses) -> None:
    """Of each pause, with its reason."""
    pauses.pause(desk.begun().id, FULL)
    notices = Notices(desk.engine)
    notice = notices.take()
    assert notice is not None
    told = notices.told(notice)
    assert {name: told[name] for name in ("event", "audit", "state", "reason", "done")} == {
        "event": "audit.paused",
        "audit": 1,
        "state": "paused",
        "reason": FULL,
        "done": 0,
    }
    assert "paused_at" in told
    assert "ended_at" not in told


@pytest.fixture
def beside(desk: Desk, commands: CommandsIn, broker_url: str, tmp_path: Path) -> Commands:
    """The command line on the desk's database."""
    url = desk.engine.url.render_as_string(hide_password=False)
    return commands({"DATABASE_URL": url, "CELERY_BROKER_URL": broker_url, "POLELENS_BLOBS": str(tmp_path / "blobs")})


def test_a_person_sees_why_and_what_to_do(desk: Desk, pauses: Pauses, beside: Commands) -> None:
    """In every listing, in the metrics, and from the doctor, whose status is then 1."""
    pauses.pause(desk.begun().id, FULL)
    for told in (beside("audit", "list"), beside("audit", "show", "1"), beside.run("doctor").stdout):
        line = " ".join(told.split())
        assert "paused since 20" in line
        assert FULL in line
        assert "or at once by `polelens audit resume 1`" in line
    for told in (beside.json("audit", "list")[0], beside.json("audit", "show", "1")):
        assert (told["state"], told["pause_reason"]) == ("paused", FULL)
        assert told["paused_at"].startswith("20")
    assert 'polelens_audits{state="paused"} 1.0' in beside("metrics", "--once")
    assert "goes on" in beside("audit", "resume", "1")
    assert beside.json("audit", "list")[0]["pause_reason"] is None
    assert 'polelens_audits{state="paused"} 0.0' in beside("metrics", "--once")


def test_whoever_watches_waits(desk: Desk, pauses: Pauses, beside: Commands) -> None:
    """The reason is said once, and that it goes on; it ends when the audit does."""
    [step] = _planned(desk)
    pauses.pause(step.explanation, FULL)
    with beside.process("audit", "watch", "1") as watching:
        assert watching.stderr is not None
        assert _line_with("audit 1 is paused since 20", watching.stderr)
        pauses.lift([1])
        assert _line_with("audit 1 goes on", watching.stderr)
        desk.finish(step)
        desk.ledger.settle()
        _, err = watching.communicate(timeout=60)
    assert watching.returncode == 0, err
    assert "audit 1 is done: 1 explained, 0 failed" in err


def _line_with(words: str, lines: IO[str]) -> bool:
    """Whether a line has these words, once it comes."""
    return any(words in line for line in lines)


def _planned(desk: Desk) -> list[Step]:
    desk.audit("a")
    return desk.ledger.produce(64)
