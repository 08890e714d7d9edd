"""A contest with the lime package: the same model, photograph, segments and number of samples."""

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.pairs import Pairs, alternate, clocked
from pipeline.explain import explain
from pipeline.methods import explainer
from pipeline.model.blackbox import BlackBox
from pipeline.model.model import Model
from pipeline.model.session import open_session
from pipeline.recipe import Recipe
from pipeline.recipes import recipe
from pipeline.scene.scene import Scene
from pipeline.staging import stage

SEED = 1


@dataclass(frozen=True)
class Contest:
    """Ours, under the recipe `lime`, and the package itself; each with a session of its own, opened beforehand."""

    model: Model
    photograph: NDArray[np.uint8]
    samples: int
    threads: int

    @property
    def recipe(self) -> Recipe:
        """Lime's own defaults, but so many samples, and black: a global average would not see a mean colour."""
        return recipe("lime").override({"samples": self.samples, "seeds": [SEED], "fill": "black"})

    def run(self, pairs: int) -> tuple[Pairs, float]:
        """The seconds of both in turn, and how far their weights are apart at most."""
        scene = stage(self.photograph, self.model.profile, self.recipe)
        ours, theirs = self.ours(scene), self.theirs(scene)
        with threadpool_limits(self.threads):
            difference = float(np.abs(ours() - theirs()).max())  # and both are warm
            return alternate(clocked(ours), clocked(theirs), pairs), difference

    def ours(self, scene: Scene) -> Callable[[], NDArray[np.float64]]:
        """A function that explains the scene and gives the weights."""
        black_box, asked = BlackBox(self.model, threads=self.threads), explainer(self.recipe, self.model.labels)
        return lambda: explain(scene, asked, black_box.scores).labels[0].weights

    def theirs(self, scene: Scene) -> Callable[[], NDArray[np.float64]]:
        """The same by the lime package."""
        os.environ["TQDM_DISABLE"] = "1"  # its progress bar costs the package something, and nobody looks at it
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # lime's own, and tqdm's about notebooks
            from lime.lime_image import LimeImageExplainer  # noqa: PLC0415 -- its import warns

        session = open_session(self.model.onnx, threads=self.threads)
        (entry,) = session.get_inputs()

        def classify(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
            batch = np.stack([self.model.profile.tensor(picture) for picture in pictures])
            return np.asarray(session.run(None, {entry.name: batch})[0]).reshape(len(pictures), -1)

        def weights() -> NDArray[np.float64]:
            lime: Any = LimeImageExplainer(random_state=SEED)
            told = lime.explain_instance(
                scene.canvas, classify, hide_color=0, top_labels=1, num_samples=self.samples,
                segmentation_fn=lambda _: scene.segments,
            )  # fmt: skip
            return np.array([weight for _, weight in sorted(told.local_exp[told.top_labels[0]])])

        return weights
