"""Photographs through the command line: files, folders and S3 prefixes, labels and masks."""

import json
from pathlib import Path

import boto3
import numpy as np
from PIL import Image

from polelens.cli import store
from tests.commands import Commands
from tests.live_audits import pictures, png
from tests.services import S3


def test_a_folder_is_added_once_and_what_cannot_be_read_is_listed(cli: Commands, photographs: Path) -> None:
    """Names are relative to the folder; the second time adds nothing; the rest is not stopped."""
    result = cli.run("images", "add", photographs)
    assert result.exit_code == 0
    assert result.stdout.strip() == "4 photographs added, 0 known already, 2 not readable"
    *unreadable, passed_over = result.stderr.splitlines()
    assert passed_over == "passed over: 1 .txt"
    reasons = dict(line.removeprefix("not added: ").split(": ", 1) for line in unreadable)
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
    (masks / "north").mkdir()
    (masks / "a.png").write_bytes(png(np.full((32, 32, 3), 255, np.uint8)))
    (masks / "d.png").write_bytes(png(np.full((8, 8, 3), 255, np.uint8)))
    (masks / "north/b.png").write_text("hello")
    (masks / "nobody.png").write_text("hello")
    result = cli.run("images", "add", photographs, "--labels", labels, "--masks", masks)
    assert result.stdout.strip().endswith("2 known already, 4 not readable, 1 with a label, 1 with a mask")
    assert "d.jpg: its mask is 8x8 pixels" in result.stderr
    assert "north/b.PNG: its mask cannot be read" in result.stderr
    assert "labels of 1 without a photograph here: nobody.png" in result.stderr
    assert "masks of 1 without a photograph here: nobody" in result.stderr
    assert "1 photographs without labels: north/[red]c" in result.stderr
    assert (
        "1 read with a word: its mask marks every pixel, so nothing is said of the background (a.png)" in result.stderr
    )
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
    assert cli.json("images", "add", photographs, "--boxes", table)["unmatched"] == {"boxes": ["nobody.png"]}


def test_masks_of_classes_and_of_mirrored_folders(cli: Commands, tmp_path: Path) -> None:
    """Each photograph gets that of its own folder, and of that the class that is meant; one for two is nobody's."""
    one, two, three, four = pictures(4)
    for place, pixels in {"nord/k.png": one, "sor/k.png": two, "nord/q.png": three, "sor/q.png": four}.items():
        (tmp_path / "p" / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "p" / place).write_bytes(png(pixels))
        (tmp_path / "m" / place).parent.mkdir(parents=True, exist_ok=True)
    classes = np.repeat(np.arange(4, dtype=np.uint8), 8)[None].repeat(32, axis=0)
    Image.fromarray(classes).save(tmp_path / "m/nord/k.tif")
    Image.fromarray(classes.T.copy()).save(tmp_path / "m/sor/k.png")
    Image.fromarray(classes).save(tmp_path / "m/q.png")
    result = cli.run("images", "add", tmp_path / "p", "--masks", tmp_path / "m", "--mask-value", "2")
    assert result.stdout.strip() == "4 photographs added, 0 known already, 0 not readable, 2 with a mask"
    assert "masks of 1 left out, as they may be several photographs', or differ: q" in result.stderr
    assert "2 photographs without masks: nord/q.png, sor/q.png" in result.stderr
    masks = {image.name: image.mask and store.archive().mask(image.mask) for image in store.archive().select()}
    assert np.array_equal(masks["nord/k.png"], classes == 2)
    assert np.array_equal(masks["sor/k.png"], classes.T == 2)
    assert masks["nord/q.png"] is masks["sor/q.png"] is None
    told = cli.refused("images", "add", tmp_path / "p", "--masks", tmp_path / "m", "--mask-value", "red")
    assert "mask value is 'red', expected a number like 3" in told
    assert "give --masks, too" in cli.refused("images", "add", tmp_path / "p", "--mask-value", "2")


def test_several_places_are_added_at_once_and_a_word_is_said_of_what_is_odd(cli: Commands, tmp_path: Path) -> None:
    """Folders and patterns; a panorama, a file that breaks off; more pixels than are allowed keep one out."""
    for name, size in {"a/pano.png": (20, 60), "a/b.jpg": (200, 250), "c/d.png": (40, 40)}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.random.default_rng(size[0]).integers(0, 255, (*size, 3), np.uint8)).save(tmp_path / name)
    whole = (tmp_path / "a/b.jpg").read_bytes()
    (tmp_path / "a/b.jpg").write_bytes(whole[:-2])
    result = cli.run("images", "add", tmp_path / "a", str(tmp_path / "[bc]/*.png"), "--megapixels", "0.06")
    assert result.stdout.strip() == "3 photographs added, 0 known already, 0 not readable"
    assert [one["name"] for one in cli.json("images", "list")] == ["a/b.jpg", "a/pano.png", "c/d.png"]
    assert "1 read with a word: the file breaks off" in result.stderr
    assert "1 so long that a model that is shown the square in the middle sees less than 60% of them (a/pano.png)" in (
        result.stderr
    )
    again = cli.json("images", "add", tmp_path / "a", "--megapixels", "0.01")
    assert (again["known"], again["narrow"]) == (1, 1)
    assert "250x200 pixels, more than the 0.01 megapixels allowed" in again["unreadable"][0]["reason"]


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
    (tmp_path / "labels.csv").write_text("a.png TRE\n")
    assert "line 1" in cli.refused("images", "add", tmp_path / "torn.png", "--labels", tmp_path / "labels.csv")
