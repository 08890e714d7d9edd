"""Boxes: which pixels they hold, and which are refused."""

import numpy as np
import pytest

from pipeline.scene.boxes import Box, Boxes


def test_a_pixel_is_in_where_its_centre_is() -> None:
    """Whole numbers hold exactly their pixels; parts of a pixel count from its middle on."""
    assert _columns(Box(2, 0, 3, 1)) == [2, 3, 4]
    assert _columns(Box(1.4, 0, 2.2, 1)) == [1, 2, 3]
    assert _columns(Box(1.6, 0, 1.8, 1)) == [2]
    assert _columns(Box(0, 0, 8, 1)) == list(range(8))


def test_several_boxes_are_united() -> None:
    """A pixel in two boxes is in once, and what lies between them is out."""
    mask = Boxes((Box(0, 0, 2, 2), Box(1, 1, 2, 2), Box(6, 3, 1, 1))).mask(4, 8)
    assert mask.sum() == 4 + 4 - 1 + 1
    assert mask[1, 1]
    assert not mask[0, 2]


def test_what_rounding_puts_over_the_edge_is_cut_off() -> None:
    """Up to a pixel; beyond that the box is of another picture."""
    assert np.array_equal(Boxes((Box(-1, -0.5, 10, 5.5),)).mask(4, 8), np.ones((4, 8), dtype=bool))


@pytest.mark.parametrize(
    ("box", "message"),
    [
        (Box(0, 0, 0, 2), "box 0,0,0,2 has no size; width and height must be above 0"),
        (Box(0, 0, 2, -3), "has no size"),
        (Box(float("nan"), 0, 2, 2), "box nan,0,2,2 is not four finite numbers"),
        (Box(0, 0, float("inf"), 2), "is not four finite numbers"),
        (Box(4, 0, 5.1, 2), "reaches beyond the 8x4 pixels of the upright photograph"),
        (Box(-1.1, 0, 5, 2), "reaches beyond"),
        (Box(0, -2, 5, 3), "reaches beyond"),
        (Box(0, 3, 5, 3), "reaches beyond"),
        (Box(1.6, 1, 0.5, 1), "box 1.6,1,0.5,1 covers no pixel"),
        (Box(8, 0, 1, 1), "covers no pixel"),
    ],
)
def test_a_box_that_holds_nothing_of_the_photograph_is_refused(box: Box, message: str) -> None:
    """The sentence has the box as it was given; one wrong box refuses them all."""
    with pytest.raises(ValueError, match=message):
        Boxes((Box(0, 0, 1, 1), box)).mask(4, 8)


def test_boxes_of_a_picture_of_another_size_are_refused() -> None:
    """Boxes drawn before EXIF turned the photograph upright would lie somewhere else in it."""
    with pytest.raises(ValueError, match="drawn in 4x8 pixels, the upright photograph is 8x4"):
        Boxes((Box(0, 0, 1, 1),), (4, 8)).mask(4, 8)
    assert Boxes((Box(0, 0, 1, 1),), (8, 4)).mask(4, 8).sum() == 1


def _columns(box: Box) -> list[int]:
    return np.flatnonzero(Boxes((box,)).mask(1, 8)[0]).tolist()
