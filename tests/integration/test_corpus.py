"""Bad input through the command line and a real audit: one clear sentence each, and nothing else is touched."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest

from storage.archive import Photograph
from storage.blobs import open_blobs
from storage.keys import image_key, mask_key
from tests import corpus, models
from tests.commands import FEW, Commands
from tests.live_audits import Bench, pictures, png

HEADING = "name,x,y,width,height\n"


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A folder with every odd and every bad photograph, and others under every name that a file may have."""
    folder, outside = tmp_path / "mixed", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (outside / "secret.png").write_bytes(png(pictures(1, seed=99)[0]))
    for name, data in corpus.odd_photographs().items():
        (folder / name).write_bytes(data)
    for name, (data, _) in corpus.bad_photographs().items():
        (folder / name).write_bytes(data)
    for number, named in enumerate(corpus.NAMES):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + named)).write_bytes(png(pictures(1, seed=number)[0]))
    (folder / "out.png").symlink_to(outside / "secret.png")
    (folder / "outside").symlink_to(outside)
    return folder


def test_of_a_mixed_folder_all_that_can_be_read_is_added(cli: Commands, mixed: Path) -> None:
    """Every bad file has its line and its reason, no line acts on the terminal, no link leads out of the folder."""
    result = cli.run("images", "add", mixed)
    odd, bad = corpus.odd_photographs(), corpus.bad_photographs()
    told = dict(
        line.removeprefix("not added: ").split(": ", 1)
        for line in result.stderr.splitlines()
        if line.startswith("not added")
    )
    assert told.keys() == bad.keys()
    assert all(reason in told[name] for name, (_, reason) in bad.items())
    count = len(odd) + len(corpus.NAMES)
    assert result.stdout.strip() == f"{count} photographs added, 0 known already, {len(bad)} not readable"
    listed = cli("images", "list")
    assert len(listed.splitlines()) == count
    assert {one for one in listed + result.stderr if not one.isprintable()} == {"\n"}
    assert {one["name"] for one in cli.json("images", "list")} >= {"two\nlines.png", "\\xff\\xfe.png", "..png"}


def test_a_file_whose_name_is_no_text_is_added_alone_too(cli: Commands, tmp_path: Path) -> None:
    """Its bytes are shown as escapes, as those of a folder are."""
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png")
    Path(path).write_bytes(png(pictures(1)[0]))
    cli("images", "add", path)
    assert [one["name"] for one in cli.json("images", "list")] == ["\\xff.png"]


def test_a_selection_that_is_no_text_selects_nothing(cli: Commands) -> None:
    """And is one sentence."""
    assert "is not text" in cli.refused("images", "list", "--images", "\udcff*")


def test_a_mask_behind_a_link_out_of_its_folder_is_not_read(cli: Commands, tmp_path: Path) -> None:
    """As with photographs; one behind a link inside the folder is."""
    photographs, masks = tmp_path / "photographs", tmp_path / "masks"
    photographs.mkdir()
    masks.mkdir()
    for name, pixels in zip("ab", pictures(2), strict=True):
        (photographs / f"{name}.png").write_bytes(png(pixels))
    (tmp_path / "secret.png").write_bytes(png(np.full((32, 32, 3), 255, np.uint8)))
    (masks / "a.png").symlink_to(tmp_path / "secret.png")
    (masks / "real.png").write_bytes((tmp_path / "secret.png").read_bytes())
    (masks / "b.png").symlink_to("real.png")
    told = cli("images", "add", photographs, "--masks", masks)
    assert told.strip() == "2 photographs added, 0 known already, 0 not readable, 1 with a mask"


@pytest.mark.parametrize(
    ("option", "content", "reason"),
    [
        ("--labels", b"a.png TRE\n", "labels: line 1"),
        ("--labels", b"\xff\xfea", "labels: not UTF-16-LE"),
        ("--labels", b'"' * 200_001, "labels: "),
        ("--boxes", b'{"images": [{"id": 1}]', "boxes: not COCO's JSON"),
        ("--boxes", b'{"images": [], "annotations": []}', "boxes: not COCO's JSON"),
        ("--boxes", b"[" * 100_000, "boxes: not COCO's JSON"),
        ("--boxes", b"name,x,y\n", "boxes: the first line must be"),
        ("--boxes", HEADING.encode() + b"a.png,1,2,3\n", "boxes: line 2"),
        ("--boxes", HEADING.encode() + b"a.png,1,2,3,wide\n", "boxes: line 2"),
        ("--boxes", b"\x00\xff", "boxes: "),
    ],
)
def test_a_bad_table_is_one_sentence_and_adds_nothing(
    cli: Commands, photographs: Path, tmp_path: Path, option: str, content: bytes, reason: str
) -> None:
    """Named by what it is for, with the line where there is one."""
    (tmp_path / "table").write_bytes(content)
    assert reason in cli.refused("images", "add", photographs, option, tmp_path / "table")
    assert cli.json("images", "list") == []


@pytest.mark.parametrize("box", ["nan,0,4,4", "0,0,inf,4", "-9,0,20,20", "0,0,0,4", "1e300,0,1,1", "0.1,0.1,0.1,0.1"])
def test_a_bad_box_keeps_its_photograph_out_and_no_other(cli: Commands, tmp_path: Path, box: str) -> None:
    """The reason names the box."""
    (tmp_path / "p").mkdir()
    for name, pixels in zip("ab", pictures(2), strict=True):
        (tmp_path / f"p/{name}.png").write_bytes(png(pixels))
    (tmp_path / "boxes.csv").write_text(f"{HEADING}a.png,{box}\nb.png,0,0,4,4\n")
    result = cli.run("images", "add", tmp_path / "p", "--boxes", tmp_path / "boxes.csv")
    assert result.stdout.strip() == "1 photographs added, 0 known already, 1 not readable, 1 with a mask"
    assert result.stderr.startswith("not added: a.png: its boxes: box ")


def _bad_models() -> Mapping[str, tuple[bytes, str]]:
    plain, labelled = models.custom_vision_onnx(zipmap=False), models.custom_vision_onnx()
    return {
        "truncated": (labelled[: len(labelled) // 2], "not an ONNX model"),
        "empty": (b"", "not an ONNX model"),
        "a photograph": (corpus.turned(1), "not an ONNX model"),
        "no labels": (plain, "carries no labels"),
        "labels that don't match": (
            models.custom_vision_zip(labels="STAAL\nTRE\nBETONG"),
            "calls that output 'BETONG'",
        ),
        "too few labels": (models.custom_vision_zip(labels="BETONG"), "1 labels for 3 outputs"),
        "opset 6": (corpus.changed(lambda m: setattr(m.opset_import[0], "version", 6)), "opset 6"),
        "opset 99": (corpus.changed(lambda m: setattr(m.opset_import[0], "version", 99)), "onnxruntime cannot run"),
        "batch of 8": (corpus.changed(_batch_of_eight), "batches of exactly 8"),
        "external, upwards": (corpus.external("../secret.bin"), "in another file"),
        "external, absolute": (corpus.external("/etc/hostname"), "in another file"),
        "external, link": (corpus.external("link.bin"), "in another file"),
    }


def _batch_of_eight(model: onnx.ModelProto) -> None:
    """Of exactly eight, and with what the pictures have in common in each one's answer."""
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 8
    place = next(place for place, node in enumerate(model.graph.node) if node.op_type == "Softmax")
    model.graph.node[place].input[0] = "mixed"
    model.graph.node.insert(place, models.node("Add", "logits common", "mixed"))
    model.graph.node.insert(place, models.node("ReduceMean", "logits", "common", axes=[0]))


@pytest.mark.parametrize("name", _bad_models())
def test_a_bad_model_is_one_sentence_and_is_not_registered(
    cli: Commands, tmp_path: Path, pole: Path, name: str
) -> None:
    """Whether it is to be registered or used at once; nothing beside the model is read."""
    data, reason = _bad_models()[name]
    (tmp_path / "link.bin").symlink_to("/etc/hostname")
    (tmp_path / "model.onnx").write_bytes(data)
    assert reason in cli.refused("models", "add", tmp_path / "model.onnx", "poles")
    assert reason in cli.refused("explain", pole, "--model", tmp_path / "model.onnx", "--out", tmp_path / "out")
    assert cli.json("models", "list") == []
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "network", [{"half": True, "zipmap": False}, {"fixed_batch": True}, {"opset": 13, "ir": 8}], ids=str
)
def test_an_odd_model_is_explained(cli: Commands, tmp_path: Path, pole: Path, network: dict[str, object]) -> None:
    """Float16, a fixed batch, another opset: unusual is not bad."""
    (tmp_path / "model.zip").write_bytes(models.custom_vision_zip(models.Network(**network)))  # type: ignore[arg-type]
    assert cli.json("explain", pole, "--model", tmp_path / "model.zip", *FEW)["labels"]


def test_what_goes_bad_in_the_archive_fails_its_own_row(shared_bench: Bench) -> None:
    """A photograph and a mask damaged after they were added fail with their reasons; odd ones are all explained."""
    bench, archive = shared_bench, shared_bench.archive
    version = bench.model(models.additive(np.full((32, 32), 0.4 / 3072 / 255), bias=0.5), "yes", "no", name="odd")
    odd = corpus.odd_photographs()
    for name, data in odd.items():
        assert archive.add(Photograph(f"odd/{name}", data))
    torn, masked = (png(pixels) for pixels in pictures(2, seed=4178))
    mask = png(np.full((32, 32, 3), 255, np.uint8))
    archive.add(Photograph("odd/torn.png", torn))
    archive.add(Photograph("odd/masked.png", masked, mask=mask))
    found = {one.name: one for one in archive.select("odd/*")}
    blobs = open_blobs(bench.environment["POLELENS_BLOBS"])
    blobs.put(image_key(found["odd/torn.png"].sha256), torn[:200])
    blobs.put(mask_key(found["odd/masked.png"].mask or ""), mask[:-30])
    number = bench.audit(version, "odd/*", samples=16, seeds=[1, 11])
    progress = bench.wait(number)
    assert (progress.done, progress.failed) == (len(odd), 2)
    reasons = {one.image_name: one.reason or "" for one in bench.results(number) if one.state == "failed"}
    assert set(reasons) == {"odd/torn.png", "odd/masked.png"}
    for name, kind in (("torn", "images"), ("masked", "masks")):
        assert re.match(f"prepare: the blob '{kind}/.+' is damaged", reasons[f"odd/{name}.png"])
