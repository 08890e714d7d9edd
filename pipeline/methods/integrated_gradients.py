"""Integrated gradients: the gradient of the score along the way from the fill to the photograph.

Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks", ICML 2017, equation 1. The way is looked at in
the middles of parts, and each part is cut in three until what the pixels add up to is what the score rises by: no
gradient is asked twice. A network of rectifiers has a kink wherever one begins to answer, so that a rule for smooth
functions, such as Gauss and Legendre's, promises nothing. With the fill as the baseline the sum over a superpixel is in
the units of LIME's weights. Nothing is drawn, so that there are no errors.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution, Claim, LabelAttribution, laid
from pipeline.conversation.looks import WHOLE_WAY, Path
from pipeline.conversation.probe import Evidence, Listed, Probe
from pipeline.conversation.reading import Reading
from pipeline.methods.asked import BASE_ROWS, GRADIENT, base, chosen, named
from pipeline.methods.mesh import Mesh, check_mesh, graded
from pipeline.methods.method import Method
from pipeline.recipe import Recipe
from pipeline.scene.fills import AUTO, NAMED, color
from pipeline.scene.scene import Scene
from pipeline.scene.variant import Variant

Array = NDArray[np.float64]

LEAST_COMPLETE = 0.9  # of the rise of the score: what is missing could turn no answer round
MOST_NODES = 1024
CUT = 3  # parts that a part is cut into


@dataclass(frozen=True, slots=True)
class Options:
    """Where the way begins, and how finely it is cut.

    Attributes
    ----------
    baselines : tuple of str
        Fills (see `pipeline.scene.fills`) from which ways begin, averaged; none is the recipe's own fill alone.
    steps, most : int
        Parts of the way in the first round, and at most: as many, or enough to cut each.
    gap : float
        How far the pixels may be from adding up, in shares of the score's rise, before the parts are cut.
    mesh : "uniform" or "graded"
        Parts of the first round all alike, or short where gradients change most, see `pipeline.methods.mesh`.
    """

    baselines: tuple[str, ...] = ()
    steps: int = 16
    most: int = 48
    gap: float = 0.01
    mesh: Mesh = "uniform"

    def __post_init__(self) -> None:
        listed = isinstance(self.baselines, list | tuple) and all(isinstance(one, str) for one in self.baselines)
        if not (listed and len(set(self.baselines)) == len(self.baselines)):
            raise ValueError(f"baselines is {self.baselines!r}, expected a list of fills, no two alike")
        if AUTO in self.baselines:
            raise ValueError(f"baselines is {self.baselines!r}: {AUTO} is for the recipe's fill, name those meant")
        for name in self.baselines:
            if name not in NAMED:
                color(name)
        for name in ("steps", "most"):
            value = getattr(self, name)
            if not (type(value) is int and 1 <= value <= MOST_NODES):
                raise ValueError(f"{name} is {value!r}, expected a whole number from 1 to {MOST_NODES}")
        if self.steps > self.most:
            raise ValueError(f"steps is {self.steps}, expected at most {self.most}, which is most")
        if self.steps < self.most < CUT * self.steps:
            asked, expected = f"most is {self.most} where steps is {self.steps}", f"{self.steps} or {CUT * self.steps}"
            raise ValueError(f"{asked}, expected {expected}: parts are cut in three")
        if not (type(self.gap) in (int, float) and 0 <= self.gap < math.inf):
            raise ValueError(f"gap is {self.gap!r}, expected a share of at least 0")
        check_mesh(self.mesh)

    @property
    def looks(self) -> tuple[Variant | None, ...]:
        """What each way is a way in."""
        return tuple(map(Variant, self.baselines)) or (None,)

    @property
    def rounds(self) -> list[int]:
        """Parts of the way after each round, if all are asked.

        Examples
        --------
        >>> Options(steps=16, most=144).rounds
        [16, 48, 144]
        """
        parts = [self.steps]
        while parts[-1] * CUT <= self.most:
            parts.append(parts[-1] * CUT)
        return parts


@dataclass(frozen=True, slots=True)
class IntegratedGradients:
    """Integrated gradients after a recipe, for a model with these labels."""

    recipe: Recipe
    labels: tuple[str, ...]

    def open(self, scene: Scene) -> Probe:
        """The whole photograph, the bare fill, and the other baselines."""
        nothing = np.zeros((1, scene.k), dtype=bool)
        others = [Listed.of(nothing, variant) for variant in self._options().looks if variant]
        return Probe(scene.k, (base(scene.k), *others))

    def proceed(self, scene: Scene, evidence: Sequence[Evidence]) -> Probe | Attribution:
        """Finer parts while the pixels do not add up and there may be more; then the answer."""
        asked, *ways = evidence
        columns = chosen(self.recipe, self.labels, asked.scores[0])
        rounds = self._options().rounds
        if not ways:
            return self._round(asked, columns, 0)
        rises = _rises(asked)[columns]
        heats = _mean(ways).reshape(len(columns), *scene.segments.shape)
        gaps = [gap(heat, float(rise)) for heat, rise in zip(heats, rises, strict=True)]
        if len(ways) < len(rounds) and not all(one <= self._options().gap for one in gaps):
            return self._round(asked, columns, len(ways))
        return self._answer(scene, evidence, heats, rises)

    def _options(self) -> Options:
        return Options(**self.recipe.options)

    def _round(self, asked: Evidence, columns: Sequence[int], number: int) -> Probe:
        """The middles that round `number`, from 0, has beyond the ones before."""
        options = self._options()
        new = options.rounds[number] - (options.rounds[number - 1] if number else 0)
        ends = self._ends(asked, columns)
        ways = tuple(Path(new, number > 0, *way) for way in zip(options.looks, ends, strict=True))
        reading = Reading("gradient", tuple(columns), cost=GRADIENT * len(columns))
        return Probe(asked.probe.k, ways, reading=reading)

    def _ends(self, asked: Evidence, columns: Sequence[int]) -> list[tuple[float, ...]]:
        """Where the parts of the first round end on each way; where they are all alike, the way's own ends."""
        options, (starts, end) = self._options(), _reached(asked)
        if options.mesh == "uniform":
            return [WHOLE_WAY] * len(starts)
        return [graded(start[columns], end[columns], options.steps) for start in starts]

    def _answer(self, scene: Scene, evidence: Sequence[Evidence], heats: Array, rises: Array) -> Attribution:
        whole, bare = evidence[0].scores[:BASE_ROWS]
        columns = evidence[-1].probe.reading.columns
        found = [
            LabelAttribution(
                self.labels[c],
                laid(heat, scene.segments),
                heat=heat.astype(np.float32),
                claims=(_adds_up(gap(heat, float(rise)), float(rise)),),
            )
            for c, heat, rise in zip(columns, heats, rises, strict=True)
        ]
        baselines = list(self._options().baselines) or [self.recipe.fill]
        nodes = sum(way.probe.blocks[0].n for way in evidence[1:])
        return Attribution(
            named(self.labels, whole),
            named(self.labels, bare),
            sum(one.probe.evaluations for one in evidence),
            tuple(found),
            inside={"read": "gradient", "of": "probability", "nodes": nodes, "baselines": baselines},
        )


def _reached(asked: Evidence) -> tuple[Array, Array]:
    """The scores where each way begins, float64 [ways, c], and where all of them end, [c]."""
    own, *others = (block.astype(float) for block in asked.blocks())
    return np.concatenate(others or [own[1:]]), own[0]


def _rises(asked: Evidence) -> Array:
    """What the score of each label rises by from the baselines, on average, to the photograph, float64 [c]."""
    starts, end = _reached(asked)
    return np.asarray(end - starts.mean(axis=0))


def _mean(ways: Sequence[Evidence]) -> Array:
    """The mean over all middles asked, and over the baselines, float64 [columns · h · w]."""
    sizes = [way.probe.blocks[0].n for way in ways]
    return np.average([way.scores.astype(float).mean(axis=0) for way in ways], axis=0, weights=sizes)


def gap(heat: Array, rise: float) -> float:
    """How far a heat map is from adding up to the score's rise, in shares of that; NaN where it does not rise.

    Examples
    --------
    >>> round(gap(np.array([[0.3, 0.1]]), 0.5), 3)
    0.2
    """
    return abs(float(heat.sum()) - rise) / rise if rise > 0 else math.nan


def _adds_up(missing: float, rise: float) -> Claim:
    """The claim of integrated gradients: completeness (the paper's proposition 1)."""
    sentence = (
        "The coloured parts do not add up to the answer: the way from the bare fill to the photograph is too bumpy."
        if rise > 0
        else "The model takes the bare fill for this label as much as the photograph: nothing is left to explain."
    )
    return Claim("completeness", 1 - missing, LEAST_COMPLETE, sentence)


def _planned(recipe: Recipe) -> int:
    options = Options(**recipe.options)
    return BASE_ROWS + len(options.baselines) + GRADIENT * len(options.looks) * options.rounds[-1]


METHOD = Method(IntegratedGradients, _planned, options=Options, reads=frozenset({"scores", "gradient"}), once=False)
