"""The trial of a model before it is admitted: does its black box answer as the file itself does, in batches too?"""

import numpy as np
from numpy.typing import NDArray

from pipeline.model.blackbox import BlackBox
from pipeline.model.model import Model
from pipeline.model.normalised import Network
from pipeline.model.profile import Profile
from pipeline.model.session import open_session
from pipeline.scene.scene import Scene, compose

BATCH = 3  # so that the five masks make a batch of three and one of two
TOLERANCE = 1e-5
TOLERANCE_HALF = 2e-3  # float16 keeps 11 bits
MASKS = np.array([[1] * 16, [0] * 16, [1, 0] * 8, [1] * 8 + [0] * 8, [0, 0, 1, 1] * 4], bool)


def answers(file: bytes, network: Network, profile: Profile) -> NDArray[np.float32]:
    """The file's own scores for the trial's pictures, put to it as given and one at a time: float32 [5, c]."""
    session = open_session(file)
    rows = []
    for picture in pictures(profile):
        tensor = picture[None]
        tensor = tensor.transpose(0, 2, 3, 1) if network.input.layout == "nhwc" else tensor
        tensor = tensor.astype(np.float16 if network.input.half else np.float32)
        (answer,) = session.run([network.given_output], {network.input.name: tensor})
        rows.append(_row(answer))
    return np.stack(rows)


def pictures(profile: Profile) -> list[NDArray[np.float32]]:
    """The trial's pictures as the network takes them: float32 [3, h, w] each."""
    return [profile.tensor(picture) for picture in compose(_scene(profile.size), MASKS)]


def agrees(model: Model, network: Network, expected: NDArray[np.float32]) -> bool:
    """Whether the model's black box gives the expected scores for the trial's pictures."""
    try:
        scores = BlackBox(model, batch=BATCH).scores(_scene(model.profile.size), MASKS)
    except Exception:  # onnxruntime's errors share no nearer ancestor; a shape that breaks in batches is an answer
        return False
    tolerance = TOLERANCE_HALF if network.input.half else TOLERANCE
    return scores.shape == expected.shape and bool(np.allclose(scores, expected, rtol=0, atol=tolerance))


def _row(answer: NDArray[np.float32] | list[dict[str, float]]) -> NDArray[np.float32]:
    """One row of scores: a tensor of any rank, or ZipMap's mapping, which keeps its classes' order."""
    values = list(answer[0].values()) if isinstance(answer, list) else answer
    return np.asarray(values, np.float32).ravel()


def _scene(size: int) -> Scene:
    """A patchwork of colors with a grain, in 4 x 4 superpixels: the same for every model of this size."""
    rng = np.random.Generator(np.random.Philox(0))
    cells = np.arange(size) * 4 // size
    segments = (cells[:, None] * 4 + cells).astype(np.int32)
    patches = rng.integers(0, 256, (2, 16, 3))[:, segments]  # [2, h, w, 3]
    canvas, fill = np.clip(patches + rng.integers(-20, 21, patches.shape), 0, 255).astype(np.uint8)
    return Scene(canvas=canvas, segments=segments, fill=fill)
