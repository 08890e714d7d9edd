"""Drawing with clean edges: flat shapes at three times the size, and smooth noise for texture."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SIDE = 256
SCALE = 3

Point = tuple[float, float]
Color = tuple[float, float, float]
Plane = NDArray[np.float32]


class Sketch:
    """Flat shapes in picture units (0..256, y down), drawn at three times the size and reduced once at the end."""

    def __init__(self) -> None:
        self._image = Image.new("RGBA", (SIDE * SCALE, SIDE * SCALE))
        self._draw = ImageDraw.Draw(self._image)

    def polygon(self, points: Sequence[Point], color: Color) -> None:
        """Fill a polygon."""
        self._draw.polygon([(x * SCALE, y * SCALE) for x, y in points], fill=opaque(color))

    def bar(self, start: Point, end: Point, width: float, color: Color) -> None:
        """A straight bar with square ends."""
        (x0, y0), (x1, y1) = start, end
        length = max(float(np.hypot(x1 - x0, y1 - y0)), 1e-6)
        across, down = -(y1 - y0) / length * width / 2, (x1 - x0) / length * width / 2
        one, other = (
            [(x0 + across, y0 + down), (x1 + across, y1 + down)],
            [(x1 - across, y1 - down), (x0 - across, y0 - down)],
        )
        self.polygon(one + other, color)

    def ellipse(self, center: Point, radii: Point, color: Color) -> None:
        """Fill an upright ellipse."""
        (x, y), (wide, high) = center, radii
        box = [(x - wide) * SCALE, (y - high) * SCALE, (x + wide) * SCALE, (y + high) * SCALE]
        self._draw.ellipse(box, fill=opaque(color))

    def layer(self) -> tuple[Plane, Plane]:
        """Color, float32 [h, w, 3] on 0..255, and coverage, float32 [h, w] on 0..1."""
        reduced = np.asarray(self._image.reduce(SCALE), dtype=np.float32)
        return reduced[..., :3], reduced[..., 3] / np.float32(255)


def opaque(color: Color) -> tuple[int, int, int, int]:
    """The color as Pillow wants it, clipped to 0..255."""
    red, green, blue = (int(min(max(value, 0), 255)) for value in color)
    return red, green, blue, 255


def tone(color: Color) -> Plane:
    """The color as an array, float32 [3]."""
    return np.array(color, np.float32)


def over(image: Plane, color: Plane, coverage: Plane) -> Plane:
    """Paint a layer over an image: both float32 [h, w, 3] (or one color), coverage [h, w]."""
    return image + (color - image) * coverage[..., None]


def shade(color: Color, factor: float) -> Color:
    """The same color, darker or lighter."""
    return color[0] * factor, color[1] * factor, color[2] * factor


def jitter(rng: np.random.Generator, color: Color, spread: float = 10) -> Color:
    """A color near this one."""
    red, green, blue = np.asarray(color) + rng.normal(0, spread / 2, 3) + rng.normal(0, spread)
    return float(red), float(green), float(blue)


def noise(rng: np.random.Generator, wide: float, high: float, octaves: int = 3) -> Plane:
    """Smooth noise, float32 [h, w] with mean 0 and deviation 1, its blobs about `wide` x `high` pixels large."""
    total = np.zeros((SIDE, SIDE), np.float32)
    for octave in range(octaves):
        columns, rows = (max(2, int(SIDE * 2**octave / size) + 2) for size in (wide, high))
        grid = Image.fromarray(rng.standard_normal((min(rows, SIDE), min(columns, SIDE)), dtype=np.float32))
        total += np.asarray(grid.resize((SIDE, SIDE), Image.Resampling.BICUBIC)) / 2**octave
    return np.asarray((total - total.mean()) / total.std(), dtype=np.float32)


def ramp(start: float, end: float) -> Plane:
    """Rows that climb from 0 at y = start to 1 at y = end, float32 [h, 1]."""
    y = np.arange(SIDE, dtype=np.float32)[:, None] + 0.5
    rows: Plane = np.clip((y - start) / (end - start), 0, 1)
    return rows
