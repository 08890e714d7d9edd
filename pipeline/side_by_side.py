"""Side by side: several explanations of one photograph, put to the same tests on the same superpixels."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution, LabelAttribution, laid
from pipeline.answer.judgement import Curves
from pipeline.conversation.known import Known
from pipeline.conversation.probe import Evidence, Probe
from pipeline.explain import Predict, recalled
from pipeline.judge.faithfulness import Removal, Subsets
from pipeline.judge.grounding import mask_share, shares_inside
from pipeline.judge.standing import Standing, standing
from pipeline.scene.scene import Scene

SEED = 1  # of the random orders and subsets: the default recipe's first, so that its own test's are known
LEAST_GAIN = 0.02  # of the areas under both curves: a smaller lead is one superpixel's place in the order
UNORDERED = Curves(nan, nan, nan, nan)
Answered = tuple[Scene, Attribution]


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """The explanations of one label.

    Attributes
    ----------
    label : str
    curves : m Curves
        Deletion and insertion, all on the first explanation's superpixels and fill; NaN for one that weighs nothing.
    object_share : float64 [m]
        Share of the positive weight inside the object's mask; NaN without a mask.
    standing : Standing
    """

    label: str
    curves: tuple[Curves, ...]
    object_share: NDArray[np.float64]
    standing: Standing

    def sentence(self, names: Sequence[str]) -> str:
        """Which of m explanations, by their names, is best supported, or that the tests do not tell.

        MuFidelity takes a fifth away, curves take away more and more: where each favours another, neither is believed.
        """
        found = self.standing
        gains = np.array([one.gain for one in self.curves])
        if found.best is None or np.nanmax(gains) - gains[list(found.tied)].max() < LEAST_GAIN:
            return found.sentence(names)
        return (
            f"The tests disagree here: {names[found.best]} says best what hiding a fifth does, "
            f"{names[int(np.nanargmax(gains))]} what hiding more and more does."
        )


def compared(answered: Sequence[Answered], labels: tuple[str, ...], predict: Predict, known: Known) -> list[Compared]:
    """Put explanations of one photograph to the same tests.

    Parameters
    ----------
    answered : m of (scene, attribution)
        The scenes are of one canvas and may differ in superpixels and fill; all is tested on the first one's, on which
        the weights of the others are laid pixel by pixel.
    labels : the model's
    predict, known : as `pipeline.explain.converse` takes them

    Returns
    -------
    One for each label that all of them explain.
    """
    _, first = answered[0]
    names = [one.label for one in first.labels]
    common = [name for name in names if all(name in _labels(attribution) for _, attribution in answered)]
    return [_compared(answered, name, labels, (predict, known)) for name in common]


def common_weights(scene: Scene, other: Scene, label: LabelAttribution) -> NDArray[np.float64]:
    """A label's weights on another scene's superpixels of the same canvas, float64 [k]: sums over their pixels."""
    if np.array_equal(scene.segments, other.segments):
        return label.weights
    if label.heat is not None:
        return laid(label.heat, scene.segments)
    return laid((label.weights / np.bincount(other.segments.ravel()))[other.segments], scene.segments)


def _compared(
    answered: Sequence[Answered], name: str, labels: tuple[str, ...], asked: tuple[Predict, Known]
) -> Compared:
    (scene, first), (predict, known) = answered[0], asked
    weights = np.stack([common_weights(scene, other, _labels(attribution)[name]) for other, attribution in answered])
    each = Attribution(first.probabilities, None, 0, tuple(LabelAttribution(name, one) for one in weights))
    removal, subsets = Removal(labels, SEED), Subsets(labels, SEED)
    probe = Probe(scene.k, (*removal.blocks(scene, each), *subsets.blocks(scene, each)))
    *of_curves, of_subsets = Evidence(probe, recalled(scene, probe, predict, known)).blocks()
    masks, column = probe.blocks[-1].masks(scene.k), labels.index(name)
    inside = None if scene.mask is None else shares_inside(scene, scene.mask)
    return Compared(
        name,
        tuple(
            found["curves"] if one.any() else UNORDERED
            for one, found in zip(weights, removal.findings(scene, each, of_curves), strict=True)
        ),
        np.array([np.nan if inside is None else mask_share(one, inside) for one in weights]),
        standing(weights, masks, of_subsets[:, column].astype(float), scene.fingerprint),
    )


def _labels(attribution: Attribution) -> dict[str, LabelAttribution]:
    return {label.label: label for label in attribution.labels}
