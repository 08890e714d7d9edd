"""Rendering: the pictures of an explanation, each drawn when it is asked for.

Nothing of them is kept anywhere: the same photograph, scene and attribution give the same pixels every time.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution, LabelAttribution
from pipeline.answer.rule import EMPTY
from pipeline.answer.selection import Selection
from pipeline.pictures import (
    GREEN_RED,
    Backdrop,
    Palette,
    Said,
    disagreement,
    heat_map,
    kept,
    overlay,
    png,
    segments_png,
)
from pipeline.pictures.backdrop import view
from pipeline.pictures.paint import plain, relative, tinted
from pipeline.pictures.pair import Before, pair

LOOK = 1  # counts up whenever a picture of the same explanation comes to look otherwise; a test pins the pixels
KINDS = ("overlay", "support", "heat", "seeds", "denoised")
SEGMENTS = "segments.png"
NAME = re.compile(rf"({'|'.join(KINDS)})(?:-([2-9]|[1-9]\d+))?\.png")


@dataclass(frozen=True, slots=True)
class Style:
    """How an attribution is drawn: in which colours, and which superpixels; all of them where it is not said."""

    palette: Palette = GREEN_RED
    show: Selection | None = None

    def drawn(self, weights: NDArray[np.floating]) -> NDArray[np.floating]:
        """The weights of the superpixels that are drawn, and 0 for the others, float [k]."""
        return weights if self.show is None else np.where(self.show.strongest(np.nan_to_num(weights)), weights, 0)


@dataclass(frozen=True, slots=True)
class Picture:
    """One of the pictures of an explanation: of a kind of `KINDS`, and of the label in this place of those explained.

    Examples
    --------
    >>> Picture("overlay").name, Picture("heat", 2).name, Picture.named("heat-2.png")
    ('overlay.png', 'heat-2.png', Picture(kind='heat', place=2))
    """

    kind: str
    place: int = 1

    @property
    def name(self) -> str:
        """Its file's."""
        return f"{self.kind}{'' if self.place == 1 else f'-{self.place}'}.png"

    @classmethod
    def named(cls, name: str) -> Self:
        """The picture of this name. Raises ValueError where no picture has it."""
        if not (found := NAME.fullmatch(name)):
            raise ValueError(f"there is no picture {name!r}: they are {', '.join(f'{kind}.png' for kind in KINDS)}")
        return cls(found[1], int(found[2] or 1))


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """What the pictures of one explanation are drawn from.

    Attributes
    ----------
    backdrop : Backdrop
        Its photograph may have been shrunk to what is shown.
    fill : uint8 [h, w, 3]
        What a switched-off superpixel shows.
    attribution : Attribution
        With its heat maps, where the method gives such.
    style : Style
    """

    backdrop: Backdrop
    fill: NDArray[np.uint8]
    attribution: Attribution
    style: Style = Style()

    def pictures(self) -> tuple[Picture, ...]:
        """Those that there are: a method may give no heat map, no seeds, no noise experiment."""
        labels = enumerate(self.attribution.labels, start=1)
        return tuple(Picture(kind, place) for place, label in labels for kind in kinds(label))

    def draw(self, picture: Picture) -> NDArray[np.uint8]:
        """A picture, uint8 [y, x, 3]. Weights that are sums of a heat map are painted as its means.

        `support` shows the superpixels of a rule, where the method gives one. Raises ValueError for a picture that
        there is not.
        """
        if picture not in self.pictures():
            raise ValueError(f"the explanation has no {picture.name}: {self._names()}")
        answered, backdrop = self.attribution.labels[picture.place - 1], self.backdrop
        label = _painted(answered, backdrop.segments)
        said = Said(label.label, self.attribution.probabilities, self.attribution.unlisted)
        if picture.kind == "heat" and label.heat is not None:
            return heat_map(backdrop, label.heat, said, self.style.palette)
        if picture.kind == "denoised" and label.denoised:
            before = Before(label.label, label.weights, self.attribution.probabilities)
            return pair(backdrop, self.fill, before, label.denoised, self.style.palette)
        if picture.kind == "support":
            return kept(backdrop, _shown(answered, self.style.show or Selection()))
        if picture.kind == "seeds":
            return disagreement(backdrop, label.weights_by_seed, label.label)
        return overlay(backdrop, self.style.drawn(label.weights), said, self.style.palette)

    def plain(self, size: int) -> NDArray[np.uint8]:
        """The photograph with nothing painted on it, its longer side so many pixels; uint8 [y, x, 3]."""
        return plain(view(self.backdrop, size, size))

    def evidence(self, size: int, place: int = 1) -> NDArray[np.uint8]:
        """The evidence for the label in this place, painted on the photograph as `plain` shows it, with no legend.

        Laid upon `plain`, it is seen through as far as a person wants. Raises ValueError where no label is in place.
        """
        if not 1 <= place <= len(self.attribution.labels):
            raise ValueError(
                f"place is {place}, expected 1..{len(self.attribution.labels)}: so many labels are explained"
            )
        label = _painted(self.attribution.labels[place - 1], self.backdrop.segments)
        strength = relative(self.style.drawn(label.weights))
        return tinted(view(self.backdrop, size, size), strength, self.style.palette)

    def _names(self) -> str:
        return f"it has {', '.join(one.name for one in self.pictures())}"


def kinds(label: LabelAttribution) -> Iterator[str]:
    """The kinds of pictures that a label's answer has, in the order of `KINDS`."""
    there = {
        "heat": label.heat is not None,
        "seeds": len(label.weights_by_seed) > 0,
        "denoised": label.denoised is not None,
    }
    return (kind for kind in KINDS if there.get(kind, True))


def rendered(drawing: Drawing) -> Mapping[str, bytes]:
    """Every picture of an explanation as a PNG file, by name, and `segments.png`.

    That has 16 bits, the superpixels' labels from 0, at the canvas's size.
    """
    files = {picture.name: png(drawing.draw(picture)) for picture in drawing.pictures()}
    return {SEGMENTS: segments_png(drawing.backdrop.segments)} | files


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
