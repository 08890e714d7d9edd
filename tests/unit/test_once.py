import itertools
import json

import numpy as np
import pytest

from pipeline.conversation.once import Once
from pipeline.conversation.probe import Evidence, Listed, Probe
from pipeline.explain import explain
from pipeline.judge import grounding
from pipeline.methods import METHODS, explainer
from pipeline.methods.lime import Lime
from pipeline.recipes import RECIPES
from pipeline.scene.scene import Scene, compose
from pipeline.scene.segments import grid
from pipeline.scene.variant import Variant

LABELS = ("light", "dark")
OF_SCORES = sorted(name for name, made in RECIPES.items() if not METHODS[made.method].inside)


def scene(k, size=32):
    canvas = np.random.default_rng(k).integers(0, 256, (size, size, 3), dtype=np.uint8)
    mask = np.zeros((size, size), dtype=bool)
    mask[4:20, 4:20] = True
    return Scene(canvas, grid(canvas, k), np.full_like(canvas, 90), mask)


class Recording:
    """A model that keeps the pictures it was shown, and answers with how bright they are."""

    def __init__(self):
        self.pictures = []

    def __call__(self, shown, masks):
        pictures = compose(shown, masks)
        self.pictures += [picture.tobytes() for picture in pictures]
        bright = np.tanh(pictures.mean(axis=(1, 2, 3)) / 100)
        return np.stack([bright, 1 - bright], axis=1).astype(np.float32)


def conversed(made, shown, *, once=True):
    """The attribution, and the pictures that the model was shown for it."""
    model, talker = Recording(), explainer(made, LABELS)
    return explain(shown, talker if once else talker.inner, model), model.pictures


@pytest.mark.parametrize("name", OF_SCORES)
@pytest.mark.parametrize("k", [1, 4, 9, 49])
def test_no_picture_is_put_to_the_model_twice(name, k):
    """Nor is any known answer asked for again, but for one: the bare blur, which is one picture under two variants."""
    attribution, pictures = conversed(RECIPES[name], scene(k))
    assert len(pictures) - len(set(pictures)) <= RECIPES[name].judge
    assert attribution.evaluations == len(pictures)


@pytest.mark.parametrize("name", OF_SCORES)
@pytest.mark.parametrize("k", [4, 9, 49])
def test_the_answer_is_that_of_a_model_asked_every_time(name, k):
    """What is not asked again is told again: weights, errors, stability and judgement stay as they were."""
    once, every = (conversed(RECIPES[name], scene(k), once=once)[0] for once in (True, False))
    assert str(once.to_json()["labels"]) == str(every.to_json()["labels"])
    assert once.probabilities == every.probabilities
    assert once.evaluations < every.evaluations


def test_how_many_of_the_default_s_evaluations_were_duplicates():
    """With 49 superpixels 41 of 1394, nearly all of them the ends of the curves; with 9 superpixels, which have 512
    masks, a third."""
    asked = {k: [len(conversed(RECIPES["default"], scene(k), once=once)[1]) for once in (False, True)] for k in (9, 49)}
    curves = 2 * (9 + 1) * 9  # nine random orders and the weights' own, deleted and inserted in eight steps
    assert asked[49] == [(2 + 9 * 128) + curves + (2 + 49) + grounding.PLANNED, 1394 - 41]
    assert asked[9] == [(2 + 9 * 32) + curves + (2 + 9) + grounding.PLANNED, 324]


def test_what_has_no_repetition_is_asked_as_it_is():
    """The default's first probe stays the few bytes that it was."""
    shown, made = scene(49), RECIPES["default"]
    assert explainer(made, LABELS).open(shown) == Lime(made, LABELS).open(shown)


def test_a_mask_is_another_picture_under_another_variant():
    """Except for the whole photograph, which is one under every fill, unless the variant changes the photograph."""
    masks = np.array(list(itertools.product([False, True], repeat=2)))
    variants = (None, Variant("blur"), Variant("black"), Variant(noise=2.0), Variant(without=(0,)))

    class Asking:
        def open(self, shown):
            return Probe(2, tuple(Listed.of(masks, variant) for variant in variants))

    assert Once(Asking()).open(scene(2)).sizes == [4, 3, 3, 4, 4]


def test_a_round_of_known_answers_goes_on():
    """A round that holds nothing new is not asked, and the inner explainer hears of it as of any other."""

    class Repeating:
        def open(self, shown):
            return Probe(shown.k, (Listed.of(np.eye(shown.k, dtype=bool)),))

        def proceed(self, shown, evidence):
            assert all(len(one.scores) == shown.k for one in evidence)
            return self.open(shown) if len(evidence) < 3 else explain(shown, Lime(RECIPES["lime"], LABELS), Recording())

    model = Recording()
    assert explain(scene(9), Once(Repeating()), model).evaluations == len(model.pictures) == 9


def test_rounds_that_are_not_asked_stand_where_they_were():
    """Between two that are, and told from JSON in another process: the inner explainer hears of all, in order."""
    alone, pairs = np.eye(4, dtype=bool), np.array([[1, 1, 0, 0], [0, 0, 1, 1]], dtype=bool)
    rounds = [alone, alone[:2], alone[1:], pairs, alone, pairs]

    class Asking:
        def open(self, shown):
            return self.proceed(shown, [])

        def proceed(self, shown, evidence):
            for masks, one in zip(rounds, evidence, strict=False):
                np.testing.assert_array_equal(one.probe.masks(), masks)
                np.testing.assert_array_equal(one.scores, Recording()(shown, masks))
            if len(evidence) == len(rounds):
                return explain(shown, Lime(RECIPES["lime"], LABELS), Recording())
            return Probe(shown.k, (Listed.of(rounds[len(evidence)]),))

    shown, talker, evidence = scene(4), Once(Asking()), []
    step = talker.open(shown)
    while isinstance(step, Probe):
        told = Probe.from_json(json.loads(json.dumps(step.to_json())))
        evidence.append(Evidence(told, Recording()(shown, told.masks())))
        step = talker.proceed(shown, evidence)
    assert [(one.probe.n, one.probe.unasked) for one in evidence] == [(4, 0), (2, 2)]
    assert step.evaluations == 6
