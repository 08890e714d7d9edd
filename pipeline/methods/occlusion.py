"""Occlusion: each superpixel alone off and alone on, or a window that slides over the photograph.

Zeiler and Fergus, "Visualizing and understanding convolutional networks", ECCV 2014, section 4.2. Nothing is drawn, so
that there are no errors: asked again, it says the same.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution, Claim, LabelAttribution, laid
from pipeline.conversation.explainer import Explainer
from pipeline.conversation.probe import Evidence, Listed, Masks, Probe
from pipeline.methods.asked import BASE_ROWS, base, chosen, named
from pipeline.methods.method import Method
from pipeline.recipe import Recipe
from pipeline.scene.scene import Scene
from pipeline.scene.variant import Variant, vary

Array = NDArray[np.float64]

LEAST_COMPLETE = 0.5  # half of what there is to explain
USUAL_SIDE = 224  # pixels of a canvas, for the plan of a window


@dataclass(frozen=True, slots=True)
class Options:
    """What slides over the photograph, if anything does.

    Attributes
    ----------
    window : int or None
        Pixels of the canvas along a side of the square that is hidden; None hides superpixel after superpixel.
    stride : int or None
        Pixels from one place of the window to the next, half of the window unless told.
    """

    window: int | None = None
    stride: int | None = None

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if value is not None and not (type(value) is int and value >= 1):
                raise ValueError(f"{one.name} is {value!r}, expected a whole number of pixels, at least 1")
        if self.stride is not None and (self.window is None or self.stride > self.window):
            raise ValueError(f"stride is {self.stride}, expected at most the window: what lies between is never hidden")

    @property
    def step(self) -> int:
        """Pixels from one place of the window to the next."""
        return self.stride or max(1, (self.window or 0) // 2)


@dataclass(frozen=True, slots=True)
class OneByOne:
    """The fall of the score with a superpixel alone off and its rise with that alone on, halved and added.

    These are the last and the first step of every order in which superpixels can be shown, so that the half sum is the
    Shapley value wherever no more than two superpixels act together. Their sum is then the gap that there is to
    explain, and how far it is from that is what the method says of its own trust.
    """

    recipe: Recipe
    labels: tuple[str, ...]

    def open(self, scene: Scene) -> Probe:
        """The whole photograph, the bare fill, and each superpixel alone off and alone on."""
        alone = np.eye(scene.k, dtype=bool)
        return Probe(scene.k, (base(scene.k), Listed.of(np.concatenate([~alone, alone]))))

    def proceed(self, scene: Scene, evidence: Sequence[Evidence]) -> Attribution:
        """The weights, in units of the model's score."""
        [shown] = evidence
        whole, bare = shown.scores[:BASE_ROWS].astype(float)
        off, on = np.split(shown.scores[BASE_ROWS:].astype(float), 2)
        weights = (whole - off + on - bare) / 2
        columns = chosen(self.recipe, self.labels, shown.scores[0])
        return _answer(
            self.labels,
            shown,
            [
                LabelAttribution(self.labels[c], weights[:, c], claims=(_adds_up(weights[:, c], whole[c] - bare[c]),))
                for c in columns
            ],
        )


@dataclass(frozen=True, slots=True)
class Sliding:
    """The mean fall of the score, over the places of a window that cover a pixel."""

    recipe: Recipe
    labels: tuple[str, ...]

    def open(self, scene: Scene) -> Probe:
        """The whole photograph, the bare fill, and the window at each place.

        Raises ValueError where a place hides all, as every pixel would then weigh alike, or there are too many squares.
        """
        variant, (height, width) = self._tiles(), scene.canvas.shape[:2]
        if (self._options().window or 0) >= max(height, width):
            told = f"window is {self._options().window}, and hides all of the canvas of {width}x{height} pixels at once"
            raise ValueError(f"{told}; take a smaller one")
        masks = ~windows((height, width), self._options())
        vary(scene, variant)  # refuses more squares than go, before the model is asked
        return Probe(scene.k, (base(scene.k), Listed.of(masks, variant)))

    def proceed(self, scene: Scene, evidence: Sequence[Evidence]) -> Attribution:
        """The heat map, in units of the model's score, laid on the superpixels."""
        [shown] = evidence
        [hidden] = [~masks for variant, masks in shown.probe.pieces(BASE_ROWS) if variant]
        falls = shown.scores[0].astype(float) - shown.scores[BASE_ROWS:]
        mean = hidden.T @ falls / hidden.sum(axis=0)[:, None]  # [tiles, c]
        squares = vary(scene, self._tiles()).segments
        heats = {c: mean[squares, c].astype(np.float32) for c in chosen(self.recipe, self.labels, shown.scores[0])}
        return _answer(
            self.labels,
            shown,
            [LabelAttribution(self.labels[c], laid(heat, scene.segments), heat=heat) for c, heat in heats.items()],
        )

    def _options(self) -> Options:
        return Options(**self.recipe.options)

    def _tiles(self) -> Variant:
        return Variant(tile=tile(self._options()))


def tile(options: Options) -> int:
    """Pixels of the largest squares of which the window is made wherever it stands."""
    return math.gcd(options.window or 0, options.step)


def windows(size: tuple[int, ...], options: Options) -> Masks:
    """Which squares of `tile` pixels the window covers at each of its places on a canvas of this height and width.

    Row by row from the upper left corner, until every pixel was covered; at the border the window is cut off.

    Returns
    -------
    bool [n, tiles]

    Examples
    --------
    >>> windows((6, 2), Options(window=4, stride=2)).astype(int)
    array([[1, 1, 0],
           [0, 1, 1]])
    """
    down, across = (_covered(length, options) for length in size)
    both = down[:, None, :, None] & across[None, :, None, :]
    return np.asarray(both.reshape(len(down) * len(across), -1))


def _covered(length: int, options: Options) -> Masks:
    """Which squares along one side the window covers at each of its places, bool [places, squares]."""
    side, window = tile(options), options.window or 0
    starts = np.arange(_places(length, options))[:, None] * options.step
    squares = np.arange(-(-length // side)) * side
    return np.asarray((squares >= starts) & (squares < starts + window))


def _places(length: int, options: Options) -> int:
    return max(0, -(-(length - (options.window or 0)) // options.step)) + 1


def _adds_up(weights: Array, gap: float) -> Claim:
    """The claim of one-by-one occlusion: the weights add up to what there is to explain."""
    complete = 1 - abs(weights.sum() - gap) / abs(gap) if gap else math.nan
    sentence = "Parts that are hidden one at a time do not add up to the answer: they work together."
    return Claim("completeness", float(complete), LEAST_COMPLETE, sentence)


def _answer(labels: tuple[str, ...], shown: Evidence, explained: Sequence[LabelAttribution]) -> Attribution:
    whole, bare = shown.scores[:BASE_ROWS]
    return Attribution(named(labels, whole), named(labels, bare), shown.probe.n, tuple(explained))


def _make(recipe: Recipe, labels: tuple[str, ...]) -> Explainer:
    return Sliding(recipe, labels) if recipe.options.get("window") else OneByOne(recipe, labels)


def _planned(recipe: Recipe) -> int:
    options = Options(**recipe.options)
    return BASE_ROWS + (_places(USUAL_SIDE, options) ** 2 if options.window else 2 * recipe.superpixels)


METHOD = Method(_make, _planned, options=Options)
