"""Rendering: the files that a person opens, from an attribution."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution, LabelAttribution
from pipeline.answer.rule import EMPTY
from pipeline.pictures import Backdrop, Palette, heat_map, kept, overlay, png, seeds, segments_png
from pipeline.pictures.composition import LARGEST
from pipeline.pictures.pair import Before, pair


def rendered(
    backdrop: Backdrop, fill: NDArray[np.uint8], attribution: Attribution, numbers: Sequence[int], palette: Palette
) -> Mapping[str, bytes]:
    """The pictures of an attribution as PNG files, by name.

    `overlay.png`, `support.png`, `heat.png` and `seeds.png`, where the method has such, show the first label; further
    labels have a number: `overlay-2.png`.
    `support.png` shows the superpixels of a rule, where the method gives one.
    `segments.png` has 16 bits, the superpixels' labels from 0, at the canvas's size. `denoised.png` is the noise
    experiment's, where there was one.

    Parameters
    ----------
    fill : uint8 [h, w, 3]
        What a switched-off superpixel shows.
    numbers : the recipe's seeds, of which an attribution may have used the first few only
    """
    small = backdrop.within(LARGEST)
    files = {"segments.png": segments_png(backdrop.segments)}
    for place, label in enumerate(attribution.labels, start=1):
        suffix = "" if place == 1 else f"-{place}"
        picture = overlay(small, label.weights, attribution.probabilities, label.label, palette)
        files[f"overlay{suffix}.png"] = png(picture)
        files[f"support{suffix}.png"] = png(kept(small, _shown(label)))
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


def _shown(label: LabelAttribution) -> NDArray[np.bool_]:
    """What a support picture does not dim, bool [k]: all, where a rule says that nothing is needed."""
    empty = label.rule is not None and label.rule.outcome == EMPTY
    return np.ones(len(label.weights), dtype=bool) if empty else label.supporting()
