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
    two, one = (Box(1, 2, 3, 4), Box(5, 6, 7, 8)), Boxes((Box(0, 0, 1.5, 1),))
    assert dict(by_line.told) == {"a.jpg": Boxes(two), "b.jpg": one}
    assert dict(by_coco.told) == {"north/a.jpg": Boxes(two, (8, 4)), "b.jpg": one}


def test_a_spreadsheet_with_decimal_commas_is_read() -> None:
    """Excel separates by semicolons then; a heading may name the columns in any order."""
    data = "Width;Name;X;Y;Height\n1,5;blå.jpg;0;0,25;1\n".encode("utf-16")
    assert boxes(data).told == (("blå.jpg", Boxes((Box(0, 0.25, 1.5, 1),))),)


def test_boxes_of_one_photograph_come_together_however_its_name_is_written() -> None:
    """With either separator, in either of Unicode's forms."""
    data = "name,x,y,width,height\nnord\\a.jpg,1,2,3,4\nnord/a.jpg,5,6,7,8\n"
    assert [boxed for _, boxed in boxes(data.encode()).told] == [Boxes((Box(1, 2, 3, 4), Box(5, 6, 7, 8)))]


@pytest.mark.parametrize("bbox", [{}, {"bbox": []}, {"bbox": None}])
def test_an_annotation_without_a_box_has_that_of_its_outline(bbox: dict[str, object]) -> None:
    """Tools that draw polygons leave the box out; one that has neither, or no size, is left out and said."""
    outline = {"image_id": 1, "segmentation": [[1, 1, 4, 1, 4, 3], [5, 0, 6, 1, 6, 2]], **bbox}
    assert boxes(coco(outline)).told == (("north/a.jpg", Boxes((Box(1, 0, 5, 3),), (8, 4))),)
    for nothing in ({"segmentation": {"counts": "abc", "size": [4, 8]}}, {"segmentation": []}, {"bbox": [5, 2, 0, 0]}):
        found = boxes(coco(outline, {"image_id": "two", **bbox, **nothing}))
        assert dict(found.told).keys() == {"north/a.jpg"}
        assert found.notes == ("1 annotations have neither a box nor an outline: b.jpg",)


def test_an_image_without_annotations_has_no_boxes() -> None:
    """It is not known where its object is."""
    assert boxes(coco()).told == ()


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
        (b"name,x,y,width,height\n\x81.jpg,1,2,3,4\n", r"not UTF-8 text \(byte 22\)"),
        (b'{"images": [', "boxes: not COCO's JSON .*EOF"),
        (b"[]", "not COCO's JSON"),
        (b'{"images": []}', "not COCO's JSON"),
        (coco({"image_id": 3, "bbox": [1, 2, 3, 4]}), r"annotations\[0\] is of image 3, not among the images"),
        (coco({"bbox": [0, 0, 1, 1]}), r"annotations\[0\].image_id: Field required"),
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
        [(_, found)] = boxes(data).told
        with pytest.raises(ValueError, match="is not four finite numbers"):
            found.mask(4, 8)
