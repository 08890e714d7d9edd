"""The GPU kept busy: perturbations a second on one device."""

import math
from collections.abc import Callable

import numpy as np
from onnxruntime import InferenceSession, OrtValue

from benchmarks.bare import pictures
from benchmarks.machine import has_cuda
from benchmarks.pairs import PAIRS, alternate, clocked
from benchmarks.row import NotHere, Row
from benchmarks.subjects import model, photographs
from pipeline.model.blackbox import BlackBox
from pipeline.model.session import open_session
from pipeline.recipes import recipe
from pipeline.staging import stage

PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")
BATCHES = (16, 32, 64, 128, 256)

ROW = Row(
    "gpu",
    "perturbations a second with the model on one GPU, one process",
    "bare ONNX Runtime with its inputs on the device already, same batch",
    0.85,
)


def measure(quick: bool) -> Row:
    """The bare loop's seconds over ours."""
    if not has_cuda():
        raise NotHere("there is no GPU here that ONNX Runtime could use")
    evaluations, pairs, batch = (256, 1, 64) if quick else (16_384, PAIRS, _best_batch())
    timed = alternate(clocked(_ours(evaluations, batch)), clocked(_bare(evaluations, batch)), pairs)
    ours, theirs = (evaluations / seconds for seconds in timed.medians)
    return ROW.measured(
        timed.speedup,
        timed.to_json() | {"evaluations": evaluations, "batch": batch, "model": model().name},
        f"{model().name} answers {ours:,.0f} perturbations a second in batches of {batch}, masks made and scores "
        f"brought back; ONNX Runtime alone, its input on the device and its output left there, {theirs:,.0f}.",
    )


def _ours(evaluations: int, batch: int) -> Callable[[], object]:
    black_box = BlackBox(model(), providers=PROVIDERS, batch=batch)
    scene = stage(photographs(1)[0], model().profile, recipe("default"))
    masks = np.random.Generator(np.random.Philox(0)).random((evaluations, scene.k)) < 0.5
    black_box.scores(scene, masks[:batch])  # warm: the kernels are chosen, the scene is on the device
    return lambda: black_box.scores(scene, masks)


def _bare(evaluations: int, batch: int) -> Callable[[], object]:
    session: InferenceSession = open_session(model().onnx, providers=PROVIDERS)
    binding = session.io_binding()
    noise = pictures(batch, (model().profile.height, model().profile.width))
    there = OrtValue.ortvalue_from_numpy(noise, "cuda", 0)
    binding.bind_ortvalue_input(session.get_inputs()[0].name, there)
    binding.bind_output(session.get_outputs()[0].name, "cuda")

    def loop(runs: int = math.ceil(evaluations / batch)) -> None:
        for _ in range(runs):
            session.run_with_iobinding(binding)
        binding.synchronize_outputs()

    loop(2)
    return loop


def _best_batch() -> int:
    """The batch at which the bare loop is fastest."""
    return min(BATCHES, key=lambda batch: min(clocked(_bare(2048, batch))() for _ in range(3)))
