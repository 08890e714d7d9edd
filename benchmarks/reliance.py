"""`python -m benchmarks.reliance`: how often does the 95 % interval of a mean background reliance hold the mean?

Archives are drawn from distributions of background reliance whose mean is known: those of both demo models on 150
renderings, and shapes that intervals are known to fail on. Beside what covers: Wilson's interval with the mean in the
place of a share, which takes every figure for zeros and ones, and Student's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from math import sqrt

import click
import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from scipy.stats import t

from demo.__main__ import HERE
from demo.photographs import archive
from pipeline.answer.interval import of_mean, wilson
from pipeline.judge.grounding import FILLS, KEPT, background_reliance
from pipeline.model.blackbox import BlackBox
from pipeline.recipes import recipe
from pipeline.scene.variant import vary
from pipeline.staging import stage
from polelens.cli.text import console
from polelens.inputs import model_file

RENDERINGS, SEED = 150, 7
LEAST, MOST = 0.93, 0.97  # of a 95 % interval on archives of 24 and 100
Array = NDArray[np.float64]
Interval = Callable[[float, float, int], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Source:
    """Where archives are drawn from: `draw(generator, shape)` gives figures of this mean."""

    draw: Callable[[np.random.Generator, tuple[int, int]], Array]
    mean: float


def of_values(values: Array) -> Source:
    """Drawn from these."""
    return Source(lambda generator, shape: generator.choice(values, shape), float(values.mean()))


def beta(a: float, b: float) -> Source:
    """Beta distributed."""
    return Source(lambda generator, shape: generator.beta(a, b, shape), a / (a + b))


def ones(share: float, low: float = 0.0, spread: float = 0.0) -> Source:
    """So many ones, the rest about `low`."""

    def draw(generator: np.random.Generator, shape: tuple[int, int]) -> Array:
        rest = generator.normal(low, spread, shape).clip(0, 1)
        return np.where(generator.random(shape) < share, 1.0, rest)

    return Source(draw, share + (1 - share) * low)


def student(mean: float, squares: float, n: int) -> tuple[float, float]:
    """Student's interval (1908)."""
    half = float(t.ppf(0.975, n - 1)) * sqrt(squares / (n - 1) / n)
    return mean - half, mean + half


INTERVALS: Mapping[str, Interval] = {
    "polelens": of_mean,
    "Wilson": lambda mean, _, n: wilson(mean, n),
    "Student": student,
}


def sources() -> dict[str, Source]:
    """By name; the demo's are measured here."""
    return {
        "poles@1 on renderings": of_values(rendered(1)),
        "poles@2 on renderings": of_values(rendered(2)),
        "beta(0.2, 1.8)": beta(0.2, 1.8),
        "beta(2, 0.2)": beta(2, 0.2),
        "95 % zero, else one": ones(0.05),
        "90 % about 0.05, else one": ones(0.1, 0.05, 0.02),
        "half zero, half one": ones(0.5),
    }


def rendered(version: int) -> Array:
    """The background reliance of the demo's model on renderings, for the label that it gives."""
    model = model_file(HERE / f"poles-v{version}.zip")
    black_box, found = BlackBox(model), []
    for shot in islice(archive(RENDERINGS, SEED, shortcut=False), RENDERINGS):
        scene = stage(shot.image, model.profile, recipe("default"), shot.mask)
        whole = black_box.scores(scene, np.ones((1, scene.k), dtype=bool))[0]
        label = int(whole.argmax())
        kept = np.stack([black_box.scores(vary(scene, variant), KEPT)[:, label] for variant in FILLS])
        found.append(background_reliance(kept.astype(float), float(whole[label])))
    return np.array([one for one in found if np.isfinite(one)])


def coverage(source: Source, interval: Interval, n: int, archives: int) -> tuple[float, float]:
    """The share of archives of n whose interval holds the mean, and the mean width."""
    drawn = source.draw(np.random.default_rng(n), (archives, n))
    found = np.array([interval(float(one.mean()), float(np.var(one) * n), n) for one in drawn])
    held = (found[:, 0] <= source.mean + 1e-12) & (source.mean <= found[:, 1] + 1e-12)
    return float(held.mean()), float((found[:, 1] - found[:, 0]).mean())


@click.command()
@click.option("--archives", type=click.IntRange(100), default=4000, show_default=True, help="Drawn of each size.")
def main(archives: int) -> None:
    """Measure; the exit status is 1 if polelens's interval of 24 or 100 covers less than 93 or more than 97 %."""
    table = Table("background reliance", "of", *(f"{name} (width)" for name in INTERVALS), box=None)
    missed, noise = [], 2 * sqrt(LEAST * (1 - LEAST) / archives)
    for name, source in sources().items():
        for n in (8, 24, 100):
            found = [coverage(source, interval, n, archives) for interval in INTERVALS.values()]
            table.add_row(name, str(n), *(f"{held:.1%} ({width:.2f})" for held, width in found))
            if n > 8 and not LEAST - noise <= found[0][0] <= MOST + noise:
                missed.append(f"{name} of {n}")
    console.print(table)
    if missed:
        raise SystemExit(f"not within {LEAST:.0%} and {MOST:.0%}: {', '.join(missed)}")


if __name__ == "__main__":
    main()
