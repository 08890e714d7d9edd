"""What logs take, over real audits, and how a local one that has grown long begins anew."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import yaml
from sqlalchemy import text

from polelens.stack.processes import Launch, Processes
from tests import models
from tests.live_audits import Bench, pictures

ROOT = Path(__file__).parents[2]
PHOTOGRAPHS, ARCHIVE, MOST = 12, 200_000, 100_000_000  # bytes, of an archive of so many
STEPS = ("prepare", "infer", "reduce")
TALKS = """
import logging, sys
from tasks import rotation
logging.getLogger().addHandler(logging.StreamHandler())
logging.getLogger().addHandler(rotation.Rotation(often=2))
rotation.LONG = 100
for number in range(int(sys.argv[1])):
    logging.warning("a line of some thirty bytes %03d", number)
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_archive_of_200_000_photographs_makes_a_hundred_megabytes(bench: Bench, form: str) -> None:
    """Of lines for their tasks, with a part's inference as short as here; what beat asks for goes by the day."""
    bench.environment["POLELENS_LOGS"] = form
    model = bench.model(models.additive(np.full((32, 32), 0.4 / 3072 / 255), bias=0.5), "yes", "no")
    bench.photographs("log", pictures(PHOTOGRAPHS))
    with bench.audits.engine.begin() as c:
        c.execute(text(f"ALTER SEQUENCE explanation_id_seq RESTART {ARCHIVE}"))  # ids as long as theirs
    [worker] = bench.workers(1)
    assert bench.wait(bench.audit(model, "log/*")).done == PHOTOGRAPHS
    worker.stop()
    lines = [line for line in worker.log().splitlines() if any(f" {step} " in line for step in STEPS)]
    if form == "json":
        lines = [line for line in worker.log().splitlines() if line.startswith("{") and _task(line) in STEPS]
    assert len(lines) >= 3 * PHOTOGRAPHS
    each = sum(len(line) + 1 for line in lines) / PHOTOGRAPHS
    assert each * ARCHIVE < MOST
    _find_fields(lines if form == "json" else [])


def _task(line: str) -> str | None:
    task: str | None = json.loads(line).get("task")
    return task


def _find_fields(lines: list[str]) -> None:
    """The example for Loki takes fields that lines have."""
    config: Any = yaml.safe_load((ROOT / "deploy/promtail.yaml").read_text())
    [scrape] = config["scrape_configs"]
    [stage] = [one["json"]["expressions"] for one in scrape["pipeline_stages"] if "json" in one]
    for line in lines:
        assert set(stage.values()) - {"level"} <= set(json.loads(line))


def test_a_long_log_begins_anew_while_its_process_goes_on(tmp_path: Path) -> None:
    """The log before stays as .log.1, the one before that goes; a log that is somebody else's is left alone."""
    here = Processes(tmp_path)
    pid = here.start(Launch("talker", [sys.executable, "-c", TALKS, "9"], {"PYTHONPATH": str(ROOT)}))
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=60)
    kept = (tmp_path / "log/talker.log.1").read_text() + here.log("talker").read_text()
    assert [int(line[-3:]) for line in kept.splitlines()] == [4, 5, 6, 7, 8]
    other = tmp_path / "other.log"
    other.write_text("x" * 200)
    environment = {"POLELENS_LOG": str(other), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", TALKS, "9"], env=environment, check=True, capture_output=True)
    assert other.stat().st_size == 200
