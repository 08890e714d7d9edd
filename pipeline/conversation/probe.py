"""Probes: what is put to the model, told in a few bytes, so that any worker can make any range of it again."""

import base64
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.conversation.designs import DESIGNS, scattered
from pipeline.conversation.looks import WHOLE_WAY, Look, Path, Rows, Whole
from pipeline.conversation.reading import SCORES, Reading
from pipeline.scene.lattice import FRACTION
from pipeline.scene.variant import Variant

Masks = NDArray[np.bool_]
Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Draw:
    """n masks that a design draws under a seed; the regions `on` are on in all of them.

    With a variant they are over what that shows of the scene, which has k regions.
    """

    design: str
    seed: int
    n: int
    k: int | None = None
    variant: Variant | None = None
    on: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.design not in DESIGNS:
            raise ValueError(f"design is {self.design!r}, expected one of {', '.join(DESIGNS)}")
        if self.n < 1:
            raise ValueError(f"samples is {self.n}, expected at least 1")

    def masks(self, k: int) -> Masks:
        """All rows, bool [n, k], with this block's own k where it has one."""
        drawn = _drawn(self.design, self.k or k, self.n, self.seed)
        return drawn | np.isin(np.arange(self.k or k), self.on) if self.on else drawn

    def to_json(self) -> dict[str, Any]:
        """The JSON object that `Probe.from_json` reads."""
        own: dict[str, Any] = ({"k": self.k} if self.k else {}) | ({"on": list(self.on)} if self.on else {})
        return {"design": self.design, "seed": self.seed, "n": self.n} | own | _told(self.variant)


@dataclass(frozen=True, slots=True)
class Listed:
    """Masks written out, eight to the byte, rows one after another without padding.

    With a variant they are over what that shows of the scene, which may have another number of regions.
    """

    n: int
    bits: bytes
    k: int
    variant: Variant | None = None

    @classmethod
    def of(cls, masks: Masks, variant: Variant | None = None) -> Self:
        """The block that holds these masks, bool [n, k]."""
        return cls(len(masks), np.packbits(masks).tobytes(), masks.shape[1], variant)

    def masks(self, _: int) -> Masks:
        """All rows, bool [n, k], with this block's own k."""
        bits = np.unpackbits(np.frombuffer(self.bits, np.uint8), count=self.n * self.k)
        return bits.reshape(self.n, self.k).astype(bool)

    def to_json(self) -> dict[str, Any]:
        """The JSON object that `Probe.from_json` reads."""
        return {"n": self.n, "k": self.k, "bits": base64.b64encode(self.bits).decode()} | _told(self.variant)


@dataclass(frozen=True, slots=True)
class Scatter:
    """n masks over the soft cells of a variant's lattice, each on with probability `share` under a seed.

    k is the number of bits of a mask, as everywhere, and so more than there are cells: see `pipeline.scene.lattice`.
    """

    share: float
    seed: int
    n: int
    k: int
    variant: Variant

    def masks(self, _: int) -> Masks:
        """All rows, bool [n, k], with this block's own k."""
        return _scattered(self.k - 2 * FRACTION, self.n, self.seed, self.share)

    def to_json(self) -> dict[str, Any]:
        """The JSON object that `Probe.from_json` reads."""
        return {"share": self.share, "seed": self.seed, "n": self.n, "k": self.k} | _told(self.variant)


Block = Draw | Listed | Scatter | Path | Whole


def shown(block: Block, variant: Variant, k: int) -> Block:
    """The same block asked of what a variant shows, which has k regions; the block's own variant is a look at that."""
    there = variant if block.variant is None else block.variant.upon(variant)
    if isinstance(block, Look):
        return replace(block, variant=there)
    return replace(block, variant=there, k=block.k if block.variant and block.k else k)


@dataclass(frozen=True, slots=True)
class Probe:
    """Blocks of masks over k superpixels, to be shown to the model; `purpose` is a word for whoever asked.

    `skip` numbers rows of the blocks, in order, that are left out: their answers are known. Before it went `unasked`
    rounds of which all answers were known. The network's inside is read of looks, which are shown whole.
    """

    k: int
    blocks: tuple[Block, ...]
    purpose: str = "explain"
    skip: tuple[int, ...] = ()
    reading: Reading = SCORES
    unasked: int = 0

    def __post_init__(self) -> None:
        looks = [isinstance(block, Look) for block in self.blocks]
        if any(looks) != self.reading.pooled or all(looks) != self.reading.pooled or (any(looks) and self.skip):
            raise ValueError(
                f"{self.reading.kind} is not read of these blocks: looks are for the network's inside alone"
            )

    @property
    def n(self) -> int:
        """Number of masks to be shown."""
        return sum(block.n for block in self.blocks) - len(self.skip)

    @property
    def answers(self) -> int:
        """Rows of the answer: one a mask, or one a block where they are summed."""
        return len(self.blocks) if self.reading.pooled else self.n

    @property
    def evaluations(self) -> int:
        """What it costs."""
        return self.n * self.reading.cost

    @property
    def sizes(self) -> list[int]:
        """How many masks of each block are to be shown."""
        return [len(rows) for rows in self._kept()]

    def masks(self, start: int = 0, stop: int | None = None) -> Masks:
        """Rows start..stop of a probe without variants, bool [stop - start, k]."""
        rows = [masks for _, masks in self.pieces(start, stop)]
        return np.concatenate([np.zeros((0, self.k), dtype=bool), *rows])

    def pieces(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[Variant | None, Masks]]:
        """Rows start..stop, block by block: what to show of the scene, and the masks; only what is touched is made."""
        stop, offset = self.n if stop is None else stop, 0
        for block, rows in zip(self.blocks, self._kept(), strict=True):
            first, last = max(start - offset, 0), min(stop - offset, len(rows))
            if first < last:
                yield block.variant, block.masks(self.k)[rows[first:last]]
            offset += len(rows)

    def looks(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, Look, Rows]]:
        """Rows start..stop of looks: the number of each that is touched, itself, and its rows in that range."""
        stop, offset = self.n if stop is None else stop, 0
        for number, block in enumerate(self.blocks):
            first, last = max(start - offset, 0), min(stop - offset, block.n)
            if first < last and isinstance(block, Look):
                yield number, block, block.rows(first, last)
            offset += block.n

    def only(self, rows: Sequence[int]) -> "Probe":
        """The probe with these of its rows alone, which are in ascending order."""
        total = sum(block.n for block in self.blocks)
        shown = np.delete(np.arange(total), list(self.skip))[list(rows)]
        return replace(self, skip=tuple(np.setdiff1d(np.arange(total), shown).tolist()))

    def to_json(self) -> dict[str, Any]:
        """The JSON object that `from_json` reads."""
        skip = {"skip": list(self.skip)} if self.skip else {}
        reading = {"reading": self.reading.to_json()} if self.reading != SCORES else {}
        unasked = {"unasked": self.unasked} if self.unasked else {}
        blocks = [block.to_json() for block in self.blocks]
        return {"k": self.k, "purpose": self.purpose, "blocks": blocks} | skip | reading | unasked

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The probe that `to_json` wrote."""
        blocks = tuple(_block(block) for block in value["blocks"])
        reading = Reading.from_json(value.get("reading", {}))
        skip, unasked = tuple(value.get("skip", ())), value.get("unasked", 0)
        return cls(value["k"], blocks, value["purpose"], skip, reading, unasked)

    def _kept(self) -> list[NDArray[np.intp]]:
        """The rows of each block that are to be shown."""
        ends = np.cumsum([0, *(block.n for block in self.blocks)])
        kept = np.delete(np.arange(ends[-1]), list(self.skip))
        bounds = np.searchsorted(kept, ends)
        return [kept[a:b] - start for a, b, start in zip(bounds, bounds[1:], ends, strict=False)]


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """A probe and its answer: scores, float32 [n, c], or what was read for each block, [blocks, width]."""

    probe: Probe
    scores: NDArray[np.float32]

    def __post_init__(self) -> None:
        if len(self.scores) != self.probe.answers:
            raise ValueError(f"{len(self.scores)} rows of scores for a probe of {self.probe.answers} masks")

    def blocks(self) -> list[NDArray[np.float32]]:
        """The scores block by block, float32 [n, c] each."""
        return np.split(self.scores, np.cumsum(self.probe.sizes)[:-1])


def pack_evidence(evidence: Sequence[Evidence]) -> bytes:
    """Every mask's score, so that another kernel, label or surrogate is fitted without the model, as an .npz file.

    `scores_0` float32 [n, c] and `probe_0` (JSON as text) for the first round, and so on.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for number, one in enumerate(evidence):
        arrays |= {f"scores_{number}": one.scores, f"probe_{number}": np.array(json.dumps(one.probe.to_json()))}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)  # scores hardly compress: it would take longer than the whole fit
    return buffer.getvalue()


def unpack_evidence(data: bytes) -> list[Evidence]:
    """What `pack_evidence` wrote."""
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        probes = [Probe.from_json(json.loads(str(arrays[f"probe_{i}"]))) for i in range(len(arrays.files) // 2)]
        return [Evidence(probe, arrays[f"scores_{i}"]) for i, probe in enumerate(probes)]


def _told(variant: Variant | None) -> dict[str, Any]:
    return {"variant": variant.to_json()} if variant else {}


def _block(value: Mapping[str, Any]) -> Block:
    variant = Variant.from_json(value["variant"]) if "variant" in value else None
    if "share" in value and variant:
        return Scatter(value["share"], value["seed"], value["n"], value["k"], variant)
    if "path" in value:
        return Path(value["path"], value.get("finer", False), variant, tuple(value.get("ends", WHOLE_WAY)))
    if "whole" in value:
        return Whole(value["whole"], value.get("noise", 0.0), value.get("seed", 0), variant)
    if "design" in value:
        drawn = value["design"], value["seed"], value["n"], value.get("k"), variant
        return Draw(*drawn, on=tuple(value.get("on", ())))
    return Listed(value["n"], base64.b64decode(value["bits"]), value["k"], variant)


@lru_cache(maxsize=64)  # no state: the same seed draws the same masks, and nobody can write into them
def _drawn(design: str, k: int, n: int, seed: int) -> Masks:
    masks = DESIGNS[design](k, n, seed)
    masks.setflags(write=False)
    return masks


@lru_cache(maxsize=64)
def _scattered(cells: int, n: int, seed: int, share: float) -> Masks:
    masks = scattered(cells, n, seed, share)
    masks.setflags(write=False)
    return masks
