"""Masks that come after the first audit, through workers: only what they show is asked."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from pipeline.judge import grounding
from pipeline.recipe import Recipe
from storage.audits import Explained
from storage.keys import explanation_key
from tests import models
from tests.commands import FEW, Commands, CommandsIn
from tests.live_audits import Bench, pictures, png


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four photographs, masks for three of them, and boxes for one of those."""
    (tmp_path / "photographs").mkdir()
    (tmp_path / "masks").mkdir()
    for number, pixels in enumerate(pictures(4, seed=9)):
        (tmp_path / f"photographs/{number}.png").write_bytes(png(pixels))
        mask = np.zeros((32, 32, 3), np.uint8)
        mask[4 + 4 * number : 20, 8:24] = 255
        if number:
            (tmp_path / f"masks/{number}.png").write_bytes(png(mask))
    (tmp_path / "boxes.csv").write_text("name,x,y,width,height\n1.png,2,2,20,12\n")
    return tmp_path


@pytest.fixture
def cli(bench: Bench, commands: CommandsIn, folder: Path) -> Commands:
    """An audit of them without masks, done."""
    bench.model(models.uneven(), "yes", "no")
    cli = commands(bench.environment)
    cli("images", "add", folder / "photographs")
    bench.workers(1)
    assert cli.alone("audit", "start", "planted", *FEW, "--watch")[0] == 0
    return cli


def test_masks_that_come_later_reach_the_next_audit(bench: Bench, cli: Commands, folder: Path) -> None:
    """Exactly their photographs are explained again, from the scores that are kept or, where those are gone, by asking
    the model; in numbers no audit from scratch has others. Boxes that come after that do the same."""
    first = bench.results(1)
    bench.archive.blobs.put(explanation_key(first[2].key, "scores.npz"), b"torn")
    (Path(bench.environment["POLELENS_BLOBS"]) / explanation_key(first[3].key, "scores.npz")).unlink()
    cli("images", "add", folder / "photographs", "--masks", folder / "masks")
    plan = cli.json("audit", "plan", "planted", *FEW)
    assert (plan["explained_before"], plan["explained_again"]) == (1, 3)
    assert (plan["evaluations"], plan["parts"]) == (3 * grounding.PLANNED, 3)
    told = cli.alone("audit", "start", "planted", *FEW, "--watch")[1]
    assert "4 photographs under planted@1, 1 of them explained before, 3 again for their new masks" in told

    made = bench.audits.get(2).recipe
    rows = _as_from_scratch(bench, 2, made)
    assert rows[0].key == first[0].key
    asked = [row.attribution.evaluations for row in rows if row.attribution]
    assert asked[1] == grounding.PLANNED
    assert asked[2:] == [row.attribution.evaluations + grounding.PLANNED for row in first[2:] if row.attribution]
    assert all((row.mask is not None) == (row.image_name != "0.png") for row in rows)
    assert [row.attribution.to_json() for row in bench.results(1) if row.attribution] == [
        row.attribution.to_json() for row in first if row.attribution
    ]

    cli("images", "add", folder / "photographs/1.png", "--boxes", folder / "boxes.csv")
    assert cli.json("audit", "plan", "planted", *FEW)["explained_again"] == 1
    assert cli.alone("audit", "start", "planted", *FEW, "--watch")[0] == 0
    again = _as_from_scratch(bench, 3, made)
    assert [row.key == before.key for row, before in zip(again, rows, strict=True)] == [True, False, True, True]
    assert again[1].attribution is not None
    assert again[1].attribution.evaluations == grounding.PLANNED

    refitted = cli.json("audit", "refit", 3, "--set", "kernel_width=null")["audit"]
    bench.wait(refitted)
    _as_from_scratch(bench, refitted, bench.audits.get(refitted).recipe)
    assert bench.audits.progress(refitted).evaluations == 0
    compared = cli.json("audit", "compare", 1, 3)
    assert (compared["outcome"]["counts"]["compared"], len(compared["photographs"])) == (4, 4)


def _as_from_scratch(bench: Bench, number: int, made: Recipe) -> list[Explained]:
    """The explanations of an audit, which have the numbers of the core alone."""
    rows = bench.results(number)
    for row in rows:
        assert row.attribution is not None, row.reason
        [found], [anew] = (
            row.attribution.labels,
            bench.explained_alone(bench.registry.find("planted"), row, made).labels,
        )
        np.testing.assert_allclose(found.weights, anew.weights, atol=1e-6)
        assert (found.judgement is None) == (anew.judgement is None)
        if found.judgement and anew.judgement:
            assert found.judgement.verdict == anew.judgement.verdict
            for name, value in asdict(anew.judgement.grounding).items():
                np.testing.assert_allclose(getattr(found.judgement.grounding, name), value, atol=1e-6)
    return rows
