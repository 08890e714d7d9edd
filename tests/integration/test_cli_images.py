"""Photographs through the command line: files, folders and S3 prefixes, labels and masks."""

import json
from pathlib import Path

import boto3
import numpy as np

from polelens.cli import store
from tests.commands import Commands
from tests.live_audits import pictures, png
from tests.services import S3


def test_a_folder_is_added_once_and_what_cannot_be_read_is_listed(cli: Commands, photographs: Path) -> None:
    """Names are relative to the folder; the second time adds nothing; the rest is not stopped."""
    result = cli.run("images", "add", photographs)
    assert result.exit_code == 0
    assert result.stdout.strip() == "4 photographs added, 0 known already, 2 not readable"
    reasons = dict(line.removeprefix("not added: ").split(": ", 1) for line in result.stderr.splitlines())
    assert set(reasons) == {"torn.png", "text.jpeg"}
    assert reasons["text.jpeg"].startswith("not a JPEG")
    again = cli.json("images", "add", photographs)
    assert (again["new"], again["known"], len(again["unreadable"])) == (0, 4, 2)
    names = {one["name"] for one in cli.json("images", "list")}
    assert names == {"a.png", "d.jpg", "north/b.PNG", "north/[red]c\x1b[31m.png"}
    assert [one["name"] for one in cli.json("images", "list", "--images", "a*")] == ["a.png"]


def test_names_do_not_act_on_the_terminal(cli: Commands, photographs: Path) -> None:
    """Controls are shown as escapes, and what looks like markup stays as it is."""
    (photographs / "torn\x1b[2J.png").write_bytes(b"torn")
    result = cli.run("images", "add", photographs)
    listed = cli("images", "list")
    assert "\x1b" not in result.output + listed
    assert "torn\\x1b[2J.png" in result.stderr
    assert "north/[red]c\\x1b[31m.png" in listed


def test_labels_and_masks_come_along(cli: Commands, photographs: Path, tmp_path: Path) -> None:
    """By path or last part, and by stem; known photographs get what they had not."""
    cli("images", "add", photographs)
    labels, masks = tmp_path / "labels.csv", tmp_path / "masks"
    masks.mkdir()
    labels.write_text("path,label\na.png,TRE\nnorth/b.PNG,STAAL\nnobody.png,TRE\n")
    (masks / "a.png").write_bytes(png(np.full((32, 32, 3), 255, np.uint8)))
    (masks / "d.png").write_bytes(png(np.full((8, 8, 3), 255, np.uint8)))
    (masks / "b.png").write_text("hello")
    result = cli.run("images", "add", photographs, "--labels", labels, "--masks", masks)
    assert result.stdout.strip().endswith("2 known already, 4 not readable, 1 with a label, 1 with a mask")
    assert "d.jpg: its mask is 8x8 pixels" in result.stderr
    assert "north/b.PNG: its mask cannot be read" in result.stderr
    assert {one["name"]: one["label"] for one in cli.json("images", "list")}["a.png"] == "TRE"
    assert [one["name"] for one in cli.json("images", "list", "--images", "label:TRE")] == ["a.png"]


def test_boxes_come_along_as_masks(cli: Commands, photographs: Path, tmp_path: Path) -> None:
    """COCO and CSV alike; what is wrong with one photograph's boxes keeps that one out, as with a mask."""
    coco, table, masks = tmp_path / "coco.json", tmp_path / "boxes.csv", tmp_path / "masks"
    images = [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "d.jpg", "width": 64, "height": 32}]
    some = [{"image_id": 1, "bbox": [0, 0, 4, 8]}, {"image_id": 1, "bbox": [2, 0, 4, 8]}]
    coco.write_text(json.dumps({"images": images, "annotations": [*some, {"image_id": 2, "bbox": [0, 0, 4, 4]}]}))
    result = cli.run("images", "add", photographs, "--boxes", coco)
    assert result.stdout.strip() == "3 photographs added, 0 known already, 3 not readable, 1 with a mask"
    assert "d.jpg: its boxes: drawn in 64x32 pixels, the upright photograph is 32x32" in result.stderr
    [digest] = [one.mask for one in store.archive().select("a.png")]
    mask = store.archive().mask(digest)
    assert (mask.sum(), mask[:8, :6].all()) == (48, True)

    masks.mkdir()
    (masks / "a.png").write_bytes(png(np.full((32, 32, 3), 255, np.uint8)))
    lines = "a.png,1,1,9,9\nd.jpg,1,1,9,9\nb.PNG,30,0,9,9\nnobody.png,nan,0,1,1\n"
    table.write_text(f"name,x,y,width,height\n{lines}")
    result = cli.run("images", "add", photographs, "--boxes", table, "--masks", masks)
    assert result.stdout.strip().endswith("1 photographs added, 1 known already, 4 not readable, 1 with a mask")
    assert "a.png: it has both a mask and boxes; give one of them" in result.stderr
    assert "north/b.PNG: its boxes: box 30,0,9,9 reaches beyond the 32x32 pixels" in result.stderr
    assert "boxes of 1 without a photograph here: nobody.png" in result.stderr
    assert cli.json("images", "add", photographs, "--boxes", table)["unmatched"] == ["nobody.png"]


def test_a_file_that_holds_no_boxes_is_one_sentence(cli: Commands, photographs: Path, tmp_path: Path) -> None:
    """Nothing is added then."""
    (tmp_path / "boxes.json").write_text('{"images": [')
    assert "not COCO's JSON" in cli.refused("images", "add", photographs, "--boxes", tmp_path / "boxes.json")
    (tmp_path / "boxes.csv").write_text("a.png,1,2,3,4\n")
    assert "the first line must be" in cli.refused("images", "add", photographs, "--boxes", tmp_path / "boxes.csv")
    assert "does not exist" in cli.refused("images", "add", photographs, "--boxes", tmp_path / "no.json", status=2)
    assert cli.json("images", "list") == []


def test_a_single_file_is_added_by_its_name(cli: Commands, photographs: Path) -> None:
    """Whatever its suffix."""
    assert cli("images", "add", photographs / "d.jpg").startswith("1 photographs added")
    assert [one["name"] for one in cli.json("images", "list")] == ["d.jpg"]


def test_an_s3_prefix_is_added_as_a_folder_is(cli: Commands, s3: S3) -> None:
    """Names are relative to the prefix; other files are passed over."""
    client = boto3.client("s3")
    for key, data in {"a.png": png(pictures(1)[0]), "deep/torn.png": b"torn", "notes.txt": b"notes"}.items():
        client.put_object(Bucket=s3.bucket, Key=f"cli/2026/{key}", Body=data)
    for prefix in ("cli/2026/", "cli/2026"):
        added = cli.json("images", "add", f"s3://{s3.bucket}/{prefix}")
        assert added["new"] + added["known"] == 1
        assert [one["name"] for one in added["unreadable"]] == ["deep/torn.png"]
    assert [one["name"] for one in cli.json("images", "list")] == ["a.png"]
    assert "there is no photograph in" in cli.refused("images", "add", f"s3://{s3.bucket}/nothing/")
    assert cli.refused("images", "add", "s3://no-such-bucket/x").startswith("Error: S3: ")
    client.close()


def test_nothing_to_add_is_no_success(cli: Commands, tmp_path: Path) -> None:
    """No such place, an empty one, one with nothing readable, and tables of labels that are none."""
    assert "there is no file or folder" in cli.refused("images", "add", tmp_path / "none")
    (tmp_path / "empty").mkdir()
    assert "there is no photograph in" in cli.refused("images", "add", tmp_path / "empty")
    (tmp_path / "torn.png").write_text("hello")
    result = cli.run("images", "add", tmp_path / "torn.png")
    assert (result.exit_code, result.stdout.strip()) == (1, "0 photographs added, 0 known already, 1 not readable")
    (tmp_path / "labels.csv").write_text("a.png;TRE\n")
    assert "line 1" in cli.refused("images", "add", tmp_path / "torn.png", "--labels", tmp_path / "labels.csv")
