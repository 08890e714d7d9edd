"""Peers: an explanation of one photograph by other packages, beside ours by the same method and number of masks.

Each runs in an environment of its own, made by hand; those of DIANNA take 6.3 GB:

    python -m venv build/dianna && build/dianna/bin/python -m pip install dianna==1.8.1
    python -m venv build/openvino_xai && build/openvino_xai/bin/python -m pip install openvino_xai==1.1.0

`make openvino` makes ours for OpenVINO, in whose bf16 OpenVINO XAI computes where the processor has it.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contest import Contest
from benchmarks.pairs import PAIRS, Pairs, alternate
from benchmarks.precision import MADE
from benchmarks.precision import PYTHON as OPENVINO_PYTHON
from benchmarks.row import NotHere, Row
from benchmarks.subjects import model, model_path, natural
from pipeline.model.blackbox import BlackBox
from pipeline.model.precision import OPENVINO
from pipeline.model.session import CPU
from pipeline.recipes import recipe
from pipeline.staging import stage

ROOT = Path(__file__).resolve().parent.parent
PHOTOGRAPH, EVALUATIONS, THREADS = "coffee", 1000, 2

ROW = Row(
    "peers",
    "explanations of a photograph in a second by 1,000 masks with the model, one process, 2 threads: the smallest of "
    "their ratios",
    "lime's LIME, DIANNA's LIME and RISE, and OpenVINO XAI's RISE in OpenVINO's own precision: the same method",
    1.0,
)
Ask = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Peer:
    """Another package's method; the recipe of ours that does the same, and what that runs on."""

    name: str
    script: str
    line: str
    recipe: str
    provider: str = CPU
    precision: str = "f32"

    @property
    def python(self) -> Path:
        """Of its own environment; POLELENS_ and its script's name in capitals name another."""
        made = ROOT / "build" / self.script.removeprefix("peer_") / "bin/python"
        return Path(os.environ.get(f"POLELENS_{self.script.upper()}", made))

    @property
    def our_python(self) -> str:
        """Of the environment that ours runs in."""
        return os.environ.get(OPENVINO_PYTHON, MADE) if self.provider == OPENVINO else sys.executable


PEERS = (
    Peer("DIANNA's LIME", "peer_dianna", "LIME", "lime"),
    Peer("DIANNA's RISE", "peer_dianna", "RISE", "rise-paper"),
    Peer("OpenVINO XAI's RISE", "peer_openvino_xai", "RISE", "rise-paper", OPENVINO, "bf16"),
)


def measure(quick: bool) -> Row:
    """The smallest of our speeds over theirs."""
    evaluations, pairs = (40, 1) if quick else (EVALUATIONS, PAIRS)
    lime, _ = Contest(model(), natural(PHOTOGRAPH), evaluations, THREADS).run(pairs)
    timed = {"lime": lime}
    if not quick:
        if model_path().suffix != ".onnx":
            raise NotHere("it takes a plain .onnx file in POLELENS_BENCH_MODEL")
        timed |= {peer.name: _timed(peer, evaluations, pairs) for peer in PEERS}
    told = ", ".join(
        f"{one.speedup:.2f} times as fast as {name} ({evaluations / one.medians[0]:.0f} masks a second)"
        for name, one in timed.items()
    )
    figures = {name: one.to_json() for name, one in timed.items()}
    worst = min(one.speedup for one in timed.values())
    return ROW.measured(
        worst,
        figures | {"evaluations": evaluations, "model": model().name},
        f"With {model().name} ours is {told}. Each makes its own superpixels or grid; beside OpenVINO XAI ours runs "
        "under OpenVINO in bf16.",
    )


def _timed(peer: Peer, evaluations: int, pairs: int) -> Pairs:
    """Ours beside a peer's, both warm."""
    for python in (str(peer.python), peer.our_python):
        if not Path(python).exists():
            raise NotHere(f"there is no {python}; benchmarks/peers.py says how to make it")
    ours = [*("-m", "benchmarks.peer_ours"), peer.provider, peer.precision, str(evaluations), str(THREADS), PHOTOGRAPH]
    with ExitStack() as open_, tempfile.TemporaryDirectory() as folder:
        task = _task(Path(folder), evaluations)
        theirs = [str(ROOT / "benchmarks" / f"{peer.script}.py"), str(task)]
        mine = open_.enter_context(_process([peer.our_python, *ours], peer.recipe))
        its = open_.enter_context(_process([str(peer.python), *theirs], peer.line))
        mine()
        its()
        return alternate(mine, its, pairs)


def _task(folder: Path, evaluations: int) -> Path:
    """What a peer is to explain, for it knows nothing of ours."""
    scene = stage(natural(PHOTOGRAPH), model().profile, recipe("rise-paper"))
    label = int(BlackBox(model()).scores(scene, np.ones((1, scene.k), dtype=bool))[0].argmax())
    profile = model().profile
    path = folder / "task.npz"
    told: dict[str, Any] = {"canvas": scene.canvas, "label": label, "evaluations": evaluations, "threads": THREADS}
    np.savez(path, onnx=str(model_path().resolve()), mean=profile.mean[0], scale=profile.scale[0], **told)
    return path


@contextmanager
def _process(command: Sequence[str], line: str) -> Iterator[Ask]:
    """A process that answers this line with seconds. Raises NotHere where it answers with a reason."""
    quiet = {**os.environ, "OMP_NUM_THREADS": str(THREADS)}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, env=quiet, cwd=ROOT
    ) as one:
        assert one.stdin and one.stdout

        def ask() -> float:
            assert one.stdin and one.stdout
            print(line, file=one.stdin, flush=True)
            answer = one.stdout.readline().strip()
            try:
                return float(answer)
            except ValueError:
                raise NotHere(answer or f"{command[0]} gives no answer") from None

        yield ask
        one.stdin.close()
