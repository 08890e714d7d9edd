"""Precision: what OpenVINO's kernels in float32 and bf16 bring, and what the latter does to the weights.

Its ONNX Runtime goes in the place of ours, so it runs in the environment that `make openvino` makes, or in that of the
Python that POLELENS_OPENVINO names.
"""

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.openvino_process import PHOTOGRAPHS, made, rows, seconds, warm
from benchmarks.pairs import PAIRS, alternate
from benchmarks.row import NotHere, Row
from benchmarks.subjects import model, natural
from pipeline.model.blackbox import BlackBox
from pipeline.model.precision import F32
from pipeline.staging import stage

PYTHON = "POLELENS_OPENVINO"
MADE = "build/openvino/bin/python"
ROOT = Path(__file__).resolve().parent.parent
Ask = Callable[[str], dict[str, Any]]

ROW = Row(
    "precision",
    "evaluations a second of the model under OpenVINO in bf16, one process, one thread, masks to scores",
    "ONNX Runtime's own kernels in float32: same photograph and masks, each in the batches it is fastest at",
    1.7,
)


def measure(quick: bool) -> Row:
    """Their seconds over ours."""
    evaluations, pairs = (16, 1) if quick else (256, PAIRS)
    scene = stage(natural(PHOTOGRAPHS[0]), model().profile, made(F32, quick))
    masks, box = rows(evaluations, scene), warm(BlackBox(model()), quick)
    with asked(evaluations, quick) as ask:
        theirs = partial(seconds, box, scene, masks)
        timed = {one: alternate(partial(_seconds, ask, one), theirs, pairs) for one in ("f32", "bf16")}
        losses = ask("rounding bf16")["photographs"]
    figures = {one: pair.to_json() for one, pair in timed.items()}
    speeds = {one: pair.speedup for one, pair in timed.items()}
    return ROW.measured(
        speeds["bf16"],
        figures | {"evaluations": evaluations, "batch": box.batch, "model": model().name, "weights": losses},
        f"With {model().name} OpenVINO answers {speeds['f32']:.2f} times as fast in float32 and {speeds['bf16']:.2f} "
        f"times in bf16. Under the default recipe and the same seeds bf16 moves the weights so: {_moved(losses)}.",
    )


@contextmanager
def asked(evaluations: int, quick: bool) -> Iterator[Ask]:
    """A process with OpenVINO that answers lines; each answer after the first call of a precision is warm."""
    python = os.environ.get(PYTHON, MADE)
    if not Path(python).exists():
        raise NotHere(f"there is no {MADE}, which `make openvino` makes, and {PYTHON} names no other")
    command = [python, "-m", "benchmarks.openvino_process", str(evaluations), *(["quick"] if quick else [])]
    quiet = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=quiet, cwd=ROOT
    ) as one:
        assert one.stdin and one.stdout

        def ask(line: str) -> dict[str, Any]:
            assert one.stdin and one.stdout
            print(line, file=one.stdin, flush=True)
            told: dict[str, Any] = json.loads(one.stdout.readline())
            if "unprovided" in told:
                raise NotHere(str(told["unprovided"]))
            return told

        ask("f32")
        ask("bf16")
        yield ask
        one.stdin.close()


def _seconds(ask: Ask, precision: str) -> float:
    return float(ask(precision)["seconds"])


def _moved(losses: Mapping[str, Mapping[str, Any]]) -> str:
    """Photograph by photograph."""
    return "; ".join(
        f"{name} by {one['beside_error']:.2f} of their standard error (root mean squares), one by "
        f"{one['largest']:.1%} of the largest, rank correlation {one['spearman']:.3f}"
        for name, one in losses.items()
    )
