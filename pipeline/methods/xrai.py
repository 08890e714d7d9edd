"""XRAI: integrated gradients gathered into regions, the densest first.

Kapishnikov, Bolukbasi, Viegas and Terry, "XRAI: Better attributions through regions", ICCV 2019. The ways begin at
black and at white, so that neither a dark object nor a bright one is its own baseline. The pixels of a region share its
attribution alike; the sum over all is what integrated gradients say.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from pipeline.answer.attribution import Attribution, LabelAttribution, laid
from pipeline.conversation.probe import Evidence, Probe
from pipeline.methods import integrated_gradients
from pipeline.methods.asked import BASE_ROWS, GRADIENT
from pipeline.methods.integrated_gradients import IntegratedGradients
from pipeline.methods.method import Method
from pipeline.methods.region_ranking import LEAST, Masks, ranked
from pipeline.recipe import Recipe
from pipeline.scene.regions import apart, regions
from pipeline.scene.scene import Scene

SCALES, SUPERPIXELS = "scales", "superpixels"


@dataclass(frozen=True, slots=True)
class Options(integrated_gradients.Options):
    """Those of integrated gradients, and what their attribution is gathered into.

    Attributes
    ----------
    regions : "scales" or "superpixels"
        XRAI's own regions, which overlap and come at six scales, or the recipe's superpixels.
    fast : bool
        Put regions in order once rather than after each anew.
    """

    baselines: tuple[str, ...] = ("black", "#ffffff")
    regions: str = SCALES
    fast: bool = False

    def __post_init__(self) -> None:
        integrated_gradients.Options.__post_init__(self)
        if self.regions not in (SCALES, SUPERPIXELS):
            raise ValueError(f"regions is {self.regions!r}, expected {SCALES} or {SUPERPIXELS}")
        if not isinstance(self.fast, bool):
            raise ValueError(f"fast is {self.fast!r}, expected true or false")

    def cut(self, scene: Scene) -> tuple[Masks, int]:
        """The regions of a scene, bool [r, h, w], and how many pixels one must add to count."""
        return (regions(scene.canvas), LEAST) if self.regions == SCALES else (apart(scene.segments), 1)


@dataclass(frozen=True, slots=True)
class Xrai:
    """XRAI after a recipe, for a model with these labels."""

    recipe: Recipe
    labels: tuple[str, ...]

    def open(self, scene: Scene) -> Probe:
        """What integrated gradients ask first."""
        return self._inner().open(scene)

    def proceed(self, scene: Scene, evidence: Sequence[Evidence]) -> Probe | Attribution:
        """What they ask further; then their answer, in regions."""
        step = self._inner().proceed(scene, evidence)
        return step if isinstance(step, Probe) else self._gathered(scene, step)

    def _inner(self) -> IntegratedGradients:
        """Integrated gradients with this method's options, of which it knows its own."""
        options = Options(**self.recipe.options)
        known = {one.name: getattr(options, one.name) for one in fields(integrated_gradients.Options)}
        return IntegratedGradients(replace(self.recipe, options=known), self.labels)

    def _gathered(self, scene: Scene, found: Attribution) -> Attribution:
        options = Options(**self.recipe.options)
        cut, least = options.cut(scene)
        told = {"regions": options.regions, "cut": len(cut), "fast": options.fast}
        labels = tuple(_in_regions(scene, label, cut, (least, options.fast)) for label in found.labels)
        return replace(found, labels=labels, inside={**(found.inside or {}), **told})


def _in_regions(scene: Scene, label: LabelAttribution, cut: Masks, how: tuple[int, bool]) -> LabelAttribution:
    least, fast = how
    if label.heat is None:
        return label
    heat = ranked(label.heat, cut, fast=fast, least=least).heat
    return replace(label, weights=laid(heat, scene.segments), heat=heat)


def _planned(recipe: Recipe) -> int:
    options = Options(**recipe.options)
    return BASE_ROWS + len(options.baselines) + GRADIENT * len(options.looks) * options.rounds[-1]


METHOD = Method(Xrai, _planned, options=Options, reads=frozenset({"scores", "gradient"}), once=False)
