"""What becomes of a step that ends in an error, or not in time."""

import subprocess
import sys

import numpy as np
import psutil
import pytest
import redis
from celery import Celery
from sqlalchemy import text

from polelens.stack.processes import Launch
from polelens.stack.workers import ONE_THREAD, await_workers, worker_command
from tests import models
from tests.live_audits import Bench, pictures

FORK = """
import os
from tasks import runtime
runtime.ledger(), runtime.blobs()
child = os.fork()
if not child:
    os._exit(runtime.ledger.cache_info().currsize + runtime.blobs.cache_info().currsize)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert runtime.ledger.cache_info().currsize == 1
"""

NO_ROOM = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN RAISE 'no space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER no_room BEFORE {} EXECUTE FUNCTION no_room()
"""
ROOM = "DROP TRIGGER no_room ON part"
ANSWERS = "UPDATE ON part FOR EACH ROW WHEN (NEW.scores IS NOT NULL OR NEW.attempts < OLD.attempts)"


def test_an_error_that_passes_is_tried_again_until_it_has_passed(bench: Bench) -> None:
    """The store refuses the pictures for a while: the reduction comes back by itself, long before its lease is over."""
    bench.environment["POLELENS_LEASE_SECONDS"] = "3600"
    model = bench.model(models.constant(size=32), "a", "b", "c")
    bench.photographs("refused", pictures(1))
    [worker] = bench.workers(1)
    bench.archive.blobs.put("explanations", b"a file where a folder should be")
    number = bench.audit(model, "refused/*", samples=8, seeds=[1])
    bench.wait(number, lambda _: worker.log().count("retry: Retry in") > 2)
    assert (bench.audits.progress(number).in_flight, bench.audits.progress(number).failed) == (1, 0)
    bench.archive.blobs.delete("explanations")
    assert bench.wait(number).done == 1


def test_no_photograph_fails_because_postgres_did(bench: Bench) -> None:
    """A disk of Postgres' is full at the last of all tries: the photograph waits, and is done when there is room."""
    model = bench.model(models.constant(size=32), "a", "b", "c")
    bench.photographs("full", pictures(1))
    _change(bench, NO_ROOM.format("INSERT ON part"))
    number = bench.audit(model, "full/*", samples=8, seeds=[1])
    [worker] = bench.workers(1)
    bench.wait(number, lambda _: worker.log().count("retry: Retry in") > 0)
    [row] = bench.audits.explained(number, ("preparing",))
    with Celery(broker=bench.environment["CELERY_BROKER_URL"], set_as_current=False) as app:
        app.send_task("prepare", args=[row.id], queue="prepare-now", retries=12)
    bench.wait(number, lambda _: "waits for Postgres or Redis" in worker.log())
    assert (bench.audits.progress(number).in_flight, bench.audits.progress(number).failed) == (1, 0)
    _change(bench, ROOM)
    assert bench.wait(number).done == 1


def test_an_attempt_counts_for_no_dead_process_though_postgres_hears_of_it_late(bench: Bench) -> None:
    """As many as would give the photograph up end while Postgres takes no answer and no word of what became of them."""
    bench.environment["POLELENS_LEASE_SECONDS"] = "3600"
    model = bench.model(models.constant(size=32), "a", "b", "c")
    bench.photographs("owed", pictures(2))
    bench.workers(1)
    _change(bench, NO_ROOM.format(ANSWERS))
    number = bench.audit(model, "owed/000.png", samples=8, seeds=[1])
    bench.wait(number, lambda _: _value(bench, "SELECT sum(attempts) FROM part") == 3)
    _change(bench, ROOM)
    bench.wait(bench.audit(model, "owed/001.png", samples=8, seeds=[1]))
    _change(bench, "UPDATE explanation SET lease_until = now() WHERE lease_until IS NOT NULL")
    assert bench.wait(number).done == 1


@pytest.mark.parametrize("hangs", [False, True])
def test_what_takes_too_long_fails_its_photograph_alone(bench: Bench, hangs: bool) -> None:
    """At the soft limit, or at the hard one if it hangs and its worker's parent has to say so."""
    bench.environment |= {"POLELENS_LEASE_SECONDS": "3600", "POLELENS_PART_EVALUATIONS": "1000000"}
    bench.environment["POLELENS_BATCH"] = "1"
    model = bench.model(models.constant(size=32), "a", "b", "c")
    bench.photographs("slow", pictures(2))
    _worker(bench, "others", "prepare", "reduce", "control")
    number = bench.audit(model, "slow/000.png", samples=1_000_000, seeds=[1])
    with redis.Redis.from_url(bench.environment["CELERY_BROKER_URL"]) as client:
        bench.wait(number, lambda _: bool(client.llen("infer")))
        client.delete("infer")
    [child] = _worker(bench, "infer", "infer-now", "infer").children()
    with Celery(broker=bench.environment["CELERY_BROKER_URL"], set_as_current=False) as app:
        [row] = bench.audits.explained(number, ("running",))
        app.send_task("infer", args=[row.id, 0, 0], queue="infer-now", soft_time_limit=2, time_limit=3)
    if hangs:
        bench.wait(number, lambda _: _value(bench, "SELECT sum(attempts) FROM part") == 1)
        child.suspend()
    assert bench.wait(number).failed == 1
    limit = "infer: TimeLimitExceeded(3,)" if hangs else "infer: SoftTimeLimitExceeded()"
    assert bench.results(number)[0].reason == limit
    assert bench.wait(bench.audit(model, "slow/*", samples=8, seeds=[1])).done == 2


def test_a_forked_child_shares_no_connection(bench: Bench) -> None:
    """What the parent holds is forgotten in the child, which makes its own."""
    assert subprocess.run([sys.executable, "-c", FORK], env=bench.environment, check=False).returncode == 0


def _worker(bench: Bench, name: str, *queues: str) -> psutil.Process:
    """Start a worker of these queues."""
    pid = bench.processes.start(Launch(name, worker_command(queues, name), {**ONE_THREAD, **bench.environment}))
    await_workers(bench.processes, bench.environment["CELERY_BROKER_URL"], [name])
    return psutil.Process(pid)


def _value(bench: Bench, sql: str) -> object:
    with bench.audits.engine.begin() as c:
        return c.execute(text(sql)).scalar()


def _change(bench: Bench, sql: str) -> None:
    with bench.audits.engine.begin() as c:
        c.exec_driver_sql(sql)


def test_scores_that_are_no_numbers_fail_their_photograph_alone(bench: Bench) -> None:
    """At once, with the picture that they are of; it is no outage, and no word of SQL or JSON is in the reason."""
    model = bench.model(models.standardised(), "a", "b")
    bench.photographs("flat", [np.full((32, 32, 3), 90, np.uint8), *pictures(1)])
    bench.workers(1)
    number = bench.audit(model, "flat/*", samples=8, seeds=[1])
    progress = bench.wait(number)
    assert (progress.done, progress.failed) == (1, 1)
    [failed] = bench.audits.explained(number, ("failed",))
    assert failed.image_name == "flat/000.png"
    assert "the model gives a nan for the photograph itself" in (failed.reason or "")
    assert "leave the photograph out" in (failed.reason or "")


def test_a_worker_that_lacks_the_precision_of_an_audit_answers_nothing(bench: Bench) -> None:
    """It says why and leaves the part to a later try, which a worker that has it may take; nothing is rounded less."""
    model = bench.model(models.uneven(), "a", "b")
    bench.photographs("lower", pictures(1))
    [worker] = bench.workers(1)
    number = bench.audit(model, "lower/*", samples=8, seeds=[1], precision="bf16")
    bench.wait(number, lambda _: "retry: Retry in" in worker.log())
    assert "CPUExecutionProvider does not compute in bf16; set POLELENS_PROVIDERS" in worker.log()
    assert _value(bench, "SELECT count(*) FROM part WHERE scores IS NOT NULL") == 0
