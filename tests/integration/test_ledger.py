"""The ledger: every step of a photograph, alone and against other processes."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from sqlalchemy import text

from storage.ledger import PRODUCE_LOCK, PartKey
from tests.played_ledger import PROBE, THREADS, Desk, at_once, attribution, key, rows


def test_produce_fills_the_window_and_no_more(desk: Desk) -> None:
    """As many as are free are handed out in the order of the archive, each once, with words for people."""
    number = desk.audit(*"abcdef")
    first = desk.ledger.produce(4)
    assert [(step.task, step.audit, step.urgent) for step in first] == [("prepare", number, False)] * 4
    assert first[0].photograph == "a"
    assert desk.ledger.produce(4) == []
    second = desk.ledger.produce(8)
    assert len({step.explanation for step in first + second}) == 6
    assert desk.ledger.produce(64) == []


def test_produce_waits_for_a_quarter_of_the_window(desk: Desk) -> None:
    """One free place of eight is not refilled, two are; a window of one always is."""
    desk.audit(*"abcdefghijkl")
    steps = desk.ledger.produce(8)
    desk.finish(steps[0])
    assert desk.ledger.produce(8) == []
    desk.finish(steps[1])
    assert len(desk.ledger.produce(8)) == 2
    for step in steps[2:]:
        desk.finish(step)
    assert desk.ledger.produce(1) == []


def test_what_somebody_waits_for_is_claimed_beyond_the_window(desk: Desk) -> None:
    """An audit of one who bounds what they ask: at once and once, and nothing of any other audit."""
    desk.audit(*"abcd")
    assert len(desk.ledger.produce(2)) == 2
    urgent = desk.audit("e", "f", images="sha256:3f79bb7b,252f10c8", urgent=True)
    assert desk.ledger.produce(2) == []
    claimed = desk.ledger.claim(urgent)
    assert [(step.audit, step.urgent, step.photograph) for step in claimed] == [(urgent, True, one) for one in "ef"]
    assert desk.ledger.claim(urgent) == []


def test_producers_at_once_keep_to_the_window(desk: Desk) -> None:
    """However many produce at once, no photograph is handed out twice and the window holds."""
    desk.audit(*"abcdefghijklmnop")
    found = at_once(*[lambda: desk.ledger.produce(8)] * 12)
    steps = [step.explanation for steps in found for step in steps]
    assert len(steps) == len(set(steps)) == 8


def test_a_second_producer_leaves_at_once(desk: Desk) -> None:
    """While one produces, another does not wait for it."""
    desk.audit("a")
    with desk.engine.begin() as c:
        c.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": PRODUCE_LOCK})
        assert desk.ledger.produce(8) == []
    assert len(desk.ledger.produce(8)) == 1


def test_who_waits_is_served_first(desk: Desk) -> None:
    """Photographs of an urgent audit come first, and say so; those it shares with another audit are urgent too."""
    desk.audit("a1", "a2", "b1", "b2")
    urgent = desk.audit(images="b*", urgent=True)
    steps = desk.ledger.produce(3)
    assert [step.urgent for step in steps] == [True, True, False]
    assert [step.photograph for step in steps] == ["b1", "b2", "a1"]
    desk.audits.cancel(urgent)
    job = desk.ledger.begin(steps[0].explanation)
    assert job is not None
    assert not any(step.urgent for step in desk.ledger.open_round(job, "scene", PROBE, 4))


def test_a_cancelled_audit_holds_no_place_in_the_window(desk: Desk) -> None:
    """Nothing of it is handed out, and what it has in flight takes no place from others."""
    first = desk.audit(*"abcd")
    desk.ledger.produce(4)
    desk.audits.cancel(first)
    assert desk.ledger.produce(4) == []
    desk.audit("e", images="e")
    assert len(desk.ledger.produce(4)) == 1


def test_an_explanation_goes_on_while_one_audit_wants_it(desk: Desk) -> None:
    """Two audits share it: cancelling one changes nothing, cancelling both stops it at every step."""
    first, second = desk.audit("a"), desk.audit()
    [step] = desk.ledger.produce(4)
    desk.audits.cancel(first)
    job = desk.ledger.begin(step.explanation)
    assert job is not None
    parts = desk.ledger.open_round(job, "scene", PROBE, 4)
    assert {part.audit for part in parts} == {second}
    desk.answer(parts[:-1])
    desk.audits.cancel(second)
    assert desk.ledger.begin(job.id) is None
    assert desk.ledger.take_part(key(parts[-1])) is None
    desk.value("UPDATE explanation SET state = 'ready' RETURNING 1")
    assert desk.ledger.claim_reduction(job.id) is None
    desk.value("UPDATE explanation SET lease_until = now() - interval '1 day' RETURNING 1")
    assert desk.ledger.overdue() == []
    desk.audits.resume(first)
    assert len(desk.ledger.overdue()) == 1


def test_a_job_is_all_that_a_worker_needs(desk: Desk) -> None:
    """Photograph, model, recipe and, once it is made, scene and probes."""
    job = desk.begun()
    assert job.image == desk.value("SELECT sha256 FROM image")
    assert (job.model, job.recipe["samples"]) == (desk.model.id, "auto")
    assert (job.scene, job.mask, job.probes) == (None, None, [])
    [first, *_] = desk.ledger.open_round(job, "scene", PROBE, 4)
    taken = desk.ledger.take_part(key(first))
    assert taken is not None
    assert (taken[0].scene, taken[0].probes) == ("scene", [PROBE.to_json()])


def test_the_parts_cover_the_probe(desk: Desk) -> None:
    """Every mask is in one part, whatever the size of a part."""
    job, steps = desk.opened(size=4)
    parts = [desk.take(step) for step in steps]
    assert [(part.start, part.stop) for part in parts] == [(0, 3), (3, 7), (7, 10)]
    assert [(step.part, step.parts, step.round) for step in steps] == [(0, 3, 0), (1, 3, 0), (2, 3, 0)]
    assert desk.state(job.id) == "running"


@pytest.mark.parametrize(("size", "parts"), [(1, 10), (10, 1), (1000, 1)])
def test_there_is_always_a_part(desk: Desk, size: int, parts: int) -> None:
    """A part holds one mask at least, and the probe at most."""
    _, steps = desk.opened(size)
    assert len(steps) == parts


def test_a_round_is_opened_once(desk: Desk) -> None:
    """Of workers that prepared the same photograph one opens its round; a late message finds nothing to do."""
    job = desk.begun()
    opened = at_once(*[lambda: desk.ledger.open_round(job, "scene", PROBE, 4)] * THREADS)
    assert sorted(map(len, opened)) == [0, 0, 0, 3]
    assert desk.ledger.begin(job.id) is None
    assert desk.ledger.open_round(job, "scene", PROBE, 2) == []


def test_the_last_answer_asks_for_the_reduction(desk: Desk) -> None:
    """No answer but the last does, and it does once."""
    job, steps = desk.opened()
    parts = [desk.take(step) for step in steps]
    found = [desk.ledger.record_part(part, rows(part), 1) for part in (*parts, *parts)]
    assert [[step.task for step in steps] for steps in found] == [[], [], ["reduce"], [], [], []]
    assert desk.state(job.id) == "ready"


def test_answers_at_once_lose_none_and_count_none_twice(desk: Desk) -> None:
    """Every part is answered by two processes, all at once: one reduction, and as many done as there are."""
    for name in "abc":
        desk.audit(name, images=name)
        [step] = desk.ledger.produce(64)
        job = desk.ledger.begin(step.explanation)
        assert job is not None
        parts = [desk.take(step) for step in desk.ledger.open_round(job, "scene", PROBE, 1)]
        found = at_once(*[partial(desk.ledger.record_part, part, rows(part), 1) for part in (*parts, *parts)])
        assert [step.task for steps in found for step in steps] == ["reduce"]
        assert desk.value("SELECT parts_done FROM explanation WHERE id = :id", id=job.id) == 10


def test_the_first_answer_stays(desk: Desk) -> None:
    """A process that was thought dead and answers late changes nothing."""
    _, steps = desk.opened(size=10)
    part, again = desk.take(steps[0]), desk.take(steps[0])
    desk.ledger.record_part(part, rows(part, 1), 1)
    desk.ledger.record_part(again, rows(part, 2), 1)
    job = desk.ledger.claim_reduction(part.key.id)
    assert job is not None
    [scores] = desk.ledger.scores(job, 2)
    np.testing.assert_array_equal(scores, rows(part, 1))


def test_scores_come_in_the_order_of_the_masks(desk: Desk) -> None:
    """Whatever order the parts are answered in."""
    job, steps = desk.opened(size=1)
    desk.answer([steps[i] for i in (7, 2, 9, 0, 1, 8, 3, 6, 5, 4)])
    claimed = desk.ledger.claim_reduction(job.id)
    assert claimed is not None
    [scores] = desk.ledger.scores(claimed, 2)
    assert scores[:, 0].tolist() == list(range(10))


def test_a_part_is_not_taken_once_it_is_answered(desk: Desk) -> None:
    """A message delivered twice finds nothing to do, nor does one of a part that never was."""
    job, steps = desk.opened()
    desk.answer(steps[:1])
    assert desk.ledger.take_part(key(steps[0])) is None
    assert desk.ledger.take_part(PartKey(job.id, 0, 99)) is None
    assert desk.ledger.take_part(PartKey(job.id, 1, 0)) is None
    assert desk.ledger.take_part(PartKey(10**9, 0, 0)) is None


def test_a_reduction_has_one_holder(desk: Desk) -> None:
    """Of reducers at once one gets it; when the lease is over another may."""
    job, steps = desk.opened()
    assert desk.ledger.claim_reduction(job.id) is None
    desk.answer(steps)
    found = at_once(*[partial(desk.ledger.claim_reduction, job.id)] * THREADS)
    assert [one is not None for one in found].count(True) == 1
    desk.value("UPDATE explanation SET lease_until = now() - interval '1 second' RETURNING 1")
    found = at_once(*[partial(desk.ledger.claim_reduction, job.id)] * THREADS)
    assert [one is not None for one in found].count(True) == 1


def test_an_explanation_is_finished_once(desk: Desk) -> None:
    """Of two reducers the first one's answer is kept; the parts go, and what they took is the model's rate."""
    job = desk.reduction()
    assert desk.ledger.rate(desk.model.id) is None
    found = at_once(*[lambda: desk.ledger.finish(job, attribution("no"))] * THREADS)
    assert sorted(found) == [False, False, False, True]
    assert desk.state(job.id) == "done"
    assert desk.value("SELECT (soundness, reason, basis, verdict)::text FROM attribution") == "(sound,,object,)"
    assert desk.value("SELECT judgement #> '{grounding,mask_share}' FROM attribution") == 0.5
    assert desk.value("SELECT count(*) FROM part") == 0
    assert desk.ledger.rate(desk.model.id) == pytest.approx(10 / 3)


def test_a_second_round_starts_from_all_the_evidence(desk: Desk) -> None:
    """A reducer that asks again opens the next round once; a late one that asks the first question finds it open."""
    job = desk.reduction()
    steps = desk.ledger.open_round(job, "scene", replace(PROBE, blocks=PROBE.blocks * 2), 20)
    assert [(step.round, step.part, step.parts) for step in steps] == [(1, 0, 1)]
    assert desk.ledger.open_round(job, "scene", PROBE, 4) == []
    [reduce] = desk.answer(steps, value=1)
    again = desk.ledger.claim_reduction(reduce.explanation)
    assert again is not None
    assert [len(scores) for scores in desk.ledger.scores(again, 2)] == [10, 20]
    assert desk.ledger.finish(again, attribution("yes"))
