"""`python -m benchmarks.parity`: deletion, insertion and MuFidelity beside the libraries that define them too.

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

from pipeline.judge.faithfulness import SUBSET, SUBSETS, area, deletion, heaviest_first, insertion, mu_fidelity
from pipeline.scene.scene import Scene, compose
from pipeline.scene.segments import grid
from pipeline.scene.variant import Variant, vary

PATCH = 8  # pixels: superpixels are squares, the only ones that all three know
ACROSS = (2, 3, 4, 5)  # superpixels; up to 5 x 5 the curves have a step for each
CASES = 5  # of each size
ENOUGH = np.array([1e-5, 1e-5, 1e-3])  # xplique reckons in float32, which breaks ties of ranks differently

Array = NDArray[Any]
Found = tuple[float, float, float, float]  # areas under deletion and insertion; MuFidelity, and ours on its subsets


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

    def fidelity(self, pictures: Array) -> float:
        """Our MuFidelity on the subsets that a library took from these pictures, [n, h, w, 3]: they are black there."""
        places = [self.scene.segments == index for index in range(self.scene.k)]
        masks = np.stack([pictures[:, place].any(axis=(1, 2)) for place in places], axis=1)
        return mu_fidelity(self.weights, masks, self.scores(pictures)[:, 0])


def ours(case: Case) -> tuple[float, float]:
    """The areas that polelens says."""
    order, k = heaviest_first(case.weights), case.scene.k
    removed, shown = compose(case.scene, deletion(order)), compose(case.blurred, insertion(order))
    return float(area(case.scores(removed)[:, 0], k)), float(area(case.scores(shown)[:, 0], k))


class Seen:
    """A case's black box as quantus knows models, which keeps the pictures that it is shown."""

    def __init__(self, case: Case) -> None:
        self.case, self.pictures = case, list[Array]()

    def shape_input(self, x: Array, *_: Any, **__: Any) -> Array:
        """As it is."""
        return x

    def predict(self, x: Array) -> Array:
        """The scores of pictures [n, 3, h, w], or of masks [n, 1, rows, columns] of the superpixels."""
        masks = x.reshape(len(x), -1) > 0
        shown = compose(self.case.scene, masks) if x.shape[1] == 1 else x.transpose(0, 2, 3, 1)
        self.pictures.append(shown)
        return self.case.scores(shown)


def of_quantus(case: Case) -> Found:
    """RegionPerturbation, most relevant first: the falls of the score, one for each patch; FaithfulnessCorrelation."""
    from quantus import FaithfulnessCorrelation, RegionPerturbation, correlation_spearman  # noqa: PLC0415

    def height(start: Array, end: Array) -> float:
        def perturb(arr: Array, indices: Array, **_: Any) -> Array:
            changed = arr.copy()
            changed[:, indices] = last.reshape(1, -1)[:, indices]
            return changed

        first, last = (picture.transpose(2, 0, 1)[None].astype(float) for picture in (start, end))
        options = {"regions_evaluation": case.scene.k, "normalise": False, "disable_warnings": True}
        metric = RegionPerturbation(PATCH, perturb_func=perturb, **options)
        weights = case.weights[case.scene.segments][None, None]
        falls = metric.evaluate_batch(Seen(case), first, np.array([0]), weights)[0]
        before = case.scores(start[None])[0, 0]
        return float(np.trapezoid([before, *(before - falls)], dx=1 / case.scene.k))

    canvas, seen, side = case.scene.canvas, Seen(case), len(case.scene.canvas) // PATCH
    options = {"nr_runs": SUBSETS, "subset_size": max(1, round(SUBSET * case.scene.k)), "normalise": False}
    options |= {"similarity_func": correlation_spearman, "disable_warnings": True}
    shape = (1, 1, side, side)
    metric = FaithfulnessCorrelation(perturb_baseline=0.0, **options)
    fidelity = metric.evaluate_batch(seen, np.ones(shape), np.array([0]), case.weights.reshape(shape))[0]
    areas = height(canvas, case.scene.fill), height(case.blurred.fill, canvas)
    return *areas, float(fidelity), case.fidelity(np.concatenate(seen.pictures[1:]))


def of_xplique(case: Case) -> Found:
    """Deletion and Insertion, which take away pixel after pixel, as many a step as a superpixel has; MuFidelity."""
    from xplique.metrics import Deletion, Insertion, MuFidelity  # noqa: PLC0415

    pictures: list[Array] = []

    def scores(shown: Array) -> Array:
        pictures.append(shown)
        return case.scores(shown)

    inputs = case.scene.canvas[None].astype(np.float32), np.array([[1, 0, 0]], dtype=np.float32)
    ends, weights = {Deletion: case.scene.fill, Insertion: case.blurred.fill}, case.weights[case.scene.segments][None]
    removed, shown = (
        metric(case.scores, *inputs, baseline_mode=lambda _, end=end: end[None].astype(np.float32), steps=case.scene.k)
        for metric, end in ends.items()
    )
    side = len(case.scene.canvas) // PATCH
    subsets = MuFidelity(scores, *inputs, grid_size=side, subset_percent=SUBSET, nb_samples=SUBSETS)
    fidelity = subsets(weights.astype(np.float32))
    return float(removed(weights)), float(shown(weights)), fidelity, case.fidelity(np.concatenate(pictures[1:]))


REFERENCES: dict[str, Callable[[Case], Found]] = {"quantus": of_quantus, "xplique": of_xplique}


def main() -> int:
    """Print the largest difference to each library; 1 if one is too large, or none is installed."""
    cases = [Case.of(across, seed) for across in ACROSS for seed in range(CASES)]
    told = list(_differences(cases))
    return int(not told or not all(told))


def _differences(cases: list[Case]) -> Iterator[bool]:
    for name, reference in REFERENCES.items():
        try:
            told = f"{name} {version(name)}, {len(cases)} pictures"
        except PackageNotFoundError:
            print(f"{name}: not installed")
            continue
        found = np.array([(*ours(case), *reference(case)) for case in cases])
        differences = np.abs(found[:, [0, 1, 5]] - found[:, 2:5]).max(axis=0)
        print(
            told
            + "; largest difference under deletion {:.1e}, insertion {:.1e}; of MuFidelity {:.1e}".format(*differences)
        )
        yield bool((differences <= ENOUGH).all())


if __name__ == "__main__":
    sys.exit(main())
