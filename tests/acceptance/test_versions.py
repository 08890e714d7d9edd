"""Two versions of the code at once, as while a cluster is being upgraded: the schema is the new one already."""

import re
from pathlib import Path

import pytest

from pipeline.recipes import recipe
from tests import models
from tests.earlier_code import EarlierCode, code_of, git
from tests.live_audits import Bench, pictures

PHOTOGRAPHS = 30


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code as it was before the newest migration."""
    newest = git("log", "-1", "--diff-filter=A", "--format=%H", "--", "migrations/versions").decode().strip()
    return code_of(f"{newest}^", tmp_path_factory.mktemp("previous"))


def test_workers_of_the_previous_version_work_beside_new_ones(bench: Bench, previous: Path) -> None:
    """On the new schema both do their share of one audit, and its numbers are those of the new code alone."""
    bench.environment["POLELENS_PART_EVALUATIONS"] = "150"
    model = bench.model(models.uneven(), "yes", "no")
    bench.photographs("upgraded", pictures(PHOTOGRAPHS, seed=12))
    [new], old = bench.workers(1), EarlierCode(previous, bench.environment).worker(bench.processes, "old")
    number = bench.audit(model, "upgraded/*")
    progress = bench.wait(number)
    assert (progress.done, progress.failed) == (PHOTOGRAPHS, 0)
    for worker in (new, old):
        done = set(re.findall(r"Task (\w+)\[.*\] succeeded", worker.log()))
        assert done >= {"prepare", "infer", "reduce"}, f"{worker.name} did only {done}"
    bench.assert_undisturbed(number, model, recipe("default"))
