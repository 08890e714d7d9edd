"""`from polelens import explain`: one photograph, in one process, for a notebook."""

import hashlib
import io
import json
import sys
from base64 import b64encode
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from polelens import Explanation, Recipe, explain, recipe
from polelens.card import card
from polelens.inputs import model_file
from tests import models
from tests.live_audits import pictures, png

FEW = recipe("default").override({"samples": 16, "seeds": [1, 11]})


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    """A photograph, wider than high."""
    path = tmp_path / "pole.png"
    path.write_bytes(png(_pixels()))
    return path


def test_path_bytes_and_pixels_give_the_same_explanation(zipped: Path, photograph: Path) -> None:
    """However the photograph is handed in; only what its SHA-256 is of differs between a file and pixels."""
    ways = [photograph, str(photograph), photograph.read_bytes(), _pixels()]
    found = [explain(way, zipped, recipe=FEW) for way in ways]
    for one in found[1:]:
        np.testing.assert_array_equal(one.attribution.labels[0].weights, found[0].attribution.labels[0].weights)
        assert one.pictures["overlay.png"] == found[0].pictures["overlay.png"]
    of_file = hashlib.sha256(photograph.read_bytes()).hexdigest()
    of_pixels = hashlib.sha256(_pixels().tobytes()).hexdigest()
    assert [one.image.sha256 for one in found] == [of_file] * 3 + [of_pixels]
    assert {(one.image.width, one.image.height) for one in found} == {(96, 48)}


def test_pixels_that_change_later_change_no_picture(zipped: Path) -> None:
    """The explanation keeps the pixels it explained."""
    pixels = _pixels()
    found = explain(pixels, zipped, recipe=FEW)
    pixels[:] = 0
    np.testing.assert_array_equal(found.photograph, _pixels())


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((32, 32), np.uint8),
        np.zeros((32, 32, 4), np.uint8),
        np.zeros((32, 32, 3), np.float32),
        np.zeros((0, 32, 3), np.uint8),
    ],
    ids=["grey", "RGBA", "float", "empty"],
)
def test_an_array_that_is_no_photograph_is_refused(zipped: Path, array: np.ndarray) -> None:
    """The message says what was given and what is expected."""
    with pytest.raises(ValueError, match=r"image is an array of \w+ \[.*\], expected uint8 \[H, W, 3\], RGB"):
        explain(array, zipped, recipe=FEW)


def test_a_notebook_shows_answers_figures_and_overlay(zipped: Path, photograph: Path) -> None:
    """`_repr_html_` needs nothing but itself, and names of strangers stay text; the text beside it is a line."""
    found = explain(photograph, zipped, recipe=FEW)
    shown = found._repr_html_()
    assert "Is the explanation sound?" in shown
    assert "What does the answer rest on? Unknown. Nobody said where" in shown
    assert b64encode(found.pictures["overlay.png"]).decode() in shown
    assert "http" not in shown
    hostile = replace(found.attribution.labels[0], label="<script>")
    told = card(replace(found.attribution, labels=(hostile,), probabilities={"<script>": 1.0}), b"", ["<b>"])
    assert "<script>" not in told
    assert "<b>&lt;script&gt;</b>" in told
    assert "\n" not in repr(found)
    assert repr(found).startswith("<Explanation under poles, recipe default: ")


def test_plot_and_table_are_what_is_saved(zipped: Path, photograph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture of Pillow's, and a row a superpixel; without pandas the same rows as dicts."""
    found = explain(photograph, zipped, recipe=FEW)
    with Image.open(io.BytesIO(found.pictures["overlay.png"])) as overlay:
        np.testing.assert_array_equal(np.asarray(found.plot()), np.asarray(overlay))
    table = found.table()
    assert len(table) == found.scene.k
    np.testing.assert_array_equal(table["weight"], found.attribution.labels[0].weights)
    assert table["area"].sum() == pytest.approx(1)
    for number in (0, found.scene.k - 1):
        rows, columns = np.nonzero(found.scene.segments == number)  # of a canvas that shows a square of the photograph
        place, side = found.backdrop.placement, len(found.scene.segments)
        x = place.left + (columns.mean() + 0.5) * (place.right - place.left) / side
        y = place.top + (rows.mean() + 0.5) * (place.bottom - place.top) / side
        assert (table["x"][number], table["y"][number]) == pytest.approx((x, y))
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert found.table() == table.to_dict("records")


def test_a_recipe_is_a_name_or_an_object(zipped: Path, photograph: Path) -> None:
    """A name means the preset; an object is used as it is, and the document holds it."""
    by_name = explain(photograph, zipped, recipe="lime-tree")
    by_object = explain(photograph, zipped, recipe=recipe("lime-tree"))
    assert by_name.document() == by_object.document()
    mine = Recipe("mine", samples=16, seeds=(5,), labels=("TRE",))
    document = explain(photograph, zipped, recipe=mine).document()
    assert document["recipe"] == mine.to_json() | {"digest": mine.digest}
    assert list(document["labels"]) == ["TRE"]


def test_the_same_call_gives_the_same_numbers(zipped: Path, photograph: Path) -> None:
    """Chance is part of the recipe."""
    first, second = (explain(photograph, zipped, recipe=FEW).document() for _ in range(2))
    assert first == second
    other = explain(photograph, zipped, recipe=FEW.reseed(2)).document()
    assert other["labels"] != first["labels"]


def test_a_model_is_read_once_for_many_photographs(zipped: Path, photograph: Path) -> None:
    """A model that was read gives what its file gives, and a version for the document."""
    read = model_file(zipped)
    assert explain(photograph, read, recipe=FEW).document() == explain(photograph, zipped, recipe=FEW).document()
    assert explain(photograph, read, recipe=FEW, version=3).document()["model"]["version"] == 3


def test_a_plain_onnx_takes_labels_and_a_profile(tmp_path: Path, photograph: Path) -> None:
    """What the file does not carry is given."""
    path = tmp_path / "net.onnx"
    path.write_bytes(models.means(np.ones((2, 32, 32), bool)))
    profile = {"crop": "stretch", "mean": 0, "scale": 255}
    found = explain(photograph, path, recipe=FEW, labels=["one", "two"], profile=profile)
    assert set(found.attribution.probabilities) == {"one", "two"}
    assert found.scene.canvas.shape == (32, 32, 3)
    assert found.backdrop.placement.right == 96


def test_save_makes_the_folder_and_its_files(zipped: Path, photograph: Path, tmp_path: Path) -> None:
    """The pictures and attribution.json, which is the document."""
    found = explain(photograph, zipped, recipe=FEW)
    found.save(tmp_path / "deep/out")
    names = {path.name for path in (tmp_path / "deep/out").iterdir()}
    assert names == {"overlay.png", "support.png", "seeds.png", "segments.png", "attribution.json"}
    assert json.loads((tmp_path / "deep/out/attribution.json").read_text()) == json.loads(json.dumps(found.document()))


def test_boxes_are_a_mask(zipped: Path, photograph: Path, tmp_path: Path) -> None:
    """The same judgement as the mask with those pixels; both at once, or a box of three numbers, is refused."""
    mask = np.zeros((48, 96, 3), np.uint8)
    mask[8:40, 30:60] = 255
    (tmp_path / "mask.png").write_bytes(png(mask))
    by_mask = explain(photograph, zipped, recipe=FEW, mask=tmp_path / "mask.png")
    boxed = explain(photograph, zipped, recipe=FEW, boxes=[(30, 8, 20, 32), (40, 8, 20, 32)])
    assert boxed.scene.mask is not None
    assert boxed.scene.mask.any()
    assert boxed.document() == by_mask.document()
    with pytest.raises(ValueError, match="both a mask and boxes"):
        explain(photograph, zipped, recipe=FEW, mask=tmp_path / "mask.png", boxes=[(30, 8, 20, 32)])
    with pytest.raises(ValueError, match=r"boxes is \[\(1, 2, 3\)\], expected"):
        explain(photograph, zipped, recipe=FEW, boxes=[(1, 2, 3)])
    with pytest.raises(ValueError, match="reaches beyond the 96x48 pixels"):
        explain(photograph, zipped, recipe=FEW, boxes=[(90, 8, 20, 32)])


def test_the_seeds_shown_are_those_that_were_asked(zipped: Path, photograph: Path) -> None:
    """A recipe that stops early draws as many seeds as it took."""
    made = recipe("adaptive").override({"samples": 32, "stopping.precision": 9, "stopping.top": 1})
    found = explain(photograph, zipped, recipe=made)
    used = len(found.attribution.labels[0].weights_by_seed)
    assert used < len(made.seeds)
    fixed = explain(photograph, zipped, recipe=made.override({"stopping": None, "seeds": list(made.seeds[:used])}))
    assert found.pictures["seeds.png"] == fixed.pictures["seeds.png"]


def test_progress_counts_up_to_all_evaluations(zipped: Path, photograph: Path) -> None:
    """Called with what is done and what there is to do, the last time with all done."""
    calls: list[tuple[int, int]] = []
    found = explain(
        photograph, zipped, recipe=FEW.override({"samples": 128}), progress=lambda *call: calls.append(call)
    )
    assert calls == sorted(calls)
    assert len(calls) > 1
    assert calls[-1] == (found.attribution.evaluations, found.attribution.evaluations)


def test_what_is_wrong_is_said_before_the_work(zipped: Path, photograph: Path, tmp_path: Path) -> None:
    """A label, recipe, palette or file that is not there, and a file that is no photograph."""
    asked: list[tuple[int, int]] = []

    def refused(words: str, error: type[Exception] = ValueError, **changes: object) -> None:
        arguments = {"image": photograph, "model": zipped, "recipe": FEW} | changes
        with pytest.raises(error, match=words):
            explain(**arguments, progress=lambda *call: asked.append(call))  # type: ignore[arg-type]

    refused("no label 'POLE'; it has BETONG, STAAL, TRE", recipe=FEW.override({"labels": ["POLE"]}))
    refused(r"no recipe 'limes' \(did you mean lime\?\); there are default, adaptive", recipe="limes")
    refused("palette is 'pink', expected one of", palette="pink")
    refused("No such file", FileNotFoundError, image=tmp_path / "none.png")
    refused("not a JPEG", image=b"hello")
    refused("the file is empty", image=b"")
    refused("image is a NoneType, expected a file's path or bytes", image=None)
    refused(r"boxes is \[1, 1, 5, 5\], expected a list of \(x, y, width, height\)", boxes=(1, 1, 5, 5))
    refused("show is '0', expected a number of superpixels", show=0)
    refused("not an ONNX", model=photograph)
    assert asked == []


def test_the_package_offers_what_it_says() -> None:
    """`dir` and tab completion know the names, and no other name is there."""
    import polelens  # noqa: PLC0415

    assert dir(polelens) == sorted(polelens.__all__)
    assert polelens.Explanation is Explanation
    assert polelens.__version__ == version("polelens")
    with pytest.raises(AttributeError, match="has no attribute 'explains'"):
        _ = polelens.explains


def test_as_many_superpixels_as_may_be_are_explained(zipped: Path, photograph: Path) -> None:
    """A grid of exactly the bound."""
    grid, quick = {"name": "grid", "n_segments": 1024}, {"name": "sklearn.linear_model.Ridge"}
    made = FEW.override({"segmenter": grid, "judge": False, "surrogate": quick})
    assert explain(photograph, zipped, recipe=made).scene.k == 1024


def _pixels() -> np.ndarray:
    return np.concatenate(pictures(2, size=48, seed=3), axis=1)
