"""Refits in the ledger: ordinary explanations whose first step is another."""

from pipeline.recipe import Recipe
from storage.ledger import Job, Step
from tests.played_ledger import Desk, at_once

OTHER = Recipe("default", judge=False, kernel_width=0.5)


def _refitted(desk: Desk) -> tuple[int, list[Step]]:
    """The refit of an audit of two photographs of which one is explained, and its steps."""
    number = desk.audit("a", "b")
    first, second = desk.ledger.produce(64)
    desk.finish(first)
    desk.ledger.begin(second.explanation)
    desk.ledger.fail("prepare", second.explanation, "torn")
    again = desk.audits.refit(number, desk.model, OTHER)
    return again, desk.ledger.produce(64)


def _begun(desk: Desk, step: Step) -> Job:
    job = desk.ledger.begin(step.explanation)
    assert job is not None
    return job


def test_what_is_explained_is_refitted_from_there(desk: Desk) -> None:
    """With the scene and the scores of the first explanation, and no part for anybody to infer."""
    again, [step] = _refitted(desk)
    job = _begun(desk, step)
    assert job.refit_of == desk.value("SELECT key FROM explanation ORDER BY id LIMIT 1")
    [reduction] = desk.ledger.take_over(job)
    assert (reduction.task, reduction.explanation, reduction.audit) == ("reduce", step.explanation, again)
    claimed = desk.ledger.claim_reduction(step.explanation)
    assert claimed is not None
    assert (claimed.scene, claimed.probes, claimed.refit_of) == ("scene", [], job.refit_of)
    assert desk.value("SELECT count(*) FROM part") == 0
    assert desk.audits.get(again).selection == "all"


def test_a_worker_that_dies_loses_no_refit(desk: Desk) -> None:
    """Before and after it is taken over: the sweeper hands it out again; two that take it over make one reduction."""
    _, [step] = _refitted(desk)
    job = _begun(desk, step)
    desk.value("UPDATE explanation SET lease_until = now() WHERE id = :id RETURNING 1", id=job.id)
    assert [one.task for one in desk.ledger.overdue()] == ["prepare"]
    taken = at_once(lambda: desk.ledger.take_over(job), lambda: desk.ledger.take_over(job))
    assert sorted(map(len, taken)) == [0, 1]
    assert desk.ledger.claim_reduction(job.id)
    desk.value("UPDATE explanation SET lease_until = now() WHERE id = :id RETURNING 1", id=job.id)
    assert [one.task for one in desk.ledger.overdue()] == ["reduce"]
    assert desk.ledger.claim_reduction(job.id)


def test_what_failed_as_a_refit_may_be_asked_of_the_model(desk: Desk) -> None:
    """By an audit that is started with that recipe; and the other way round."""
    _, [step] = _refitted(desk)
    job = _begun(desk, step)
    desk.ledger.fail("prepare", job.id, "its scores are gone")
    desk.audits.start(desk.model, OTHER, "a")
    [step] = desk.ledger.produce(64)
    job = _begun(desk, step)
    assert job.refit_of is None
    desk.ledger.fail("prepare", job.id, "no GPU")
    desk.audits.refit(1, desk.model, OTHER)
    [step] = desk.ledger.produce(64)
    assert _begun(desk, step).refit_of is not None


def test_a_refit_of_the_same_recipe_is_there_already(desk: Desk) -> None:
    """Nothing refits itself."""
    _refitted(desk)
    again = desk.audits.refit(1, desk.model, desk.audits.get(1).recipe)
    assert desk.audits.get(again).state == "done"
    assert desk.audits.progress(again).done == 1
