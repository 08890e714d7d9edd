"""The inside of a network: gradients and feature maps, read in ONNX Runtime from the same file as the scores.

Beside `BlackBox`, which only ever sees pictures in and scores out. Nothing is opened before it is read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession

from pipeline.conversation.looks import Rows, Whole
from pipeline.conversation.reading import Kind, Reading
from pipeline.model import class_maps
from pipeline.model.backward import SEED, gradient_of
from pipeline.model.class_maps import Maps, Tail
from pipeline.model.graft import CANVAS, FILL, MASK, SEGMENTS
from pipeline.model.interior import PICTURE, Interior
from pipeline.model.lrp import LEDGER, RELEVANCE
from pipeline.model.model import Model
from pipeline.model.precision import ON_PROCESSOR, OPENVINO, TENSORRT
from pipeline.model.session import CPU, open_session
from pipeline.scene.scene import Scene

Array = NDArray[np.float32]
Feeds = Mapping[str, NDArray[Any]]

COMPOSITE = "epsilon-plus-flat"  # by which relevance is tried; what one refuses the others refuse
ELSEWHERE = 8  # pictures at once
BY_TAIL: Mapping[Kind, Callable[[Maps, Tail], Maps]] = {
    "cam": class_maps.cam,
    "recipro-cam": class_maps.reciprocam,
    "ablation-cam": class_maps.ablation_cam,
}
AT_LAYER: Mapping[Kind, Callable[[Maps, Maps], Maps]] = {
    "grad-cam": class_maps.grad_cam,
    "grad-cam++": class_maps.grad_cam_plus_plus,
}


class Inside:
    """A classifier's network, asked for what is inside it.

    Parameters
    ----------
    model : Model
    threads, providers : as of `BlackBox`
    batch : int or None
        Pictures whose gradients are asked at once; None is one on a processor and eight elsewhere. A processor is
        fastest with one: what each layer gave is kept until the way back, and several are more than its caches take.
    """

    def __init__(
        self, model: Model, *, threads: int = 1, providers: Sequence[str] = (CPU,), batch: int | None = None
    ) -> None:
        self.interior = Interior(model)
        self._model = model
        self._open = partial(open_session, threads=threads, providers=_exact(providers))
        self._sessions: dict[tuple[str, ...], InferenceSession] = {}
        self._pad = providers[0] not in ON_PROCESSOR
        self.batch = batch or (1 if providers[0] in ON_PROCESSOR else ELSEWHERE)

    @property
    def batch(self) -> int:
        """Pictures run at once."""
        return self._batch

    @batch.setter
    def batch(self, batch: int) -> None:
        self._batch = batch if self._model.batch else 1

    def read(self, scene: Scene, reading: Reading, rows: Rows) -> Array:
        """What is read of some rows of a look at a scene, summed with their shares, in one row of numbers.

        Parameters
        ----------
        scene : Scene
            Its canvas has the size of the model's profile.
        reading : Reading
        rows : Rows

        Returns
        -------
        float32 [width]
            Of `gradient`: for each column the gradient times (canvas - fill), summed over channels, [columns, h, w]
            flattened; noise is on what the gradient is taken at, and on nothing else. Of class activation maps:
            height, width and the maps, [columns, height, width] flattened. Of `lrp`: for each column the relevance,
            summed over channels, [h, w] flattened, and its ledger [4].

        Raises
        ------
        ValueError
            If there is no such layer; `pipeline.model.backward.NoRule` if an operator has no gradient.
        """
        if reading.kind == "gradient":
            change = self._tensor(scene.canvas) - self._tensor(scene.fill)
            gradients = [self._gradient(scene, reading, rows, column) for column in reading.columns]
            return np.concatenate([(one * change).sum(axis=0).ravel() for one in gradients])
        if reading.kind == "lrp":
            return np.concatenate([self._relevance(scene, reading, rows, column) for column in reading.columns])
        maps = [self._maps(feeds, reading) for feeds in self._feeds(scene, rows, 1)]
        told = [np.concatenate([np.array(one.shape[1:], np.float32), one.ravel()]) for one in maps]
        return np.asarray(rows.shares @ np.stack(told), np.float32)

    @property
    def layer(self) -> str | None:
        """The last tensor with a spatial extent; None where there is none, as in a transformer."""
        return self.interior.anatomy.layer

    def facts(self) -> dict[str, Any]:
        """What it can be asked, tried: `layer` of maps, `exact_cam`; why `no_gradient`, `no_relevance`, else null."""
        try:
            found = self.interior.anatomy
        except ValueError as error:
            return {"layer": None, "exact_cam": False, "no_gradient": str(error), "no_relevance": str(error)}
        maps = {"layer": found.layer, "exact_cam": found.exact_cam}
        return maps | {"no_gradient": self._no_gradient(), "no_relevance": self._no_relevance()}

    def _no_relevance(self) -> str | None:
        """Why no relevance can be handed back, if so."""
        try:
            self.interior.refuse(Reading("lrp", (0,), "logit", composite=COMPOSITE))
        except ValueError as error:
            return str(error).partition(";")[0]
        return None

    def _no_gradient(self) -> str | None:
        """Why there is no gradient, if there is none; it is taken of a picture of noise."""
        try:
            reading = Reading("gradient", (0,), "logit")
            if lacking := self.interior.anatomy.without_rule:
                return f"no gradient, for there is none for its {', '.join(lacking)}"
            profile = self._model.profile
            pictures = np.random.Generator(np.random.Philox(0)).integers(0, 256, (2, profile.height, profile.width, 3))
            canvas, fill = pictures.astype(np.uint8)
            found = self.read(Scene(canvas, np.zeros(canvas.shape[:2], np.int32), fill), reading, Whole().rows(0, 1))
        except Exception as error:  # onnxruntime's errors share no nearer ancestor
            return str(error).strip().splitlines()[0]
        return None if np.isfinite(found).all() else "its gradient of a picture of noise is not finite"

    def _gradient(self, scene: Scene, reading: Reading, rows: Rows, column: int) -> Array:
        """The sum over the rows of share times gradient of one label with respect to the picture, [c, h, w]."""
        session = self._session(self.interior.gradient, self.interior.of(reading.of))
        batch, total, start = 1 if rows.noise else self._batch, np.zeros(0, np.float32), 0
        for feeds in self._feeds(scene, rows, batch):
            shares = rows.shares[start : start + batch]
            seed = self._seed(session, column, len(feeds[MASK]))
            (found,) = session.run([gradient_of(PICTURE)], {**feeds, SEED: seed})
            pooled = np.tensordot(shares, np.asarray(found, np.float32)[: len(shares)], axes=1)
            total, start = pooled if start == 0 else total + pooled, start + batch
        return np.asarray(total, np.float32)

    def _relevance(self, scene: Scene, reading: Reading, rows: Rows, column: int) -> Array:
        """The relevance of each pixel for one label, and the ledger: float32 [h · w + 4]."""
        session = self._session(self.interior.relevance, reading.composite or "", self.interior.of(reading.of))
        told = []
        for feeds in self._feeds(scene, rows, 1):
            seed = self._seed(session, column, 1)
            relevance, ledger = session.run([RELEVANCE, LEDGER], {**feeds, SEED: seed})
            told.append(np.concatenate([relevance[0].sum(axis=0).ravel(), ledger]))
        return np.asarray(rows.shares @ np.stack(told), np.float32)

    def _maps(self, feeds: Feeds, reading: Reading) -> Maps:
        """The class activation maps of one row, float32 [columns, h, w]."""
        layer, of = reading.layer or "", self.interior.of(reading.of)
        if reading.kind in BY_TAIL:
            (found,) = self._session(self.interior.features, layer).run([layer], dict(feeds))
            shown = partial(self._scores, self._session(self.interior.tail, of, layer), reading.columns)
            return BY_TAIL[reading.kind](_features(found, layer), shown)
        session, asked = self._session(self.interior.layer_gradient, of, layer), [layer, gradient_of(layer)]
        found = [session.run(asked, {**feeds, SEED: self._seed(session, one, 1)}) for one in reading.columns]
        gradients = np.stack([_features(gradient, layer) for _, gradient in found])
        return AT_LAYER[reading.kind](_features(found[0][0], layer), gradients)

    def _scores(self, session: InferenceSession, columns: Sequence[int], features: Maps) -> Maps:
        """What a tail says of some labels for feature maps, float32 [n, columns]."""
        (entry,), batch = session.get_inputs(), len(features) if self._model.batch else 1
        kind = np.float16 if entry.type == "tensor(float16)" else np.float32
        chunks = [features[start : start + batch].astype(kind) for start in range(0, len(features), batch)]
        answers = [np.asarray(session.run(None, {entry.name: chunk})[0], np.float32) for chunk in chunks]
        rows = np.concatenate(answers).reshape(len(features), -1)
        return np.asarray(rows @ np.stack([self._combination(rows.shape[1], one) for one in columns], axis=1))

    def _seed(self, session: InferenceSession, column: int, rows: int) -> NDArray[np.generic]:
        """What goes backward from the answer: one label of each row."""
        entry = next(one for one in session.get_inputs() if one.name == SEED)
        shape = [rows, *(length if isinstance(length, int) else len(self._model.labels) for length in entry.shape[1:])]
        kind = np.float16 if entry.type == "tensor(float16)" else np.float32
        return np.tile(self._combination(int(np.prod(shape[1:])), column), rows).reshape(shape).astype(kind)

    def _combination(self, width: int, column: int) -> Array:
        """A label in terms of so many numbers, float32 [width]: of one number two labels are its presence and absence.

        Raises ValueError where the two do not go together.
        """
        labels = len(self._model.labels)
        if width == labels:
            return np.asarray(np.eye(labels, dtype=np.float32)[column])
        if (width, labels) == (1, 2):
            return np.array([2 * column - 1], np.float32)  # see `pipeline.model.normalised.with_complement`
        raise ValueError(f"the network has {width} logits for {labels} labels; take options.of=probability")

    def _feeds(self, scene: Scene, rows: Rows, batch: int) -> list[dict[str, NDArray[Any]]]:
        """What the grafted network is shown, so many rows at once."""
        canvas, fill = self._tensor(scene.canvas), self._tensor(scene.fill)
        noises = iter(rows.noises(scene.canvas.shape))
        found: list[dict[str, NDArray[Any]]] = []
        for start in range(0, len(rows.levels), batch):
            levels = rows.levels[start : start + batch]
            short = batch - len(levels) if self._pad else 0
            shown = canvas + self._model.profile.change(next(noises)) if rows.noise else canvas
            found.append(
                {
                    MASK: np.pad(levels, (0, short))[:, None],
                    SEGMENTS: np.zeros(scene.segments.shape, np.int64),
                    CANVAS: shown[None],
                    FILL: fill[None],
                }
            )
        return found

    def _tensor(self, picture: NDArray[np.uint8]) -> Array:
        return self._model.profile.tensor(picture)

    def _session(self, make: Callable[..., bytes], *names: str) -> InferenceSession:
        """The session of one of the interior's networks."""
        key = (make.__name__, *names)
        if key not in self._sessions:
            self._sessions[key] = self._open(make(*names))
        return self._sessions[key]


def _exact(providers: Sequence[str]) -> Sequence[str]:
    """What reads the inside: ONNX Runtime's own kernels where scores are OpenVINO's or TensorRT's.

    OpenVINO's of ONNX Runtime 1.24 takes a HardSigmoid's beta of 0 for the default, 0.5, without a word: a ReLU that is
    off then lets half of a gradient through (`pipeline.model.vjp.activations`). Nor was a gradient faster there.
    """
    return [one for one in providers if one not in (OPENVINO, TENSORRT)] or (CPU,)


def with_inside(model: Model) -> Model:
    """The model with what its inside can be asked among its facts."""
    return replace(model, facts=model.facts | {"inside": Inside(model).facts()})


def _features(found: NDArray[np.generic], layer: str) -> Maps:
    """A layer's feature maps of one picture, float32 [c, h, w]."""
    if found.ndim != 4:
        raise ValueError(f"layer is {layer!r}, of the shape {list(found.shape)}, expected [1, channels, height, width]")
    return np.asarray(found[0], np.float32)
