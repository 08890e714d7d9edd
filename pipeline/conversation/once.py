"""Once: another explainer's conversation, in which no mask is put to the model twice."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution
from pipeline.conversation.explainer import Explainer
from pipeline.conversation.probe import Evidence, Masks, Probe
from pipeline.scene.scene import Scene
from pipeline.scene.variant import Variant

Key = tuple[str | None, bytes]
Known = Mapping[Key, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Once:
    """The same conversation, less the rows whose answers are known; the inner explainer is told them all the same.

    A round of which every answer is known asks for its first row again: a round of nothing would never be answered.
    """

    inner: Explainer

    def open(self, scene: Scene) -> Probe:
        """The inner explainer's first probe, each mask once."""
        return _unknown(self.inner.open(scene), {})

    def proceed(self, scene: Scene, evidence: Sequence[Evidence]) -> Probe | Attribution:
        """What the inner explainer still has to know, or its answer."""
        known: dict[Key, NDArray[np.float32]] = {}
        told = []
        for one in evidence:
            known |= zip(_keys(one.probe.pieces()), one.scores, strict=True)
            whole = replace(one.probe, skip=())
            told.append(Evidence(whole, np.stack([known[key] for key in _keys(whole.pieces())])))
        step = self.inner.proceed(scene, told)
        if isinstance(step, Probe):
            return _unknown(step, known)
        return replace(step, evaluations=sum(one.probe.n for one in evidence))


def _unknown(probe: Probe, known: Known) -> Probe:
    """The probe less the rows whose answers are known, or that stand in it before."""
    seen, skip = set(known), []
    for row, key in enumerate(_keys(probe.pieces())):
        if key in seen:
            skip.append(row)
        seen.add(key)
    return replace(probe, skip=tuple(skip[len(skip) == probe.n :]))


def _keys(pieces: Iterable[tuple[Variant | None, Masks]]) -> Iterator[Key]:
    """What tells pictures of one photograph apart: two rows of the same key show the same."""
    for variant, masks in pieces:
        name = "" if variant is None else json.dumps(variant.to_json(), sort_keys=True)
        # With everything on a picture is its canvas, whatever the fill and the regions.
        canvas = None if variant is None or not (variant.noise or variant.without) else name
        for whole, row in zip(np.asarray(masks.all(axis=1)), np.packbits(masks, axis=1), strict=True):
            yield (canvas, b"") if whole else (name, row.tobytes())
