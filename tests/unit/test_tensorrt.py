"""TensorRT, as far as it goes without one: what it is told, and when it is refused."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.conversation.looks import Whole
from pipeline.conversation.reading import Reading
from pipeline.model.inside import Inside
from pipeline.model.precision import CPU, TENSORRT, Unprovided
from pipeline.model.tensorrt import CACHES, TF32, engines, options, refuse_rounding
from tests import models
from tests.insides import read, scene


@pytest.fixture(autouse=True)
def caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of caches of the test's own."""
    monkeypatch.setenv(CACHES, str(tmp_path))
    return tmp_path


def test_it_is_refused_where_it_would_round_float32_of_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """By whatever is not the one value that forbids it."""
    for value in (None, "", "1"):
        monkeypatch.delenv(TF32, raising=False)
        if value is not None:
            monkeypatch.setenv(TF32, value)
        with pytest.raises(Unprovided, match=f"{TENSORRT} rounds what it multiplies .*; set {TF32}=0 before"):
            refuse_rounding()
    monkeypatch.setenv(TF32, "0")
    refuse_rounding()


def test_engines_of_two_networks_lie_apart_though_their_graphs_are_alike(caches: Path) -> None:
    """Inside the folder of caches, where nobody else writes; the same network finds its own again."""
    one, other = (Path(options(file, "f32")["trt_engine_cache_path"]) for file in (b"weights of May", b"of June"))
    assert one != other
    assert one == engines(b"weights of May")
    assert one.is_relative_to(caches / "polelens")
    assert one.stat().st_mode & 0o077 == 0


def test_float16_is_for_whom_asked_for_it() -> None:
    """A precision below float32 is never silent."""
    assert [options(b"", one)["trt_fp16_enable"] for one in ("f32", "f16")] == ["0", "1"]  # type: ignore[arg-type]


def test_what_is_read_of_the_inside_is_read_by_other_kernels() -> None:
    """ONNX Runtime's own, so that none of its engines is compiled for a gradient: this runs where there is none."""
    model, reading = read(models.uneven(), "a", "b"), Reading("gradient", (0,), "logit")
    found, expected = (
        Inside(model, providers=one).read(scene(), reading, Whole().rows(0, 1)) for one in ((TENSORRT, CPU), (CPU,))
    )
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * np.abs(expected).max())
