"""A variant of a variant shows what one after the other shows, wherever it is made."""

import json

import numpy as np
import pytest

from pipeline.conversation.known import Known, keys
from pipeline.conversation.probe import Draw, Evidence, Listed, Probe, shown
from pipeline.scene.scene import Scene
from pipeline.scene.segments import grid
from pipeline.scene.variant import Variant, vary

LOOKS = [
    Variant("blur"),
    Variant(noise=2.0),
    Variant(without=(3, 5)),
    Variant("black", segmenter={"name": "slic", "n_segments": 9}),
    Variant("mean", regions="object"),
    Variant(tile=9),
    Variant(lattice=5),
]


def scene() -> Scene:
    """16 squares, of which the upper half is the object."""
    canvas, fill = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    return Scene(canvas, grid(canvas, 16), fill, np.repeat(np.arange(32) < 16, 32).reshape(32, 32))


@pytest.mark.parametrize("outer", LOOKS)
@pytest.mark.parametrize("inner", [LOOKS[0], LOOKS[1], *LOOKS[3:]])
def test_one_look_upon_another_is_both_in_turn(outer: Variant, inner: Variant) -> None:
    """Canvas, regions and fill are those of the second look at what the first shows, and survive JSON."""
    there = Variant.from_json(json.loads(json.dumps(inner.upon(outer).to_json())))
    at_once, in_turn = vary(scene(), there), vary(vary(scene(), outer), inner)
    for name in ("canvas", "segments", "fill"):
        assert np.array_equal(getattr(at_once, name), getattr(in_turn, name))
    assert at_once.lattice == in_turn.lattice


@pytest.mark.parametrize("block", [Draw("coin", 1, 8, 9, LOOKS[3]), Listed.of(np.eye(9, dtype=bool), LOOKS[3])])
def test_a_block_s_own_look_outlives_another(block: Draw | Listed) -> None:
    """Masks over regions of a method's own stay masks over those, where the photograph is shown otherwise."""
    there = shown(block, LOOKS[2], 16)
    assert there.variant == LOOKS[3].upon(LOOKS[2])
    assert np.array_equal(there.masks(16), block.masks(16))


def test_a_variant_of_the_scene_is_told_as_ever() -> None:
    """The JSON of a variant has no field of later that says nothing: workers of before can read it."""
    assert set(Variant("blur").to_json()) == {"fill", "regions", "segmenter", "noise", "without"}


def test_a_picture_is_known_by_all_looks_behind_it() -> None:
    """With everything on, a fill changes no picture and noise behind it does; nor is a mask's picture kept."""
    whole = np.ones((1, 16), dtype=bool)
    plain, noisy, hidden = LOOKS[0].upon(LOOKS[0]), LOOKS[0].upon(LOOKS[1]), LOOKS[0].upon(LOOKS[2])
    found = [next(keys([(one, whole)])) for one in (None, plain, noisy, hidden)]
    assert found[0] == found[1]
    assert len(set(found)) == 3
    probe = Probe(16, (Listed.of(np.array([[True, False]]), LOOKS[0].upon(LOOKS[4])),))
    assert not Known.of([Evidence(probe, np.zeros((1, 2), np.float32))]).beyond_the_mask().rows
