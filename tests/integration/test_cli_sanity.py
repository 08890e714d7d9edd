"""What is checked of a registered model, and looked at, over photographs of the archive."""

from pathlib import Path

from tests.commands import Commands


def test_a_registered_model_is_checked_over_the_archive(cli: Commands, zipped: Path, photographs: Path) -> None:
    """Photographs are some of a selection; a recipe of scores, and a selection of nothing, are refused."""
    cli("models", "add", zipped, "poles")
    cli.run("images", "add", photographs)
    found = cli.json("models", "sanity", "poles", "--recipe", "lrp", "--most", "3")
    assert (found["photographs"], found["depths"]) == (3, [1, 2, 3])
    [only] = found["recipes"]
    assert only["recipe"] == "lrp"
    assert only["useless"] is (only["rank"][-1] ** 2 >= 0.5)
    assert "2 photographs, the median" in cli("models", "sanity", "poles@1", "--images", "north/*", "--recipe", "cam")
    assert "no photograph of the archive is 'label:none'" in cli.refused(
        "models", "sanity", "poles", "--images", "label:none"
    )
    assert "recipe default does not read the network's inside" in cli.refused(
        "models", "sanity", "poles", "--recipe", "default"
    )


def test_a_registered_model_is_looked_into_over_the_archive(
    cli: Commands, zipped: Path, photographs: Path, tmp_path: Path
) -> None:
    """A page of its labels and of channels, with the photographs that excite these most."""
    cli("models", "add", zipped, "poles")
    cli.run("images", "add", photographs)
    out = tmp_path / "look.html"
    told = cli("models", "look", "poles", "--channel", "0", "--channel", "15", "--steps", "2", "--out", out)
    assert told.strip() == f"5 pictures, of 4 photographs: {out}"
    assert out.read_text().count("<img") == 5 + 2 * 4
    assert "there is no 16" in cli.refused("models", "look", "poles", "--channel", "16", "--steps", "1", "--out", out)
