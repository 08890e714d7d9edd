"""Known: what the model has said before, by what it was shown."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipeline.conversation.probe import Evidence, Masks, Probe
from pipeline.scene.variant import Variant

Key = tuple[str | None, int, bytes]  # the variant, how many regions it has, which of them are on
Row = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Known:
    """The model's answers about one photograph, float32 [c] each, by what tells pictures of it apart."""

    rows: Mapping[Key, Row]

    @classmethod
    def of(cls, evidence: Iterable[Evidence]) -> Self:
        """All that was said in a conversation."""
        rows: dict[Key, Row] = {}
        for one in evidence:
            rows |= zip(keys(one.probe.pieces()), one.scores, strict=True)
        return cls(rows)

    def beyond_the_mask(self) -> "Known":
        """What stays true of the photograph under another mask: all but the pictures that the mask makes."""
        return Known({key: row for key, row in self.rows.items() if not _shows_the_mask(key)})

    def answers(self, probe: Probe) -> list[Row | None]:
        """The answer to each row that a probe shows; None where there is none."""
        return [self.rows.get(key) for key in keys(probe.pieces())]


NOTHING = Known({})


def keys(pieces: Iterable[tuple[Variant | None, Masks]]) -> Iterator[Key]:
    """What tells pictures of one photograph apart: two rows of the same key show the same."""
    for variant, masks in pieces:
        name = "" if variant is None else json.dumps(variant.to_json(), sort_keys=True)
        # With everything on a picture is its canvas, whatever the fill and the regions.
        canvas = None if variant is None or variant.keeps_canvas else name
        for whole, row in zip(np.asarray(masks.all(axis=1)), np.packbits(masks, axis=1), strict=True):
            yield (canvas, 0, b"") if whole else (name, masks.shape[1], row.tobytes())


def _shows_the_mask(key: Key) -> bool:
    name, k, _ = key
    return bool(name and k) and Variant.from_json(json.loads(name or "")).shows_mask
