"""Three utility poles: smooth concrete, see-through steel lattice, grained wood."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from demo.sketch import Color, Plane, Point, Sketch, jitter, noise, shade

GLASS: tuple[Color, ...] = ((118, 62, 44), (226, 224, 216), (84, 116, 108))


@dataclass(frozen=True, slots=True)
class Axis:
    """The line a pole follows: from its foot to its top, with half its width at both, in pixels."""

    foot: Point
    top: Point
    foot_half: float
    top_half: float

    def at(self, t: float) -> tuple[float, float, float]:
        """x, y and half width a share t of the way up."""
        (x0, y0), (x1, y1) = self.foot, self.top
        return x0 + (x1 - x0) * t, y0 + (y1 - y0) * t, self.foot_half + (self.top_half - self.foot_half) * t


@dataclass(frozen=True, slots=True)
class Arm:
    """A crossarm: half its length and its thickness in pixels, on a pole 30 pixels wide."""

    reach: float
    thick: float
    color: Color
    braced: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Pole:
    """A pole before it stands anywhere.

    Attributes
    ----------
    color : float32 [256, 256, 3]
    coverage : float32 [256, 256]
        Share of each pixel that the pole hides.
    wires : points
        Where wires are tied to it.
    """

    color: Plane
    coverage: Plane
    wires: tuple[Point, ...]


def axis(rng: np.random.Generator, foot_half: float, top_half: float) -> Axis:
    """A nearly upright axis near the middle, of varied size."""
    size = rng.uniform(0.72, 1.2)
    x, lean = rng.uniform(92, 164), rng.normal(0, 4)
    return Axis((x, rng.uniform(240, 275)), (x + lean, rng.uniform(16, 44)), foot_half * size, top_half * size)


def concrete(rng: np.random.Generator) -> Pole:
    """A light grey tapered pole with slots down its face and steel rungs at its sides."""
    line = axis(rng, 23, 15)
    sketch, grey = Sketch(), jitter(rng, (186, 184, 176), 7)
    for t in np.arange(0.2, 0.8, 0.055):
        x, y, half = line.at(t)
        sketch.bar((x - half - 6, y), (x + half + 6, y), 2.2, (84, 86, 90))
    ties = _crossarm(sketch, rng, line.at(0.95), Arm(46, 9, jitter(rng, (150, 152, 152), 5)))
    _round(sketch, line, grey, rng.choice((-0.5, 0.5)))
    for t in np.arange(rng.uniform(0.08, 0.14), 0.86, 0.13):
        x, y, half = line.at(t)
        sketch.bar((x, y), (x, y - 17), half * 0.62, shade(grey, 0.5))
        sketch.bar((x + half * 0.06, y - 1), (x + half * 0.06, y - 15), half * 0.42, shade(grey, 0.38))
    color, coverage = sketch.layer()
    stains = 1 + 0.035 * noise(rng, 12, 70) + 0.03 * noise(rng, 2, 2, 1)
    return Pole(color * stains[..., None], coverage, ties)


def steel(rng: np.random.Generator) -> Pole:
    """A cross-braced lattice tower of galvanised angle steel; the air between its members is not part of it."""
    line = axis(rng, 36, 18)
    sketch, zinc = Sketch(), jitter(rng, (118, 126, 134), 7)
    heights, thick = _panels(line), line.foot_half / 36
    for low, high in pairwise(heights):
        (x0, y0, half0), (x1, y1, half1) = line.at(low), line.at(high)
        sketch.bar((x0 + half0, y0), (x1 - half1, y1), 5.5 * thick + 1, shade(zinc, 0.72))
        sketch.bar((x0 - half0, y0), (x1 + half1, y1), 5.5 * thick + 1, zinc)
        sketch.bar((x1 - half1, y1), (x1 + half1, y1), 5 * thick + 1, shade(zinc, 0.88))
    for side, tone in ((-1, 1.12), (1, 0.62)):
        (x0, y0, half0), (x1, y1, half1) = line.at(-0.1), line.at(1)
        sketch.bar((x0 + side * half0, y0), (x1 + side * half1, y1 - 2), 8.5 * thick + 1, shade(zinc, tone))
        sketch.bar((x0 + side * (half0 - 2.5), y0), (x1 + side * (half1 - 2.5), y1), 2, shade(zinc, tone * 0.8))
    ties = tuple(tie for t in (0.97, 0.78) for tie in _bracket(sketch, line, t, zinc))
    color, coverage = sketch.layer()
    return Pole(color * (1 + 0.05 * noise(rng, 4, 4))[..., None], coverage, ties)


def wood(rng: np.random.Generator) -> Pole:
    """A brown grained pole with a braced crossarm and insulators."""
    line = axis(rng, 20, 15)
    sketch, brown = Sketch(), jitter(rng, (122, 82, 50), 8)
    _round(sketch, line, brown, rng.choice((-0.5, 0.5)))
    x, y, half = line.at(1)
    sketch.ellipse((x, y), (half, half * 0.3), shade(brown, 1.25))
    ties: tuple[Point, ...] = ()
    for t in (0.9, 0.74)[: rng.integers(1, 3)]:
        ties += _crossarm(sketch, rng, line.at(t), Arm(64, 13, shade(brown, rng.uniform(0.8, 1.1)), braced=True))
    color, coverage = sketch.layer()
    grain = 1 + 0.15 * noise(rng, 2.5, 60) + 0.07 * noise(rng, 8, 90)
    return Pole(color * grain[..., None], coverage, ties)


POLES: dict[str, Callable[[np.random.Generator], Pole]] = {"BETONG": concrete, "STAAL": steel, "TRE": wood}


def _round(sketch: Sketch, line: Axis, color: Color, light: float) -> None:
    """The body: upright strips, each as bright as a cylinder is where the strip faces."""
    edges = np.linspace(-1, 1, 33)
    (x0, y0, half0), (x1, y1, half1) = line.at(-0.1), line.at(1)
    for left, right in pairwise(edges):
        u = (left + right) / 2
        tone = 0.5 + 0.62 * max(0.0, float(np.sqrt(1 - u * u) * np.sqrt(1 - light * light) + u * light))
        strip = [(x0 + left * half0, y0), (x1 + left * half1, y1), (x1 + right * half1, y1), (x0 + right * half0, y0)]
        sketch.polygon(strip, shade(color, tone))


def _crossarm(sketch: Sketch, rng: np.random.Generator, at: tuple[float, float, float], arm: Arm) -> tuple[Point, ...]:
    """An arm across the pole with four insulators on it; returns where its wires are tied."""
    x, y, half = at
    reach, thick, color = arm.reach * half / 15, arm.thick * half / 15, arm.color
    glass, ties = GLASS[rng.integers(len(GLASS))], []
    for share in (-0.92, -0.5, 0.5, 0.92):
        pin = x + reach * share
        sketch.bar((pin, y), (pin, y - thick - 4), 2.5, (60, 60, 62))
        for rise, radius in ((4, 6.5), (8, 5.5), (12, 4)):
            sketch.ellipse((pin, y - thick / 2 - rise), (radius, 2.8), shade(glass, 0.75 + rise * 0.03))
        ties.append((pin, y - thick / 2 - 12))
    for side in (-1, 1) if arm.braced else ():
        sketch.bar((x + side * reach * 0.6, y), (x, y + reach * 0.5), thick * 0.42, shade(color, 0.7))
    sketch.bar((x - reach, y), (x + reach, y), thick, color)
    sketch.bar((x - reach, y + thick * 0.3), (x + reach, y + thick * 0.3), thick * 0.4, shade(color, 0.72))
    return tuple(ties)


def _panels(line: Axis) -> list[float]:
    """Heights of the horizontal members: each panel about as high as it is wide."""
    heights, length = [-0.06], line.foot[1] - line.top[1]
    while heights[-1] < 1:
        heights.append(heights[-1] + 1.55 * line.at(heights[-1])[2] / length)
    return [t / heights[-1] if t > 0 else t for t in heights]


def _bracket(sketch: Sketch, line: Axis, t: float, color: Color) -> tuple[Point, ...]:
    """Two arms of lattice with strings of insulators hanging from their tips."""
    x, y, half = line.at(t)
    reach, ties = 3.4 * line.top_half, []
    for side in (-1, 1):
        tip, root = (x + side * reach, y + 4), x + side * half
        sketch.bar((root, y + 15), tip, 4.5, shade(color, 0.75))
        sketch.bar((root, y), tip, 5, color)
        middle = (root + tip[0]) / 2
        sketch.bar((middle, y + 2), (root, y + 15), 3, shade(color, 0.85))
        for disc in range(4):
            sketch.ellipse((tip[0] - side * 2, tip[1] + 5 + disc * 4), (5, 2.6), shade((96, 108, 110), 1 - disc * 0.06))
        ties.append((tip[0] - side * 2, tip[1] + 21))
    return tuple(ties)
