"""`polelens explain`: one photograph, no services, and every file and refusal."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.answer.stopped import Stopped
from pipeline.conversation.designs import whole_block
from pipeline.recipes import recipe
from pipeline.scene.photograph import decode
from tests import models
from tests.commands import FEW, Commands
from tests.live_audits import pictures


def test_explain_writes_what_the_issue_says(nowhere: Commands, zipped: Path, pole: Path, tmp_path: Path) -> None:
    """attribution.json has exactly these fields; segments.png has 16 bits, labels from 0, the canvas's size."""
    told = nowhere("explain", pole, "--model", zipped, "--recipe", "default", "--out", tmp_path / "out")
    assert str(tmp_path / "out/overlay.png") in told
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "overlay.png",
        "support.png",
        "seeds.png",
        "segments.png",
        "attribution.json",
    }
    document = json.loads((tmp_path / "out/attribution.json").read_text())
    with Image.open(tmp_path / "out/segments.png") as image:
        assert (image.mode, image.size) == ("I;16", (32, 32))
        segments = np.asarray(image)
    k = int(segments.max()) + 1
    assert set(np.unique(segments)) == set(range(k))

    assert set(document) == {
        "image",
        "model",
        "recipe",
        "probabilities",
        "fill_probabilities",
        "evaluations",
        "labels",
    }
    assert {key: type(value) for key, value in document["image"].items()} == {
        "sha256": str,
        "width": int,
        "height": int,
    }
    assert (document["image"]["width"], document["image"]["height"]) == (96, 48)
    assert set(document["model"]) == {"name", "version", "sha256", "profile", "profile_sources", "warnings"}
    assert (document["model"]["name"], document["model"]["version"]) == ("poles", None)
    assert document["recipe"] == recipe("default").to_json() | {"digest": recipe("default").digest}
    assert set(document["probabilities"]) == {"BETONG", "STAAL", "TRE"}
    assert sum(document["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    curves = 2 * (1 + 9) * (8 - 1) + 1  # deletion and insertion; their ends, but one, are known
    repeated = document["evaluations"] - (2 + 9 * whole_block(k) + curves + k)  # what nine seeds ask twice, if they do
    assert -0.01 * document["evaluations"] <= repeated <= 0
    [(label, found)] = document["labels"].items()
    assert label == max(document["probabilities"], key=document["probabilities"].get)
    numbers = {"weights", "std_error", "half_width", "weights_by_seed", "intercept"}
    assert set(found) == numbers | {"fidelity", "stability", "claims", "judgement", "denoised"}
    assert np.shape(found["weights"]) == np.shape(found["std_error"]) == np.shape(found["half_width"]) == (k,)
    assert np.shape(found["weights_by_seed"]) == (9, k)
    assert isinstance(found["intercept"], float)
    assert set(found["fidelity"]) == {"r2", "r2_held_out"}
    assert {"spearman", "kendall", "top5_jaccard", "sign_agreement", "vsi", "csi"} <= set(found["stability"])


def test_explain_takes_a_plain_file_and_every_option(nowhere: Commands, pole: Path, tmp_path: Path) -> None:
    """Labels, a profile, a recipe changed in every way, and labels to explain."""
    (tmp_path / "net.onnx").write_bytes(models.means(np.ones((3, 32, 32), bool)))
    (tmp_path / "labels.txt").write_text("one\r\ntwo\r\nthree")
    (tmp_path / "profile.json").write_text('{"size": 32, "crop": "stretch", "color": "bgr", "mean": 0, "scale": 255}')
    files = ["--model", tmp_path / "net.onnx", "--labels", tmp_path / "labels.txt"]
    files += ["--profile", tmp_path / "profile.json"]
    changes = ["--samples", "32", "--seed", "7", "--set", "segmenter.n_segments=12", "--set", "seeds=[1,2,3]"]
    changes += ["--set", "surrogate=sklearn.linear_model.BayesianRidge", "--set", "kernel_width=null"]
    changes += ["--set", "judge=false"]
    chosen = ["--label", "two", "--label", "three", "--palette", "blue-orange", "--threads", "1"]
    document = nowhere.json("explain", pole, *files, *changes, *chosen)
    made = document["recipe"]
    assert (made["samples"], made["seeds"], made["kernel_width"]) == (32, [7, 17, 27], None)
    assert (made["segmenter"]["n_segments"], made["surrogate"]["name"]) == (12, "sklearn.linear_model.BayesianRidge")
    assert set(document["labels"]) == {"two", "three"}
    assert document["evaluations"] == 2 + 3 * 32
    assert set(nowhere.json("explain", pole, *files, *FEW, "--label", "all")["labels"]) == {"one", "two", "three"}
    pixels = decode(pole.read_bytes())
    assert document["probabilities"]["one"] == pytest.approx(pixels.mean() / 255, abs=0.01)


def test_explain_with_no_folder_still_tells_what_was_found(nowhere: Commands, zipped: Path, pole: Path) -> None:
    """Every label's probability, the fit, and the strongest superpixels with their place."""
    told = nowhere("explain", pole, "--model", zipped, *FEW)
    assert "the model says: " in told
    counted = r"\d+ superpixels for it, \d+ against, held-out R2 -?\d\.\d\d, 2 seeds agree -?\d\.\d\d"
    assert re.search(rf"^(BETONG|STAAL|TRE): {counted} \([\d,]+ evaluations\)$", told, re.MULTILINE)
    assert told.rstrip().endswith("--out FOLDER writes the pictures and every number")


def test_explain_says_what_rounds_may_cost_and_why_they_ended(nowhere: Commands, zipped: Path, pole: Path) -> None:
    """The cost before anything is asked, the end with the answer."""
    rounds = ("--recipe", "adaptive", "--samples", "16", "--set", "judge=false", "--set", "stopping.precision=0.01")
    asked = ("explain", pole, "--model", zipped, *rounds, "--set", "seeds=[1,2,3,4]")
    result = nowhere.run(*asked)
    assert "note: adaptive asks 3 to 4 seeds of each photograph, about 50 to 66 evaluations: few where" in result.stderr
    assert "Which superpixels are the 5 strongest is open: all seeds were asked" in result.stdout
    assert "evaluations, at most: explanation 66" in result.stdout
    [label] = nowhere.json(*asked)["labels"].values()
    assert label["stability"]["stopped"] == {"why": "spent", "top": 5, "chance": None}


def test_explain_takes_a_registered_model(cli: Commands, zipped: Path, pole: Path) -> None:
    """By name, with its version in the document and the numbers of its file."""
    cli("models", "add", zipped, "poles")
    of_file = cli.json("explain", pole, "--model", zipped, *FEW)
    for name in ("poles", "poles@1", "poles@latest"):
        registered = cli.json("explain", pole, "--model", name, *FEW)
        assert registered["model"] == of_file["model"] | {"version": 1}
        assert registered["labels"] == of_file["labels"]
    labels = pole.with_name("labels.txt")
    labels.write_text("BETONG\nSTAAL\nTRE\n")
    assert "there is no model poles@2" in cli.refused("explain", pole, "--model", "poles@2")
    assert "go with a model file" in cli.refused("explain", pole, "--model", "poles", "--labels", labels)


def test_what_explain_cannot_do_is_one_sentence(nowhere: Commands, zipped: Path, pole: Path, tmp_path: Path) -> None:
    """Each wrong input, by its name."""
    (tmp_path / "torn.png").write_bytes(pole.read_bytes()[:400])
    (tmp_path / "labels.txt").write_text("one")
    (tmp_path / "taken").write_text("a file")
    model = ("--model", zipped)
    for words, reason in (
        ((tmp_path / "torn.png", *model), "damaged"),
        ((tmp_path / "labels.txt", *model), "not a JPEG"),
        ((pole, "--model", tmp_path / "none.zip"), "there is no model file"),
        ((pole, "--model", "poles"), "there is no file 'poles', and a registered model needs its database"),
        ((pole, "--model", pole), "not an ONNX"),
        ((pole, *model, "--labels", tmp_path / "labels.txt"), "1 label"),
        ((pole, *model, "--profile", tmp_path / "labels.txt"), "is not JSON"),
        ((pole, *model, "--label", "POLE"), "no label 'POLE'"),
        ((pole, *model, "--recipe", "limes"), "there is no recipe 'limes'"),
        ((pole, *model, "--recipe", "default,limes"), "there is no recipe 'limes'"),
        ((pole, *model, "--recipe", "lime,lime"), "side by side are two or more, each once"),
        (
            (pole, *model, "--recipe", "lime", "--recipe", "lime"),
            "recipes are lime, lime; side by side are two or more",
        ),
        ((pole, *model, "--label", "TRE", "--label", "all"), "label `all` is no label of the model; it goes alone"),
        ((pole, "--model", pole, "--set", "options.x=1"), "method lime has no option 'x'"),
        ((pole, *model, "--set", "design=dice"), "design is 'dice'"),
        ((pole, *model, "--set", "=5"), "expected FIELD=VALUE"),
        ((pole, *model, "--seed", "4294967295"), "seeds is"),
        ((pole, *model, "--out", tmp_path / "taken/out"), "taken"),
        ((pole, *model, "--box", "90,0,20,20"), "reaches beyond the 96x48 pixels"),
        ((pole, *model, "--box", "1,1,9,9", "--mask", pole), "give one of them"),
    ):
        assert reason in nowhere.refused("explain", *words)
    assert "does not exist" in nowhere.refused("explain", tmp_path / "none.png", *model, status=2)
    assert "is not one of" in nowhere.refused("explain", pole, *model, "--palette", "pink", status=2)
    assert "is not X,Y,WIDTH,HEIGHT" in nowhere.refused("explain", pole, *model, "--box", "1,2,3", status=2)
    assert "Missing option '--model'" in nowhere.refused("explain", pole, status=2)


def test_several_recipes_are_shown_side_by_side(nowhere: Commands, zipped: Path, pole: Path, tmp_path: Path) -> None:
    """A table, the agreement of each pair and a sentence; as JSON what `side-by-side.json` has."""
    words = ("explain", pole, "--model", zipped, "--recipe", "default, occlusion,lime")
    told = nowhere(*words, "--out", tmp_path / "out")
    for name in ("default", "occlusion", "lime", "default, occlusion", "occlusion, lime", "here", "side-by-side.png"):
        assert name in told
    found = nowhere.json(*words)
    kept = json.loads((tmp_path / "out/side-by-side.json").read_text())
    [(label, one)], [(_, again)] = found["labels"].items(), kept["labels"].items()
    assert f"{label}: {one['sentence']}" in told.replace("\n", " ")
    for row, same in zip(one["recipes"], again["recipes"], strict=True):
        assert {**row, "seconds": 0} == {**same, "seconds": 0}
        document = json.loads((tmp_path / "out" / row["recipe"] / "attribution.json").read_text())
        assert document["evaluations"] == row["evaluations"]


def test_side_by_side_it_is_told_why_rounds_ended(nowhere: Commands, zipped: Path, pole: Path, tmp_path: Path) -> None:
    """Of each recipe that asks in rounds, and of no other."""
    changes = ("--set", "judge=false", "--out", tmp_path)
    told = nowhere("explain", pole, "--model", zipped, "--recipe", "adaptive,occlusion", *changes)
    [label] = json.loads((tmp_path / "adaptive/attribution.json").read_text())["labels"].values()
    assert f"\nadaptive: {Stopped.from_json(label['stability']['stopped']).sentence}\n" in told
    assert "\nocclusion: " not in told


@pytest.mark.parametrize(
    ("show", "most"), [("3", 3), ("10%", 3), (">1e-9", None), (">99", 0)], ids=["number", "share", "weight", "none"]
)
def test_as_many_superpixels_are_drawn_as_are_asked_for(
    nowhere: Commands, zipped: Path, pole: Path, tmp_path: Path, show: str, most: int | None
) -> None:
    """The overlay paints them and no other, and it is said how many they are; the numbers stay what they were."""
    words = ("explain", pole, "--model", zipped, *FEW, "--samples", "AUTO", "--json")
    whole = nowhere.run(*words, "--out", tmp_path / "all")
    result = nowhere.run(*words, "--out", tmp_path / "some", "--show", show)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == json.loads(whole.stdout)
    [told] = re.findall(r"shows (\d+) of (\d+) superpixels", result.stderr)
    drawn, there = map(int, told)
    assert drawn == (there if most is None else min(most, there))
    pictures = [(tmp_path / name / "overlay.png").read_bytes() for name in ("all", "some")]
    assert (pictures[0] == pictures[1]) == (drawn == there)
    assert "shows" not in whole.stderr


def test_a_wrong_number_of_superpixels_is_refused(nowhere: Commands, zipped: Path, pole: Path) -> None:
    """Before the model is read, with what is expected."""
    for show in ("0", "-2", "1.5", "0%", "120%", ">", ">nan", "few", "inf"):
        told = nowhere.refused("explain", pole, "--model", zipped, "--show", show)
        assert f"show is '{show}', expected a number of superpixels like 4, a share of them like 10%, or" in told
    for samples in ("0", "many", "1.5"):
        told = nowhere.refused("explain", pole, "--model", zipped, "--samples", samples, status=2)
        assert f"'{samples}' is neither a whole number from 1 nor auto" in told


def test_boxes_of_the_upright_photograph_are_judged_against(nowhere: Commands, zipped: Path, tmp_path: Path) -> None:
    """The boxes are in the pixels that a person sees, after EXIF turned them, and are united."""
    exif, data = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    Image.fromarray(np.concatenate(pictures(2, size=48, seed=3), axis=1)).save(data, "JPEG", exif=exif)
    (tmp_path / "turned.jpg").write_bytes(data.getvalue())
    words = ("explain", tmp_path / "turned.jpg", "--model", zipped, *FEW)  # the canvas is its middle, 48 by 48
    [found] = nowhere.json(*words, "--box", "0,60,24,36", "--box", "24,60,24,36")["labels"].values()
    assert found["judgement"]["grounding"]["mask_area"] == pytest.approx(0.25, abs=0.02)


def test_pictures_are_the_upright_photograph(nowhere: Commands, zipped: Path, tmp_path: Path) -> None:
    """A photograph that EXIF turns is explained as a person sees it."""
    exif, data = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    Image.fromarray(np.concatenate(pictures(2, size=48, seed=3), axis=1)).save(data, "JPEG", exif=exif)
    (tmp_path / "turned.jpg").write_bytes(data.getvalue())
    document = nowhere.json("explain", tmp_path / "turned.jpg", "--model", zipped, *FEW, "--out", tmp_path / "out")
    assert (document["image"]["width"], document["image"]["height"]) == (48, 96)
    with Image.open(tmp_path / "out/support.png") as picture:
        assert picture.height > picture.width


def test_thorough_and_denoise_tell_what_moves_it_and_what_is_left(
    nowhere: Commands, zipped: Path, pole: Path, tmp_path: Path
) -> None:
    """The variations, the confidence before and after, and the pair of overlays in the folder."""
    told = nowhere("explain", pole, "--model", zipped, "--thorough", "--denoise", "0.5", "--out", tmp_path / "out")
    for word in ("seeds", "segmenter:quickshift", "fill:blur", "noise:2", "MuFidelity", "before"):
        assert word in told
    assert re.search(r"evaluations, about: explanation [\d,]+, judging [\d,]+, thorough [\d,]+, denoise [\d,]+\n", told)
    [found] = json.loads((tmp_path / "out/attribution.json").read_text())["labels"].values()
    assert set(found["judgement"]["sensitivity"]) >= {"seeds", "noise:2"}
    with Image.open(tmp_path / "out/denoised.png") as image:
        assert image.width > 2 * 560


def test_explain_says_what_adding_the_model_says(cli: Commands, pole: Path, tmp_path: Path) -> None:
    """Profile, sources and notes, from the file and from the registry; attribution.json keeps them."""
    file, labels = tmp_path / "net.onnx", tmp_path / "labels.txt"
    file.write_bytes(models.pooled(outputs=["logits"]))
    labels.write_text("a\nb\nc\n")
    said = ["--labels", labels, "--activation", "softmax"]
    added = cli("models", "add", file, "net", *said).splitlines()
    told = added[1 : added.index("labels: a, b, c")]
    assert any("assumed: color, crop, mean, scale" in line for line in told)
    assert any(line.split() == ["activation", "softmax", "given"] for line in told)
    for model in ((file, *said), ("net",)):
        lines = cli("explain", pole, "--model", *model, *FEW, "--out", tmp_path / "out").splitlines()
        assert lines[: len(told)] == told
        kept = json.loads((tmp_path / "out/attribution.json").read_text())["model"]
        assert kept["profile"]["activation"] == "softmax"
        assert kept["profile_sources"]["crop"] == "assumed"
        assert any(f"note: {warning}" in told for warning in kept["warnings"])
    shown = cli.json("models", "show", "NET")
    assert (shown["profile"], shown["facts"]["warnings"]) == (kept["profile"], kept["warnings"])
    assert set(told) <= set(cli("models", "show", "net").splitlines())


def test_a_label_that_is_called_as_a_word_is_a_label(nowhere: Commands, pole: Path, tmp_path: Path) -> None:
    """`top` and `all` mean themselves where the model has none of that name; case matters where it must."""
    file, labels = tmp_path / "net.onnx", tmp_path / "labels.txt"
    file.write_bytes(models.pooled(models.node("Softmax", "logits", "scores", axis=1)))

    def explained(*words: str) -> list[str]:
        asked = [part for word in words for part in ("--label", word)]
        return list(nowhere.json("explain", pole, "--model", file, "--labels", labels, *FEW, *asked)["labels"])

    labels.write_text("skirt\ntop\nall\n")
    assert (explained("top"), explained("all"), explained("TOP")) == (["top"], ["all"], ["top"])
    assert len(explained("top", "all")) == 2
    labels.write_text("skirt\nTop\nshoe\n")
    assert (explained("top"), explained("SHOE"), len(explained("all"))) == (["Top"], ["shoe"], 3)
    told = nowhere.refused("explain", pole, "--model", file, "--labels", labels, *FEW, "--label", "sho")
    assert "no label 'sho' (did you mean shoe?)" in told
    labels.write_text("a\nA\nb\n")
    assert explained("A") == ["A"]


def test_the_output_meant_is_named(nowhere: Commands, pole: Path, tmp_path: Path) -> None:
    """Of several; asked for, and taken."""
    file, labels = tmp_path / "net.onnx", tmp_path / "labels.txt"
    file.write_bytes(models.pooled(models.node("Sigmoid", "flat", "map"), outputs=["logits", "map"]))
    labels.write_text("a\nb\nc\n")
    words = ["explain", pole, "--model", file, "--labels", labels, *FEW]
    assert "--output" in nowhere.refused(*words)
    assert nowhere.json(*words, "--output", "logits", "--activation", "softmax")["probabilities"].keys() == {*"abc"}
