"""What an audit survives: the numbers are those of a run that nothing disturbed."""

import os
import signal
import time

import numpy as np
import redis
from sqlalchemy import text

from pipeline.recipes import recipe
from storage.keys import image_key
from tests import models
from tests.bench import Bench, pictures


def test_kill_9_of_a_worker_loses_nothing(bench: Bench) -> None:
    """A worker and its pool die at once in mid-audit; the other does again what they held, with the same numbers."""
    bench.environment["POLELENS_PART_EVALUATIONS"] = "32"
    model = bench.model(models.additive(_shape(), bias=0.5), "yes", "no")
    bench.photographs("killed", pictures(12))
    victim, _ = bench.workers(2)
    number = bench.audit(model, "killed/*")
    bench.wait(number, lambda progress: progress.done >= 2)
    victim.kill()
    assert bench.audits.progress(number).state == "running"
    progress = bench.wait(number)
    assert (progress.done, progress.failed) == (12, 0)
    _assert_undisturbed(bench, number, model)


def test_lost_messages_are_published_again(bench: Bench) -> None:
    """Redis is emptied in mid-audit; Postgres remembers what was to be done."""
    bench.environment["POLELENS_PART_EVALUATIONS"] = "32"
    model = bench.model(models.additive(_shape(), bias=0.5), "yes", "no")
    bench.photographs("lost", pictures(10))
    bench.workers(1)
    number = bench.audit(model, "lost/*")
    bench.wait(number, lambda progress: progress.done >= 1)
    with redis.Redis.from_url(bench.environment["CELERY_BROKER_URL"]) as client:
        client.flushdb()
    assert bench.wait(number).done == 10
    _assert_undisturbed(bench, number, model)


def test_a_part_that_kills_its_process_fails_its_photograph_alone(bench: Bench) -> None:
    """After three dead processes the photograph is failed with the reason, and the others are done."""
    model = bench.model(models.additive(_shape(), bias=0.5), "yes", "no")
    bench.photographs("poison", pictures(3))
    [worker] = bench.workers(1)
    number = bench.audit(model, "poison/*", samples=8, seeds=[1])
    bench.wait(number)
    rows = bench.results(number)
    with bench.audits.engine.begin() as c:  # a part that was taken three times, and whose process died each time
        first = {"id": rows[0].id}
        c.execute(text("UPDATE explanation SET state = 'running', lease_until = now() WHERE id = :id"), first)
        c.execute(text("INSERT INTO part VALUES (:id, 0, 0, 0, 4, 3, NULL, NULL)"), first)
        c.execute(text("UPDATE audit SET state = 'running'"))
    assert (bench.wait(number).failed, worker.running) == (1, True)
    assert bench.results(number)[0].reason == "inferring part 1 killed its process 3 times"


def test_an_unreadable_photograph_fails_its_own_row(bench: Bench) -> None:
    """The reason is kept, the others are done, and a resumed audit tries it again."""
    model = bench.model(models.additive(_shape(), bias=0.5), "yes", "no")
    bench.photographs("torn", pictures(3))
    torn = next(image for image in bench.archive.select() if image.name == "torn/001.png")
    whole = bench.archive.blobs.get(image_key(torn.sha256))
    bench.archive.blobs.put(image_key(torn.sha256), whole[:200])
    bench.workers(1)
    number = bench.audit(model, "torn/*")
    progress = bench.wait(number)
    assert (progress.done, progress.failed) == (2, 1)
    assert "damaged" in (bench.results(number)[1].reason or "")
    bench.archive.blobs.put(image_key(torn.sha256), whole)
    bench.audits.resume(number)
    assert bench.wait(number).done == 3


def test_cancel_stops_and_resume_goes_on(bench: Bench) -> None:
    """After a cancel nothing is started any more; a resumed audit ends with the same numbers."""
    bench.environment["POLELENS_PART_EVALUATIONS"] = "32"
    model = bench.model(models.additive(_shape(), bias=0.5), "yes", "no")
    bench.photographs("cancelled", pictures(10))
    bench.workers(1)
    number = bench.audit(model, "cancelled/*")
    bench.wait(number, lambda progress: progress.done >= 1)
    bench.audits.cancel(number)
    time.sleep(1)  # what a worker held at that moment
    stopped = bench.audits.progress(number)
    time.sleep(1)
    assert bench.audits.progress(number) == stopped
    assert stopped.state == "cancelled"
    assert stopped.remaining > 0
    bench.audits.resume(number)
    assert bench.wait(number).done == 10
    _assert_undisturbed(bench, number, model)


def test_what_was_explained_before_is_taken_over(bench: Bench) -> None:
    """A second audit of the same photographs, model and recipe is done at once, with no worker running."""
    model = bench.model(models.additive(_shape(), bias=0.5), "yes", "no")
    bench.photographs("again", pictures(2))
    [worker] = bench.workers(1)
    first = bench.audit(model, "again/*")
    bench.wait(first)
    worker.stop()
    second = bench.audit(model, "again/*")
    progress = bench.audits.progress(second)
    asked = sum(row.attribution.evaluations for row in bench.results(first) if row.attribution)
    assert (progress.done, progress.evaluations) == (2, asked)
    assert [row.key for row in bench.results(second)] == [row.key for row in bench.results(first)]


def test_a_stopped_worker_gives_back_what_it_held(bench: Bench) -> None:
    """SIGTERM in mid-part: the part is done, by this worker or the next, and nothing is lost."""
    bench.environment["POLELENS_PART_EVALUATIONS"] = "32"
    model = bench.model(models.additive(_shape(), bias=0.5), "yes", "no")
    bench.photographs("stopped", pictures(6))
    [first] = bench.workers(1)
    number = bench.audit(model, "stopped/*")
    bench.wait(number, lambda progress: progress.done >= 1)
    os.kill(first.pid, signal.SIGTERM)
    bench.workers(1)
    assert bench.wait(number).done == 6
    _assert_undisturbed(bench, number, model)


def _assert_undisturbed(bench: Bench, number: int, model: object) -> None:
    rows = bench.results(number)
    for row in rows:
        alone = bench.explained_alone(model, row, recipe("default"))  # type: ignore[arg-type]
        assert row.attribution is not None
        assert row.attribution.evaluations == alone.evaluations
        np.testing.assert_allclose(row.attribution.labels[0].weights, alone.labels[0].weights, atol=1e-6)
    with bench.audits.engine.begin() as c:
        assert c.exec_driver_sql("SELECT count(*) FROM part").scalar() == 0
        assert c.exec_driver_sql("SELECT count(*) FROM attribution").scalar() == len(rows)


def _shape() -> np.ndarray:
    shape = np.random.Generator(np.random.Philox(7)).normal(size=(3, 32, 32))
    return shape * 0.45 / np.abs(shape).sum() / 255
