"""The trial of a model before it is admitted: does its black box answer as the file itself does, in batches too?"""

from dataclasses import dataclass

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from pipeline.model.blackbox import BlackBox
from pipeline.model.model import Model, ModelRefused
from pipeline.model.normalised import Network
from pipeline.model.onnx_file import graphs, halves
from pipeline.model.profile import Profile
from pipeline.model.session import open_session
from pipeline.scene.scene import Scene, compose

BATCHES = (1, 2, 3)  # of the five masks: rows alone, two pairs and a last one alone, and three and two
TOLERANCE = 1e-5
TOLERANCE_HALF = 2e-3  # float16 keeps 11 bits
MASKS = np.array([[1] * 16, [0] * 16, [1, 0] * 8, [1] * 8 + [0] * 8, [0, 0, 1, 1] * 4], bool)
RANDOM = ("RandomNormal", "RandomUniform", "Multinomial", "Bernoulli", "Dropout")


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The file's own answers for the trial's pictures.

    Attributes
    ----------
    scores : float32 [5, c]
    squeezed : bool
        Whether one picture's answer has no batch axis of its own.
    """

    scores: NDArray[np.float32]
    squeezed: bool


def answers(network: Network, profile: Profile) -> Answers:
    """The file's own scores for the trial's pictures, put to it as given and one at a time.

    Raises
    ------
    ModelRefused
        If it cannot be run, its answers are not finite, or it answers one picture in two ways.
    """
    given, batch = _given(network, pictures(profile))
    scores = np.stack([_row(answer, batch) for answer in given])
    if not np.isfinite(scores).all():
        raise ModelRefused(
            "the model answers a patchwork of colors with numbers that are not finite; check its weights, and the "
            "profile's mean and scale"
        )
    scores, again = np.split(scores, 2)
    if not np.allclose(scores, again, rtol=1e-3, atol=tolerance(network)):
        raise ModelRefused(_two_ways(network))
    first = given[0]
    return Answers(scores, isinstance(first, np.ndarray) and (first.ndim < 2 or len(first) != batch))


def pictures(profile: Profile) -> list[NDArray[np.float32]]:
    """The trial's pictures as the network takes them: float32 [c, h, w] each."""
    return [profile.tensor(picture) for picture in compose(_scene(profile), MASKS)]


def agrees(model: Model, network: Network, expected: NDArray[np.float32]) -> bool:
    """Whether the model's black box gives the expected scores for the trial's pictures, one, two, three at a time."""
    try:
        box = BlackBox(model)
        for batch in BATCHES if model.batch else BATCHES[:1]:
            box.batch = batch
            scores = box.answers(_scene(model.profile), MASKS)
            if scores.shape != expected.shape or not np.allclose(scores, expected, rtol=0, atol=tolerance(network)):
                return False
    except Exception:  # onnxruntime's errors share no nearer ancestor; a shape that breaks in batches is an answer
        return False
    return True


def _given(network: Network, tensors: list[NDArray[np.float32]]) -> tuple[list[object], int]:
    """The file's answers for the pictures, and for each once more; and the length of the batch that it takes.

    Where one picture alone is too few, as for what squeezes its batch axis away and then wants it, it is shown twice.
    """
    failed: list[Exception] = []
    for batch in (1, 2) if network.input.batch is None else (network.input.batch,):
        try:
            session = open_session(network.given)
            return [_ask(session, network, tensor, batch) for tensor in tensors * 2], batch
        except Exception as error:  # onnxruntime's errors share no nearer ancestor
            failed.append(error)
    reason = str(failed[0]).strip().splitlines()[0]
    raise ModelRefused(f"onnxruntime cannot run the model ({reason}); check the file and the profile") from failed[0]


def _ask(session: onnxruntime.InferenceSession, network: Network, tensor: NDArray[np.float32], batch: int) -> object:
    """The file's answer for a picture, shown so many times."""
    picture = tensor if network.input.layout == "nchw" else tensor.transpose(1, 2, 0)
    pictures = np.repeat(picture[None].astype(network.input.dtype), batch, axis=0)
    (answer,) = session.run([network.output.name], {network.input.name: pictures})
    return answer


def _row(answer: object, batch: int) -> NDArray[np.float32]:
    """The first row of scores: of a tensor of any rank, or of ZipMap's mappings, which keep their classes' order."""
    if isinstance(answer, list):
        return np.asarray(list(answer[0].values()), np.float32)
    rows = np.asarray(answer, np.float32).reshape(batch, -1)
    return np.asarray(rows[0])


def tolerance(network: Network) -> float:
    """How far two answers of a network may lie apart, by the numbers that it computes with."""
    return TOLERANCE_HALF if halves(network.model.graph) else TOLERANCE


def _two_ways(network: Network) -> str:
    """Why one picture gets two answers."""
    names = {node.op_type for graph in graphs(network.model.graph) for node in graph.node}
    random = sorted(name for name in names if name.startswith(RANDOM))
    cause = f"it has {', '.join(random)}, which draws at random" if random else "it keeps something from run to run"
    return (
        f"the file itself answers one picture in two ways ({cause}); export it for inference, with dropout and noise "
        "switched off"
    )


def _scene(profile: Profile) -> Scene:
    """A patchwork of colors with a grain, in 4 x 4 superpixels: the same for every model of this size."""
    rng = np.random.Generator(np.random.Philox(0))
    down, across = (np.arange(size) * 4 // size for size in (profile.height, profile.width))
    segments = (down[:, None] * 4 + across).astype(np.int32)
    patches = rng.integers(0, 256, (2, 16, 3))[:, segments]  # [2, h, w, 3]
    canvas, fill = np.clip(patches + rng.integers(-20, 21, patches.shape), 0, 255).astype(np.uint8)
    return Scene(canvas=canvas, segments=segments, fill=fill)
