"""The metrics: what Prometheus gets is what the ledger and the queues hold."""

import signal
import time
from collections.abc import Mapping
from dataclasses import replace
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from polelens.stack.address import HOST, free_port
from storage.counters import CAUSES
from tests import models
from tests.chart import manifests, of_kind
from tests.commands import Commands, CommandsIn
from tests.live_audits import Bench, pictures
from tests.played_ledger import PROBE, Desk, attribution, rows

Samples = Mapping[tuple[str, str], float]


def samples(page: str) -> Samples:
    """Every sample of a page, by its name and its labels' values, in the order of the labels' names."""
    families = text_string_to_metric_families(page)
    return {(one.name, " ".join(one.labels.values())): one.value for family in families for one in family.samples}


@pytest.fixture
def beside(desk: Desk, commands: CommandsIn, broker_url: str) -> Commands:
    """The command line on the desk's database."""
    url = desk.engine.url.render_as_string(hide_password=False)
    return commands({"DATABASE_URL": url, "CELERY_BROKER_URL": broker_url, "POLELENS_BLOBS": "/nowhere"})


def test_an_audit_of_real_workers_in_figures(shared_bench: Bench, commands: CommandsIn) -> None:
    """Photographs, evaluations and parts are the ledger's, by model; nothing is left at any step or in any queue."""
    version = shared_bench.model(models.additive(np.full((32, 32), 0.4 / 3072 / 255)), "a", "b", name="measured")
    shared_bench.photographs("measured", pictures(3, seed=4177))
    cli = commands(shared_bench.environment)
    first = shared_bench.wait(shared_bench.audit(version, "measured/000.png", samples=128, judge=False))
    found = samples(cli("metrics", "--once"))
    rate = first.evaluations / found["polelens_inference_seconds_total", "measured@1"]
    assert rate == pytest.approx(found["polelens_model_rate", "measured@1 f32"], rel=1e-6)
    running_on = {where for name, where in found if name == "polelens_cpu_nodes" and "measured@1" in where}
    assert running_on
    assert all(where.startswith("measured@1 f32 CPUExecutionProvider all-") for where in running_on)
    assert {found["polelens_cpu_nodes", where] for where in running_on} == {0}
    progress = shared_bench.wait(shared_bench.audit(version, "measured/*", samples=128, judge=False))
    found = samples(cli("metrics", "--once"))

    assert found["polelens_photographs_done_total", "measured@1"] == progress.done == 3
    assert found["polelens_evaluations_total", "measured@1"] == progress.evaluations
    assert found["polelens_parts_total", "measured@1"] == 3 * 4  # of 1154 evaluations, 300 at most in each
    assert all(found["polelens_photographs_failed_total", f"{cause} measured@1"] == 0 for cause in CAUSES)
    assert [found["polelens_photographs", step] for step in ("planned", "prepare", "infer", "reduce")] == [0] * 4
    assert found["polelens_up", "postgres"] == found["polelens_up", "redis"] == 1


def test_what_is_under_way_is_shown_by_its_step(desk: Desk, beside: Commands) -> None:
    """Photographs and parts at each step of running audits, the age of the oldest, and nothing of cancelled audits."""
    number = desk.audit("a", "b", "c", "d")
    one, two, _ = desk.ledger.produce(3)
    job = desk.ledger.begin(one.explanation)
    assert job is not None
    desk.answer(desk.ledger.open_round(job, "scene", PROBE, 4)[:1])
    with desk.engine.begin() as c:
        c.execute(
            text("UPDATE explanation SET since = now() - interval '90 s' WHERE id = :id"), {"id": two.explanation}
        )
    found = samples(beside("metrics", "--once"))
    shown = [found["polelens_photographs", step] for step in ("planned", "prepare", "infer", "reduce")]
    assert shown == [1, 2, 1, 0]
    assert [found["polelens_parts_in_flight", state] for state in ("answered", "pending")] == [1, 2]
    assert 90 <= found["polelens_oldest_seconds", "prepare"] < 150
    assert 0 <= found["polelens_oldest_seconds", "infer"] < 60
    assert found["polelens_oldest_seconds", "reduce"] == 0
    assert found["polelens_audits", "running"] == 1

    desk.audits.cancel(number)
    found = samples(beside("metrics", "--once"))
    assert [found["polelens_photographs", step] for step in ("planned", "prepare", "infer", "reduce")] == [0] * 4
    assert found["polelens_audits", "cancelled"] == 1


def test_what_scales_the_workers_is_the_ledger_s_count(desk: Desk) -> None:
    """The chart's queries give what is to be done by each kind of worker, and a number even where that is nothing."""
    scaled = of_kind(manifests(), "ScaledObject")
    queries = {name: one["spec"]["triggers"][0]["metadata"]["query"] for name, one in scaled.items()}
    assert {name: desk.value(query) for name, query in queries.items()} == {"demo-prepare-reduce": 0, "demo-infer": 0}
    desk.audit("a", "b", "c")
    one, *_ = desk.ledger.produce(3)
    job = desk.ledger.begin(one.explanation)
    assert job is not None
    desk.ledger.open_round(job, "scene", PROBE, 4)
    assert {name: desk.value(query) for name, query in queries.items()} == {"demo-prepare-reduce": 2, "demo-infer": 3}


def test_what_went_wrong_is_counted(desk: Desk, beside: Commands) -> None:
    """Failures by cause, answers that came too late, and what the sweeper handed out again."""
    desk.audit("poison", "unreadable", "slow")
    first, second, third = desk.ledger.produce(64)
    desk.ledger.fail("prepare", second.explanation, "prepare: no photograph")
    desk.ledger.fail("prepare", second.explanation, "prepare: said twice, failed once")
    job = desk.ledger.begin(third.explanation)
    assert job is not None
    [step] = desk.ledger.open_round(job, "scene", PROBE, 10)
    part = desk.take(step)
    for _ in range(3):
        desk.ledger.record_part(part, rows(part), 2)
    for _ in range(2):  # two processes die of it
        assert replace(desk.impatient(), attempts=2).begin(first.explanation)
    replace(desk.ledger, attempts=2).overdue()
    ready = desk.ledger.claim_reduction(third.explanation)
    assert ready is not None
    desk.ledger.finish(ready, attribution("yes"))
    found = samples(beside("metrics", "--once"))
    failures = {cause: found["polelens_photographs_failed_total", f"{cause} planted@1"] for cause in CAUSES}
    assert failures == {"prepare": 1, "infer": 0, "reduce": 0, "killed": 1}
    assert found["polelens_duplicates_refused_total", "planted@1"] == 2
    assert found["polelens_republished_total", "planted@1"] == 0
    assert found["polelens_parts_total", "planted@1"] == 1
    assert found["polelens_inference_seconds_total", "planted@1"] == 2

    desk.audit("lost", images="lost")
    desk.impatient().produce(64)
    assert len(desk.ledger.overdue()) == 1
    assert samples(beside("metrics", "--once"))["polelens_republished_total", "planted@1"] == 1


def test_a_service_that_does_not_answer_is_no_figure(desk: Desk, commands: CommandsIn) -> None:
    """Without Redis the ledger's figures are still there; without Postgres the page is, and says so."""
    url = desk.engine.url
    nobody = f"{HOST}:{free_port()}"
    place = {"CELERY_BROKER_URL": f"redis://{nobody}/0", "POLELENS_BLOBS": "/nowhere"}
    found = samples(commands({"DATABASE_URL": url.render_as_string(hide_password=False)} | place)("metrics", "--once"))
    assert (found["polelens_up", "postgres"], found["polelens_up", "redis"]) == (1, 0)
    assert "polelens_photographs" in {name for name, _ in found}
    found = samples(commands({"DATABASE_URL": f"postgresql://nobody@{nobody}/none"} | place)("metrics", "--once"))
    assert found == {("polelens_up", "postgres"): 0, ("polelens_up", "redis"): 0}


def test_they_are_served_until_it_is_asked_to_end(beside: Commands) -> None:
    """/metrics answers on the port and the address given, and SIGTERM ends it in good order."""
    port = free_port()
    with beside.process("metrics", "--port", port) as process:
        page = _await(f"http://{HOST}:{port}/metrics")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert samples(page)["polelens_up", "postgres"] == 1
    assert (process.returncode, out, err) == (0, f"http://{HOST}:{port}/metrics\n", "")


def _await(url: str, seconds: float = 60) -> str:
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urlopen(url, timeout=30) as page:  # noqa: S310  our own server
                return str(page.read().decode())
        except URLError:
            assert time.monotonic() < deadline, f"nothing at {url}"
            time.sleep(0.1)
