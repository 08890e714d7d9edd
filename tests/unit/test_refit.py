"""Refitting: what an explanation made anew would say, from the scores that are there, or a reason why not."""

from dataclasses import fields, replace

import numpy as np
import pytest

from pipeline.answer.attribution import Attribution
from pipeline.conversation.explainer import Explainer
from pipeline.conversation.known import Known
from pipeline.conversation.probe import Evidence, Probe, pack_evidence, unpack_evidence
from pipeline.explain import answer, converse
from pipeline.methods import explainer
from pipeline.model.profile import Profile
from pipeline.recipe import Recipe
from pipeline.recipes import recipe
from pipeline.refit import FREE, OFF, refit, refit_recipe
from pipeline.scene.scene import Scene
from pipeline.staging import stage
from tests.live_audits import pictures

LABELS = ("a", "b", "c")
MADE = recipe("default").override({"samples": 16, "seeds": [1, 11, 21]})
OTHERS = {
    "precision": "bf16",  # for each field a value that nobody has, to be refused or let through
    "name": "other",
    "method": "rise",
    "segmenter": {"name": "grid", "n_segments": 9},
    "fill": "black",
    "design": "coin",
    "samples": 32,
    "seeds": (2, 3, 4),
    "stopping": {"first": 2},
    "kernel_width": 0.5,
    "surrogate": {"name": "ridge", "alpha": 1.0},
    "labels": "all",
    "judge": False,
    "thorough": True,
    "denoise": 1.0,
    "options": {"width": 2},
}
CHANGES = [
    {"kernel_width": 0.25},
    {"kernel_width": 0.7, "labels": "all"},
    {"labels": ["c"]},
    {"surrogate": {"name": "sklearn.tree.DecisionTreeRegressor", "random_state": 0}},
]


def predict(scene: Scene, masks: np.ndarray) -> np.ndarray:
    """A model with interactions, so that the kernel matters."""
    on = masks.astype(float)
    score = on @ np.linspace(-1, 1, on.shape[1]) + 2 * on[:, 0] * on[:, -1]
    return np.stack([score, np.sin(score), -score], axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def scene() -> Scene:
    """A photograph."""
    return stage(pictures(1, seed=4)[0], Profile(32), MADE)


def _asked(scene: Scene, made: Recipe) -> tuple[Attribution, list[Evidence]]:
    """The conversation with the model, and all that it said."""
    evidence: list[Evidence] = []
    asking = explainer(made, LABELS)
    step: Probe | Attribution = asking.open(scene)
    while isinstance(step, Probe):
        evidence.append(Evidence(step, answer(scene, step, predict)))
        step = asking.proceed(scene, evidence)
    return step, evidence


@pytest.mark.parametrize("changes", CHANGES, ids=str)
@pytest.mark.parametrize("before", [MADE, MADE.override({"judge": False}), MADE.override({"denoise": 1.0})], ids=str)
def test_a_refit_is_what_asking_anew_gives(scene: Scene, before: Recipe, changes: dict) -> None:
    """To the last bit, whatever tests the first answer was put to; and it takes no evaluation."""
    stored = unpack_evidence(pack_evidence(_asked(scene, before)[1]))
    after = refit_recipe(before, before.override(changes))
    again, evidence = refit(scene, explainer(after, LABELS), Known.of(stored))
    expected, _ = _asked(scene, after)
    assert again.to_json() == expected.to_json() | {"evaluations": 0}
    assert len(evidence) == 1
    assert again.to_json() != _asked(scene, before)[0].to_json()


@pytest.mark.parametrize("field", [field.name for field in fields(Recipe)])
def test_only_what_changes_no_mask_can_be_refitted(field: str) -> None:
    """Every field of a recipe is let through, switched off, or refused by its name."""
    before = MADE
    value = OTHERS[field]
    after = before if field in ("method", "stopping") else replace(before, **{field: value})
    if field in ("method", "stopping"):  # values that no recipe has are made up past its checks
        after = replace(before)
        object.__setattr__(after, field, value)
    if field in OFF or field in FREE:
        made = refit_recipe(before, after)
        assert (made.judge, made.thorough, made.denoise) == (False, False, None)
        assert field in OFF or getattr(made, field) == value
    else:
        with pytest.raises(ValueError, match=f"recipe: {field} is .*Only kernel_width, surrogate, labels can be"):
            refit_recipe(before, after)


def test_other_masks_are_refused(scene: Scene) -> None:
    """Where a recipe says the same and the masks are not, and where it wants to know more than was asked."""
    _, stored = _asked(scene, MADE)
    other = explainer(MADE.override({"seeds": [1, 11, 31]}), LABELS)
    with pytest.raises(ValueError, match="16 masks of the refit were not scored"):
        refit(scene, other, Known.of(stored))
    with pytest.raises(ValueError, match="masks of the refit were not scored"):
        refit(scene, explainer(MADE, LABELS), Known.of(stored[:1]))
    judged = explainer(MADE.override({"kernel_width": 0.25, "judge": True}), LABELS)
    with pytest.raises(
        ValueError, match="masks of the refit were not scored"
    ):  # the order of the weights is another one
        refit(scene, judged, Known.of(stored))


def test_a_label_that_takes_another_fill_is_refused(scene: Scene) -> None:
    """With `fill: auto` the first label chooses: nobody has asked about the darkest fill for one of the brightest."""

    def by_fill(shown: Scene, masks: np.ndarray) -> np.ndarray:
        bright = shown.fill.mean() / 255 + 0.01 * masks.mean(axis=1)
        return np.stack([bright / 2, bright / 3, 0.6 - bright / 2], axis=1).astype(np.float32)

    def talker(label: str) -> Explainer:
        return explainer(MADE.override({"fill": "auto", "judge": False, "labels": [label]}), LABELS)

    _, stored = converse(scene, talker("a"), by_fill)
    same, _ = refit(scene, talker("b"), Known.of(stored))
    assert same.fill_choice is not None
    with pytest.raises(ValueError, match="masks of the refit were not scored"):
        refit(scene, talker("c"), Known.of(stored))


def test_fewer_seeds_are_known_too(scene: Scene) -> None:
    """Whatever was scored answers, in whichever order it was asked."""
    _, stored = _asked(scene, MADE)
    fewer = MADE.override({"seeds": [21, 1], "judge": False})
    again, _ = refit(scene, explainer(fewer, LABELS), Known.of(stored))
    assert again.to_json() == _asked(scene, fewer)[0].to_json() | {"evaluations": 0}
