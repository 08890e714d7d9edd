"""Mixtures: background reliance of planted models that rest on object and background in known parts, on real fills."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.row import Row
from demo.photographs import archive
from pipeline.answer.attribution import Attribution
from pipeline.conversation.probe import Evidence, Listed, Probe
from pipeline.explain import answer
from pipeline.judge.grounding import Grounded, background_reliance
from pipeline.model.profile import Profile
from pipeline.recipe import Recipe
from pipeline.scene.scene import Scene, compose
from pipeline.staging import stage

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the object
PHOTOGRAPHS, SIZE, SEED = 24, 64, 7
FLOOR = 0.05
SOFT = 20.0  # grey levels of a mean difference that leave 1/e of the score

ROW = Row(
    "mixtures",
    "background reliance of additive and multiplicative mixtures of object and background, 24 rendered photographs "
    "with their masks and real fills: the largest bias of the mean",
    "what was planted",
    0.05,
    at_least=False,
)
Mix = Callable[[NDArray[np.float64], NDArray[np.float64], float], NDArray[np.float64]]
MIXES: dict[str, Mix] = {
    "additive": lambda o, b, share: share * o + (1 - share) * b,
    "multiplicative": lambda o, b, share: o**share * b ** (1 - share),
}


def measure(quick: bool) -> Row:
    """The largest bias of any cell."""
    scenes = [
        stage(shot.image, Profile(SIZE), Recipe("mixtures"), shot.mask)
        for shot in archive(2 if quick else PHOTOGRAPHS, SEED, shortcut=False)
    ]
    found = {
        f"{name}, object {share:g}": float(np.mean([reliance(scene, mix, share) for scene in scenes])) - (1 - share)
        for name, mix in MIXES.items()
        for share in SHARES
    }
    worst = max(found, key=lambda name: abs(found[name]))
    return ROW.measured(
        abs(found[worst]),
        found,
        f"The mean over {len(scenes)} photographs is off by {found[worst]:+.3f} in the worst cell ({worst}) and by "
        f"{np.mean(np.abs(list(found.values()))):.3f} on average; one product of both, half and half, has 1/2.",
    )


def reliance(scene: Scene, mix: Mix, share: float) -> float:
    """The background reliance of a mixture, by the rows that a judgement asks for."""
    assert scene.mask is not None
    nothing = Attribution({}, None, 0, ())
    probe = Probe(scene.k, (Listed.of(np.ones((1, scene.k), dtype=bool)), *Grounded(()).blocks(scene, nothing)))
    scores = answer(scene, probe, lambda shown, masks: mixed(scene, compose(shown, masks), mix, share))
    whole, *alone = Evidence(probe, scores).blocks()
    return background_reliance(np.stack([one[:, 0] for one in alone]).astype(float), float(whole[0, 0]))


def mixed(scene: Scene, pictures: NDArray[np.uint8], mix: Mix, share: float) -> NDArray[np.float32]:
    """A model that knows how like object and background of a picture are to the photograph's; float32 [n, 1]."""
    assert scene.mask is not None
    likeness = []
    for where in (scene.mask, ~scene.mask):
        apart = np.abs(pictures[:, where].astype(float) - scene.canvas[where]).mean(axis=(1, 2))
        likeness.append(FLOOR + (1 - FLOOR) * np.exp(-apart / SOFT))
    return mix(likeness[0], likeness[1], share).astype(np.float32)[:, None]
