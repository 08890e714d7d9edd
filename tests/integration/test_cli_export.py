"""Exports through the command line: the files hold what the database holds."""

import json
import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from pycocotools.coco import COCO
from sqlalchemy import Engine, text

from pipeline.answer.selection import Selection
from pipeline.pictures import Backdrop
from pipeline.pictures.backdrop import view
from pipeline.staging import unpack
from polelens.cli import store
from storage.archive import Photograph
from storage.keys import scene_key
from tests import models
from tests.commands import FEW, Commands, CommandsIn
from tests.live_audits import Bench, pictures, png

IN_DATABASE = """
SELECT i.sha256, a.label AS explained, w.place - 1 AS superpixel, w.weight, a.std_error[w.place] AS std_error
FROM audit_explanation ae JOIN explanation e ON e.id = ae.explanation_id JOIN image i ON i.id = e.image_id
JOIN attribution a ON a.explanation_id = e.id, unnest(a.weights) WITH ORDINALITY AS w (weight, place)
WHERE ae.audit_id = :audit ORDER BY i.sha256, a.label, superpixel
"""


@pytest.fixture(scope="module")
def audited(shared_bench: Bench) -> tuple[Bench, int]:
    """An audit of wide, high and square photographs, and of one that no longer is what it was."""
    weights = np.zeros((32, 32))
    weights[4:14, 3:20] = 0.4 / 170 / 255
    model = shared_bench.model(models.additive(weights, bias=0.5), "yes", "no", name="export")
    one, two, three, four, five, torn = pictures(6, size=48, seed=9)
    shots = [np.concatenate([one, two], axis=1), np.concatenate([three, four]), five, torn]
    for number, pixels in enumerate(shots):
        assert shared_bench.archive.add(Photograph(f"export/=%{number}.png", png(pixels), "yes"))
    [lost] = shared_bench.archive.select("export/=%3*")
    shared_bench.archive.blobs.put(f"images/{lost.sha256[:2]}/{lost.sha256}", b"torn")
    number = shared_bench.audit(model, "export/*", samples=16, seeds=[1, 11], labels="all")
    progress = shared_bench.wait(number)
    assert (progress.done, progress.failed) == (3, 1)
    return shared_bench, number


def test_pandas_and_duckdb_read_the_databases_weights(
    audited: tuple[Bench, int], commands: CommandsIn, tmp_path: Path
) -> None:
    """To the last bit; the tables join by photograph and label, and know where they are from."""
    bench, number = audited
    cli = commands(bench.environment)
    told = cli.json("audit", "export", number, "--out", tmp_path)
    assert told["files"] == [str(tmp_path / f"{name}.parquet") for name in ("photographs", "superpixels", "marks")]
    photographs, superpixels, _ = told["files"]

    expected = _in_database(store.engine(), number)
    assert len(expected) > 100
    read = pd.read_parquet(superpixels).sort_values(["sha256", "explained", "superpixel"], ignore_index=True)
    pd.testing.assert_frame_equal(read[list(expected)], expected, check_exact=True)
    asked = duckdb.sql(
        f"SELECT sha256, explained, superpixel, weight, std_error FROM '{superpixels}' ORDER BY ALL"  # noqa: S608
    ).df()
    pd.testing.assert_frame_equal(asked, expected, check_exact=True)
    [joined] = duckdb.sql(
        f"SELECT count(*), count(DISTINCT name), count(soundness) FROM '{photographs}' JOIN '{superpixels}' "  # noqa: S608
        "USING (sha256, name, explained)"
    ).fetchall()
    assert joined == (len(expected), 3, len(expected))

    one = pd.read_parquet(photographs)
    assert one["state"].value_counts().to_dict() == {"done": 6, "failed": 1}
    assert one.loc[one["state"] == "failed", "reason"].str.startswith("prepare: ").all()
    metadata = dict(duckdb.sql(f"SELECT key, value FROM parquet_kv_metadata('{photographs}')").fetchall())  # noqa: S608
    provenance = json.loads(metadata[b"polelens"])
    assert (provenance["audit"], provenance["model"], provenance["done"]) == (number, "export@1", 3)
    assert provenance["recipe"]["digest"] == store.audits().get(number).recipe.digest
    assert provenance == told["provenance"]


def _in_database(engine: Engine, number: int) -> pd.DataFrame:
    with engine.begin() as c:
        return pd.DataFrame(c.execute(text(IN_DATABASE), {"audit": number}).mappings().all())


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools' decoder
def test_the_regions_are_those_of_the_pictures(
    audited: tuple[Bench, int], commands: CommandsIn, tmp_path: Path
) -> None:
    """COCO's reader gives the superpixels that carry 80 % of the support, at the photograph's own size."""
    bench, number = audited
    cli = commands(bench.environment)
    assert cli("audit", "export", number, "--format", "coco", "--out", tmp_path) == f"{tmp_path / 'coco.json'}\n"
    read = COCO(tmp_path / "coco.json")
    assert [one["name"] for one in read.cats.values()] == ["yes", "no"]
    regions = {(read.imgs[one["image_id"]]["sha256"], one["explained"]): one for one in read.anns.values()}
    rows = list(bench.audits.explained(number))
    assert len(regions) == 2 * len(rows) == 6
    for row in rows:
        photograph = bench.archive.photograph(row.image)
        scene = unpack(bench.archive.blobs.get(scene_key(row.scene)))
        placement = bench.registry.find("export").profile.placement(row.width, row.height)
        seen = view(Backdrop(photograph, placement, scene.segments), 1, 10_000)
        for label in row.attribution.labels:
            expected = np.zeros(photograph.shape[:2], dtype=bool)
            expected[seen.window] = Selection().chosen(label.weights)[seen.segments]
            np.testing.assert_array_equal(read.annToMask(regions[row.image, label.label]), expected)


def test_csv_has_its_provenance_beside_it(audited: tuple[Bench, int], commands: CommandsIn, tmp_path: Path) -> None:
    """And no text that a spreadsheet takes for a formula."""
    cli = commands(audited[0].environment)
    files = cli("audit", "export", audited[1], "--format", "csv", "--out", tmp_path / "new/folder").splitlines()
    assert [Path(path).name for path in files] == ["photographs.csv", "superpixels.csv", "marks.csv", "provenance.json"]
    assert len(pd.read_csv(files[0])) == 7
    assert json.loads(Path(files[3]).read_text())["audit"] == audited[1]


def test_what_is_missing_is_named(
    audited: tuple[Bench, int], commands: CommandsIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra, the audit, the format."""
    cli: Commands = commands(audited[0].environment)
    assert "there is no audit 99999" in cli.refused("audit", "export", "99999")
    assert "'xls' is not one of 'parquet', 'csv'" in cli.refused("audit", "export", 1, "--format", "xls", status=2)
    for library, kind in (("pyarrow", "parquet"), ("pycocotools", "coco")):
        monkeypatch.setitem(sys.modules, library, None)
        refusal = cli.refused("audit", "export", audited[1], "--format", kind, "--out", tmp_path)
        assert f"format {kind} needs {library}: pip install 'polelens[export]'" in refusal
    assert list(tmp_path.iterdir()) == []


def test_an_audit_under_way_says_what_is_not_in_it(
    cli: Commands, zipped: Path, photographs: Path, tmp_path: Path
) -> None:
    """What there is is written."""
    cli("models", "add", zipped, "poles")
    cli("images", "add", photographs)
    cli("audit", "start", "poles", *FEW)
    result = cli.run("audit", "export", 1, "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert "audit 1 is running: 4 photographs are not in it yet" in result.stderr
    assert pd.read_parquet(tmp_path / "out/superpixels.parquet").empty
