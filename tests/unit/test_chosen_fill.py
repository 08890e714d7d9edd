"""`fill: auto`: the model is asked which fill is the least of an answer, and everything else is about that one."""

from dataclasses import replace

import numpy as np
import pytest

from demo.photographs import BACKGROUNDS, LABELS, photograph
from pipeline.answer.attribution import FillChoice
from pipeline.conversation.known import Known
from pipeline.conversation.probe import Evidence, Probe
from pipeline.explain import answer, explain
from pipeline.methods import explainer, planned
from pipeline.methods.chosen_fill import CANDIDATES
from pipeline.model.profile import Profile
from pipeline.recipes import recipe
from pipeline.refit import refit, refit_recipe
from pipeline.scene.scene import compose
from pipeline.scene.variant import Variant
from pipeline.staging import stage

SHOT = photograph(7_000_001, LABELS[1], BACKGROUNDS[1])
AUTO = recipe("default").override({"fill": "auto", "labels": ["yes"], "seeds": [1, 11, 21]})
SCENE = stage(SHOT.image, Profile(48), AUTO, SHOT.mask)  # as prepared, before the model was asked
WEIGHTS = np.random.default_rng(3).random((48, 48))


def bright(scene, masks):
    """Sure of what is bright, so that black is the least of it."""
    yes = np.array([np.tanh((one[..., 1] * WEIGHTS).mean() / 60) for one in compose(scene, masks)], dtype=np.float32)
    return np.stack([yes, 1 - yes], axis=1)


def dark(scene, masks):
    """The other way about."""
    return 1 - bright(scene, masks)


def staged(fill):
    """The photograph with this fill."""
    return stage(SHOT.image, Profile(48), AUTO.override({"fill": fill}), SHOT.mask)


def explained(made, model):
    return explain(staged(made.fill), explainer(made, ("yes", "no")), model)


CHANGES = [
    {},
    {"judge": False},
    {"thorough": True, "denoise": 1.0},
    {"method": "shap"},
    {"method": "occlusion", "seeds": recipe("occlusion").seeds},
    {"method": "rise", "samples": 16},
    {"seeds": list(range(1, 60, 10)), "stopping": {"first": 2, "precision": 0.01, "tie": 0}},
]


@pytest.mark.parametrize("model", [bright, dark])
@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_the_answer_is_that_of_the_fill_that_is_taken(model, changes):
    """Weights, tests, curves and all are those of the recipe that names it, from so many evaluations more as there are
    candidates beside it; and the candidates' scores are beside them."""
    made = AUTO.override(changes)
    auto = explained(made, model)
    nothing = np.zeros((1, SCENE.k), dtype=bool)
    scores = {name: float(model(staged(name), nothing)[0, 0]) for name in CANDIDATES}
    assert auto.fill_choice == FillChoice(min(scores, key=scores.get), pytest.approx(scores))
    named = explained(made.override({"fill": auto.fill_choice.taken}), model)
    told, expected = replace(auto, fill_choice=None).to_json(), named.to_json()
    more = told.pop("evaluations") - expected.pop("evaluations")
    assert told == expected
    assert 0 <= more <= planned(made)["fill"] == len(CANDIDATES) - 1  # the judgement shows some of them in any case


def test_the_least_of_the_label_explained_is_taken():
    """Not of the one on top: black is the least of what is bright, and the most of its opposite."""
    assert explained(AUTO.override({"judge": False}), bright).fill_choice.taken == "black"
    other = explained(AUTO.override({"judge": False, "labels": ["no"]}), bright).fill_choice
    assert other.scores["black"] == max(other.scores.values()) == pytest.approx(1)
    assert other.scores[other.taken] == min(other.scores.values()) < 0.9


def test_of_candidates_alike_the_first_is_taken():
    """A model that looks at nothing is asked about means, as ever."""
    constant = lambda _, masks: np.full((len(masks), 2), 0.5, dtype=np.float32)  # noqa: E731
    assert explained(AUTO, constant).fill_choice.taken == "mean"


def test_a_fill_that_is_chosen_can_be_refitted():
    """From the scores of a judged conversation: another kernel, the same choice, and no evaluation."""
    evidence, talker = [], explainer(AUTO, ("yes", "no"))
    step = talker.open(SCENE)
    while isinstance(step, Probe):
        evidence.append(Evidence(step, answer(SCENE, step, bright)))
        step = talker.proceed(SCENE, evidence)
    after = refit_recipe(AUTO, AUTO.override({"kernel_width": 0.25}))
    again, _ = refit(SCENE, explainer(after, ("yes", "no")), Known.of(evidence))
    assert again.to_json() == explained(after, bright).to_json() | {"evaluations": 0}


def test_what_was_shown_upon_a_variant_is_told_within_it():
    """The look that was laid upon another comes back, however deep."""
    base, look = Variant("black"), Variant("blur", regions="object")
    assert base.within() is None
    assert look.upon(base).within() == look
    assert look.upon(Variant(without=(1,))).upon(base).within() == look.upon(Variant(without=(1,)))
