"""Lettering: words and numbers in a picture, in the font that lies beside this module.

Pillow's own default font has no letters beyond ASCII: it cannot write BJØRK. DejaVuSans.ttf is DejaVu Sans 2.37, free
to use and to change (LICENSE_DEJAVU), cut down to the Latin, Greek and Cyrillic letters by fontTools:

    pyftsubset DejaVuSans.ttf --no-hinting --layout-features= --output-file=pipeline/pictures/DejaVuSans.ttf \
        --unicodes=U+0020-007E,U+00A0-024F,U+0370-045F,U+1E00-1EFF,U+2010-2027,U+20AC,U+2212,U+FFFD
"""

import io
from functools import cache
from importlib.resources import files

from PIL import ImageFont

LETTERS = 200  # more of a label is never wide enough to be seen


@cache
def _file() -> bytes:
    return files("pipeline.pictures").joinpath("DejaVuSans.ttf").read_bytes()


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """The font at this size, in pixels."""
    return ImageFont.truetype(io.BytesIO(_file()), size, layout_engine=ImageFont.Layout.BASIC)


def fit(text: str, width: float, size: int) -> str:
    """The text on one line no wider than width pixels, shortened with an ellipsis where it must be.

    Line breaks, control characters and lone surrogates, which no font can draw, become spaces.
    """
    line = "".join(letter if letter.isprintable() else " " for letter in text[:LETTERS])
    face = font(size)
    if face.getlength(line) <= width:
        return line
    while line and face.getlength(line + "…") > width:
        line = line[:-1]
    return line.rstrip() + "…"


def percent(probability: float) -> str:
    """A probability as a person reads it.

    Examples
    --------
    >>> percent(0.934), percent(0.0042), percent(0.0001), percent(0.9999)
    ('93 %', '0.4 %', '<0.1 %', '>99.9 %')
    """
    value = 100 * probability
    if value < 0.1:
        return "<0.1 %" if value > 0 else "0 %"
    if 99.9 < value < 100:
        return ">99.9 %"
    return f"{value:.1f} %" if value < 10 or 99 < value < 100 else f"{value:.0f} %"
