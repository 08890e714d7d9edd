"""The soak's plan, and the page that lists what is promised."""

import json
import re
from itertools import islice
from pathlib import Path

from tests.chaos.kills import DEATHS
from tests.chaos.page import BEGIN, END, figures, write
from tests.chaos.registry import FAULTS
from tests.chaos.soak import Outcome, plan

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/reliability.md"


def test_a_seed_replays_the_faults() -> None:
    """The same faults in the same order, after the same pauses and with the same dice; another seed has another."""
    first, again, other = (
        [(one.fault, one.pause, one.dice.random()) for one in islice(plan(seed), 99)] for seed in (7, 7, 8)
    )
    assert first == again
    assert first != other


def test_every_fault_strikes_before_any_strikes_again() -> None:
    """All of them in some order, then all in another."""
    names = [one.fault.name for one in islice(plan(7), 2 * len(FAULTS))]
    assert sorted(names[: len(FAULTS)]) == sorted(names[len(FAULTS) :]) == sorted({fault.name for fault in FAULTS})


def test_a_soak_replaces_what_the_one_before_has_written(tmp_path: Path) -> None:
    """Between the two markers, and nothing else."""
    page, outcome = tmp_path / "page.md", Outcome(7, 60, audits=3)
    page.write_text(f"above\n{BEGIN}old\n{END}below\n")
    outcome.struck["a worker killed"] = 2
    outcome.recoveries["a worker killed"] = [0.25, 1.75]
    write(page, outcome)
    write(page, outcome)
    written = page.read_text()
    assert written.startswith(f"above\n{BEGIN}")
    assert written.endswith(f"{END}below\n")
    assert "old" not in written
    assert written.count("| a worker killed | 2 | 1.0 | 1.8 |") == 1
    assert "make chaos SECONDS=60 SEED=7" in written
    assert json.loads(json.dumps(figures(outcome)))["recoveries"] == {"a worker killed": [0.25, 1.75]}


def test_the_page_names_tests_that_exist_and_every_fault() -> None:
    """A promise whose test is gone is none."""
    promised = PAGE.read_text().partition(BEGIN)[0]
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", promised)
    assert named
    for path, test in named:
        assert f"\ndef {test}(" in (ROOT / path).read_text(), f"{path}::{test}"
    assert [fault.name for fault in FAULTS if fault not in DEATHS and fault.name not in promised] == []
