"""The files of deploy/: what their validators, and what the code that they start, say of them."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from compose_spec import PyCompose

from polelens.metrics import now, so_far
from polelens.stack.workers import INFER, OTHERS, beat_command, flower_command, pages_command, worker_command
from storage.monitoring import Backlog, ModelCounts, ModelRate, Reading
from tasks import app
from tests import compose

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
GIVEN = dict.fromkeys(compose.must_be_given(), "secret")
SERVICES = {one.name: one for one in compose.services(GIVEN)}
FLOWER_METRICS = {"flower_worker_online", "flower_task_runtime_seconds_bucket"}


def test_the_dockerfile_passes_hadolint() -> None:
    """No warning at all."""
    hadolint = str(Path(sys.executable).with_name("hadolint"))
    done = subprocess.run([hadolint, DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_has_all_that_the_wheel_is_built_from() -> None:
    """Every package of ours is copied, and the build's context lets it through."""
    setuptools = (ROOT / "pyproject.toml").read_text()
    packages = re.findall(r'"(\w+)\*"', setuptools)
    assert set(packages) >= {"polelens", "tasks", "storage", "pipeline", "migrations"}
    dockerfile, context = (DEPLOY / "Dockerfile").read_text(), (ROOT / ".dockerignore").read_text().splitlines()
    for package in packages:
        assert f"COPY {package} {package}\n" in dockerfile
        assert f"!{package}" in context


def test_compose_reads_its_file() -> None:
    """It keeps to the Compose specification, and the validator finds every service in it."""
    read = PyCompose.from_yaml(yaml.safe_dump(compose.document(GIVEN)))
    read.validate()
    assert set(read.service_names()) == set(compose.document(GIVEN)["services"])


def test_no_password_has_a_default() -> None:
    """What is secret must be given, and nothing that must be given is anything else."""
    secret = {name for name, kind in compose.variables() if re.search("PASSWORD|SECRET|AUTH|LOGIN", name)}
    assert secret - {"GRAFANA_PASSWORD"} == set(GIVEN)
    assert ("GRAFANA_PASSWORD", "-") in compose.variables()  # of one profile; its container refuses an empty one


def test_compose_starts_what_the_local_stack_starts() -> None:
    """The workers, the beat and Flower by the same words, but for the address and the number of processes."""
    python_m_celery = 2
    infer = worker_command(INFER, "infer")[python_m_celery:]
    assert SERVICES["infer"].command == SERVICES["infer-gpu"].command == infer
    assert SERVICES["prepare-reduce"].command == worker_command(compose.REST, "prepare-reduce", 2)[python_m_celery:]
    assert SERVICES["control"].command == worker_command(["control"], "control")[python_m_celery:]
    assert {*INFER, *compose.REST, "control"} == {*INFER, *OTHERS}
    assert SERVICES["beat"].command == beat_command("/tmp/beat-schedule")[python_m_celery:]  # noqa: S108 a tmpfs
    flower = flower_command("http://0.0.0.0:5555")[python_m_celery:]
    assert SERVICES["flower"].command == [word.replace("=127.0.0.1", "=0.0.0.0") for word in flower]
    serve = ["polelens", "serve", "--address", "0.0.0.0", "--port", "8765"]  # noqa: S104  in a container
    assert SERVICES["pages"].command == serve
    assert set(pages_command("http://127.0.0.1:8765")[python_m_celery:]) <= set(serve)


def test_a_worker_has_time_to_end() -> None:
    """It is asked to end by the signal that means a soft shutdown, and killed only well after that is over."""
    for name in ("infer", "infer-gpu", "prepare-reduce", "control"):
        worker = SERVICES[name].definition
        assert worker["stop_signal"] == "SIGQUIT"
        assert int(worker["stop_grace_period"].removesuffix("s")) >= app.conf.worker_soft_shutdown_timeout + 15


def test_workers_and_beat_are_watched() -> None:
    """By the file that they keep, and are started again when they end."""
    for name in ("infer", "infer-gpu", "prepare-reduce", "control", "beat"):
        service = SERVICES[name]
        assert service.environment["POLELENS_HEALTH"] in " ".join(service.healthcheck or ())
        assert service.definition["restart"] == "unless-stopped"


def test_only_pages_behind_a_login_are_published_and_only_here() -> None:
    """Flower, the pages and Grafana, on this machine's own address."""
    published = {name: one["ports"] for name, one in compose.document(GIVEN)["services"].items() if "ports" in one}
    assert set(published) == {"flower", "pages", "grafana"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_every_container_of_ours_has_the_least_it_needs() -> None:
    """A root file system that nobody writes, no capability, no new privileges."""
    for one in SERVICES.values():
        assert one.definition["read_only"], one.name
        assert one.definition["cap_drop"] == ["ALL"], one.name
        assert "cap_add" not in one.definition, one.name
        assert one.definition["security_opt"] == ["no-new-privileges:true"], one.name


@pytest.fixture(scope="module")
def metrics() -> set[str]:
    """The names of all our metrics."""
    backlog = [Backlog(step, 0, 0, 0, 0.0) for step in ("prepare", "infer", "reduce")]
    reading = Reading({"running": 1}, 0, backlog, 0.0, [ModelCounts("poles@1")], [ModelRate("poles@1", "f32", 1.0)])
    families = [*now(reading), *so_far(reading.models)]
    samples = {sample.name for family in families for sample in family.samples}
    return samples | {"polelens_up", "polelens_queue_messages"}


def test_the_dashboard_asks_for_metrics_that_there_are(metrics: set[str]) -> None:
    """Every expression parses, and asks for nothing but what we and Flower give."""
    panels: list[Any] = json.loads((DEPLOY / "grafana/polelens.json").read_text())["panels"]
    asked = set()
    for panel in panels:
        for target in panel["targets"]:
            asked |= set(re.findall(r"\b(?:polelens|flower)_\w+|\bup\b", target["expr"]))
            promql_parser.parse(target["expr"])
    assert asked <= metrics | FLOWER_METRICS | {"up"}
    assert metrics - asked <= {"polelens_audits", "polelens_parts_in_flight", "polelens_evaluations_total"}


def test_prometheus_scrapes_the_services_that_there_are() -> None:
    """Each target is a service of the file, at the port that it listens on."""
    jobs = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())["scrape_configs"]
    targets = [target for job in jobs for config in job["static_configs"] for target in config["targets"]]
    assert targets == ["metrics:9108", "flower:5555"]
    assert "9108" in SERVICES["metrics"].command
    assert "--port=5555" in SERVICES["flower"].command
