"""Infer: put a range of masks to the model."""

import time

from pipeline.conversation.probe import Probe
from pipeline.explain import answer, closed
from storage.ledger import PartKey
from tasks import runtime
from tasks.app import app
from tasks.messages import publish
from tasks.steps import StepTask


@app.task(name="infer", base=StepTask, ids=3)
def infer(explanation: int, round_: int, number: int) -> None:
    """Answer one part of an explanation's present probe; whoever brings the last one asks for the reduction."""
    taken = runtime.ledger().take_part(PartKey(explanation, round_, number))
    if taken is None:
        return
    job, part = taken
    probe = Probe.from_json(job.probes[round_])
    scene, black_box = runtime.scene(job.scene or ""), runtime.black_box(job.model, job.precision)
    runtime.note_placement(job.model, job.precision, infer.request.hostname)
    began = time.perf_counter()
    read = runtime.read(job.model) if probe.reading.pooled else closed
    scores = answer(scene, probe, black_box.scores, (part.start, part.stop), read)
    publish(runtime.ledger().record_part(part, scores, time.perf_counter() - began))
