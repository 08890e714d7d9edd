"""What an audit makes of a bad photograph, of one that it knows, and of a worker that is asked to end."""

import io
import os
import signal

import numpy as np
import pytest

from pipeline.recipes import recipe
from storage.keys import explanation_key, image_key
from tests import models
from tests.live_audits import Bench, pictures


def test_an_unreadable_photograph_fails_its_own_row(bench: Bench) -> None:
    """The reason is kept, the others are done, and a resumed audit tries it again."""
    model = bench.model(models.uneven(), "yes", "no")
    bench.photographs("torn", pictures(3))
    torn = next(image for image in bench.archive.select() if image.name == "torn/001.png")
    whole = bench.archive.blobs.get(image_key(torn.sha256))
    bench.archive.blobs.put(image_key(torn.sha256), whole[:200])
    bench.workers(1)
    number = bench.audit(model, "torn/*")
    progress = bench.wait(number)
    assert (progress.done, progress.failed) == (2, 1)
    assert "damaged" in (bench.results(number)[1].reason or "")
    bench.archive.blobs.put(image_key(torn.sha256), whole)
    bench.audits.resume(number)
    assert bench.wait(number).done == 3


def test_what_was_explained_before_is_taken_over(bench: Bench) -> None:
    """A second audit of the same photographs, model and recipe is done at once, with no worker running."""
    model = bench.model(models.uneven(), "yes", "no")
    bench.photographs("again", pictures(2))
    [worker] = bench.workers(1)
    first = bench.audit(model, "again/*")
    bench.wait(first)
    worker.stop()
    second = bench.audit(model, "again/*")
    progress = bench.audits.progress(second)
    asked = sum(row.attribution.evaluations for row in bench.results(first) if row.attribution)
    assert (progress.done, progress.evaluations) == (2, asked)
    assert [row.key for row in bench.results(second)] == [row.key for row in bench.results(first)]


def test_a_stopped_worker_gives_back_what_it_held(bench: Bench) -> None:
    """SIGTERM in mid-part: the part is done, by this worker or the next, and nothing is lost."""
    bench.environment["POLELENS_PART_EVALUATIONS"] = "32"
    model = bench.model(models.uneven(), "yes", "no")
    bench.photographs("stopped", pictures(6))
    [first] = bench.workers(1)
    number = bench.audit(model, "stopped/*")
    bench.wait(number, lambda progress: progress.done >= 1)
    os.kill(first.pid, signal.SIGTERM)
    bench.workers(1)
    assert bench.wait(number).done == 6
    bench.assert_undisturbed(number, model, recipe("default"))
    with bench.audits.engine.begin() as c:
        assert c.exec_driver_sql("SELECT count(*) FROM part").scalar() == 0
        assert c.exec_driver_sql("SELECT count(*) FROM attribution").scalar() == 6


@pytest.mark.parametrize("name", ["occlusion", "rise", "shap", "anchors"])
def test_a_killed_worker_leaves_no_mark_on_any_method(bench: Bench, name: str) -> None:
    """Kill -9 in the middle of it: the next worker's weights, rules and heat maps are those of the core alone."""
    bench.environment["POLELENS_PART_EVALUATIONS"] = "64"
    model, made = bench.model(models.uneven(), "yes", "no"), recipe(name)
    bench.photographs("killed", pictures(10))
    [first] = bench.workers(1)
    number = bench.audit(model, "killed/*", **{key: one for key, one in made.to_json().items() if key != "name"})
    bench.wait(number, lambda progress: progress.done >= 1)
    first.kill()
    assert bench.audits.progress(number).done < 10
    bench.workers(1)
    assert bench.wait(number).done == 10
    bench.assert_undisturbed(number, model, made)
    for row in bench.results(number):
        [alone] = bench.explained_alone(model, row, made).labels
        assert row.attribution is not None
        assert row.attribution.labels[0].to_json().get("rule") == alone.to_json().get("rule")
        for kept, what in ((alone.heat, "heat"), (alone.heat_error, "std_error")):
            if kept is not None:
                with np.load(io.BytesIO(bench.archive.blobs.get(explanation_key(row.key, "heat-1.npz")))) as stored:
                    np.testing.assert_allclose(stored[what], kept, atol=1e-6)
