"""Six places where a pole may stand, each different every time."""

from collections.abc import Callable

import numpy as np

from demo.scenery import bank, conifer, hill, house, meadow, sky
from demo.sketch import SIDE, Color, Plane, Point, Sketch, jitter, noise, over, ramp, shade, tone

GRASS: Color = (104, 126, 62)
ASPHALT: Color = (92, 92, 96)


def road(rng: np.random.Generator) -> Plane:
    """A road with lane marks, running to the horizon between verges."""
    horizon = rng.uniform(95, 135)
    image = meadow(rng, hill(rng, sky(rng), horizon), horizon, jitter(rng, GRASS))
    vanish = rng.uniform(60, 196)
    left, right = rng.uniform(-130, 0), rng.uniform(256, 386)
    sketch = Sketch()
    sketch.polygon([(vanish - 2, horizon), (vanish + 2, horizon), (right, SIDE), (left, SIDE)], jitter(rng, ASPHALT))
    color, coverage = sketch.layer()
    image = over(image, color * (1 + 0.07 * noise(rng, 4, 3))[..., None], coverage)
    marks = Sketch()
    white = shade((236, 236, 228), rng.uniform(0.88, 1))
    middle = jitter(rng, (226, 178, 56)) if rng.random() < 0.5 else white
    for edge in (0.06, 0.94):
        _mark(marks, (vanish, horizon), left + edge * (right - left), (0.0, 1.0), white)
    phase = rng.uniform(0, 1)
    for dash in range(7):
        near, far = 1 / (1 + 0.55 * (dash + phase)), 1 / (1 + 0.55 * (dash + phase + 0.55))
        _mark(marks, (vanish, horizon), (left + right) / 2, (far, near), middle)
    return over(image, *marks.layer())


def _mark(sketch: Sketch, vanish: Point, foot: float, reach: Point, color: Color) -> None:
    """A stripe toward the vanishing point, between two shares of the way from there to the picture's edge."""
    (x, y), (far, near) = vanish, reach
    outline = ((far, -6), (far, 6), (near, 6), (near, -6))
    sketch.polygon([(x + (foot + side - x) * t, y + (SIDE - y) * t) for t, side in outline], color)


def forest(rng: np.random.Generator) -> Plane:
    """Conifers in rows, the far ones paler, on a mossy floor."""
    floor = rng.uniform(190, 228)
    image = over(sky(rng), tone(jitter(rng, (150, 168, 150))), np.full((SIDE, SIDE), 0.5, np.float32))
    image = over(image, tone((62, 76, 58)) * (1 + 0.12 * noise(rng, 5, 9))[..., None], bank(rng, floor - 80, 22))
    green = jitter(rng, (40, 68, 36), 6)
    for row, pale in enumerate((0.55, 0.3, 0.0)):
        sketch = Sketch()
        for x in np.arange(-20, 290, (20, 27, 38)[row]) + rng.uniform(-9, 9):
            height = rng.uniform(0.75, 1.1) * (165, 205, 225)[row]
            foot = floor + (-14, 0, 14)[row] + rng.uniform(-5, 5)
            conifer(sketch, rng, (x + rng.uniform(-8, 8), foot), height, jitter(rng, green, 6))
        color, coverage = sketch.layer()
        leaves = color * (1 + 0.22 * noise(rng, 5, 4))[..., None]
        image = over(image, leaves * (1 - pale) + tone((150, 165, 155)) * pale, coverage)
    moss = tone(jitter(rng, (72, 78, 40))) * (1 + 0.2 * noise(rng, 9, 4))[..., None]
    return over(image, moss, bank(rng, floor + 8, 3))


def field(rng: np.random.Generator) -> Plane:
    """A field of crops in rows, with a line of trees at its far side."""
    horizon = rng.uniform(105, 150)
    image = hill(rng, sky(rng), horizon)
    crop = jitter(rng, ((196, 172, 84), (148, 152, 70), (122, 146, 58))[rng.integers(3)])
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    depth = np.maximum(y - horizon, 1) / SIDE
    rows = np.sin((x - rng.uniform(0, SIDE)) / depth / rng.uniform(4, 7) / 2.2) * np.clip(depth * 4 - 0.15, 0, 1)
    texture = 1 + 0.2 * rows + 0.06 * noise(rng, 4, 2) + 0.05 * noise(rng, 90, 20)
    image = over(image, tone(crop) * texture[..., None], bank(rng, horizon, 1))
    trees = Sketch()
    for at in rng.uniform(0, SIDE, rng.integers(8, 22)):
        size = rng.uniform(5, 12)
        trees.ellipse((at, horizon - size * 0.4), (size * 1.2, size), jitter(rng, (70, 88, 56), 8))
    color, coverage = trees.layer()
    return over(image, color * (1 + 0.15 * noise(rng, 4, 4))[..., None], coverage)


def open_sky(rng: np.random.Generator) -> Plane:
    """Nothing but clouds, as seen by who looks up from the foot of a pole."""
    return sky(rng, clouds=rng.uniform(0.7, 1.2), overcast=rng.uniform(0, 0.3), crisp=2)


def snow(rng: np.random.Generator) -> Plane:
    """Snow on the ground and on the mountains, with a few trees."""
    horizon = rng.uniform(115, 160)
    image = sky(rng, clouds=1.2, overcast=rng.uniform(0.5, 0.9))
    for height in (rng.uniform(50, 80), rng.uniform(15, 40)):
        peaks = bank(rng, horizon - height * 0.3, height * 0.35)
        rock = 0.5 + 0.5 * np.tanh(3 * noise(rng, 22, 9) - 2.2 + 2 * ramp(horizon - height, horizon))
        slope = tone((234, 239, 247)) * (1 - rock[..., None]) + tone((124, 130, 142)) * rock[..., None]
        image = over(image, slope, peaks)
    blue = 0.05 * tone((1.3, 1, 0.6))  # shadows in snow are blue
    drift = 1 + blue * noise(rng, 70, 10)[..., None] + 0.02 * noise(rng, 6, 3)[..., None]
    image = over(image, tone(jitter(rng, (238, 243, 250), 4)) * drift, bank(rng, horizon, 4))
    trees = Sketch()
    for at in rng.uniform(0, SIDE, rng.integers(3, 9)):
        conifer(trees, rng, (at, horizon + rng.uniform(2, 14)), rng.uniform(28, 60), jitter(rng, (128, 146, 148), 12))
    color, coverage = trees.layer()
    return over(image, color * (1 + 0.2 * noise(rng, 4, 3))[..., None], coverage)


def houses(rng: np.random.Generator) -> Plane:
    """Wooden houses with tiled roofs in their gardens."""
    horizon = rng.uniform(120, 150)
    image = meadow(rng, hill(rng, sky(rng), horizon), horizon, jitter(rng, (96, 134, 66)))
    left = rng.uniform(-60, -10)
    while left < SIDE:
        width = rng.uniform(75, 130)
        image = house(rng, image, (left, horizon + rng.uniform(28, 52)), width)
        left += width + rng.uniform(4, 34)
    hedge = Sketch()
    for at in np.arange(-5, 266, 9):
        hedge.ellipse((float(at), rng.uniform(203, 209)), (9, rng.uniform(10, 14)), jitter(rng, (58, 92, 44), 6))
    color, coverage = hedge.layer()
    return over(image, color * (1 + 0.2 * noise(rng, 4, 4))[..., None], coverage)


PLACES: dict[str, Callable[[np.random.Generator], Plane]] = {
    "road": road,
    "forest": forest,
    "field": field,
    "sky": open_sky,
    "snow": snow,
    "houses": houses,
}
