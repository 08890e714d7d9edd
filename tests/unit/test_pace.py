from dataclasses import replace

import numpy as np
import pytest

from pipeline.model.admission import read_model
from pipeline.model.blackbox import BlackBox
from pipeline.model.pace import ON_CPU, fastest, find_pace
from pipeline.scene.scene import Scene
from tests.models import Network, custom_vision_zip

PROFILE = {"crop": "center", "mean": 0, "scale": 255}


def test_the_fastest_size_wins_and_none_beyond_it_is_tried():
    tried = []

    def rate(batch):
        tried.append(batch)
        return {1: 10, 2: 20, 4: 40, 8: 30}[batch]

    assert fastest([1, 2, 4, 8, 16], rate).batch == 4
    assert tried == [1, 2, 4, 8]


def test_a_size_that_is_hardly_faster_is_not_worth_its_memory():
    """And does not end the search: a plateau may lead to a rise."""
    assert fastest([1, 2, 4], {1: 100, 2: 101, 4: 101}.__getitem__).batch == 1
    assert fastest([1, 2, 4], {1: 100, 2: 101, 4: 200}.__getitem__).batch == 4


def test_the_black_box_is_left_with_the_batch_found_and_answers_as_before():
    model = read_model(custom_vision_zip(), name="poles", profile=PROFILE)
    box = BlackBox(model, batch=5)
    scene, masks = _scene(), np.random.default_rng(0).random((20, 4)) < 0.5
    before = box.scores(scene, masks)
    found = find_pace(model, box)
    assert found.batch in ON_CPU
    assert found.rate > 0
    assert box.batch == found.batch
    assert np.allclose(box.scores(scene, masks), before, atol=1e-6)


@pytest.mark.parametrize("batch", [1, 64])
def test_a_model_for_single_pictures_stays_so(batch):
    model = replace(read_model(custom_vision_zip(Network()), name="poles", profile=PROFILE), batch=False)
    box = BlackBox(model, batch=batch)
    assert find_pace(model, box).batch == box.batch == 1


def _scene():
    canvas = np.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    return Scene(canvas, np.repeat(np.arange(4, dtype=np.int32), 256).reshape(32, 32), np.zeros_like(canvas))
