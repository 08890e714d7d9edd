"""Inside pace: how much faster photographs are explained by what is inside the network than by masks."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.pairs import Pairs, alternate, clocked
from benchmarks.row import Row
from benchmarks.subjects import model, photographs
from pipeline.explain import explain
from pipeline.methods import explainer, looked_into
from pipeline.methods.integrated_gradients import Options
from pipeline.model.blackbox import BlackBox
from pipeline.model.inside import Inside
from pipeline.recipes import recipe
from pipeline.staging import stage

Picture = NDArray[np.uint8]

TIMES = {"integrated-gradients": 7.0, "cam": 100.0}  # as fast as the default recipe, at least
PHOTOGRAPHS, PAIRS_HERE = 4, 3
FINE = 144
FINELY = {"options.steps": FINE, "options.most": FINE}
ALIKE: dict[str, object] = {"options": {}}  # the method's own default: a uniform mesh

ROW = Row(
    "inside_pace",
    "natural photographs explained in a second by `integrated-gradients`, over 7 times those by `default`, and by "
    "`cam`, over 100 times them, in one process, answers untested; the smaller ratio",
    "the recipe `default`",
    1.0,
)


def measure(quick: bool) -> Row:
    """The smaller of the two speeds in shares of what each has to be."""
    pixels = photographs(1 if quick else PHOTOGRAPHS)
    untested = {name: _timed(name, pixels, 1 if quick else PAIRS_HERE, judge=False) for name in TIMES}
    tested = {name: _timed(name, pixels[:1], 1, judge=True) for name in TIMES}
    told = "; ".join(
        f"`{name}` {one.speedup:.1f} times as fast as `default` ({one.medians[0] / len(pixels):.3f} s a photograph), "
        f"and {tested[name].speedup:.1f} times where the answers are put to the test"
        for name, one in untested.items()
    )
    figures = {
        "untested": {name: one.to_json() for name, one in untested.items()},
        "tested": {name: one.to_json() for name, one in tested.items()},
        "photographs": len(pixels),
    }
    worst = min(one.speedup / TIMES[name] for name, one in untested.items())
    off, alike = _off(pixels, {}), _off(pixels, ALIKE)
    return ROW.measured(
        worst,
        figures | {"off": off, "off_uniform": alike},
        f"With {model().name}: {told}. Making the scene is in the time. The weights of `integrated-gradients` are "
        f"{off:.1%} (root mean squares) off those with {FINE} parts of the way, and of parts all alike, at most "
        f"{Options().most}, {alike:.1%}.",
    )


def _off(pixels: Sequence[Picture], changes: Mapping[str, object]) -> float:
    """How far a recipe's parts of the way are from very fine ones, in shares of the weights; the mean."""
    shares = []
    for one in pixels:
        coarse, fine = (_weights(one, {"judge": False, **parts}) for parts in (changes, FINELY))
        shares.append(np.linalg.norm(coarse - fine) / np.linalg.norm(fine))
    return float(np.mean(shares))


def _weights(pixels: Picture, changes: Mapping[str, object]) -> NDArray[np.float64]:
    network = model()
    inside, black_box = Inside(network), BlackBox(network)
    made = looked_into(recipe("integrated-gradients").override(changes), inside)
    scene = stage(pixels, network.profile, made)
    return explain(scene, explainer(made, network.labels), black_box.scores, inside.read).labels[0].weights


def _timed(name: str, pixels: Sequence[Picture], pairs: int, *, judge: bool) -> Pairs:
    """A recipe's seconds beside the default's."""
    ours, theirs = (_task(one, pixels, judge=judge) for one in (name, "default"))
    for task in (ours, theirs):
        task(pixels[:1])  # opens its sessions
    return alternate(clocked(partial(ours, pixels)), clocked(partial(theirs, pixels)), pairs)


def _task(name: str, pixels: Sequence[Picture], *, judge: bool) -> Callable[[Sequence[Picture]], None]:
    """What explains photographs by a recipe, all that is opened once being open."""
    network = model()
    inside, black_box = Inside(network), BlackBox(network)
    made = looked_into(recipe(name).override({"judge": judge}), inside)
    asking = explainer(made, network.labels)

    def task(some: Sequence[Picture]) -> None:
        for one in some:
            explain(stage(one, network.profile, made), asking, black_box.scores, inside.read)

    return task
