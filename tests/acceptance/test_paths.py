"""The distributed path and the one without services give the same object."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from pipeline.methods import method
from pipeline.model.admission import read_model
from pipeline.recipes import RECIPES, recipe
from polelens.cli import main
from polelens.documents import explanation_document
from storage.archive import Photograph
from tests import models
from tests.live_audits import Bench, pictures, png


@pytest.mark.parametrize("asked", [*sorted(RECIPES), "default --thorough --denoise 0.5", "adaptive --denoise 0.5"])
def test_both_paths_give_the_same_numbers(shared_bench: Bench, tmp_path: Path, asked: str) -> None:
    """Image, model and recipe decide the document, within 1e-4, whichever way it was made."""
    zipped, photograph = models.custom_vision_zip(), png(_landscape())
    (tmp_path / "model.zip").write_bytes(zipped)
    (tmp_path / "pole.png").write_bytes(photograph)
    command = [
        "explain",
        str(tmp_path / "pole.png"),
        "--model",
        str(tmp_path / "model.zip"),
        "--recipe",
        *asked.split(),
    ]
    command += ["--label", "all", "--out", str(tmp_path / "out")]
    command += ["--samples", "96"] if "samples" in method(recipe(asked.split(maxsplit=1)[0])).uses else []
    done = CliRunner().invoke(main, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    alone = json.loads((tmp_path / "out/attribution.json").read_text())

    version, _ = shared_bench.registry.add(read_model(zipped, name="model"))
    shared_bench.archive.add(Photograph("paths/pole.png", photograph))
    number = shared_bench.audit(
        version, "paths/*", **{k: v for k, v in alone["recipe"].items() if k not in ("name", "digest")}
    )
    shared_bench.wait(number)
    [row] = shared_bench.results(number)
    together: dict[str, Any] = json.loads(json.dumps(explanation_document(shared_bench.audits.get(number), row)))

    assert together.pop("name") == "paths/pole.png"
    assert together["recipe"].pop("digest") == alone["recipe"].pop("digest")
    for one in (alone, together):  # what people call them may differ, and a file has no version
        one["recipe"].pop("name")
        one["model"].pop("version")
    assert_same(alone, together)


def assert_same(a: Any, b: Any) -> None:
    """The same JSON, numbers within 1e-4."""
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, list):
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            assert_same(one, other)
    elif isinstance(a, float):
        assert a == pytest.approx(b, abs=1e-4)
    else:
        assert a == b


def _landscape() -> np.ndarray:
    return np.repeat(pictures(1, size=64, seed=3)[0], 2, axis=1)
