"""Known: what the model has said before, by what it was shown."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipeline.conversation.probe import Evidence, Masks, Probe
from pipeline.scene.variant import Variant

# The variant, how many regions it has, which of them are on; or what was read of which look, what that cost, and READ.
Key = tuple[str | None, int, bytes]
READ = b"read"
Row = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Known:
    """The model's answers about one photograph, by what tells pictures of it, and what was read of them, apart.

    Scores are float32 [c] each; what was read of the network's inside is as wide as it is.
    """

    rows: Mapping[Key, Row]

    @classmethod
    def of(cls, evidence: Iterable[Evidence]) -> Self:
        """All that was said in a conversation."""
        rows: dict[Key, Row] = {}
        for one in evidence:
            rows |= zip(keys_of(one.probe), one.scores, strict=True)
        return cls(rows)

    def beyond_the_mask(self) -> "Known":
        """What stays true of the photograph under another mask: all but the pictures that the mask makes."""
        return Known({key: row for key, row in self.rows.items() if not _shows_the_mask(key)})

    def answers(self, probe: Probe) -> list[Row | None]:
        """Each row of a probe's answer; None where it is not known."""
        return [self.rows.get(key) for key in keys_of(probe)]


NOTHING = Known({})


def keys_of(probe: Probe) -> Iterator[Key]:
    """What tells the rows of a probe's answer apart."""
    if not probe.reading.pooled:
        yield from keys(probe.pieces())
        return
    reading = probe.reading.to_json()
    for block in probe.blocks:
        told = json.dumps({"reading": reading, "look": block.to_json()}, sort_keys=True)
        yield told, block.n * probe.reading.cost, READ


def evaluations(key: Key) -> int:
    """What the answer of this key cost."""
    return key[1] if key[2] == READ else 1


def keys(pieces: Iterable[tuple[Variant | None, Masks]]) -> Iterator[Key]:
    """What tells pictures of one photograph apart: two rows of the same key show the same."""
    for variant, masks in pieces:
        name = "" if variant is None else json.dumps(variant.to_json(), sort_keys=True)
        # With everything on a picture is its canvas, whatever the fill and the regions.
        canvas = None if variant is None or variant.keeps_canvas else name
        for whole, row in zip(np.asarray(masks.all(axis=1)), np.packbits(masks, axis=1), strict=True):
            yield (canvas, 0, b"") if whole else (name, masks.shape[1], row.tobytes())


def _shows_the_mask(key: Key) -> bool:
    name, k, bits = key
    told = json.loads(name) if name and k else None
    variant = told["look"].get("variant") if told and bits == READ else told
    return variant is not None and Variant.from_json(variant).shows_mask
