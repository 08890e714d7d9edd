"""Rounds that read the network's inside: parts within blocks, sums of them, and what they cost."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.conversation.looks import Path, Whole
from pipeline.conversation.probe import Probe
from pipeline.conversation.reading import Reading
from tests.played_ledger import PROBE, Desk, attribution

COST = 4
LOOKS = Probe(5, (Path(6), Whole(3, noise=9.0)), reading=Reading("gradient", (0,), cost=COST))


def test_parts_of_a_reading_are_summed_by_block(desk: Desk) -> None:
    """Each part is a row as wide as it is; the reducer gets one a block, whatever the order they came in."""
    job = desk.begun()
    steps = desk.ledger.open_round(job, "scene", LOOKS, 2 * COST)
    parts = [desk.take(step) for step in steps]
    assert [(part.start, part.stop) for part in parts] == [(0, 2), (2, 4), (4, 6), (6, 8), (8, 9)]
    for number in (3, 0, 4, 2, 1):
        part = parts[number]
        desk.ledger.record_part(part, np.array([[1, part.stop - part.start, 10**number]], np.float32), 1)
    claimed = desk.ledger.claim_reduction(job.id)
    assert claimed is not None
    [answer] = desk.ledger.scores(claimed, 2)
    assert answer.tolist() == [[3, 6, 111], [2, 3, 11000]]


def test_a_row_of_a_reading_counts_as_what_it_costs(desk: Desk) -> None:
    """In the rate of the model, and in how much work a part is; beside it a round of scores counts row by row."""
    job = desk.reduction()  # ten scores in three parts of a second each
    steps = desk.ledger.open_round(job, "scene", LOOKS, 100)
    for step in steps:
        desk.ledger.record_part(desk.take(step), np.ones((1, 3), np.float32), 1)
    claimed = desk.ledger.claim_reduction(job.id)
    assert claimed is not None
    assert [one.shape for one in desk.ledger.scores(claimed, 2)] == [(10, 2), (2, 3)]
    answered = replace(attribution("no"), evaluations=PROBE.n + LOOKS.evaluations, inside={"read": "gradient"})
    assert desk.ledger.finish(claimed, answered)
    assert desk.ledger.rate(desk.model.id) == pytest.approx((10 + 9 * COST) / 5)
    assert desk.value("SELECT n FROM tally WHERE what = 'evaluations'") == 10 + 9 * COST
    assert desk.value("SELECT evaluations FROM explanation") == 10 + 9 * COST
    assert desk.value("SELECT inside ->> 'read' FROM explanation") == "gradient"
