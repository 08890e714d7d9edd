"""What is read of a network's inside, through real workers: exact, refused where it is not to be had, never lost."""

import io

import numpy as np
import pytest

from pipeline.recipes import recipe
from storage.keys import explanation_key
from storage.ledger import Ledger
from tests import models
from tests.commands import CommandsIn
from tests.live_audits import Bench, pictures

SIZE = 32
PARTS = 32  # evaluations: eight rows of a gradient


@pytest.mark.parametrize("name", ["integrated-gradients", "smoothgrad", "grad-cam", "xrai", "lrp"])
def test_a_worker_killed_while_it_reads_leaves_no_mark(bench: Bench, name: str) -> None:
    """Kill -9 between the parts of gradients: the next worker's heat maps are those of the core alone, of as many
    evaluations, and none of the parts is left."""
    bench.environment["POLELENS_PART_EVALUATIONS"] = str(PARTS)
    model = bench.model(models.custom_vision_onnx(), name="inside")
    made = recipe(name).override({"judge": False})
    bench.photographs("killed", pictures(12))
    [first] = bench.workers(1)
    number = bench.audit(model, "killed/*", **{key: one for key, one in made.to_json().items() if key != "name"})
    bench.wait(number, lambda progress: progress.done >= 1)
    first.kill()
    assert bench.audits.progress(number).done < 12
    bench.workers(1)
    assert bench.wait(number).done == 12
    bench.assert_undisturbed(number, model, made)
    for row in bench.results(number):
        alone = bench.explained_alone(model, row, made)
        assert row.attribution is not None
        assert row.attribution.inside == alone.inside
        with np.load(io.BytesIO(bench.archive.blobs.get(explanation_key(row.key, "heat-1.npz")))) as stored:
            expected = alone.labels[0].heat
            assert expected is not None
            np.testing.assert_allclose(stored["heat"], expected, atol=1e-3 * np.abs(expected).max())
    with bench.audits.engine.begin() as c:
        assert c.exec_driver_sql("SELECT count(*) FROM part").scalar() == 0
    assert (Ledger(bench.audits.engine).rate(model.id) or 0) > 0


def test_a_linear_model_gives_its_slopes_back_through_workers(shared_bench: Bench) -> None:
    """Integrated gradients of an additive model are its slopes times what the photograph has beyond the fill."""
    slopes = np.random.Generator(np.random.Philox(5)).normal(size=(3, SIZE, SIZE))
    slopes *= 0.45 / np.abs(slopes).sum() / 255
    model = shared_bench.model(models.additive(slopes, bias=0.5), "yes", "no", name="slopes")
    shared_bench.photographs("slopes", pictures(2, seed=9))
    changes = {"method": "integrated-gradients", "labels": ["yes"], "fill": "black"}
    number = shared_bench.audit(model, "slopes/*", **changes)
    assert shared_bench.wait(number).done == 2
    for shot, row in zip(pictures(2, seed=9), shared_bench.results(number), strict=True):
        assert row.attribution is not None
        [label] = row.attribution.labels
        expected = (shot.astype(float).transpose(2, 0, 1) * slopes).sum()
        assert label.weights.sum() == pytest.approx(expected, abs=1e-5)
        assert label.judgement is not None


def test_what_cannot_be_read_is_refused_before_any_photograph(shared_bench: Bench, commands: CommandsIn) -> None:
    """An operator without a gradient, and a network without a layer to map: one sentence each, and no audit; the rest
    of what there is goes on as ever."""
    cli = commands(shared_bench.environment)
    nodes = [
        models.node("Mod", "pixels seven", "odd", fmod=1),
        models.node("MatMul", "odd weights", "logits"),
        models.node("Softmax", "logits", "probs", axis=1),
    ]
    weights = np.random.default_rng(0).normal(size=(3 * SIZE * SIZE, 2)) / 1000
    onnx = models.planted(nodes, {"weights": weights, "seven": [7.0]}, size=SIZE)
    shared_bench.model(onnx, "a", "b", name="mod")
    shared_bench.photographs("mod", pictures(1, seed=4))
    before = len(shared_bench.audits.all())
    for command in ("plan", "start"):
        told = cli.refused("audit", command, "mod", "--images", "mod/*", "--recipe", "integrated-gradients")
        assert "takes the gradient of the network, and there is none for its Mod" in told
        told = cli.refused("audit", command, "mod", "--images", "mod/*", "--recipe", "default,recipro-cam")
        assert "recipro-cam is a map of a layer, and the network has none with a height and a width" in told
    assert len(shared_bench.audits.all()) == before
    number = shared_bench.audit(shared_bench.registry.find("mod"), "mod/*", samples=16, seeds=[1, 11])
    assert shared_bench.wait(number).done == 1
    assert "Mod" in cli("models", "show", "mod")
