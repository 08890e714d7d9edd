"""Two versions of the code at once, as while a cluster is being upgraded: the schema is the new one already."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from pipeline.recipes import recipe
from storage.archive import Photograph
from tests import models
from tests.earlier_code import EarlierCode, code_of, git
from tests.live_audits import Bench, pictures, png

PHOTOGRAPHS = 30


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code as it was before the newest migration."""
    newest = git("log", "-1", "--diff-filter=A", "--format=%H", "--", "migrations/versions").decode().strip()
    return code_of(f"{newest}^", tmp_path_factory.mktemp("previous"))


def test_the_previous_version_works_beside_the_new_one(bench: Bench, previous: Path) -> None:
    """On the new schema workers of both do their share of an audit that the old one has planned, of photographs with
    and without masks, and its numbers are those of the new code alone."""
    bench.environment["POLELENS_PART_EVALUATIONS"] = "150"
    bench.model(models.uneven(), "yes", "no")
    mask = np.zeros((32, 32, 3), np.uint8)
    mask[8:24, 8:24] = 255
    for number, pixels in enumerate(pictures(PHOTOGRAPHS, seed=12)):
        bench.archive.add(Photograph(f"upgraded/{number}.png", png(pixels), None, png(mask) if number % 2 else None))
    code = EarlierCode(previous, bench.environment)
    [new], old = bench.workers(1), code.worker(bench.processes, "old")
    number = json.loads(code.polelens("audit", "start", "planted", "--json"))["audit"]
    progress = bench.wait(number)
    assert (progress.done, progress.failed) == (PHOTOGRAPHS, 0)
    for worker in (new, old):
        done = set(re.findall(r"Task (\w+)\[.*\] succeeded", worker.log()))
        assert done >= {"prepare", "infer", "reduce"}, f"{worker.name} did only {done}"
    assert sum(row.mask is not None for row in bench.results(number)) == PHOTOGRAPHS // 2
    bench.assert_undisturbed(number, bench.registry.find("planted"), recipe("default"))
