"""Pictures: what a person looks at to judge an explanation. Arrays in, uint8 RGB arrays out."""

from pipeline.answer.selection import Selection
from pipeline.pictures.backdrop import Backdrop
from pipeline.pictures.composition import heat_map, kept, overlay, support
from pipeline.pictures.disagreement import disagreement
from pipeline.pictures.encoding import png, segments_png, webp
from pipeline.pictures.palette import BLUE_ORANGE, GREEN_RED, PALETTES, Palette, palette
from pipeline.pictures.panel import Said
from pipeline.pictures.several import Cell, several

__all__ = [
    "BLUE_ORANGE",
    "GREEN_RED",
    "PALETTES",
    "Backdrop",
    "Cell",
    "Palette",
    "Said",
    "Selection",
    "disagreement",
    "heat_map",
    "kept",
    "overlay",
    "palette",
    "png",
    "segments_png",
    "several",
    "support",
    "webp",
]
