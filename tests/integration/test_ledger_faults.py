"""What the ledger does about messages lost or doubled, errors, and processes that die."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text

from tests.played_ledger import PROBE, Desk, at_once, attribution, await_blocked, key, rows


def test_an_answer_to_an_earlier_run_is_not_taken_for_this_one(desk: Desk) -> None:
    """The photograph failed and was tried again with other parts; part 1 of then is not part 1 of now."""
    job, steps = desk.opened(size=10)
    late = desk.take(steps[0])
    desk.ledger.fail("infer", job.id, "the store was down", key(steps[0]))
    desk.audits.resume(1)
    [step] = desk.ledger.produce(64)
    job = desk.ledger.begin(step.explanation)
    assert job is not None
    steps = desk.ledger.open_round(job, "scene", PROBE, 5)
    assert desk.ledger.record_part(late, rows(late), 1) == []
    assert desk.value("SELECT count(*) FROM part WHERE scores IS NOT NULL") == 0
    assert [step.task for step in desk.answer(steps)] == ["reduce"]


def test_messages_delivered_again_are_no_dead_processes(desk: Desk) -> None:
    """Ten workers at the same step are not ten that died: some leave it, none fails it, and its answer counts."""
    job = desk.begun()
    begun = [desk.ledger.begin(job.id) for _ in range(9)]
    assert [one is not None for one in begun] == [True, True] + [False] * 7
    [step, *others] = desk.ledger.open_round(job, "scene", PROBE, 4)
    taken = [desk.ledger.take_part(key(step)) for _ in range(10)]
    assert [one is not None for one in taken] == [True, True, True] + [False] * 7
    assert desk.ledger.overdue() == []
    part = next(one[1] for one in taken if one)
    desk.ledger.record_part(part, rows(part), 1)
    assert [step.task for step in desk.answer(others)] == ["reduce"]


def test_what_kills_its_processes_fails_alone_when_the_lease_is_over(desk: Desk) -> None:
    """Three began and none came back; the photograph beside it is handed out again."""
    desk.audit("a", "b")
    first, second = desk.impatient().produce(64)
    for _ in range(3):
        assert desk.impatient().begin(first.explanation)
    assert [step.explanation for step in desk.ledger.overdue()] == [second.explanation]
    assert _reason(desk) == "preparing it killed its process 3 times"


def test_a_part_that_kills_its_processes_fails_its_photograph(desk: Desk) -> None:
    """The reason names the part, counted from one as people do, and its parts are gone."""
    _, steps = desk.opened()
    for _ in range(3):
        assert desk.impatient().take_part(key(steps[1]))
    assert desk.ledger.overdue() == []
    assert _reason(desk) == "inferring part 2 killed its process 3 times"
    assert desk.value("SELECT count(*) FROM part") == 0


def test_a_reduction_that_kills_its_processes_fails_its_photograph(desk: Desk) -> None:
    """Each death is found by the sweeper, as the lease holds off everybody else."""
    job, steps = desk.opened()
    desk.answer(steps)
    for _ in range(3):
        assert desk.impatient().claim_reduction(job.id)
        steps = desk.ledger.overdue()
    assert steps == []
    assert _reason(desk) == "reducing it killed its process 3 times"


def test_an_error_is_no_dead_process(desk: Desk) -> None:
    """A process that says that it failed and lives does not count, at any step and however often."""
    job = desk.begun()
    for _ in range(5):
        desk.ledger.forgive(job.id)
        assert desk.ledger.begin(job.id)
    steps = desk.ledger.open_round(job, "scene", PROBE, 10)
    for _ in range(5):
        desk.take(steps[0])
        desk.ledger.forgive(job.id, key(steps[0]))
    desk.answer(steps)
    for _ in range(5):
        assert desk.ledger.claim_reduction(job.id)
        desk.ledger.forgive(job.id)


def test_a_reducer_that_tries_again_need_not_wait_for_its_own_lease(desk: Desk) -> None:
    """Forgiven, the reduction is free at once; held, it is not."""
    job = desk.reduction()
    assert desk.ledger.claim_reduction(job.id) is None
    desk.ledger.forgive(job.id)
    assert desk.ledger.claim_reduction(job.id) is not None


def test_who_says_late_that_it_failed_takes_the_reduction_from_nobody(desk: Desk) -> None:
    """Its attempt does not count; whoever holds the reduction by then goes on with it."""
    job = desk.reduction()
    desk.ledger.forgive(job.id, holding=False)
    assert desk.value("SELECT state FROM explanation") == "reducing"
    assert desk.value("SELECT attempts FROM explanation") == 0
    assert desk.ledger.claim_reduction(job.id) is None


def test_what_is_overdue_is_handed_out_again(desk: Desk) -> None:
    """At every step, with a new lease, and of the parts only those that are missing."""
    desk.audit("a")
    [step] = desk.impatient().produce(64)
    assert [again.task for again in desk.impatient().overdue()] == ["prepare"]
    job = desk.ledger.begin(step.explanation)
    assert job is not None
    steps = desk.impatient().open_round(job, "scene", PROBE, 4)
    part = desk.take(steps[1])
    assert desk.ledger.overdue() == []
    desk.impatient().record_part(part, rows(part), 1)
    assert [again.part for again in desk.ledger.overdue()] == [0, 2]
    assert desk.ledger.overdue() == []
    desk.answer(steps[:1])
    last = desk.take(steps[2])
    desk.impatient().record_part(last, rows(last), 1)
    assert [again.task for again in desk.impatient().overdue()] == ["reduce"]
    assert desk.impatient().claim_reduction(job.id)
    assert [again.task for again in desk.ledger.overdue()] == ["reduce"]
    assert desk.state(job.id) == "ready"


def test_sweepers_at_once_hand_out_nothing_twice(desk: Desk) -> None:
    """Each overdue step is published by one of them."""
    desk.audit(*"abcdefghijklmnop")
    desk.impatient().produce(16)
    found = [step.explanation for steps in at_once(*[desk.ledger.overdue] * 8) for step in steps]
    assert len(found) == len(set(found)) == 16


def test_a_sweep_takes_the_oldest_first(desk: Desk) -> None:
    """No more than it is told, and those longest without progress."""
    desk.audit("a", "b", "c")
    desk.ledger.produce(3)
    for days, name in ((1, "a"), (3, "b"), (2, "c")):
        desk.value(
            "UPDATE explanation SET lease_until = now() - make_interval(days => :days) "
            "WHERE image_id = (SELECT id FROM image WHERE name = :name) RETURNING 1",
            days=days,
            name=name,
        )
    assert {step.photograph for step in desk.ledger.overdue(most=2)} == {"b", "c"}


def test_a_late_failure_fails_nothing_that_went_on(desk: Desk) -> None:
    """A step that another process has done already cannot fail any more."""
    job, steps = desk.opened()
    desk.ledger.fail("prepare", job.id, "late")
    desk.answer(steps[:1])
    desk.ledger.fail("infer", job.id, "late", key(steps[0]))
    assert desk.state(job.id) == "running"
    desk.answer(steps[1:])
    desk.ledger.fail("infer", job.id, "late", key(steps[2]))
    assert desk.state(job.id) == "ready"
    claimed = desk.ledger.claim_reduction(job.id)
    assert claimed is not None
    desk.ledger.finish(claimed, attribution("yes"))
    desk.ledger.fail("reduce", job.id, "late")
    assert (desk.state(job.id), _reason(desk)) == ("done", None)


def test_a_failure_keeps_its_reason_and_no_parts(desk: Desk) -> None:
    """The first reason stays, and a late answer finds no part to go to."""
    job, steps = desk.opened()
    part = desk.take(steps[0])
    desk.ledger.fail("infer", job.id, "the first", key(steps[0]))
    desk.ledger.fail("infer", job.id, "the second", key(steps[1]))
    assert desk.ledger.record_part(part, rows(part), 1) == []
    assert (desk.state(job.id), _reason(desk)) == ("failed", "the first")
    assert desk.value("SELECT count(*) FROM part") == 0
    desk.ledger.forgive(job.id)
    desk.ledger.settle()
    assert desk.audits.get(1).state == "done"


def test_a_failure_waits_for_an_answer_and_does_not_deadlock(desk: Desk) -> None:
    """Answering and failing lock in one order: whoever comes second sees what the first one did."""
    job, steps = desk.opened(size=1)
    parts = [desk.take(step) for step in steps]
    with desk.engine.begin() as c:
        c.execute(text("SELECT FROM explanation FOR NO KEY UPDATE"))
        with ThreadPoolExecutor(2) as pool:
            failing = pool.submit(desk.ledger.fail, "infer", job.id, "broken", key(steps[0]))
            answering = pool.submit(desk.ledger.record_part, parts[1], rows(parts[1]), 1)
            await_blocked(c)
            c.commit()
            failing.result()
            assert answering.result() == []
    assert desk.state(job.id) == "failed"
    assert desk.value("SELECT count(*) FROM part") == 0


def _reason(desk: Desk) -> object:
    return desk.value("SELECT max(reason) FROM explanation")
