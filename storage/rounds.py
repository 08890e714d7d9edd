"""Rounds: how a probe is divided into parts. What is known is answered at once, the rest is for workers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np

from pipeline.conversation.known import Row


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows start..stop of a probe, and their scores as the ledger keeps them, where they are known."""

    start: int
    stop: int
    scores: bytes | None = None


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
