"""Judging anew in the ledger: the answer stands until there is a newer one, whatever becomes of the steps."""

from dataclasses import replace

import pytest

from pipeline.answer.judgement import Thresholds
from storage import rejudging
from storage.ledger import Job, Step
from storage.rejudging import Rejudging
from tests.played_ledger import PROBE, Desk, attribution

TODAY = Thresholds(gap=0.99)
MASK = "UPDATE image SET mask_sha256 = 'ab' WHERE name = :name RETURNING 1"
MEMBERS = "SELECT array_agg(explanation_id ORDER BY 1) FROM audit_explanation WHERE audit_id = :id"


def _finish_all(desk: Desk) -> None:
    for step in desk.ledger.produce(64):
        assert desk.ledger.finish(desk.begin_reduction(step), attribution("no"))
    desk.ledger.settle()


@pytest.fixture
def judged(desk: Desk) -> Desk:
    """An audit of two photographs that is done."""
    desk.audit("a", "b")
    _finish_all(desk)
    return desk


def _begun(desk: Desk, step: Step) -> Job:
    job = desk.ledger.begin(step.explanation)
    assert job is not None
    return job


def test_a_new_judgement_replaces_the_earlier_one_alone(judged: Desk) -> None:
    """Weights, evaluations and the count of photographs stay; what was asked anew is added."""
    before = judged.audits.progress(1).evaluations
    Rejudging(judged.engine, TODAY).plan(1)
    assert judged.audits.get(1).state == "running"
    assert [row.state for row in judged.audits.explained(1)] == ["done", "done"]
    first, second = judged.ledger.produce(64)
    job = judged.begin_reduction(first)
    assert job.answered
    anew = attribution("no")
    label = anew.labels[0]
    assert label.judgement is not None
    judgement = replace(label.judgement, thresholds=TODAY)
    anew = replace(anew, labels=(replace(label, weights=label.weights + 1e-9, judgement=judgement),))
    labels = rejudging.labels(judged.engine, job, anew)
    assert rejudging.finish(judged.engine, job, labels)
    assert not rejudging.finish(judged.engine, job, labels)
    [row, _] = judged.audits.explained(1)
    assert row.attribution is not None
    assert row.attribution.labels[0].weights.tolist() == label.weights.tolist()
    assert judged.audits.progress(1).evaluations == before + PROBE.n
    assert judged.value("SELECT n FROM tally WHERE what = 'photographs'") == 2
    judged.ledger.fail("prepare", _begun(judged, second).id, "its scores are gone")
    judged.ledger.settle()
    progress = judged.audits.progress(1)
    assert (progress.state, progress.done, progress.failed, progress.not_rejudged) == ("done", 2, 0, 1)
    assert Rejudging(judged.engine, TODAY).outdated(1).outdated == 1


@pytest.mark.parametrize(("weights", "label"), [(0.1, "no"), (0.0, "yes")])
def test_scores_that_give_something_else_judge_nothing(judged: Desk, weights: float, label: str) -> None:
    """Other weights, or another label: refused, as the judgement would be of another answer."""
    Rejudging(judged.engine, TODAY).plan(1)
    job = judged.begin_reduction(judged.ledger.produce(64)[0])
    other = attribution(label)
    other = replace(other, labels=(replace(other.labels[0], weights=other.labels[0].weights + weights),))
    with pytest.raises(ValueError, match="the scores that were kept"):
        rejudging.labels(judged.engine, job, other)


def test_what_kills_its_processes_keeps_its_judgement(judged: Desk) -> None:
    """Given up by the sweeper, it is as done as before, and says why."""
    Rejudging(judged.engine, TODAY).plan(1)
    [first, _] = judged.ledger.produce(64)
    impatient = judged.impatient()
    for _ in range(judged.ledger.attempts):
        assert impatient.begin(first.explanation)
    judged.ledger.overdue()
    assert judged.state(first.explanation) == "done"
    [(name, reason)] = judged.audits.not_rejudged(1, 10)
    assert (name, reason) == ("a", "preparing it killed its process 3 times")


def test_a_cancelled_rejudgement_is_read_as_it_was_and_goes_on(judged: Desk) -> None:
    """All answers can be read, no other audit's work is touched, and `resume` ends it."""
    Rejudging(judged.engine, TODAY).plan(1)
    judged.audits.cancel(1)
    assert [row.state for row in judged.audits.explained(1)] == ["done", "done"]
    with pytest.raises(ValueError, match="audit 1 is cancelled"):
        Rejudging(judged.engine, TODAY).outdated(1)
    judged.audits.resume(1)
    assert len(judged.ledger.produce(64)) == 2


def test_an_answer_by_the_new_mask_is_taken_over_and_judged_anew(judged: Desk) -> None:
    """Where another audit has it already: no second explanation is made, and outdated it is judged anew as well."""
    judged.value(MASK, name="a")
    judged.audits.start(judged.model, judged.audits.get(1).recipe)
    _finish_all(judged)
    found = Rejudging(judged.engine, TODAY).outdated(1)
    assert (found.photographs, found.outdated, found.masks) == (2, 1, 1)
    Rejudging(judged.engine, TODAY).plan(1)
    assert judged.value(MEMBERS, id=1) == judged.value(MEMBERS, id=2)
    assert judged.value("SELECT count(*) FROM explanation WHERE state = 'planned'") == 2
    assert judged.audits.get(2).rejudged_at == judged.audits.get(1).rejudged_at


def test_a_photograph_whose_new_mask_fails_keeps_its_answer(judged: Desk) -> None:
    """While it goes on the audit has both explanations and counts the photograph once; then the one with an answer."""
    before = judged.value(MEMBERS, id=1)
    judged.value(MASK, name="a")
    for expected in (before, [2, 3]):
        Rejudging(judged.engine, Thresholds()).plan(1)
        progress = judged.audits.progress(1)
        assert (progress.photographs, progress.done) == (2, 1)
        [step] = judged.ledger.produce(64)
        if expected == before:
            judged.ledger.fail("prepare", _begun(judged, step).id, "the photograph is damaged")
        else:
            assert judged.ledger.finish(judged.begin_reduction(step), attribution("no"))
        judged.ledger.settle()
        assert judged.value(MEMBERS, id=1) == expected
        progress = judged.audits.progress(1)
        assert (progress.state, progress.photographs, progress.done, progress.failed) == ("done", 2, 2, 0)
        assert progress.not_rejudged == (expected == before)
