"""The benchmarks: every row runs at a size so small that its figure means nothing, and lands on the page."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import sizing
from benchmarks.__main__ import ROWS, main
from benchmarks.book import keep
from benchmarks.row import Row

ROW = Row("speed", "ours", "theirs", 0.9)


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_measured_and_written_down(name: str, tmp_path: Path) -> None:
    """With all that was measured on the way; or it says why it cannot be measured here."""
    done = CliRunner().invoke(main, [name, "--quick", "--out", str(tmp_path)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    told = json.loads((tmp_path / "benchmarks.json").read_text())
    assert list(told) == list(ROWS)
    row = told[name]
    if row["value"] is None:
        assert name in ("gpu", "anchors", "precision")
        reasons = ("there is no GPU", "it takes a plain .onnx file", "there is no build/openvino", "precision: ")
        assert row["sentence"].startswith(tuple(f"Not measured: {one}" for one in reasons))
    else:
        assert math.isfinite(row["value"])
        assert row["figures"]
        assert {"machine", "date", "versions"} <= row.keys()
    page = (tmp_path / "benchmarks.md").read_text()
    assert row["what"] in page
    assert row["sentence"] in page


def test_a_row_measured_alone_leaves_the_others_as_they_were(tmp_path: Path) -> None:
    """And what was never measured says so."""
    rows = [ROW, replace(ROW, name="size", at_least=False), replace(ROW, name="later")]
    keep(tmp_path, [rows[0].measured(0.95, {"n": 1}, "Fast.")], rows)
    keep(tmp_path, [rows[1].measured(0.95, {"n": 2}, "Large.")], rows)
    told = json.loads((tmp_path / "benchmarks.json").read_text())
    assert [(one["value"], one["reached"]) for one in told.values()] == [(0.95, True), (0.95, False), (None, None)]
    page = (tmp_path / "benchmarks.md").read_text()
    assert "| speed: ours | theirs | ≥ 0.9 | 0.95 | yes |" in page
    assert "| size: ours | theirs | ≤ 0.9 | 0.95 | **no** |" in page
    assert "| later: ours | theirs | ≥ 0.9 | not measured |  |" in page
    assert "**later**. Not measured: not yet run." in page


def test_a_row_that_could_not_be_measured_does_not_wipe_out_what_was(tmp_path: Path) -> None:
    """The page may come from two machines, of which one has a GPU."""
    keep(tmp_path, [ROW.measured(0.95, {"n": 1}, "Fast.")], [ROW])
    keep(tmp_path, [ROW.not_here("no GPU")], [ROW])
    assert json.loads((tmp_path / "benchmarks.json").read_text())["speed"]["value"] == 0.95


def test_what_a_row_says_of_itself_is_always_the_present_word(tmp_path: Path) -> None:
    """A figure measured before is held against the target of now."""
    keep(tmp_path, [ROW.measured(0.95, {"n": 1}, "Fast.")], [ROW])
    keep(tmp_path, [], [replace(ROW, what="ours, better", target=0.99)])
    assert "| speed: ours, better | theirs | ≥ 0.99 | 0.95 | **no** |" in (tmp_path / "benchmarks.md").read_text()


def test_every_row_stands_in_the_documents() -> None:
    """In the order of the page."""
    told = json.loads((Path(__file__).resolve().parents[2] / "docs/benchmarks.json").read_text())
    assert list(told) == list(ROWS)


def test_sizes_are_measured_and_written_between_their_marks(tmp_path: Path) -> None:
    """A recipe has its line; Postgres is killed and restored from a dump, and neither loses a photograph."""
    page = tmp_path / "sizing.md"
    page.write_text((Path(__file__).parents[2] / "docs/sizing.md").read_text())
    words = ["--quick", "--photographs", "2", "--recipe", "occlusion", "--page", str(page)]
    done = CliRunner().invoke(sizing.main, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    before, section = page.read_text().split(sizing.BEGIN)
    assert before.startswith("# Sizing\n")
    [line] = [one for one in section.splitlines() if one.startswith("| `")]
    assert line.startswith("| `occlusion` | ")
    assert "started again: 0 photographs lost" in section
    assert "Redis emptied: 0 lost" in section
    assert "## What may be lost" in section.split(sizing.END)[1]
