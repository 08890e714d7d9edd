"""The black box: masks in, scores out."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime import InferenceSession, OrtValue

from pipeline.model.composed import Composed
from pipeline.model.graft import ACROSS, CANVAS, CELLS, COLUMNS, DOWN, FILL, MASK, ROWS, SEGMENTS, graft
from pipeline.model.image_input import image_input
from pipeline.model.model import Model
from pipeline.model.precision import F32, ON_NVIDIA, ON_PROCESSOR, Precision
from pipeline.model.session import CPU, open_session
from pipeline.scene.scene import Scene

MOST = 4096  # masks at once: 2.5 GB of input at 224x224
# As ONNX Runtime's arena, CUDA, cuDNN and cuBLAS, TensorRT and C++ word it.
OUT_OF_MEMORY = (
    "Failed to allocate memory",
    "out of memory",
    "ALLOC_FAILED",
    "OutOfMemory",
    "bad_alloc",
    "bad allocation",
)
IN_FLIGHT = 2  # batches that a device is given at once
SLACK = 1e-3  # float16 softmaxes overshoot 1 by a little
Mask = NDArray[np.bool_] | NDArray[np.float32]
Made = TypeVar("Made")


class Latest(Generic[Made]):
    """What was last made of a scene, since a scene's masks come in many parts."""

    def __init__(self, make: Callable[[Scene], Made]) -> None:
        self._make = make
        self._last: tuple[Scene, Made] | None = None

    def __call__(self, scene: Scene) -> Made:
        """It, made anew where the scene is another."""
        last = self._last  # another thread may replace it
        if last is None or last[0] is not scene:
            last = self._last = (scene, self._make(scene))
        return last[1]


class UnusableScores(ValueError):
    """Scores that are no finite numbers in 0..1: one sentence that names the picture they are of, and the remedy."""


class BlackBox:
    """A classifier that is shown masks of a scene and answers with scores.

    Parameters
    ----------
    model : Model
    threads : int
        onnxruntime's threads within one operator.
    providers : sequence of str
        Execution providers, the preferred first; one that is missing is an error.
    batch : int
        Masks run at once. A model that can only take one picture at a time is given one at a time. On a CPU small
        batches are faster, as they stay in its cache; `pipeline.model.pace` finds the best one. Where they are too many
        for the memory they are halved, for good.
    precision : Precision
        What the preferred provider computes in; one that it cannot is an error.
    """

    def __init__(
        self,
        model: Model,
        *,
        threads: int = 1,
        providers: Sequence[str] = (CPU,),
        batch: int = 8,
        precision: Precision = F32,
    ) -> None:
        self.labels = model.labels
        self._profile = model.profile
        self._most = MOST if model.batch else 1
        self.batch = batch
        self.provider, self.precision = providers[0], precision
        self._network = model.onnx
        self._entry = image_input(onnx.load_from_string(model.onnx).graph)
        self._open = partial(open_session, threads=threads, providers=providers, precision=precision)
        # A processor is sent nothing, and pictures are composed in a third of the time that the graft takes there.
        self._outside = providers[0] in ON_PROCESSOR
        self._session = self._open(model.onnx if self._outside else graft(model.onnx, "bits"))
        self._device = "cuda" if providers[0] in ON_NVIDIA else "cpu"
        self._in_flight = ThreadPoolExecutor(IN_FLIGHT, "in-flight")  # which starts none before it is asked
        self._composed = Latest(partial(Composed.of, profile=model.profile, entry=self._entry))
        self._uploaded = Latest(self._upload)

    @property
    def batch(self) -> int:
        """Masks run at once."""
        return self._batch

    @batch.setter
    def batch(self, batch: int) -> None:
        if batch < 1:
            raise ValueError(f"batch is {batch}, expected at least 1")
        self._batch = min(batch, self._most)

    def scores(self, scene: Scene, masks: Mask) -> NDArray[np.float32]:
        """The model's scores for perturbed pictures of one scene.

        Parameters
        ----------
        scene : Scene
            Its canvas has the size of the model's profile.
        masks : bool or float32 [n, k]
            Where a superpixel is on (True, 1) its canvas shows, where it is off its fill; values between blend. Of soft
            regions bits only: see `pipeline.scene.lattice`.

        Returns
        -------
        float32 [n, c], columns in the order of `labels`.

        Raises
        ------
        ValueError
            If the masks have not one column for each superpixel, or the canvas has not the network's size.
        UnusableScores
            If a score is no finite number, or none in 0..1.
        """
        scores = self.answers(scene, masks)
        with np.errstate(invalid="ignore"):
            wrong = np.argwhere(~((scores >= -SLACK) & (scores <= 1 + SLACK)))
        if len(wrong):
            row, column = wrong[0]
            raise UnusableScores(_unusable(np.asarray(masks[row]), self.labels[column], float(scores[row, column])))
        return scores

    def answers(self, scene: Scene, masks: Mask) -> NDArray[np.float32]:
        """The same whatever the numbers are."""
        if masks.ndim != 2 or masks.shape[1] != scene.k:
            raise ValueError(f"masks have the shape {masks.shape}, expected [n, {scene.k}]: one column a superpixel")
        while True:
            try:
                return self._answers(scene, masks)
            except Exception as error:  # onnxruntime's errors share no nearer ancestor
                if self._batch == 1 or not _out_of_memory(error):
                    raise
            self.batch = self._batch // 2  # and so it stays: who else is on the device may stay, too

    def _answers(self, scene: Scene, masks: Mask) -> NDArray[np.float32]:
        """The same in batches of the present size, in their order."""
        self._check(scene)
        bits = masks.dtype == np.bool_ and scene.lattice is None
        if self._outside and bits:
            pictures = self._composed(scene).batches(masks.astype(np.bool_, copy=False), self._batch)
            parts = list(map(self._run_composed, pictures))
        else:
            session = self._session if bits else self._soft if scene.lattice else self._blended
            parts = self._grafted(session, scene, masks)
        return np.concatenate(parts) if parts else np.empty((0, len(self.labels)), np.float32)

    def _grafted(self, session: InferenceSession, scene: Scene, masks: Mask) -> list[NDArray[np.float32]]:
        """The answers of a network that is sent masks.

        On a device two are under way: while it answers one, the next one's masks go there and the scores of the one
        before come back. The first goes alone, for with it kernels are chosen by what they take.
        """
        size = self._batch
        # A GPU tunes its kernels for each new shape: a short last batch would cost more.
        answer = partial(self._run_grafted, session, scene, self._uploaded(scene), 0 if self._outside else size)
        batches = [masks[start : start + size] for start in range(0, len(masks), size)]
        alone = len(batches) if self._outside else 1
        return [*map(answer, batches[:alone]), *self._two_at_a_time(answer, batches[alone:])]

    def _two_at_a_time(self, answer: Callable[[Mask], Made], batches: Sequence[Mask]) -> list[Made]:
        """Answers in the order of the batches. An error leaves none under way: a smaller batch needs its memory."""
        asked = [self._in_flight.submit(answer, batch) for batch in batches]
        try:
            return [one.result() for one in asked]
        finally:
            for one in asked:
                one.cancel()
            wait(asked)

    def profiled(self, scene: Scene, masks: Mask, folder: Path) -> Path:
        """Run a batch twice in a session of its own; ONNX Runtime's account of it, a JSON file in this folder."""
        shown = masks.astype(np.float32) if self._outside else masks
        session = self._open(graft(self._network, "shares" if self._outside else "bits"), profile=folder)
        for _ in range(2):
            session.run_with_ort_values(None, self._uploaded(scene) | _sent(scene, shown))
        return Path(session.end_profiling())

    def _run_composed(self, pictures: NDArray[Any]) -> NDArray[np.float32]:
        (answer,) = self._session.run(None, {self._entry.name: pictures})
        return np.asarray(answer, np.float32).reshape(len(pictures), -1)

    def _run_grafted(
        self, session: InferenceSession, scene: Scene, pictures: dict[str, OrtValue], least: int, rows: Mask
    ) -> NDArray[np.float32]:
        padded = np.pad(rows, ((0, max(0, least - len(rows))), (0, 0)))
        (answer,) = session.run_with_ort_values(None, pictures | _sent(scene, padded))
        return np.asarray(answer.numpy(), np.float32).reshape(len(padded), -1)[: len(rows)]

    @cached_property
    def _blended(self) -> InferenceSession:
        """The network behind masks that blend, which few methods have."""
        return self._open(graft(self._network))

    @cached_property
    def _soft(self) -> InferenceSession:
        """The network behind soft regions, which few methods have: it is opened when it is first asked."""
        return self._open(graft(self._network, "cells"))

    def _check(self, scene: Scene) -> None:
        size = self._profile.height, self._profile.width
        if scene.segments.shape != size:
            raise ValueError(f"the scene is {scene.segments.shape} pixels, the model's profile says {size}")

    def _upload(self, scene: Scene) -> dict[str, OrtValue]:
        """The scene's tensors, on the device."""
        arrays = {
            **_regions(scene),
            CANVAS: self._profile.tensor(scene.canvas)[None],
            FILL: self._profile.tensor(scene.fill)[None],
        }
        return {name: OrtValue.ortvalue_from_numpy(array, self._device, 0) for name, array in arrays.items()}


def _out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or any(words in str(error) for words in OUT_OF_MEMORY)


def _regions(scene: Scene) -> dict[str, NDArray[np.generic]]:
    """Where the regions of a scene are, as its grafted network takes them."""
    if scene.lattice is None:
        return {SEGMENTS: scene.segments.astype(np.int64)}
    rows, columns = (scene.lattice.stretches(length) for length in scene.segments.shape)
    return {ROWS: rows, COLUMNS: np.ascontiguousarray(columns.swapaxes(1, 2))}


def _sent(scene: Scene, masks: NDArray[Any]) -> dict[str, OrtValue]:
    """Masks as ONNX Runtime takes them; where the network is on a device it copies them there."""
    return {name: OrtValue.ortvalue_from_numpy(one, "cpu", 0) for name, one in _switches(scene, masks).items()}


def _switches(scene: Scene, masks: NDArray[Any]) -> dict[str, NDArray[np.generic]]:
    """Which of its regions are on: bits as they are, a byte each, other numbers as shares."""
    if scene.lattice is None:
        return {MASK: masks if masks.dtype == np.bool_ else masks.astype(np.float32)}
    bits = masks.astype(np.bool_)
    down, across = scene.lattice.shifts(bits, scene.segments.shape)
    return {CELLS: scene.lattice.grids(bits), DOWN: down, ACROSS: across}


def _unusable(mask: NDArray[np.generic], label: str, score: float) -> str:
    """What is wrong with a score, of which picture, and what to do."""
    if mask.all():
        picture, remedy = "the photograph itself", "leave the photograph out, or mend the model"
    else:
        shown = f"with {np.count_nonzero(mask)} of its {len(mask)} superpixels shown"
        picture = f"the photograph {shown}" if mask.any() else "the bare fill, all superpixels hidden"
        remedy = "take another fill, such as --set fill=blur, or mend the model"
    if np.isfinite(score):
        remedy = "register the model again with --activation softmax or sigmoid"
        return f"the model gives {label} {score:.4g} for {picture}, which is no probability in 0..1; {remedy}"
    return f"the model gives {label} {score} for {picture}, as if it divided by 0 or overflowed; {remedy}"
