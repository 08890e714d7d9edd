"""Palettes: the two colours of the evidence."""

from dataclasses import dataclass

Color = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of a picture: what supports the label and what speaks against it, sRGB 0..255.

    In every palette the evidence against is also hatched, so that colour is never the only cue.
    """

    name: str
    supports: Color
    against: Color


GREEN_RED = Palette("green-red", (20, 200, 70), (225, 25, 45))
BLUE_ORANGE = Palette("blue-orange", (30, 120, 255), (240, 135, 0))  # told apart with any kind of colour vision

PALETTES = {palette.name: palette for palette in (GREEN_RED, BLUE_ORANGE)}


def palette(name: str) -> Palette:
    """The palette of that name; raises ValueError where there is none.

    Examples
    --------
    >>> palette("blue-orange").against
    (240, 135, 0)
    """
    if name not in PALETTES:
        raise ValueError(f"palette is {name!r}, expected one of {', '.join(PALETTES)}")
    return PALETTES[name]
