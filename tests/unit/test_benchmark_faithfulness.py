"""The comparison with random orders: what is surely better than chance wins, and what is no better is named."""

from pathlib import Path

import numpy as np
from click.testing import CliRunner, Result

from benchmarks.faithfulness import main
from tests import models


def test_an_additive_model_beats_every_order(tmp_path: Path) -> None:
    """Its best order is that of its weights: no random one is better, on either curve."""
    shape = np.random.default_rng(0).normal(size=(32, 32))
    result = _run(tmp_path, models.additive(shape * 0.4 / np.abs(shape).sum() / 3, bias=0.5), "yes\nno")
    assert result.exit_code == 0, result.output
    assert "27 and 27 of 27" in result.output
    assert "rocket" in result.output


def test_where_no_order_is_better_nobody_wins(tmp_path: Path) -> None:
    """A constant model has no best order: the photograph is named and the status is 1."""
    result = _run(tmp_path, models.constant(), "a\nb\nc")
    assert result.exit_code == 1
    assert "0 and 0 of 27" in result.output
    assert "not better than chance on both curves: rocket" in result.output


def _run(folder: Path, model: bytes, labels: str) -> Result:
    (folder / "net.onnx").write_bytes(model)
    (folder / "labels.txt").write_text(labels)
    (folder / "profile.json").write_text('{"mean": 0, "scale": 255}')
    words = (folder / "net.onnx", "--labels", folder / "labels.txt", "--profile", folder / "profile.json")
    return CliRunner(env={"COLUMNS": "200"}).invoke(main, [*map(str, words), "--photograph", "rocket"])
