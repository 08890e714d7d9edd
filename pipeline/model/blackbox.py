"""The black box: masks in, scores out."""

from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession, OrtValue

from pipeline.model.graft import ACROSS, CANVAS, CELLS, COLUMNS, DOWN, FILL, MASK, ROWS, SEGMENTS, graft
from pipeline.model.model import Model
from pipeline.model.session import CPU, open_session
from pipeline.scene.scene import Scene

MOST = 4096  # masks at once: 2.5 GB of input at 224x224
SLACK = 1e-3  # float16 softmaxes overshoot 1 by a little
Mask = NDArray[np.bool_] | NDArray[np.float32]


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
        batches are faster, as they stay in its cache; `pipeline.model.pace` finds the best one.
    """

    def __init__(self, model: Model, *, threads: int = 1, providers: Sequence[str] = (CPU,), batch: int = 8) -> None:
        self.labels = model.labels
        self._profile = model.profile
        self._most = MOST if model.batch else 1
        self.batch = batch
        self.provider = providers[0]
        self._network = model.onnx
        self._open = partial(open_session, threads=threads, providers=providers)
        self._session = self._open(graft(model.onnx))
        self._pad = (
            providers[0] != CPU
        )  # a GPU tunes its kernels for each new shape: a short last batch would cost more
        self._device = "cuda" if providers[0] == "CUDAExecutionProvider" else "cpu"
        self._last: tuple[Scene, dict[str, OrtValue]] | None = None

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
        pictures, starts = self._pictures(scene), range(0, len(masks), self._batch)
        parts = [self._run(scene, pictures, masks[start : start + self._batch]) for start in starts]
        return np.concatenate(parts) if parts else np.empty((0, len(self.labels)), np.float32)

    def _run(self, scene: Scene, pictures: dict[str, OrtValue], rows: Mask) -> NDArray[np.float32]:
        short = self._batch - len(rows) if self._pad else 0
        padded = np.pad(rows, ((0, short), (0, 0)))
        switches = _switches(scene, padded).items()
        masks = {name: OrtValue.ortvalue_from_numpy(array, "cpu", 0) for name, array in switches}
        session = self._soft if scene.lattice else self._session
        (answer,) = session.run_with_ort_values(None, pictures | masks)
        return np.asarray(answer.numpy(), np.float32).reshape(len(padded), -1)[: len(rows)]

    @cached_property
    def _soft(self) -> InferenceSession:
        """The network behind soft regions, which few methods have: it is opened when it is first asked."""
        return self._open(graft(self._network, soft=True))

    def _pictures(self, scene: Scene) -> dict[str, OrtValue]:
        """The scene's tensors, on the device; kept for the last scene, since its masks come in many parts."""
        last = self._last  # another thread may replace it
        if last is None or last[0] is not scene:
            last = self._last = (scene, self._upload(scene))
        return last[1]

    def _upload(self, scene: Scene) -> dict[str, OrtValue]:
        size = self._profile.height, self._profile.width
        if scene.segments.shape != size:
            raise ValueError(f"the scene is {scene.segments.shape} pixels, the model's profile says {size}")
        arrays = {
            **_regions(scene),
            CANVAS: self._profile.tensor(scene.canvas)[None],
            FILL: self._profile.tensor(scene.fill)[None],
        }
        return {name: OrtValue.ortvalue_from_numpy(array, self._device, 0) for name, array in arrays.items()}


def _regions(scene: Scene) -> dict[str, NDArray[np.generic]]:
    """Where the regions of a scene are, as its grafted network takes them."""
    if scene.lattice is None:
        return {SEGMENTS: scene.segments.astype(np.int64)}
    rows, columns = (scene.lattice.stretches(length) for length in scene.segments.shape)
    return {ROWS: rows, COLUMNS: np.ascontiguousarray(columns.swapaxes(1, 2))}


def _switches(scene: Scene, masks: NDArray[Any]) -> dict[str, NDArray[np.generic]]:
    """Which of its regions are on."""
    if scene.lattice is None:
        return {MASK: masks.astype(np.float32)}
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
