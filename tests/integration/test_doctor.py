"""What the doctor says of a stack that is not well, and how to mend it; of one that is, see test_stack.py."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg
import pytest
import redis

from pipeline.model.placement import Placement
from pipeline.model.precision import CPU, OPENVINO
from polelens.stack import Finding, doctor
from polelens.stack.address import new_postgres_url, new_redis_url
from polelens.stack.machine import space
from polelens.stack.motion import motion
from polelens.stack.placements import placements
from storage.placements import Placements, Seen
from storage.settings import Settings
from tasks.queues import QUEUES
from tests.played_ledger import Desk

EVERYTHING = {"all": QUEUES}


@pytest.fixture
def settings(database_url: str, broker_url: str, blobs_folder: Path, tmp_path: Path) -> Settings:
    """Services that are well, but without workers."""
    return elsewhere(database_url=database_url, broker_url=broker_url, blobs=str(blobs_folder), home=tmp_path / "home")


def elsewhere(settings: Settings | None = None, **changes: object) -> Settings:
    return Settings.model_validate((settings.model_dump() if settings else {}) | changes)


def wrong(settings: Settings) -> dict[str, str]:
    return {one.subject: one.remedy for one in doctor(settings) if not one.ok}


def test_it_misses_workers(settings: Settings) -> None:
    """When no worker answers, that is what is wrong, and only that; nothing is left in the store of blobs."""
    found = wrong(settings)
    assert set(found) == {"workers"}
    assert "celery -A tasks worker -Q" in found["workers"]
    assert not [path for path in Path(settings.blobs).rglob("*") if path.is_file()]


def test_it_finds_services_that_are_down(settings: Settings) -> None:
    """Postgres and Redis that cannot be reached are two findings with a remedy each, and no password in either."""
    gone = elsewhere(settings, database_url=new_postgres_url("secret"), broker_url=new_redis_url())
    findings = doctor(gone)
    found = {one.subject: one.remedy for one in findings if not one.ok}
    assert set(found) == {"Postgres", "Redis"}
    assert "polelens up" in found["Postgres"]
    assert not any("secret" in one.seen for one in findings)


def test_it_finds_a_schema_that_is_not_the_newest(settings: Settings, empty_database_url: str) -> None:
    """A database without the tables is found, with the command that makes them."""
    assert "polelens migrate" in wrong(elsewhere(settings, database_url=empty_database_url))["migrations"]
    with psycopg.connect(empty_database_url.replace("+psycopg", "")) as c:
        c.execute("CREATE TABLE alembic_version (version_num varchar(32))")
        c.execute("INSERT INTO alembic_version VALUES ('9999')")
    assert "older than the schema" in wrong(elsewhere(settings, database_url=empty_database_url))["migrations"]


def test_it_finds_a_redis_that_forgets(settings: Settings) -> None:
    """One that may evict keys may lose a queue without a word; one without an append-only file is a warning."""
    with redis.Redis.from_url(settings.broker_url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("appendonly", "no")
        try:
            findings = {one.subject: one for one in doctor(settings)}
        finally:
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("appendonly", "yes")
    assert "noeviction" in findings["Redis eviction"].remedy
    assert (findings["Redis eviction"].word, findings["Redis persistence"].word) == ("FAIL", "warn")
    assert "appendonly yes" in findings["Redis persistence"].remedy


def test_it_finds_blobs_that_cannot_be_written(settings: Settings, tmp_path: Path) -> None:
    """A place for blobs that cannot be written is found, whatever the reason."""
    (tmp_path / "file").touch()
    for location in (str(tmp_path / "file" / "blobs"), "s3://"):
        assert "POLELENS_BLOBS" in wrong(elsewhere(settings, blobs=location))["blobs"]


def test_it_finds_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    """By what is free, of a folder; a bucket's disks are somebody else's."""
    [full] = space(str(tmp_path), least=1 << 60)
    assert not full.ok
    assert str(tmp_path) in full.seen
    assert list(space("s3://bucket/blobs", least=1 << 60)) == []


def test_it_finds_providers_that_are_missing(settings: Settings) -> None:
    """What POLELENS_PROVIDERS asks for and ONNX Runtime here has not would fail every photograph."""
    found = wrong(elsewhere(settings, providers="NoSuchProvider,CPUExecutionProvider"))
    assert found["ONNX Runtime"].startswith("NoSuchProvider is not here")


def test_it_says_what_workers_run_on_and_finds_what_falls_back(desk: Desk) -> None:
    """Of those that answer; a provider that leaves much of the time to the CPU is hardly used."""
    stored, precision = Placements(desk.engine), "bf16"
    for worker, nodes, share in (("well@here", 2, 0.04), ("ill@here", 30, 0.6), ("gone@here", 30, 0.6)):
        for told in (Placement(CPU, 0, 0.0), Placement(OPENVINO, nodes, share)):  # the last word counts
            stored.keep(Seen(worker, desk.model.id, precision, told))
    ill, well = placements(desk.engine, ["well", "ill"])
    assert (ill.subject, ill.ok, well.subject, well.ok) == ("ill@here", False, "well@here", True)
    assert ill.seen.endswith(f"in bf16 by {OPENVINO}; 30 nodes fell back to the CPU and take 60% of the time")
    desk.value("UPDATE placement SET seen_at = now() - interval '2 days' RETURNING 1")
    assert list(placements(desk.engine, ["well", "ill"])) == []
    desk.value("UPDATE placement SET seen_at = now() - interval '8 days' RETURNING 1")
    stored.keep(Seen("new@here", desk.model.id, precision, Placement(CPU, 0, 0.0)))
    assert desk.value("SELECT count(*) FROM placement") == 1


def test_it_finds_who_was_last_well_long_ago(settings: Settings, tmp_path: Path) -> None:
    """A health file that is not touched any more, by its name; fresh ones are well."""
    for name, age in (("infer-1@here", 300), ("infer-2@here", 5)):
        path = tmp_path / f"{name}.json"
        path.touch()
        os.utime(path, (time.time() - age, time.time() - age))
    [found] = [one for one in doctor(elsewhere(settings, health=str(tmp_path))) if one.subject == "health files"]
    assert not found.ok
    assert found.seen.startswith("infer-1@here 30")
    assert "infer-2" not in found.seen


# Audits that do not move: `workers` is what these would answer.


def held_up(desk: Desk, settings: Settings, workers: Mapping[str, Sequence[str]]) -> dict[str, Finding]:
    return {one.subject: one for one in motion(settings, desk.engine, workers) if not one.ok}


def test_an_audit_that_moves_is_well(desk: Desk, settings: Settings) -> None:
    """It is counted, and nothing is wrong."""
    desk.opened()
    [seen] = motion(settings, desk.engine, EVERYTHING)
    assert (seen.subject, seen.ok, seen.seen) == ("audits", True, "1 running, 1 photographs under way, 0 to come")


def test_work_that_nobody_serves(desk: Desk, settings: Settings) -> None:
    """By its queue and the command that serves it: where messages wait, and where the ledger knows of work."""
    desk.opened()
    with redis.Redis.from_url(settings.broker_url) as client:
        client.rpush("reduce-now", "a message", "another")
    found = [one for one in motion(settings, desk.engine, {"one": ["prepare-now", "prepare", "control"]}) if not one.ok]
    assert [one.seen for one in found] == [
        "nobody serves infer-now, infer, where 0 messages wait",
        "nobody serves reduce-now, reduce, where 2 messages wait",
    ]
    assert "`celery -A tasks worker -Q infer-now,infer`" in found[0].remedy
    assert set(held_up(desk, settings, {"one": [queue for queue in QUEUES if queue != "control"]})) == {"queues"}


def test_leases_that_nobody_looks_after(desk: Desk, settings: Settings) -> None:
    """What should have been handed out again long ago means that nobody ticks; just now means nothing."""
    job, _ = desk.opened()
    for seconds, subjects in ((30, set()), (90, {"beat"})):
        desk.value("UPDATE explanation SET lease_until = now() - :s * interval '1 second' RETURNING 1", s=seconds)
        assert set(held_up(desk, settings, EVERYTHING)) == subjects
    desk.audits.cancel(1)
    assert held_up(desk, settings, EVERYTHING) == {}
    assert desk.state(job.id) == "running"


def test_messages_that_nobody_takes(desk: Desk, settings: Settings) -> None:
    """They wait for longer than a lease and no worker holds any; one that does is at work."""
    desk.opened()
    with redis.Redis.from_url(settings.broker_url) as client:
        client.rpush("infer", "a message")
        assert held_up(desk, settings, EVERYTHING) == {}
        desk.value("UPDATE explanation SET since = now() - interval '400 seconds' RETURNING 1")
        assert "are stuck" in held_up(desk, settings, EVERYTHING)["infer"].remedy
        client.hset("unacked", "one", "that a worker holds")
        assert held_up(desk, settings, EVERYTHING) == {}


def test_a_webhook_that_does_not_hear(desk: Desk, settings: Settings) -> None:
    """An end that nobody has heard of for long is a finding where there is somebody to be told, and nowhere else."""
    desk.audits.cancel(desk.audit("a"))
    told = elsewhere(settings, webhook_url="https://example.org/", webhook_secret="long-enough-to-sign")  # noqa: S106
    assert held_up(desk, told, EVERYTHING) == {}
    desk.value("UPDATE notice SET ended_at = now() - interval '1 hour' RETURNING 1")
    assert held_up(desk, told, EVERYTHING)["webhook"].seen.startswith("1 ends of audits are unheard, the first for 360")
    assert held_up(desk, settings, EVERYTHING) == {}
