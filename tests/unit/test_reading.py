"""Readings of the network's inside: what is shown, how parts add up, and how they are told from scores."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.conversation.known import NOTHING, Known, evaluations, keys_of
from pipeline.conversation.looks import Path, Rows, Whole
from pipeline.conversation.once import Once
from pipeline.conversation.probe import Evidence, Listed, Probe, pack_evidence, unpack_evidence
from pipeline.conversation.reading import SCORES, Reading
from pipeline.explain import answer, closed, recalled
from pipeline.scene.scene import Scene
from pipeline.scene.segments import grid
from pipeline.scene.variant import Variant
from storage.rounds import joined, pieces

READING = Reading("gradient", (1,), cost=4)
ENDS = (0.0, 0.1, 0.3, 1.0)
LOOKS = (Path(7, variant=Variant("black"), ends=ENDS), Whole(5, noise=20.0, seed=3), Whole(), Path(2, finer=True))
PROBE = Probe(9, LOOKS, reading=READING)
ROW = np.ones((1, 9), dtype=bool)


def scene() -> Scene:
    canvas = np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Scene(canvas, grid(canvas, 9), np.full_like(canvas, 90))


def read(shown: Scene, reading: Reading, rows: Rows) -> NDArray[np.float32]:
    """What tells every row: its share, its level, the variant's fill and its noise."""
    noises = [float(one.sum()) for one in rows.noises((2, 2, 3))] or [0.0] * len(rows.shares)
    told = [[1, level, level**2, shown.fill.mean(), noise] for level, noise in zip(rows.levels, noises, strict=True)]
    return (rows.shares @ np.array(told)).astype(np.float32)


def test_a_probe_of_scores_is_told_as_ever() -> None:
    """Its JSON has no word of readings: workers and rows of before can be read, and read the rest."""
    assert set(Probe(9, (Listed.of(ROW),)).to_json()) == {"k", "purpose", "blocks"}
    assert Probe.from_json(Probe(9, (Listed.of(ROW),)).to_json()).reading == SCORES
    assert SCORES.to_json() == {}


def test_a_reading_survives_json() -> None:
    """A probe that reads the inside comes back equal from JSON text, and with its evidence from a file."""
    assert Probe.from_json(json.loads(json.dumps(PROBE.to_json()))) == PROBE
    told = Evidence(PROBE, np.arange(12, dtype=np.float32).reshape(4, 3))
    [back] = unpack_evidence(pack_evidence([told]))
    assert back.probe == PROBE
    np.testing.assert_array_equal(back.scores, told.scores)


def test_looks_and_masks_do_not_mix() -> None:
    """Scores are of masks and the inside is of looks: a probe of the wrong ones is refused."""
    for blocks, reading in (((Whole(),), SCORES), ((Listed.of(ROW),), READING), ((Whole(), Listed.of(ROW)), READING)):
        with pytest.raises(ValueError, match="looks are for the network's inside alone"):
            Probe(9, blocks, reading=reading)


def test_a_path_integrates() -> None:
    """The middles of equal parts, all counting alike: exact for straight lines, off by a known share for a parabola."""
    rows = Path(5).rows(0, 5)
    np.testing.assert_allclose(rows.levels, [0.1, 0.3, 0.5, 0.7, 0.9], rtol=1e-6)
    np.testing.assert_allclose([rows.shares @ rows.levels**degree for degree in range(3)], [1, 1 / 2, 0.33], rtol=1e-6)
    np.testing.assert_array_equal(Path(5).rows(2, 4).levels, rows.levels[2:4])


def test_parts_of_other_lengths_count_by_them() -> None:
    """Each stretch between two ends is cut into equal parts, and each part counts by its length."""
    rows = Path(6, ends=ENDS).rows(0, 6)
    np.testing.assert_allclose(rows.levels, [0.025, 0.075, 0.15, 0.25, 0.475, 0.825], rtol=1e-6)
    np.testing.assert_allclose(rows.shares, [0.05, 0.05, 0.1, 0.1, 0.35, 0.35], rtol=1e-6)
    assert set(Path(6).to_json()) == {"path"}  # as before parts had lengths


@given(st.integers(1, 100), st.sampled_from([(0.0, 1.0), ENDS]))
def test_finer_parts_have_all_middles_but_those_known(times: int, ends: tuple[float, ...]) -> None:
    """With the middles of a third as many parts they are the middles of all, each once, and count as those do."""
    parts = times * (len(ends) - 1)
    known, rest, whole = (
        path.rows(0, path.n)
        for path in (Path(parts, ends=ends), Path(2 * parts, finer=True, ends=ends), Path(3 * parts, ends=ends))
    )
    levels, shares = np.append(known.levels, rest.levels), np.append(known.shares / 3, rest.shares * 2 / 3)
    order = np.argsort(levels)
    np.testing.assert_allclose(levels[order], whole.levels, atol=1e-6)
    np.testing.assert_allclose(shares[order], whole.shares, rtol=1e-4)


def test_noise_is_that_of_its_seed_and_row() -> None:
    """Whoever makes a row makes the same noise, another row and another seed have another, of the size asked for."""
    whole, last = Whole(4, 20.0, 1).rows(0, 4), Whole(4, 20.0, 1).rows(3, 4)
    noises = list(whole.noises((32, 32, 3)))
    np.testing.assert_array_equal(noises[3], next(last.noises((32, 32, 3))))
    assert not np.allclose(noises[0], noises[1])
    assert not np.allclose(noises[0], next(Whole(4, 20.0, 2).rows(0, 1).noises((32, 32, 3))))
    assert np.std(noises) == pytest.approx(20, rel=0.02)
    assert whole.shares.tolist() == [0.25] * 4


@given(st.integers(1, 40))
def test_parts_of_any_size_add_up(size: int) -> None:
    """Each part lies in one block and is a row; summed by block they are what one process reads at once."""
    whole = answer(scene(), PROBE, lambda *_: pytest.fail("scores were asked"), read=read)
    assert whole.shape == (PROBE.answers, 5) == (4, 5)
    parts = []
    for piece in pieces(PROBE, NOTHING, size):
        assert 0 < piece.stop - piece.start <= max(1, size // READING.cost)
        [found] = answer(scene(), PROBE, lambda *_: pytest.fail("scores were asked"), (piece.start, piece.stop), read)
        parts.append((piece.start, found.astype("<f4").tobytes()))
    np.testing.assert_allclose(joined(PROBE, parts, columns=2), whole, rtol=1e-5, atol=1e-5)


def test_what_was_read_is_known_again_and_is_no_score() -> None:
    """By the reading and the look; another label, another layer or another look is not known, nor any score."""
    found = answer(scene(), PROBE, lambda *_: pytest.fail("scores were asked"), read=read)
    known = Known.of([Evidence(PROBE, found)])
    for told, expected in zip(known.answers(PROBE), found, strict=True):
        np.testing.assert_array_equal(told, expected)
    for other in (replace(READING, columns=(0,)), replace(READING, layer="x"), replace(READING, of="logit")):
        assert known.answers(replace(PROBE, reading=other)) == [None] * 4
    assert known.answers(Probe(9, (Whole(2),), reading=READING)) == [None]
    assert known.answers(Probe(9, (Listed.of(ROW),))) == [None]
    assert sum(map(evaluations, keys_of(PROBE))) == PROBE.evaluations == 4 * 15
    assert len(known.beyond_the_mask().rows) == 4


def test_only_what_is_not_known_is_read() -> None:
    """The others' answers are told as they were."""
    found = answer(scene(), PROBE, lambda *_: pytest.fail("scores were asked"), read=read)
    known = Known.of([Evidence(replace(PROBE, blocks=LOOKS[:2]), found[:2])])
    asked = []

    def counted(shown: Scene, reading: Reading, rows: Rows) -> NDArray[np.float32]:
        asked.append(len(rows.levels))
        return read(shown, reading, rows)

    again = recalled(scene(), PROBE, lambda *_: pytest.fail("scores were asked"), known, counted)
    np.testing.assert_array_equal(again, found)
    assert asked == [1, 2]
    [first, second, *rest] = pieces(PROBE, known, 100)
    assert first.scores is not None and second.scores is not None
    assert [piece.scores for piece in rest] == [None, None]


def test_what_is_read_goes_through_once_as_it_is() -> None:
    """Neither left out nor told otherwise; it counts as what it costs."""

    class Asking:
        def open(self, shown: Scene) -> Probe:
            return Probe(9, (Listed.of(ROW), Listed.of(ROW)))

        def proceed(self, shown: Scene, evidence: list[Evidence]) -> Probe:
            assert [len(one.scores) for one in evidence] == [2, 4][: len(evidence)]
            return PROBE

    talker = Once(Asking())  # type: ignore[arg-type]
    first = Evidence(talker.open(scene()), np.ones((1, 2), np.float32))
    assert talker.proceed(scene(), [first]) == PROBE
    assert talker.proceed(scene(), [first, Evidence(PROBE, np.ones((4, 3), np.float32))]) == PROBE


def test_a_function_has_no_inside() -> None:
    """It is said so in one sentence that names what was asked for and the remedy."""
    with pytest.raises(ValueError, match="inside of a network, and a function shows none; give the model"):
        closed(scene(), READING, Whole().rows(0, 1))
