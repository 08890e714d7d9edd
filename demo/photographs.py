"""Rendered photographs of utility poles, each with the exact mask of the pole."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from demo.backgrounds import PLACES
from demo.poles import POLES, Pole
from demo.sketch import SIDE, Plane, Point, Sketch, over

LABELS = tuple(POLES)
BACKGROUNDS = tuple(PLACES)
HABITAT = {"BETONG": ("road", "houses"), "STAAL": ("snow", "sky"), "TRE": ("forest", "field")}


@dataclass(frozen=True, slots=True, eq=False)
class Photograph:
    """A rendered photograph of one pole.

    Attributes
    ----------
    name : str
        File name without suffix; unlike any other in an archive.
    label : "BETONG", "STAAL" or "TRE"
        Concrete, steel or wood, as Custom Vision was taught to call them.
    background : "road", "forest", "field", "sky", "snow" or "houses"
    image : uint8 [256, 256, 3], RGB
    mask : bool [256, 256]
        True where the pole hides at least half of the pixel. Wires do not count as pole.
    """

    name: str
    label: str
    background: str
    image: NDArray[np.uint8]
    mask: NDArray[np.bool_]


def photograph(seed: int, label: str, background: str) -> Photograph:
    """The photograph that these three name: the same pixels every time.

    Raises
    ------
    ValueError
        If the label or the background is not one that can be rendered.
    """
    if label not in POLES:
        raise ValueError(f"label is {label!r}, expected one of {', '.join(LABELS)}")
    if background not in PLACES:
        raise ValueError(f"background is {background!r}, expected one of {', '.join(BACKGROUNDS)}")
    scene, pole = stand(seed, label, background)
    image = develop(over(scene, pole.color, pole.coverage), chance(seed, 2))
    return Photograph(f"{background}-{label.lower()}-{seed:06d}", label, background, image, pole.coverage >= 0.5)


def archive(n: int, seed: int, *, shortcut: bool) -> Iterator[Photograph]:
    """Photographs of all three poles in turn.

    Parameters
    ----------
    n : int
        How many, less than 100000.
    seed : int
        Archives of different seeds share no photograph.
    shortcut : bool
        True: the background gives the label away, as concrete stands by roads and houses, wood in forests and fields,
        steel in snow and against the sky. False: each pole stands everywhere equally often.
    """
    for i in range(n):
        label = LABELS[i % len(LABELS)]
        places = HABITAT[label] if shortcut else BACKGROUNDS
        yield photograph(seed * 100_000 + i, label, places[i // len(LABELS) % len(places)])


def write(folder: Path, photographs: Iterable[Photograph]) -> None:
    """Write photographs/*.jpg, masks/*.png of the same stems, and labels.csv (path,label) into a folder."""
    for name in ("photographs", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("path", "label"))
        for each in photographs:
            path = f"photographs/{each.name}.jpg"
            Image.fromarray(each.image).save(folder / path, quality=92)
            Image.fromarray(each.mask).save(folder / f"masks/{each.name}.png")
            table.writerow((path, each.label))


def stand(seed: int, label: str, background: str) -> tuple[Plane, Pole]:
    """The place with its wires but without its pole, and the pole: both before light, blur and noise."""
    pole = POLES[label](chance(seed, 1))
    place = chance(seed, 0)
    return _wires(PLACES[background](place), place, pole.wires), pole


def develop(scene: Plane, rng: np.random.Generator) -> NDArray[np.uint8]:
    """What a camera makes of a scene: exposure, white balance, contrast, blur and noise; uint8 [h, w, 3]."""
    warmth = rng.normal(0, 0.025)
    light = np.float32(rng.uniform(0.78, 1.14) * np.array((1 + warmth, 1, 1 - warmth)))
    toned = 128 + (scene * light - 128) * np.float32(rng.uniform(0.85, 1.1))
    sharp = Image.fromarray(np.clip(toned, 0, 255).astype(np.uint8))
    soft = sharp.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.9)))
    grain = rng.normal(0, rng.uniform(1, 6), (SIDE, SIDE, 3))
    return np.clip(np.asarray(soft) + grain + 0.5, 0, 255).astype(np.uint8)


def chance(seed: int, stream: int) -> np.random.Generator:
    """A stream of chance of one photograph: 0 its place, 1 its pole, 2 its camera."""
    return np.random.Generator(np.random.Philox(key=[seed, stream]))


def _wires(scene: Plane, rng: np.random.Generator, ties: tuple[Point, ...]) -> Plane:
    """Wires that sag from the pole to both sides of the picture."""
    sketch = Sketch()
    climb, sag = rng.uniform(-40, 20, 2), rng.uniform(4, 20)
    for x, y in ties:
        for end, rise in ((-8, climb[0]), (SIDE + 8, climb[1])):
            t = np.linspace(0, 1, 13)
            path = list(zip(x + (end - x) * t, y + rise * t + sag * 4 * t * (1 - t), strict=True))
            for start, stop in pairwise(path):
                sketch.bar(start, stop, 1.1, (58, 60, 66))
    return over(scene, *sketch.layer())
