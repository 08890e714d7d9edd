"""The GPU kept busy: perturbations a second on one device."""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from onnxruntime import InferenceSession, OrtValue

from benchmarks.bare import pictures
from benchmarks.machine import has_cuda
from benchmarks.pairs import PAIRS, alternate, clocked
from benchmarks.row import NotHere, Row
from benchmarks.subjects import model, photographs
from pipeline.explain import explain
from pipeline.methods import explainer
from pipeline.model.blackbox import BlackBox
from pipeline.model.precision import CPU, CUDA, F16, F32, Precision, Unprovided, options
from pipeline.model.session import open_session
from pipeline.recipes import recipe
from pipeline.scene.scene import Scene
from pipeline.staging import stage

DEVICE, PROVIDERS = "cuda", (CUDA, CPU)
BATCHES = (16, 32, 64, 128, 256)
AT_ONCE = 2  # photographs under way, as with `-c 2`

ROW = Row(
    "gpu",
    "perturbations a second with the model on one GPU, one process",
    "bare ONNX Runtime with its inputs on the device already, same batch",
    0.9,
)


def measure(quick: bool) -> Row:
    """The bare loop's seconds over ours; and what else could be done, or is."""
    if not has_cuda():
        raise NotHere("there is no GPU here that ONNX Runtime could use")
    evaluations, pairs, batch = (256, 1, 64) if quick else (16_384, PAIRS, _best_batch())
    scene = stage(photographs(1)[0], model().profile, recipe("default"))
    masks = np.random.Generator(np.random.Philox(0)).random((evaluations, scene.k)) < 0.5
    box = _warm(scene, masks[:batch])
    bare = _bare(_session(), evaluations, batch)
    timed = alternate(clocked(partial(box.scores, scene, masks)), clocked(bare), pairs)
    ours, theirs = (evaluations / seconds for seconds in timed.medians)
    told = {
        "one_in_flight": _rate(evaluations, partial(_one_by_one, box, scene, masks)),
        "f16": _or_reason(partial(_in_f16, box, scene, masks)),
        "bare_with_cuda_graph": _or_reason(lambda: _rate(evaluations, _bare(_with_graph(), evaluations, batch))),
        "explanations": _explanations(box, 1 if quick else 4),
    }
    return ROW.measured(
        timed.speedup,
        timed.to_json() | {"evaluations": evaluations, "batch": batch, "model": model().name} | told,
        f"{model().name} answers {ours:,.0f} perturbations a second in batches of {batch}, masks made and scores "
        f"brought back; ONNX Runtime alone, its input on the device and its output left there, {theirs:,.0f}. Whole "
        f"explanations of photographs that are decoded, {AT_ONCE} under way, ask {told['explanations']['rate']:,.0f}.",
    )


def _warm(scene: Scene, masks: np.ndarray, precision: Precision = F32) -> BlackBox:
    """A black box with a batch as large as these; its kernels are chosen, and the scene is on the device."""
    box = BlackBox(model(), providers=PROVIDERS, batch=len(masks), precision=precision)
    box.scores(scene, masks)
    return box


def _one_by_one(box: BlackBox, scene: Scene, masks: np.ndarray) -> None:
    """Each batch when the one before is back."""
    for start in range(0, len(masks), box.batch):
        box.scores(scene, masks[start : start + box.batch])


def _in_f16(box: BlackBox, scene: Scene, masks: np.ndarray) -> dict[str, float]:
    """The rate in float16, and by how much it moves a score at most."""
    half = _warm(scene, masks[: box.batch], F16)
    rate = _rate(len(masks), partial(half.scores, scene, masks))
    return {"rate": rate, "largest_change": float(np.abs(half.scores(scene, masks) - box.scores(scene, masks)).max())}


def _explanations(box: BlackBox, number: int) -> dict[str, float]:
    """Whole explanations as an audit makes them, without services: evaluations a second, and photographs a second."""
    made = recipe("default")
    asking = explainer(made, model().labels)

    def explained(photograph: np.ndarray) -> int:
        return explain(stage(photograph, model().profile, made), asking, box.scores).evaluations

    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked: list[int] = []
        seconds = clocked(lambda: asked.extend(pool.map(explained, photographs(number))))()
    return {"rate": round(sum(asked) / seconds, 1), "photographs_a_second": round(number / seconds, 3)}


def _session() -> InferenceSession:
    return open_session(model().onnx, providers=PROVIDERS)


def _with_graph() -> InferenceSession:
    """The same, its kernels launched as one graph: whether that would pay."""
    told = options(CUDA, 1, F32) | {"enable_cuda_graph": "1"}
    session = InferenceSession(model().onnx, providers=[(CUDA, told), CPU], enable_fallback=0)
    if CUDA not in session.get_providers():
        raise Unprovided(f"{CUDA} is not here, or did not start")
    return session


def _bare(session: InferenceSession, evaluations: int, batch: int) -> Callable[[], None]:
    """A loop over one batch, its input and its output at fixed places on the device."""
    [entry], [answer] = session.get_inputs(), session.get_outputs()
    binding, noise = session.io_binding(), pictures(batch, (model().profile.height, model().profile.width))
    binding.bind_ortvalue_input(entry.name, OrtValue.ortvalue_from_numpy(noise, DEVICE, 0))
    place = OrtValue.ortvalue_from_shape_and_type([batch, len(model().labels)], np.float32, DEVICE, 0)
    binding.bind_ortvalue_output(answer.name, place)

    def loop(runs: int = math.ceil(evaluations / batch)) -> None:
        for _ in range(runs):
            session.run_with_iobinding(binding)
        binding.synchronize_outputs()

    loop(2)
    return loop


def _best_batch() -> int:
    """The batch at which the bare loop is fastest."""
    session = _session()
    return max(BATCHES, key=lambda batch: max(_rate(2048, _bare(session, 2048, batch)) for _ in range(3)))


def _rate(evaluations: int, way: Callable[[], object]) -> float:
    return round(evaluations / clocked(way)(), 1)


def _or_reason(way: Callable[[], Any]) -> Any:
    """What is measured, or why it cannot be: not all of it is for every network and device."""
    try:
        return way()
    except Exception as error:  # onnxruntime's errors share no nearer ancestor
        return str(error).strip().splitlines()[0]
