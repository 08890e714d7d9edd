"""`python -m benchmarks.parity`: deletion and insertion beside the libraries that define them too, on the same inputs.

They are heavy, so this is run by hand, each in an environment of its own. `pip install . --group parity` brings
quantus, which needs neither torch nor TensorFlow for this, but OpenCV, and that the system's libGL. xplique asks for
older packages than polelens does: `pip install --no-deps xplique tensorflow-probability tf-keras dm-tree` beside
`tensorflow-cpu==2.20.* matplotlib einops deprecated opencv-python-headless`. What is not installed is passed over.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.faithfulness import area, deletion, heaviest_first, insertion
from pipeline.scene import Scene, compose
from pipeline.segments import grid
from pipeline.variant import Variant, vary

PATCH = 8  # pixels: superpixels are squares, the only ones that all three know
ACROSS = (2, 3, 4, 5)  # superpixels; up to 5 x 5 the curves have a step for each
CASES = 5  # of each size
ENOUGH = 1e-5  # a difference of two areas in 0..1: xplique reckons in float32

Array = NDArray[Any]
Areas = tuple[float, float]  # under the deletion and the insertion curve


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A picture in square superpixels, weights for them, and a black box that is not additive."""

    scene: Scene
    weights: Array
    layers: tuple[Array, Array]

    @classmethod
    def of(cls, across: int, seed: int) -> "Case":
        """A case of across x across superpixels, drawn under a seed."""
        draw, side = np.random.default_rng([across, seed]), across * PATCH
        canvas = draw.integers(0, 256, (side, side, 3), dtype=np.uint8)
        scene = Scene(canvas, grid(canvas, across**2), np.zeros_like(canvas))
        layers = draw.normal(size=(canvas.size, 8)) * 8 / side, draw.normal(size=(8, 3))
        return cls(scene, draw.normal(size=scene.k), layers)

    @property
    def blurred(self) -> Scene:
        """The scene that the insertion curve begins from."""
        return vary(self.scene, Variant("blur"))

    def scores(self, pictures: Array) -> Array:
        """The probabilities of three labels for pictures [n, h, w, 3], values 0..255; [n, 3]."""
        hidden = np.tanh((np.asarray(pictures, dtype=float) / 255 - 0.5).reshape(len(pictures), -1) @ self.layers[0])
        raised = np.exp(hidden @ self.layers[1])
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def ours(case: Case) -> Areas:
    """What polelens says."""
    order, k = heaviest_first(case.weights), case.scene.k
    removed, shown = compose(case.scene, deletion(order)), compose(case.blurred, insertion(order))
    return area(case.scores(removed)[:, 0], k), area(case.scores(shown)[:, 0], k)


def of_quantus(case: Case) -> Areas:
    """RegionPerturbation, most relevant first: it gives the falls of the score, one for each patch taken away."""
    from quantus import RegionPerturbation  # noqa: PLC0415 -- may not be installed

    class Predicts:
        """The two methods that the metric calls of its models."""

        def shape_input(self, x: Array, *_: Any, **__: Any) -> Array:
            return x

        def predict(self, x: Array) -> Array:
            return case.scores(x.transpose(0, 2, 3, 1))

    def falls(start: Array, end: Array) -> Array:
        def perturb(arr: Array, indices: Array, **_: Any) -> Array:
            changed = arr.copy()
            changed[:, indices] = last.reshape(1, -1)[:, indices]
            return changed

        first, last = (picture.transpose(2, 0, 1)[None].astype(float) for picture in (start, end))
        metric = RegionPerturbation(
            PATCH, regions_evaluation=case.scene.k, normalise=False, perturb_func=perturb, disable_warnings=True
        )
        weights = case.weights[case.scene.segments][None, None]
        curve = case.scores(start[None])[0, 0] - metric.evaluate_batch(Predicts(), first, np.array([0]), weights)
        return np.concatenate([case.scores(start[None])[:, 0], curve[0]])

    canvas, k = case.scene.canvas, case.scene.k
    curves = falls(canvas, case.scene.fill), falls(case.blurred.fill, canvas)
    removed, shown = (float(np.trapezoid(curve, dx=1 / k)) for curve in curves)
    return removed, shown


def of_xplique(case: Case) -> Areas:
    """Deletion and Insertion, which take away pixel after pixel: as many a step as a superpixel has."""
    from xplique.metrics import Deletion, Insertion  # noqa: PLC0415 -- may not be installed

    inputs = case.scene.canvas[None].astype(np.float32), np.array([[1, 0, 0]], dtype=np.float32)
    ends = {Deletion: case.scene.fill, Insertion: case.blurred.fill}
    removed, shown = (
        metric(case.scores, *inputs, baseline_mode=lambda _, end=end: end[None].astype(np.float32), steps=case.scene.k)
        for metric, end in ends.items()
    )
    weights = case.weights[case.scene.segments][None]
    return float(removed(weights)), float(shown(weights))


REFERENCES: dict[str, Callable[[Case], Areas]] = {"quantus": of_quantus, "xplique": of_xplique}


def main() -> int:
    """Print the largest difference to each library; 1 if one is too large, or none is installed."""
    cases = [Case.of(across, seed) for across in ACROSS for seed in range(CASES)]
    told = list(_differences(cases))
    return int(not told or max(told) > ENOUGH)


def _differences(cases: list[Case]) -> Iterator[float]:
    for name, reference in REFERENCES.items():
        try:
            told = f"{name} {version(name)}, {len(cases)} pictures"
        except PackageNotFoundError:
            print(f"{name}: not installed")
            continue
        differences = np.abs([np.subtract(ours(case), reference(case)) for case in cases])
        removed, shown = differences.max(axis=0)
        print(f"{told}: largest difference of the area under deletion {removed:.1e}, under insertion {shown:.1e}")
        yield float(differences.max())


if __name__ == "__main__":
    sys.exit(main())
