"""Kept scores: all that the model said in a conversation, as a file, and what of it is there to be used again."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution
from pipeline.conversation.probe import Evidence, pack_evidence, unpack_evidence
from pipeline.many_labels import Columns, Rest, columns, rest, restored

Arrays = dict[str, NDArray[Any]]
SCORES, REST = "scores_", "rest_"


@dataclass(frozen=True, slots=True, eq=False)
class KeptScores:
    """The evidence of an explanation.

    Attributes
    ----------
    evidence : tuple of Evidence
        With a column for every label; those that were not kept share what they had together.
    kept : int [m] or None
        The columns that were kept; None: all.
    """

    evidence: tuple[Evidence, ...]
    kept: Columns | None = None

    @classmethod
    def of(cls, evidence: Sequence[Evidence], attribution: Attribution, labels: tuple[str, ...], most: int) -> Self:
        """What is kept of a conversation with a model of these labels, see `pipeline.many_labels`."""
        return cls(tuple(evidence), columns(evidence, attribution, labels, most))

    def refuse_unkept(self, wanted: Iterable[str], labels: tuple[str, ...]) -> None:
        """Raise ValueError if a label that is to be explained is not among those kept."""
        if self.kept is None:
            return
        kept = {labels[column] for column in self.kept}
        if missing := [label for label in wanted if label not in kept]:
            more = f" and of {len(missing) - 1:,} more" if len(missing) > 1 else ""
            raise ValueError(
                f"of the model's {len(labels):,} labels the scores of {len(kept)} were kept, and not of {missing[0]}"
                f"{more}: `polelens audit start` asks the model"
            )

    def pack(self, labels: int) -> bytes:
        """The scores as an .npz file, from which another kernel, label or surrogate is fitted without the model.

        As `pack_evidence` has them, compressed. Where not every one of the model's labels is kept, `columns` int32 [m]
        says which are, of `labels`; then `scores_0` is float32 [n, m] in place of [n, c], and `rest_0` float32 [n, 2]
        has the sum of the others and the greatest of them.
        """
        arrays = _arrays(pack_evidence(self.evidence))
        if self.kept is not None:
            rounds = [f"{SCORES}{place}" for place, one in enumerate(self.evidence) if not one.probe.reading.pooled]
            arrays = _narrowed(arrays, rounds, self.kept, labels)
        return _packed(arrays)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """What `pack` wrote, or an earlier version."""
        arrays = _arrays(data)
        if "columns" not in arrays:
            return cls(tuple(unpack_evidence(data)))
        kept, labels = arrays.pop("columns").astype(np.intp), int(arrays.pop("labels"))
        return cls(tuple(unpack_evidence(_packed(_widened(arrays, kept, labels)))), kept)


def _narrowed(arrays: Arrays, rounds: Sequence[str], kept: Columns, labels: int) -> Arrays:
    """The columns kept of the scores of these rounds, and the rest of them; what was read of the inside stays whole."""
    narrow = dict(arrays)
    for name in rounds:
        others = rest(arrays[name], kept)
        narrow[name] = arrays[name][:, kept]
        narrow[name.replace(SCORES, REST)] = np.stack([others.sums, others.greatest], axis=1)
    return narrow | {"columns": kept.astype(np.int32), "labels": np.array(labels, dtype=np.int32)}


def _widened(arrays: Arrays, kept: Columns, labels: int) -> Arrays:
    """What `_narrowed` was given, as far as it is known."""
    wide = {name: array for name, array in arrays.items() if not name.startswith(REST)}
    for name, others in arrays.items():
        if name.startswith(REST):
            which = name.replace(REST, SCORES)
            wide[which] = restored(arrays[which], kept, labels, Rest(others[:, 0], others[:, 1]))
    return wide


def _arrays(data: bytes) -> Arrays:
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return dict(arrays)


def _packed(arrays: Arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()
