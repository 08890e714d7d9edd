"""Files of boxes: CSV and COCO's JSON, and what is wrong with those that are none."""

import json

import pytest

from pipeline.scene.boxes import Box, Boxes
from storage.boxes import boxes

IMAGES = [{"id": 1, "file_name": "north/a.jpg", "width": 8, "height": 4}, {"id": "two", "file_name": "b.jpg"}]


def coco(*annotations: object, images: object = IMAGES) -> bytes:
    """A COCO file."""
    return json.dumps({"images": images, "annotations": annotations, "categories": [], "info": {}}).encode()


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"\n \n"])
def test_csv_and_coco_say_the_same(start: bytes) -> None:
    """All boxes of a photograph together, by its path or by the last part of it; COCO adds the picture's size."""
    lines = b"name,x,y,width,height\na.jpg, 1, 2, 3, 4\r\n\nb.jpg,0,0,1.5,1\na.jpg,5,6,7,8\n"
    some = [{"image_id": 1, "bbox": [1, 2, 3, 4]}, {"image_id": "two", "bbox": [0, 0, 1.5, 1], "segmentation": []}]
    by_line, by_coco = boxes(start + lines), boxes(start + coco(*some, {"image_id": 1, "bbox": [5, 6, 7, 8]}))
    two = (Box(1, 2, 3, 4), Box(5, 6, 7, 8))
    assert by_line.get("south/a.jpg") == Boxes(two)
    assert by_coco.get("north/a.jpg") == by_coco.get("a.jpg") == Boxes(two, (8, 4))
    assert by_line.get("b.jpg") == by_coco.get("b.jpg") == Boxes((Box(0, 0, 1.5, 1),))
    assert by_line.get("c.jpg") is None


def test_a_last_name_that_two_photographs_share_says_nothing() -> None:
    """Nobody can know which of them is meant."""
    found = boxes(b"Name,X,Y,Width,Height\nnorth/a.jpg,1,2,3,4\nsouth/a.jpg,1,2,3,5\n")
    assert found.get("a.jpg") is None
    assert found.get("south/a.jpg") == Boxes((Box(1, 2, 3, 5),))


def test_an_image_without_annotations_has_no_boxes() -> None:
    """It is not known where its object is."""
    assert boxes(coco()).by_path == {}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "boxes: the first line must be name,x,y,width,height, or the file COCO's JSON"),
        (b"hello", "the first line must be"),
        (b"a.jpg,1,2,3,4\n", "the first line must be"),
        (b"name,x,y,width,height\na.jpg,1,2,3\n", "line 2 is 'a.jpg,1,2,3', expected name,x,y,width,height"),
        (b"name,x,y,width,height\na.jpg,1,2,3,4,5\n", "line 2"),
        (b"name,x,y,width,height\na.jpg,1,2,3,4\na.jpg,1,2,wide,4\n", "line 3"),
        (b"name,x,y,width,height\n,1,2,3,4\n", "line 2"),
        (b"name,x,y,width,height\n\xe5.jpg,1,2,3,4\n", r"not UTF-8 text \(byte 22\)"),
        (b'{"images": [', "boxes: not COCO's JSON .*EOF"),
        (b"[]", "not COCO's JSON"),
        (b'{"images": []}', "not COCO's JSON"),
        (coco({"image_id": 3, "bbox": [1, 2, 3, 4]}), r"annotations\[0\] is of image 3, not among the images"),
        (coco({"image_id": 1}), r"annotations\[0\].bbox: Field required"),
        (coco({"image_id": 1, "bbox": [1, 2, 3]}), r"annotations\[0\].bbox"),
        (coco({"image_id": 1, "bbox": ["a", 2, 3, 4]}), r"annotations\[0\].bbox\[0\]"),
        (coco(images=[{"id": 1}]), r"images\[0\].file_name: Field required"),
    ],
)
def test_a_file_of_boxes_that_is_wrong_names_the_place(data: bytes, message: str) -> None:
    """In one line; nothing of it is used."""
    with pytest.raises(ValueError, match=message) as refused:
        boxes(data)
    assert "\n" not in str(refused.value)


def test_numbers_that_no_box_has_are_kept_for_their_photograph() -> None:
    """NaN fails where it is drawn: that photograph alone."""
    for data in (b"name,x,y,width,height\na.jpg,nan,0,1,1\n", coco({"image_id": 1, "bbox": [float("nan"), 0, 1, 1]})):
        found = boxes(data).get("a.jpg")
        assert found is not None
        with pytest.raises(ValueError, match="is not four finite numbers"):
            found.mask(4, 8)
