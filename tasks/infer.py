"""Infer: put a range of masks to the model."""

import time

from pipeline.probe import Probe
from storage.ledger import PartKey
from tasks import runtime
from tasks.app import app
from tasks.messages import publish
from tasks.steps import StepTask


@app.task(name="infer", base=StepTask)
def infer(explanation: int, round_: int, number: int) -> None:
    """Score one part of an explanation's present probe; whoever brings the last one asks for the reduction."""
    key = PartKey(explanation, round_, number)
    taken = runtime.ledger().take_part(key)
    if taken is None:
        return
    job, start, stop = taken
    masks = Probe.from_json(job.probes[round_]).masks(start, stop)
    scene, black_box = runtime.scene(job.scene or ""), runtime.black_box(job.model)
    began = time.perf_counter()
    scores = black_box.scores(scene, masks)
    publish(runtime.ledger().record_part(key, scores, time.perf_counter() - began))
