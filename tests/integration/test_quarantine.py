"""A stranger's model takes no more than itself along: memory, time, a crash, and no password in its reach."""

import dataclasses
import os
from pathlib import Path

import pytest

from pipeline.model.admission import read_model
from pipeline.model.model import ModelRefused, Said
from polelens import quarantine
from polelens.inputs import model_file
from polelens.quarantine import model_within
from storage.settings import Limits
from tests import corpus, models

FEW = Limits(model_gigabytes=4, model_seconds=60)


def _read(data: bytes, limits: Limits = FEW, labels: tuple[str, ...] | None = ("yes", "no")) -> object:
    return model_within(limits, data, name="stranger", said=Said(labels))


def test_a_good_model_is_what_it_would_be_without_limits() -> None:
    """To the byte."""
    data = models.custom_vision_zip(properties=models.preprocess_properties(models.COMPACT))
    read = _read(data, labels=None)
    assert dataclasses.asdict(read) == dataclasses.asdict(read_model(data, name="stranger"))  # type: ignore[call-overload]
    assert _read(corpus.counting(3))


def test_a_model_that_never_ends_is_refused() -> None:
    """When its time is over, with the setting that gives it more."""
    with pytest.raises(ModelRefused, match=r"more than 3 seconds; .* raise POLELENS_MODEL_SECONDS"):
        _read(corpus.counting(2**62), Limits(model_seconds=3))


def test_a_model_that_takes_all_memory_is_refused(tmp_path: Path) -> None:
    """One sentence, whoever notices first: Python, ONNX Runtime, or the kernel."""
    little = Limits(model_gigabytes=2, model_seconds=60)
    with pytest.raises(ModelRefused, match=r"memory|alloc|GIGABYTES") as refused:
        _read(corpus.counting(60, growing=True), little)
    assert "\n" not in str(refused.value)
    (tmp_path / "model").touch()
    os.truncate(tmp_path / "model", 2**40)  # a hole: it takes no room on the disk
    with pytest.raises(ModelRefused, match="1,099,511,627,776 bytes, and ONNX ends at"):
        model_file(tmp_path / "model")


def test_a_million_nodes_are_read_or_refused_in_time() -> None:
    """A tenth of them here; whichever it is, it does not take longer than it may."""
    with pytest.raises(ModelRefused, match=r"more than 2 seconds|onnxruntime|ended"):
        _read(corpus.long_chain(100_000), Limits(model_seconds=2))


def test_a_refusal_says_what_it_says_without_limits() -> None:
    """Of the model, of the profile."""
    with pytest.raises(ModelRefused, match="3 labels for 2 outputs"):
        _read(corpus.counting(3), labels=("a", "b", "c"))
    with pytest.raises(ValueError, match="unknown field sise"):
        model_within(FEW, corpus.counting(3), name="x", said=Said(profile={"size": 32, "sise": 1}))


def test_a_process_that_crashes_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As onnxruntime may, on a file that nobody has foreseen."""
    (tmp_path / "onnx.py").write_text("import os; os.abort()")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModelRefused, match=r"tried the model ended \(SIGABRT\)"):
        _read(corpus.counting(3))


def test_the_process_knows_no_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has read a stranger's file has none to give away."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:secret@host/db")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    (tmp_path / "onnx.py").write_text(f"import os; open({str(tmp_path / 'seen')!r}, 'w').write(str(os.environ)); 1/0")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModelRefused):
        _read(corpus.counting(3))
    assert "secret" not in (tmp_path / "seen").read_text()
    assert set(quarantine.KEPT) & set(os.environ)
