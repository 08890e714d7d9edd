"""`fill: auto`: the model is asked which fill is the least of an answer, and everything else is about that one."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from demo.photographs import BACKGROUNDS, LABELS, photograph
from pipeline.answer.attribution import Attribution, FillChoice
from pipeline.conversation.known import Known
from pipeline.conversation.probe import Draw, Evidence, Listed, Probe, Scatter
from pipeline.explain import answer, explain
from pipeline.methods import explainer, planned
from pipeline.methods.chosen_fill import CANDIDATES, ChosenFill, filled
from pipeline.model.profile import Profile
from pipeline.recipes import recipe
from pipeline.refit import refit, refit_recipe
from pipeline.scene.scene import compose
from pipeline.scene.variant import Variant, vary
from pipeline.staging import stage
from tests.planted import striped

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


OBJECT, CELLS = Variant("blur", regions="object"), Variant(lattice=2)
ASKED = Probe(4, (Draw("coin", 1, 3), Listed.of(np.eye(2, dtype=bool), OBJECT), Scatter(0.5, 7, 3, 50, CELLS)), "own")


@dataclass
class Talker:
    """Asks twice, and writes down what it hears."""

    made: object
    heard: list

    def open(self, scene):
        self.heard.append((self.made, scene, None))
        return ASKED

    def proceed(self, scene, told):
        self.heard.append((self.made, scene, told))
        return ASKED if len(told) == 1 else Attribution({}, None, 9, ())


def test_what_is_asked_is_upon_the_fill_that_is_taken_and_told_as_if_it_were_the_scene_s():
    """By hand, round by round, whatever the blocks; and the rows of the choice are counted."""
    shown, heard, own = striped(4), [], AUTO.override({"labels": ["no"]})
    talker = ChosenFill(own, ("yes", "no"), lambda made: Talker(made, heard))
    candidates = [Listed.of(np.zeros((1, 4), dtype=bool), Variant(name)) for name in CANDIDATES]
    first = talker.open(shown)
    assert first == Probe(4, (Listed.of(np.ones((1, 4), dtype=bool)), *candidates), "fill")
    told = [Evidence(first, np.float32([[0.9, 0.1], [0.5, 0.5], [0.5, 0.5], [0, 1], [0.75, 0.25], [0.75, 0.25]]))]
    grey = Variant("grey")
    blocks = (
        Draw("coin", 1, 3, 4, grey),
        replace(ASKED.blocks[1], variant=replace(OBJECT, of=grey)),
        replace(ASKED.blocks[2], variant=replace(CELLS, of=grey), k=50),
    )
    for number in (1, 2):
        step = talker.proceed(shown, told)
        assert step == replace(ASKED, blocks=blocks)
        told.append(Evidence(step, np.full((step.n, 2), number, np.float32)))
    found = talker.proceed(shown, told)
    assert (found.evaluations, found.labels) == (9 + 6, ())
    scores = {"mean": 0.5, "blur": 0.5, "black": 1.0, "grey": 0.25, "noise": 0.25}
    assert found.fill_choice == FillChoice("grey", scores)
    assert [(made, scene) for made, scene, _ in heard] == [(replace(own, fill="grey"), vary(shown, grey))] * 3
    assert heard[0][2] is None
    plain = replace(ASKED, blocks=(Draw("coin", 1, 3, 4), *ASKED.blocks[1:]))
    for rounds in (1, 2):
        assert [one.probe for one in heard[rounds][2]] == [plain] * rounds
        assert all(mine.scores is kept.scores for mine, kept in zip(heard[rounds][2], told[1:], strict=False))


def test_without_a_choice_the_scene_is_the_recipe_s_own():
    """As prepared."""
    assert filled(SCENE, None) is SCENE
    assert filled(SCENE, FillChoice("black", {})) is vary(SCENE, Variant("black"))
