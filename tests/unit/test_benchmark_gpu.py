"""The row gpu: a processor plays the device, so that the day one is lent is not the first on which it runs."""

import numpy as np
import pytest

from benchmarks import gpu
from benchmarks.row import NotHere
from pipeline.model.precision import CPU
from tests.insides import read
from tests.models import additive


def test_all_of_it_is_measured_and_what_cannot_be_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures mean nothing; the way to them is the same."""
    model = read(additive(np.full((32, 32), 0.9 / 3072 / 255)), "a", "b")
    for name, value in {"DEVICE": "cpu", "PROVIDERS": ("AzureExecutionProvider", CPU)}.items():
        monkeypatch.setattr(gpu, name, value)
    monkeypatch.setattr(gpu, "has_cuda", lambda: True)
    monkeypatch.setattr(gpu, "model", lambda: model)
    row = gpu.measure(quick=True)
    assert row.value is not None
    assert row.value > 0
    assert row.figures["one_in_flight"] > 0
    assert row.figures["explanations"]["rate"] > row.figures["explanations"]["photographs_a_second"] > 0
    assert "does not compute in f16" in row.figures["f16"]
    assert "CUDAExecutionProvider" in row.figures["bare_with_cuda_graph"]


def test_without_a_device_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """And that is said."""
    monkeypatch.setattr(gpu, "has_cuda", lambda: False)
    with pytest.raises(NotHere, match="there is no GPU"):
        gpu.measure(quick=True)
