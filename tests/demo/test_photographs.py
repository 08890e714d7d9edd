"""The rendered archive keeps its promises: same seed same pixels, exact masks, and a shortcut only where asked for."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from demo.photographs import BACKGROUNDS, HABITAT, LABELS, Photograph, archive, photograph, stand, write
from demo.sketch import over

PAIRS = [(label, background) for label in LABELS for background in BACKGROUNDS]


@pytest.fixture(scope="module")
def pictures() -> list[Photograph]:
    return list(archive(36, 4, shortcut=False))


def test_same_seed_same_pixels() -> None:
    """A photograph is its seed, label and background; another seed is another photograph."""
    first, again = (photograph(7, "TRE", "forest") for _ in range(2))
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.mask, again.mask)
    assert not np.array_equal(first.image, photograph(8, "TRE", "forest").image)


def test_archives_repeat_and_differ(pictures: list[Photograph]) -> None:
    """An archive of one seed is the same each time, however long, and shares no name with another seed's."""
    again = list(archive(3, 4, shortcut=False))
    assert all(np.array_equal(one.image, other.image) for one, other in zip(again, pictures, strict=False))
    names = [each.name for each in [*pictures, *archive(3, 5, shortcut=False)]]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("label", "background"), PAIRS)
def test_every_pole_stands_everywhere(label: str, background: str) -> None:
    """All three poles render in all six places, and the pole fills 8 to 28 % of the picture."""
    picture = photograph(21, label, background)
    assert picture.image.shape == (256, 256, 3)
    assert picture.image.dtype == np.uint8
    assert picture.mask.shape == (256, 256)
    assert 0.08 < picture.mask.mean() < 0.28
    assert picture.image.std() > 10


@pytest.mark.parametrize("label", LABELS)
def test_mask_is_exactly_the_pole(label: str) -> None:
    """Putting the pole in its place changes the mask and its rim of partly covered pixels, nothing else."""
    place, pole = stand(33, label, "field")
    mask = photograph(33, label, "field").mask
    change = np.abs(over(place, pole.color, pole.coverage) - place).max(-1)
    rim = np.pad(mask, 1)
    rim = np.max([np.roll(rim, shift, (0, 1)) for shift in np.ndindex(3, 3)], 0)[2:, 2:]  # grown by a pixel
    assert change[~rim].max() < 0.5 * 255
    assert (change[~rim] > 0).mean() < 0.002
    assert (change[mask] > 8).mean() > 0.9


def test_air_in_a_lattice_is_not_pole() -> None:
    """Between its outermost members a steel tower is see-through; a concrete pole is not."""
    filled = {}
    for label in ("STAAL", "BETONG"):
        row = photograph(5, label, "sky").mask[200]
        inside = np.flatnonzero(row)
        filled[label] = row[inside[0] : inside[-1] + 1].mean()
    assert filled["STAAL"] < 0.8
    assert filled["BETONG"] == 1


def test_background_gives_the_label_away_only_in_the_shortcut() -> None:
    """With the shortcut each background has one label; without, each pair is equally frequent."""
    telling = Counter((each.label, each.background) for each in archive(18, 1, shortcut=True))
    assert set(telling) == {(label, place) for label, places in HABITAT.items() for place in places}
    assert len({place for _, place in telling}) == len(telling)
    neutral = Counter((each.label, each.background) for each in archive(18, 1, shortcut=False))
    assert neutral == Counter(PAIRS)


def test_unknown_names_are_refused() -> None:
    """The error names the value and what would have been right."""
    with pytest.raises(ValueError, match=r"label is 'STONE', expected one of BETONG, STAAL, TRE"):
        photograph(1, "STONE", "road")
    with pytest.raises(ValueError, match="background is 'sea', expected one of road"):
        photograph(1, "TRE", "sea")


def test_written_archive_reads_back(tmp_path: Path, pictures: list[Photograph]) -> None:
    """labels.csv lists each photograph with its label; masks come back exactly, photographs nearly."""
    write(tmp_path, pictures[:3])
    with (tmp_path / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == [each.label for each in pictures[:3]]
    for row, each in zip(rows, pictures, strict=False):
        path = tmp_path / row["path"]
        image = np.asarray(Image.open(path), dtype=float)
        mask = np.asarray(Image.open(tmp_path / "masks" / f"{path.stem}.png"))
        assert np.array_equal(mask, each.mask)
        assert np.abs(image - each.image).mean() < 6
