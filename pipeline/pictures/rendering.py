"""Rendering: the files that a person opens, from an attribution."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution, LabelAttribution
from pipeline.answer.rule import EMPTY
from pipeline.answer.selection import Selection
from pipeline.pictures import Backdrop, Palette, heat_map, kept, overlay, png, seeds, segments_png
from pipeline.pictures.composition import LARGEST
from pipeline.pictures.pair import Before, pair


@dataclass(frozen=True, slots=True)
class Style:
    """How an attribution is drawn: in which colours, and which superpixels; all of them where it is not said."""

    palette: Palette
    show: Selection | None = None

    def drawn(self, weights: NDArray[np.floating]) -> NDArray[np.floating]:
        """The weights of the superpixels that are drawn, and 0 for the others, float [k]."""
        return weights if self.show is None else np.where(self.show.strongest(np.nan_to_num(weights)), weights, 0)


def rendered(
    backdrop: Backdrop, fill: NDArray[np.uint8], attribution: Attribution, numbers: Sequence[int], style: Style
) -> Mapping[str, bytes]:
    """The pictures of an attribution as PNG files, by name.

    `overlay.png`, `support.png`, `heat.png` and `seeds.png`, where the method has such, show the first label; further
    labels have a number: `overlay-2.png`. Weights that are sums of a heat map are painted as its means.
    `support.png` shows the superpixels of a rule, where the method gives one.
    `segments.png` has 16 bits, the superpixels' labels from 0, at the canvas's size. `denoised.png` is the noise
    experiment's, where there was one.

    Parameters
    ----------
    fill : uint8 [h, w, 3]
        What a switched-off superpixel shows.
    numbers : the recipe's seeds, of which an attribution may have used the first few only
    """
    small, palette = backdrop.within(LARGEST), style.palette
    files = {"segments.png": segments_png(backdrop.segments)}
    for place, answered in enumerate(attribution.labels, start=1):
        label, suffix = _painted(answered, backdrop.segments), "" if place == 1 else f"-{place}"
        picture = overlay(small, style.drawn(label.weights), attribution.probabilities, label.label, palette)
        files[f"overlay{suffix}.png"] = png(picture)
        files[f"support{suffix}.png"] = png(kept(small, _shown(answered, style.show or Selection())))
        if label.heat is not None:
            files[f"heat{suffix}.png"] = png(
                heat_map(small, label.heat, attribution.probabilities, label.label, palette)
            )
        if len(label.weights_by_seed):
            used = numbers[: len(label.weights_by_seed)]
            files[f"seeds{suffix}.png"] = png(seeds(small, label.weights_by_seed, used, palette))
        if label.denoised:
            before = Before(label.label, label.weights, attribution.probabilities)
            files["denoised.png"] = png(pair(small, fill, before, label.denoised, palette))
    return files


def _shown(label: LabelAttribution, selection: Selection) -> NDArray[np.bool_]:
    """What a support picture does not dim, bool [k]: all, where a rule says that nothing is needed."""
    empty = label.rule is not None and label.rule.outcome == EMPTY
    return np.ones(len(label.weights), dtype=bool) if empty else label.supporting(selection)


def _painted(label: LabelAttribution, segments: NDArray[np.int32]) -> LabelAttribution:
    """What is painted in place of a heat map's sums: a large superpixel would look strong for its size alone."""
    if label.heat is None:
        return label
    sizes = np.bincount(segments.ravel())
    errors = label.errors and replace(label.errors, weights_by_seed=label.weights_by_seed / sizes)
    denoised = label.denoised and replace(label.denoised, weights=label.denoised.weights / sizes)
    return replace(label, weights=label.weights / sizes, errors=errors, denoised=denoised)
