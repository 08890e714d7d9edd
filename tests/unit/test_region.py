"""The region of superpixels in the photograph, against a loop over its pixels, and its code against another decoder."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO

from pipeline.answer.selection import Selection
from pipeline.model.profile import Profile
from pipeline.pictures.region import region
from polelens.export import Regions, export_coco
from tests.stored_explanations import explained

PROFILES = {
    "center": Profile(8),
    "stretch": Profile(8, crop="stretch"),
    "shorter-side": Profile(8, crop="shorter-side", resize=11),
    "rectangle": Profile((8, 12)),
    "rectangle, shorter-side": Profile((12, 8), crop="shorter-side", resize=15),
}
SIZES = ((19, 31), (31, 19), (5, 23), (64, 64))  # height and width: higher, wider, smaller and larger than the canvas
SEGMENTS = np.repeat(np.repeat(np.arange(16, dtype=np.int32).reshape(4, 4), 2, axis=0), 2, axis=1)
UNEVEN = SEGMENTS.copy()
UNEVEN[0, 1:] = 15  # no symmetry: turning or shifting it shows
WEIGHTS = np.array([0.5, -1, 0, 0.3, 0, 0, 0.2, 0, 0, 0.01, 0, 0, 0, 0, 0, 0.4])


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", PROFILES)
def test_a_pixel_belongs_to_the_superpixel_that_its_centre_lies_in(name: str, size: tuple[int, int]) -> None:
    """Pixel by pixel, rows and columns apart; nothing outside of what the network saw."""
    profile, chosen = PROFILES[name], Selection().chosen(WEIGHTS)
    found = region(UNEVEN, chosen, profile.placement(size[1], size[0]), size)
    np.testing.assert_array_equal(found, _by_hand(profile, chosen, size))
    assert found.any()


def _by_hand(profile: Profile, chosen: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    place, expected = profile.placement(size[1], size[0]), np.zeros(size, dtype=bool)
    for y in range(size[0]):
        for x in range(size[1]):
            down = (y + 0.5 - place.top) / (place.bottom - place.top)
            across = (x + 0.5 - place.left) / (place.right - place.left)
            if 0 <= down < 1 and 0 <= across < 1:
                expected[y, x] = chosen[UNEVEN[int(down * 8), int(across * 8)]]
    return expected


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools' decoder
def test_the_file_decodes_to_the_regions(tmp_path: Path) -> None:
    """COCO's own reader gives back each label's region, area, box and category, and the figures stand beside them."""
    profile = PROFILES["center"]
    rows = [explained(number, size, {"b": WEIGHTS, "a": -WEIGHTS}) for number, size in enumerate(SIZES)]
    rows.insert(1, explained(9, (7, 7), {}, reason="torn"))
    regions = Regions(("a", "b", "c"), profile, {row.scene: UNEVEN for row in rows}.__getitem__)
    path = export_coco(rows, regions, tmp_path, {"audit": 3})

    read = COCO(path)
    assert [one["sha256"] for one in read.loadImgs(read.getImgIds())] == [row.image for row in rows]
    assert [one["state"] for one in read.dataset["images"]] == ["done", "failed", "done", "done", "done"]
    assert read.dataset["info"]["polelens"] == {"audit": 3}
    assert len(read.anns) == 2 * len(SIZES)
    for one in read.anns.values():
        photograph = read.imgs[one["image_id"]]
        size = photograph["height"], photograph["width"]
        weights = WEIGHTS if one["explained"] == "b" else -WEIGHTS
        expected = _by_hand(profile, Selection().chosen(weights), size)
        np.testing.assert_array_equal(read.annToMask(one), expected)
        assert one["area"] == expected.sum()
        assert one["bbox"] == _box(expected)
        assert read.cats[one["category_id"]]["name"] == one["explained"]
        assert (one["soundness"], one["gap"], one["mask_share"]) == ("doubtful", 0.5, None)
    assert [path.name for path in tmp_path.iterdir()] == ["coco.json"]


def _box(region: np.ndarray) -> list[float]:
    if not region.any():
        return [0, 0, 0, 0]
    ys, xs = np.nonzero(region)
    return [xs.min(), ys.min(), xs.max() - xs.min() + 1, ys.max() - ys.min() + 1]


def test_a_label_that_nothing_supports_has_an_empty_region(tmp_path: Path) -> None:
    """It keeps its annotation, and with it its judgement."""
    row = explained(1, (6, 4), {"a": np.full(16, np.nan)})
    path = export_coco([row], Regions(("a",), PROFILES["center"], lambda _: UNEVEN), tmp_path, {})
    [one] = _annotations(path)
    assert (one["area"], one["bbox"], one["segmentation"]["size"]) == (0, [0, 0, 0, 0], [6, 4])


def test_no_photograph_is_a_file_too(tmp_path: Path) -> None:
    """An audit of which nothing is explained yet."""
    assert _annotations(export_coco([], Regions((), PROFILES["center"], lambda _: UNEVEN), tmp_path, {})) == []


def _annotations(path: Path) -> list[Mapping]:
    return json.loads(path.read_text())["annotations"]
