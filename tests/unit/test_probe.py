import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.conversation.designs import DESIGNS
from pipeline.conversation.probe import Draw, Evidence, Listed, Probe, Scatter
from pipeline.scene.lattice import Lattice
from pipeline.scene.variant import Variant


def flips(n, k, seed):
    return np.random.default_rng(seed).random((n, k)) < 0.5


@st.composite
def probes(draw):
    k = draw(st.integers(1, 70) | st.just(Lattice(2).k))
    drawn = st.builds(Draw, st.sampled_from(sorted(DESIGNS)), st.integers(0, 2**32 - 1), st.integers(1, 40))
    written = st.builds(
        lambda seed, n: Listed.of(np.random.default_rng(seed).random((n, k)) < 0.5),
        st.integers(0, 99),
        st.integers(1, 20),
    )
    soft = st.builds(
        lambda share, seed, n: Scatter(share, seed, n, Lattice(2).k, Variant(lattice=2)),
        st.floats(0.05, 0.95),
        st.integers(0, 2**32 - 1),
        st.integers(1, 40),
    )
    kinds = soft if k == Lattice(2).k else drawn | written
    blocks = tuple(draw(st.lists(kinds, min_size=1, max_size=4)))
    skip = draw(st.sets(st.integers(1, 40), max_size=20))
    return Probe(k, blocks, skip=tuple(sorted(row for row in skip if row < sum(block.n for block in blocks))))


@settings(max_examples=80, deadline=None)
@given(probes(), st.data())
def test_a_range_of_a_probe_is_a_slice_of_the_whole(probe, data):
    """Any worker makes any range again: masks(start, stop) is the slice of all masks."""
    start = data.draw(st.integers(0, probe.n))
    stop = data.draw(st.integers(start, probe.n))
    part = probe.masks(start, stop)
    assert part.shape == (stop - start, probe.k)
    assert np.array_equal(part, probe.masks()[start:stop])


@settings(max_examples=40, deadline=None)
@given(probes(), st.integers(1, 17))
def test_the_parts_of_a_probe_make_the_whole(probe, size):
    """Parts of any size, one after another, are the probe."""
    parts = [probe.masks(start, min(start + size, probe.n)) for start in range(0, probe.n, size)]
    assert np.array_equal(np.concatenate(parts), probe.masks())


@settings(max_examples=60, deadline=None)
@given(probes())
def test_a_probe_survives_json(probe):
    """A probe travels as JSON text and comes back equal, and with the same masks."""
    back = Probe.from_json(json.loads(json.dumps(probe.to_json())))
    assert back == probe
    assert np.array_equal(back.masks(), probe.masks())


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 90), st.integers(1, 40), st.integers(0, 999))
def test_listed_masks_are_given_back_bit_for_bit(k, n, seed):
    """Masks written out are the masks read, at eight to the byte."""
    masks = flips(n, k, seed)
    block = Listed.of(masks)
    assert np.array_equal(block.masks(k), masks)
    assert len(block.bits) == -(-n * k // 8)


@settings(max_examples=60, deadline=None)
@given(probes())
def test_rows_to_skip_are_left_out(probe):
    """A probe that skips rows shows all others in their order, and its evidence falls into blocks of what was shown."""
    everything = np.concatenate([block.masks(probe.k) for block in probe.blocks])
    assert np.array_equal(probe.masks(), np.delete(everything, list(probe.skip), axis=0))
    shown = Evidence(probe, np.zeros((probe.n, 1), np.float32)).blocks()
    assert [len(scores) for scores in shown] == probe.sizes
    assert [len(one.masks(probe.k)) for one in probe.blocks] == replace(probe, skip=()).sizes


def test_a_draw_is_its_design_under_its_seed():
    """A drawn block holds the design's rows, and nobody can scribble over them."""
    masks = Draw("paired", 11, 6).masks(5)
    assert np.array_equal(masks, DESIGNS["paired"](5, 6, 11))
    with pytest.raises(ValueError, match="read-only"):
        masks[0] = True
    assert Probe(5, (Draw("paired", 11, 6),)).masks(0, 2).flags.writeable


def test_only_the_blocks_of_a_range_are_made():
    """A part costs only the blocks that it touches."""

    class Unmade(Listed):
        def masks(self, k):
            raise AssertionError("made")

    near = Listed.of(np.ones((2, 3), dtype=bool))
    assert Probe(3, (near, Unmade(5, b"", 3))).masks(0, 2).all()


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (lambda: Draw("dice", 1, 4), "design is 'dice', expected one of coin"),
        (lambda: Draw("coin", 1, 0), "samples is 0, expected at least 1"),
    ],
)
def test_a_draw_that_cannot_be_is_refused(block, message):
    """An unknown design and an empty draw are refused by name."""
    with pytest.raises(ValueError, match=message):
        block()


def test_evidence_answers_its_probe_row_by_row():
    """Evidence with a row too few or too many is refused."""
    probe = Probe(4, (Draw("coin", 1, 8),))
    assert Evidence(probe, np.zeros((8, 2), np.float32)).probe is probe
    with pytest.raises(ValueError, match="7 rows of scores for a probe of 8 masks"):
        Evidence(probe, np.zeros((7, 2), np.float32))


def test_only_some_rows_of_a_probe_are_asked() -> None:
    """They are numbered among those that it shows, whatever it skips already."""
    rows = np.eye(6, dtype=bool)
    probe = Probe(6, (Listed.of(rows[:4]), Listed.of(rows[4:])), skip=(1, 4))
    assert probe.only([0, 2, 3]).masks().argmax(axis=1).tolist() == [0, 3, 5]
    assert probe.only([]).n == 0
    assert probe.only(range(probe.n)) == probe
