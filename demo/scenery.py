"""What the six places are made of: sky, hills, meadows, trees and houses."""

import numpy as np

from demo.sketch import SIDE, Color, Plane, Point, Sketch, jitter, noise, over, ramp, shade, tone

WALLS: tuple[Color, ...] = ((158, 48, 40), (232, 226, 210), (214, 170, 84), (120, 140, 150))
ROOFS: tuple[Color, ...] = ((150, 72, 50), (74, 70, 74), (112, 60, 48))


def sky(
    rng: np.random.Generator, clouds: float | None = None, overcast: float | None = None, crisp: float = 0.9
) -> Plane:
    """A sky from clear to grey, its clouds soft (crisp below 1) or heaped; float32 [h, w, 3]."""
    clouds = rng.uniform(0, 1) if clouds is None else clouds
    overcast = rng.uniform(0, 0.6) if overcast is None else overcast
    high, low = tone(jitter(rng, (92, 142, 204))), tone(jitter(rng, (186, 208, 226)))
    image = high + (low - high) * ramp(0, rng.uniform(150, 280))[..., None]
    image = image + (tone((190, 196, 204)) - image) * overcast
    form = noise(rng, rng.uniform(70, 130), rng.uniform(30, 55), 4)
    cover = np.clip((form - 1 + clouds) * crisp, 0, 1)
    light = tone((246, 247, 250)) * (1 - 0.09 * np.clip(form - 0.4, 0, 2) * max(crisp / 2, 1))[..., None]
    return over(np.broadcast_to(image, (SIDE, SIDE, 3)), light, cover * np.float32(0.85))


def bank(rng: np.random.Generator, level: float, roughness: float) -> Plane:
    """Coverage of all that lies below an uneven line, float32 [h, w]."""
    line = level + roughness * noise(rng, 80, 400, 4)[0]
    y = np.arange(SIDE, dtype=np.float32)[:, None] + 0.5
    coverage: Plane = np.clip(y - line + 0.5, 0, 1).astype(np.float32)
    return coverage


def hill(rng: np.random.Generator, image: Plane, horizon: float) -> Plane:
    """Wooded hills far behind the horizon, blue with distance."""
    for height, color in ((rng.uniform(12, 34), (128, 148, 160)), (rng.uniform(4, 14), (92, 112, 96))):
        surface = tone(jitter(rng, color, 8)) * (1 + 0.06 * noise(rng, 6, 4))[..., None]
        image = over(image, surface, bank(rng, horizon - height, height * 0.3))
    return image


def meadow(rng: np.random.Generator, image: Plane, horizon: float, color: Color) -> Plane:
    """Grass from the horizon down."""
    texture = 0.96 + 0.08 * noise(rng, 3, 3) + 0.08 * noise(rng, 60, 18) + 0.08 * ramp(horizon, SIDE)
    return over(image, tone(color) * texture[..., None], bank(rng, horizon, 1))


def conifer(sketch: Sketch, rng: np.random.Generator, foot: Point, height: float, color: Color) -> None:
    """A fir of ragged tiers on a short trunk."""
    x, y = foot
    sketch.bar((x, y), (x, y - height * 0.3), height * 0.035 + 1, (74, 60, 46))
    tiers = 7
    for tier in range(tiers):
        base = y - height * (0.1 + 0.78 * tier / tiers)
        half = height * 0.2 * (1 - tier / tiers) ** 0.8 * rng.uniform(0.85, 1.15) + 1
        tip = base - height * 0.26
        skirt = [(x + half * t, base + height * 0.02 * rng.uniform(-1, 1.4)) for t in (-1, -0.6, -0.2, 0.2, 0.6, 1)]
        sketch.polygon([(x, tip), *reversed(skirt)], shade(color, rng.uniform(0.82, 1.05) * (0.9 + 0.04 * tier)))
        sketch.polygon([(x, tip), (x + half, base), (x + half * 0.3, base)], shade(color, 0.78 + 0.04 * tier))


def house(rng: np.random.Generator, image: Plane, foot: Point, width: float) -> Plane:
    """A boarded house, seen from the long side or the gable, painted over the image."""
    x, y = foot
    high, roof = width * rng.uniform(0.42, 0.55), width * rng.uniform(0.28, 0.42)
    wall = jitter(rng, WALLS[rng.integers(len(WALLS))], 8)
    tiles = jitter(rng, ROOFS[rng.integers(len(ROOFS))], 8)
    sketch = Sketch()
    eaves, ridge, right = y - high, y - high - roof, x + width
    sketch.polygon([(x, y), (x, eaves), (right, eaves), (right, y)], wall)
    if rng.random() < 0.5:
        sketch.polygon([(x, eaves + 1), (x + width / 2, ridge), (right, eaves + 1)], wall)
        for side in (x - 5, right + 5):
            sketch.bar((side, eaves + 4), (x + width / 2, ridge), 7, tiles)
    else:
        sketch.polygon([(x - 5, eaves + 2), (x + 6, ridge), (right - 6, ridge), (right + 5, eaves + 2)], tiles)
        sketch.bar((x + width * 0.7, ridge + 3), (x + width * 0.7, ridge - 11), 9, (122, 84, 72))
    _windows(sketch, rng, (x, eaves), (width, high))
    color, coverage = sketch.layer()
    boards = 1 + 0.04 * np.sign(np.sin(np.arange(SIDE, dtype=np.float32) * 1.3)) + 0.04 * noise(rng, 5, 3)
    return over(image, color * boards[..., None], coverage)


def _windows(sketch: Sketch, rng: np.random.Generator, corner: Point, size: Point) -> None:
    (x, top), (width, high) = corner, size
    pane = jitter(rng, (66, 78, 92), 8)
    for at in (0.2, 0.5, 0.8):
        middle = x + width * at
        sketch.bar((middle, top + high * 0.22), (middle, top + high * 0.66), width * 0.15, (240, 240, 236))
        for side in (-1, 1):
            offset = side * width * 0.033
            sketch.bar((middle + offset, top + high * 0.26), (middle + offset, top + high * 0.62), width * 0.05, pane)
