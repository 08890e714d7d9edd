"""OpenVINO asked line by line, by `benchmarks.precision`, in an environment of its own.

A precision as a line: seconds that so many evaluations take. `rounding PRECISION`: what it does to weights, as JSON.
"""

import json
import sys
import time

import numpy as np

from benchmarks.subjects import model, natural
from pipeline.model.blackbox import BlackBox
from pipeline.model.pace import find_pace
from pipeline.model.precision import F32, OPENVINO, PRECISIONS, Precision, Unprovided
from pipeline.model.tried_provider import opened
from pipeline.recipe import Recipe
from pipeline.recipes import recipe
from pipeline.rounding import rounding
from pipeline.scene.scene import Scene
from pipeline.staging import stage

PHOTOGRAPHS = ("coffee", "chelsea", "astronaut")
QUICK = {"samples": 32, "seeds": [1, 11]}


def rows(evaluations: int, scene: Scene) -> np.ndarray:
    """The masks, the same for both sides."""
    return np.random.Generator(np.random.Philox(0)).random((evaluations, scene.k)) < 0.5


def seconds(box: BlackBox, scene: Scene, masks: np.ndarray) -> float:
    """How long the scores of the masks take."""
    began = time.perf_counter()
    box.scores(scene, masks)
    return time.perf_counter() - began


def warm(box: BlackBox, quick: bool) -> BlackBox:
    """The same at the batch at which it is fastest."""
    if not quick:
        find_pace(model(), box)
    return box


def made(precision: Precision, quick: bool) -> Recipe:
    """What weights are measured by."""
    return recipe("default").override({"precision": precision} | (QUICK if quick else {}))


def main(evaluations: int, quick: bool) -> None:
    """Answer lines until there are no more."""
    scenes = [stage(natural(name), model().profile, made(F32, quick)) for name in PHOTOGRAPHS[: 1 if quick else 3]]
    masks, boxes = rows(evaluations, scenes[0]), dict[Precision, BlackBox]()
    for line in sys.stdin:
        wanted, told = line.split()[-1], dict[str, object]()
        precision = next(one for one in PRECISIONS if one == wanted)
        try:
            if precision not in boxes:
                boxes[precision] = warm(opened(model(), 1, [OPENVINO], precision), quick)
            if line.startswith("rounding"):
                both = BlackBox(model()).scores, boxes[precision].scores
                each = [rounding([one], made(precision, quick), model().labels, both).to_json() for one in scenes]
                told["photographs"] = dict(zip(PHOTOGRAPHS, each, strict=False))
            else:
                told = {"seconds": seconds(boxes[precision], scenes[0], masks), "batch": boxes[precision].batch}
        except Unprovided as error:
            told["unprovided"] = str(error)
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), quick=len(sys.argv) > 2)
