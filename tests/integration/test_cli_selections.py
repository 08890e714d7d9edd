"""Selections on the command line, and what is said of one before an audit of it."""

from pathlib import Path

import numpy as np
from PIL import Image

from tests.commands import FEW, Commands


def archived(cli: Commands, folder: Path, zipped: Path, *, table: str) -> None:
    """A model of BETONG, STAAL and TRE, and three photographs, one of them a panorama."""
    for number, (name, size) in enumerate(
        {"nord/a.png": (40, 44), "nord/b.png": (40, 40), "pano.png": (20, 90)}.items()
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 255, (*size, 3), np.uint8)
        Image.fromarray(pixels).save(folder / name)
    (folder / "labels.csv").write_text(table)
    cli("models", "add", zipped, "poles")
    cli("images", "add", folder, "--labels", folder / "labels.csv")


def test_what_is_wrong_with_the_photographs_is_said_before_an_audit(
    cli: Commands, tmp_path: Path, zipped: Path
) -> None:
    """Labels that the model lacks, with the nearest that it has, and what it is not shown; by plan and by start."""
    archived(cli, tmp_path / "p", zipped, table="path,label\na.png,tre\nb.png,TRE\npano.png,granitt\n")
    for words in (("plan",), ("start",)):
        told = cli.run("audit", *words, "poles", *FEW).stderr
        assert "1 photographs are known as tre, which is no label of poles@1 and counts as unknown" in told
        assert "the nearest that it has is TRE" in told
        assert "known as granitt, which is no label of poles@1 and counts as unknown\n" in told
        assert "known as TRE" not in told
        assert "poles@1 is shown less than 60% of 1 photographs, as its profile's crop is" in told
        assert "of pano.png" in told
    assert "shown less" not in cli.run("audit", "plan", "poles", "--images", "nord/*", *FEW).stderr


def test_a_selection_of_nothing_says_what_may_be_meant(cli: Commands, tmp_path: Path, zipped: Path) -> None:
    """A label that is nearly there, a word that is a label, a part of a name; nothing where nothing is near."""
    archived(cli, tmp_path / "p", zipped, table="path,label\na.png,TRE\nb.png,BETONG\n")
    for selection, meant in {
        "label:betongg": "did you mean 'label:BETONG'?",
        "labels:TRE": "did you mean 'label:TRE'?",
        "betong": "did you mean 'label:BETONG'?",
        "nord": "did you mean '*nord*'?",
        "label:granitt": "no photograph is selected by 'label:granitt'; `polelens images list`",
    }.items():
        for command in ("start", "plan"):
            assert meant in cli.refused("audit", command, "poles", "--images", selection, *FEW)
    assert "did you mean 'label:TRE'?" in cli.run("images", "list", "--images", "label:trre").stderr
    assert [one["name"] for one in cli.json("images", "list", "--images", "LABEL:tre")] == ["nord/a.png"]
