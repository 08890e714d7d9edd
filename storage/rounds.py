"""Rounds: how a probe is divided into parts, and how their answers make one. What is known is answered at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.conversation.known import Known, Row
from pipeline.conversation.probe import Probe


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows start..stop of a probe, and their scores as the ledger keeps them, where they are known."""

    start: int
    stop: int
    scores: bytes | None = None


def pieces(probe: Probe, known: Known, size: int) -> list[Piece]:
    """The parts of a probe, of about `size` evaluations each; where rows are summed, each within one block."""
    answers = known.answers(probe)
    if not probe.reading.pooled:
        return divided(answers, size)
    found, start, rows = list[Piece](), 0, max(1, size // probe.reading.cost)
    for block, answer in zip(probe.blocks, answers, strict=True):
        stop = start + block.n
        found += _asked(start, stop, rows) if answer is None else _told(start, stop, [answer])
        start = stop
    return found


def joined(probe: Probe, answers: Sequence[tuple[int, bytes]], columns: int) -> NDArray[np.float32]:
    """The answer to a whole probe, from where each part starts and what it answered: float32 [n, columns].

    Of what is summed over the rows of a block the sum over its parts, [blocks, width].
    """
    if not probe.reading.pooled:
        return np.frombuffer(b"".join(data for _, data in answers), dtype="<f4").reshape(-1, columns)
    ends = np.cumsum([block.n for block in probe.blocks])
    parts = np.stack([np.frombuffer(data, dtype="<f4") for _, data in answers])
    total = np.zeros((len(probe.blocks), parts.shape[1]), np.float32)
    np.add.at(total, np.searchsorted(ends, [start for start, _ in answers], side="right"), parts)
    return total


def divided(answers: Sequence[Row | None], size: int) -> list[Piece]:
    """The parts of a probe: runs of rows that are known, and between them parts of about `size` that are not."""
    pieces: list[Piece] = []
    start = 0
    for known, run in groupby(answers, key=lambda answer: answer is not None):
        rows = list(run)
        stop = start + len(rows)
        pieces += _told(start, stop, rows) if known else _asked(start, stop, size)
        start = stop
    return pieces


def _told(start: int, stop: int, rows: Sequence[Row | None]) -> list[Piece]:
    return [Piece(start, stop, np.array(rows, dtype="<f4").tobytes())]


def _asked(start: int, stop: int, size: int) -> Iterator[Piece]:
    bounds = np.linspace(start, stop, -(-(stop - start) // size) + 1).round().astype(int).tolist()
    return (Piece(a, b) for a, b in pairwise(bounds))
