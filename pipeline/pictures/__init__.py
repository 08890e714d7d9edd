"""Pictures: what a person looks at to judge an explanation. Arrays in, uint8 RGB arrays out."""

from pipeline.answer.selection import Selection
from pipeline.pictures.backdrop import Backdrop
from pipeline.pictures.composition import heat_map, kept, overlay, seeds, support
from pipeline.pictures.encoding import png, segments_png
from pipeline.pictures.palette import BLUE_ORANGE, GREEN_RED, PALETTES, Palette, palette
from pipeline.pictures.several import Cell, several

__all__ = [
    "BLUE_ORANGE",
    "GREEN_RED",
    "PALETTES",
    "Backdrop",
    "Cell",
    "Palette",
    "Selection",
    "heat_map",
    "kept",
    "overlay",
    "palette",
    "png",
    "seeds",
    "segments_png",
    "several",
    "support",
]
