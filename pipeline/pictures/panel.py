"""The panel beside a picture: every label's confidence, and what the colours mean."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pipeline.pictures.lettering import fit, font, percent
from pipeline.pictures.paint import swatch
from pipeline.pictures.palette import Palette

ROWS = 8  # labels with a bar of their own
PAPER, INK, FAINT, TRACK, BAR, MARK = "#ffffff", "#16191d", "#6b727b", "#e4e7ea", "#aab1b9", "#2b3440"


@dataclass(frozen=True, slots=True)
class Said:
    """What the model says of a photograph: the label explained, and each label's confidence, 0..1.

    `unlisted` labels have none here.
    """

    label: str
    probabilities: Mapping[str, float]
    unlisted: int = 0


@dataclass(frozen=True, slots=True)
class Bar:
    """One label's line of the panel."""

    label: str
    probability: float
    explained: bool


class Panel:
    """A sheet that is written from top to bottom, its measures in proportion to the size of its letters."""

    def __init__(self, letters: int, height: int) -> None:
        self.letters = letters
        self.wide = 15 * letters
        self.margin = letters
        self.image = Image.new("RGB", (self.wide, height), PAPER)
        self.draw = ImageDraw.Draw(self.image)
        self.top = float(letters)

    @property
    def inner(self) -> int:
        """Width between the margins, in pixels."""
        return self.wide - 2 * self.margin

    def write(self, text: str, color: str, size: float = 1.0) -> None:
        """One line of text."""
        points = round(self.letters * size)
        self.draw.text((self.margin, self.top), fit(text, self.inner, points), fill=color, font=font(points))
        self.top += 1.3 * points

    def chart(self, bar: Bar) -> None:
        """One label: its name, its confidence, and the bar under both, thicker for the label explained."""
        number, right = percent(bar.probability), self.wide - self.margin
        face, color = font(self.letters), INK if bar.explained else FAINT
        name = fit(bar.label, self.inner - face.getlength(number) - self.letters / 2, self.letters)
        self.draw.text((self.margin, self.top), name, fill=color, font=face)
        self.draw.text((right, self.top), number, fill=color, font=face, anchor="ra")
        self.top += 1.35 * self.letters
        bottom = self.top + self.letters * (0.5 if bar.explained else 0.25)
        end = self.margin + self.inner * min(1.0, max(0.0, bar.probability))
        self.draw.rectangle((self.margin, self.top, right, bottom), fill=TRACK)
        self.draw.rectangle((self.margin, self.top, end, bottom), fill=MARK if bar.explained else BAR)
        self.top = bottom + 0.7 * self.letters

    def key(self, patch: NDArray[np.uint8], text: str) -> None:
        """One line of the legend."""
        side = len(patch)
        self.image.paste(Image.fromarray(patch), (self.margin, round(self.top)))
        points = round(0.9 * self.letters)
        words = fit(text, self.inner - 1.5 * side, points)
        middle = round(self.top) + side / 2
        self.draw.text((self.margin + 1.5 * side, middle), words, fill=INK, font=font(points), anchor="lm")
        self.top += 1.4 * side


def bars(probabilities: Mapping[str, float], label: str) -> list[Bar]:
    """The most probable labels, the explained one always among them."""
    ranked = sorted(probabilities.items(), key=lambda item: -item[1])
    shown = ranked[:ROWS]
    if label in probabilities and label not in dict(shown):
        shown[-1] = (label, probabilities[label])
    return [Bar(name, probability, name == label) for name, probability in shown]


def panel(height: int, letters: int, said: Said) -> Panel:
    """A panel at least so high with every label's confidence, the label explained on top."""
    charted = bars(said.probabilities, said.label)
    sheet = Panel(letters, max(height, round(letters * (13 + 2.6 * len(charted)))))
    sheet.write("Evidence for", FAINT, 0.9)
    sheet.write(said.label, INK, 1.5)
    sheet.top += 0.5 * letters
    for bar in charted:
        sheet.chart(bar)
    more = len(said.probabilities) + said.unlisted - len(charted)
    if more:
        sheet.write(f"and {more:,} more", FAINT, 0.85)
    return sheet


def legend(
    sheet: Panel,
    palette: Palette,
    cropped: bool,
    words: tuple[str, str] = ("supports the label", "speaks against it"),
) -> None:
    """What the plain colour and the hatched one mean, at the foot of the panel."""
    side = round(1.5 * sheet.letters)
    foot = sheet.image.height - sheet.letters - 1.4 * side * (3 if cropped else 2)
    sheet.top = max(sheet.top + 0.5 * sheet.letters, foot)
    for strength, meaning in zip((1.0, -1.0), words, strict=True):
        sheet.key(swatch(palette, strength, side), meaning)
    if cropped:
        sheet.key(np.full((side, side, 3), 45, dtype=np.uint8), "unseen by the model")
