"""Anchors: the evaluations that a rule takes, beside alibi's, with the same superpixels, fill, threshold and delta.

alibi 0.9.6 goes with numpy below 2, so it is installed in an environment of its own, by hand, about 1 GB:

    python -m venv build/alibi && build/alibi/bin/python -m pip install alibi==0.9.6 onnxruntime click
"""

import json
import math
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.row import NotHere, Row
from benchmarks.subjects import model, model_path, natural
from pipeline.answer.rule import ANCHOR, EMPTY
from pipeline.explain import explain
from pipeline.methods import explainer
from pipeline.methods.precision import bounds, divergence
from pipeline.model.blackbox import BlackBox
from pipeline.recipes import recipe
from pipeline.scene.scene import Scene
from pipeline.staging import stage

PYTHON = Path("build/alibi/bin/python")
SCRIPT = Path(__file__).with_name("alibi_anchor.py")
PHOTOGRAPHS = ("chelsea", "coffee", "astronaut", "rocket")
SEEDS = (1, 2, 3)  # ours, whose mean counts; alibi, which takes longest, is run under the first alone
BEAMS = (1,)  # alibi's default; 2 finds two superpixels that only help together, and takes longer
THRESHOLD, DELTA, BUDGET = 0.95, 0.1, 4096
LAW_ROWS = 1000  # by which the precision of alibi's anchors is measured

ROW = Row(
    "anchors",
    "evaluations of the recipe `anchors` on 4 photographs, where alibi ends within 4,096",
    "alibi 0.9.6 with its default beam, at the same threshold, delta, superpixels and fill",
    0.5,
    at_least=False,
)


def measure(quick: bool) -> Row:
    """The evaluations over alibi's."""
    if model_path().suffix != ".onnx":
        raise NotHere("it takes a plain .onnx file in POLELENS_BENCH_MODEL")
    if not PYTHON.exists():
        raise NotHere(f"there is no {PYTHON}; benchmarks/anchors.py says how to make it")
    names, seeds, beams = (PHOTOGRAPHS[:1], SEEDS[:1], BEAMS[:1]) if quick else (PHOTOGRAPHS, SEEDS, BEAMS)
    runs = [one for name in names for one in _runs(name, seeds, beams)]
    ratios = {f"beam {beam}": _ratio([one for one in runs if one["beam"] == beam]) for beam in beams}
    ended = [one for one in runs if one["theirs"]["ended"] and one["theirs"]["superpixels"]]
    short = [one for one in ended if one["theirs"]["measured"] < THRESHOLD]
    figures = {"model": model().name, "ratios": ratios, "runs": runs}
    return ROW.measured(ratios["beam 1"], figures, sentence(runs, ratios, len(short), len(ended)))


def sentence(runs: Sequence[Mapping[str, Any]], ratios: Mapping[str, float], short: int, ended: int) -> str:
    """What was found, in words."""
    alone = [one["ours"] for one in runs if one["beam"] == BEAMS[0]]
    ours = [outcome in (ANCHOR, EMPTY) for one in alone for outcome in one["outcomes"]]
    theirs = [one["theirs"]["ended"] for one in runs if one["beam"] == BEAMS[0]]
    told = ", ".join(f"{ratio:.2f} of alibi's with {beam}" for beam, ratio in ratios.items())
    fewest = " and ".join(f"{least(kept):.0f} for {name}" for name, kept in empty(runs).items()) or "none of them"
    each = ", ".join(f"{one['photograph']} {_spent(one)}" for one in runs if one["beam"] == BEAMS[0])
    return (
        f"Where alibi ends it takes {told}, the mean of {len(SEEDS)} seeds beside one of alibi's: {each}. It ends with "
        f"a proved rule in {sum(ours)} of {len(ours)} runs within {BUDGET:,} evaluations, alibi in {sum(theirs)} of "
        f"{len(theirs)}. Its bounds hold whenever one looks, and for all sets at once; the 99 of 100 rows on which "
        "alibi ends with an empty anchor have a lower bound of "
        f"{bounds(99, 100, -math.log(DELTA))[0]:.3f} if all of delta is spent on that one look. The fewest rows that "
        f"any test proves those by, on average: {fewest} (Wald and Wolfowitz 1948). {short} of its {ended} "
        f"other anchors keep the answer in less than {THRESHOLD:.0%} of {LAW_ROWS:,} further pictures. Nothing timed."
    )


def empty(runs: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The photographs of which alibi's anchor is empty, and the share of pictures that keep the answer all the same."""
    return {
        one["photograph"]: one["theirs"]["measured"]
        for one in runs
        if one["beam"] == BEAMS[0] and one["theirs"]["ended"] and not one["theirs"]["superpixels"]
    }


def least(kept: float) -> float:
    """The rows that any test of delta takes on average to prove the threshold of a set that keeps so large a share.

    Wald and Wolfowitz, "Optimum character of the sequential probability ratio test", 1948, with no failure to prove it.
    """
    return -math.log(DELTA) / divergence(kept, THRESHOLD) if kept > THRESHOLD else math.inf


def _spent(run: Mapping[str, Any]) -> str:
    ours, theirs = run["ours"]["each"], run["theirs"]
    told = f"{theirs['evaluations']:,}" if theirs["ended"] else "no end"
    return f"{' / '.join(f'{one:,}' for one in ours)} ({told})"


def _ratio(runs: Sequence[Mapping[str, Any]]) -> float:
    """Evaluations over alibi's, of the runs that alibi ends."""
    both = [(one["ours"]["evaluations"], one["theirs"]["evaluations"]) for one in runs if one["theirs"]["ended"]]
    ours, theirs = np.sum(both, axis=0) if both else (np.nan, np.nan)
    return float(ours / theirs)


def _runs(name: str, seeds: Sequence[int], beams: Sequence[int]) -> list[dict[str, Any]]:
    network, made = model(), recipe("anchors").override({"judge": False})
    scene, black_box = stage(natural(name), network.profile, made), BlackBox(network, threads=1)
    found = [
        explain(scene, explainer(made.override({"seeds": [seed]}), network.labels), black_box.scores) for seed in seeds
    ]
    rules = [one.labels[0].rule for one in found]
    each = [one.evaluations for one in found]
    ours = {"evaluations": float(np.mean(each)), "each": each, "outcomes": [rule.outcome for rule in rules if rule]}
    ours |= {"superpixels": [list(rule.superpixels) for rule in rules if rule]}
    told = []
    for beam in beams:
        theirs = alibi(scene, seeds[0], beam)
        if theirs["ended"]:
            theirs["measured"] = precision(scene, black_box, theirs["superpixels"])
        told.append({"photograph": name, "seeds": list(seeds), "beam": beam, "ours": ours, "theirs": theirs})
    return told


def alibi(scene: Scene, seed: int, beam: int) -> dict[str, Any]:
    """What alibi says of the scene: whether it ended, its evaluations, superpixels, and precision."""
    profile = model().profile
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder, "task.npz")
        asked = {"seed": seed, "beam": beam, "threshold": THRESHOLD, "delta": DELTA, "most": BUDGET}
        asked |= {"mean": profile.mean[0], "scale": profile.scale[0]}
        arrays: dict[str, Any] = {"canvas": scene.canvas, "segments": scene.segments}
        np.savez(task, onnx=str(model_path().resolve()), **arrays, **asked)  # type: ignore[arg-type]
        quiet = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run([PYTHON, SCRIPT, task], capture_output=True, text=True, check=True, env=quiet)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def precision(scene: Scene, black_box: BlackBox, on: Sequence[int]) -> float:
    """The share of pictures with these superpixels on, the others by chance, that keep the prediction."""
    masks = np.random.default_rng(len(on)).integers(0, 2, (LAW_ROWS, scene.k)).astype(bool)
    masks[:, list(on)] = True
    top = black_box.scores(scene, np.ones((1, scene.k), dtype=bool)).argmax()
    return float((black_box.scores(scene, masks).argmax(axis=1) == top).mean())
