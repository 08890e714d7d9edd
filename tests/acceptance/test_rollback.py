"""An upgrade and its rollback in the middle of an audit: the schema goes forward once, the workers there and back."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from polelens.stack.processes import Processes
from storage.archive import Photograph
from storage.database import migrate, newest, schema
from storage.progress import Progress, counted
from tests import models
from tests.earlier_code import EarlierCode, code_of
from tests.live_audits import Bench, pictures, png

BEFORE = "7c094e55c3b44bf512aebd1a0f0ae784d57f5d8a"  # the oldest version that this one's workers may give way to again
PHOTOGRAPHS = 8
DID = re.compile(r" (prepare|infer|reduce) [0-9 ]+: [0-9.]+ s")  # a line of the log


@pytest.fixture
def previous(empty_database_url: str, broker_url: str, tmp_path: Path) -> EarlierCode:
    """The version before, and the database that it has made."""
    (tmp_path / "code").mkdir()
    environment = {
        "DATABASE_URL": empty_database_url,
        "CELERY_BROKER_URL": broker_url,
        "POLELENS_BLOBS": str(tmp_path / "blobs"),
        "POLELENS_LEASE_SECONDS": "5",
        "POLELENS_PART_EVALUATIONS": "200",
    }
    old = EarlierCode(code_of(BEFORE, tmp_path / "code"), environment)
    old.python("-m", "polelens", "migrate")
    return old


@pytest.fixture
def bench(previous: EarlierCode, tmp_path: Path) -> Iterator[Bench]:
    """A bench on that database."""
    bench = Bench(dict(previous.environment), Processes(tmp_path / "workers"))
    yield bench
    bench.close()


def test_audits_go_through_an_upgrade_and_its_rollback(bench: Bench, previous: EarlierCode) -> None:
    """One begun by the old version goes on under it on the new schema; one that both work at, it ends alone."""
    url = previous.environment["DATABASE_URL"]
    model = bench.model(models.uneven(), "yes", "no")
    for number, pixels in enumerate(pictures(PHOTOGRAPHS, seed=12)):
        bench.archive.add(Photograph(f"rolled/{number}.png", png(pixels)))
    old = previous.worker(bench.processes, "old")
    first = _start(previous, 1_500)  # of which some are left when its command has ended
    bench.ask("produce")
    assert _begun(bench, first).remaining > 0
    before = schema(url)
    migrate(url)
    assert schema(url) == newest(url) != before
    bench.wait(first)

    [new] = bench.workers(1)
    second = _start(previous, 96)
    bench.wait(second, until=lambda _: bool(DID.search(new.log())))
    new.stop()
    bench.wait(second)
    assert old.running
    for number in (first, second):
        progress = bench.audits.progress(number)
        assert (progress.done, progress.failed) == (PHOTOGRAPHS, 0)
        bench.assert_undisturbed(number, model, bench.audits.get(number).recipe)

    with pytest.raises(AssertionError, match=r"(?s)^(?!.*Traceback).*polelens doctor"):
        previous.polelens("migrate")  # the schema does not go back
    assert schema(url) == newest(url)


def _begun(bench: Bench, number: int) -> Progress:
    """How far an audit is once something of it is done, by what the schema before has, too."""
    for _ in range(600):
        with bench.audits.engine.begin() as c:
            progress = counted(c, number)
        if progress.done:
            return progress
        time.sleep(0.1)
    raise AssertionError(progress)


def _start(code: EarlierCode, samples: int) -> int:
    """Start an audit as the old version's command line does."""
    return int(json.loads(code.polelens("audit", "start", "planted", "--samples", samples, "--json"))["audit"])
