"""Thorough judging: each variation shows what it is about, and the figures agree with brute force."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import pearsonr, rankdata, spearmanr

from demo.photographs import BACKGROUNDS, LABELS, photograph
from pipeline.answer.attribution import Attribution, Errors, LabelAttribution
from pipeline.conversation.probe import Draw, Probe
from pipeline.explain import explain
from pipeline.judge.faithfulness import ORDERS, SUBSETS, mu_fidelity, subsets
from pipeline.judge.sensitivity import likeness
from pipeline.judge.variations import Variations, few, smaller, variants
from pipeline.judge.variations import planned as planned_variations
from pipeline.methods import METHODS, explainer, planned, planned_evaluations
from pipeline.model.profile import Profile
from pipeline.recipe import QUICKSHIFT, SLIC
from pipeline.recipes import RECIPES, recipe
from pipeline.scene.scene import Scene, compose
from pipeline.scene.segments import grid
from pipeline.scene.variant import Variant, vary
from pipeline.staging import stage
from tests.planted import striped

THOROUGH = recipe("default").override({"seeds": [1, 11, 21, 31, 41, 51], "thorough": True, "labels": ["yes"]})
SHOT = photograph(7_000_001, LABELS[1], BACKGROUNDS[1])
ONE = Probe(4, (Draw("hadamard", 1, 1),))


def judged(shown, predict, made=THOROUGH, *, once=True):
    """The judgement of "yes" under a model of one picture at a time, which is asked every repetition too if need be."""

    def both(shot, masks):
        yes = np.array([predict(picture.astype(float)) for picture in compose(shot, masks)], dtype=np.float32)
        return np.stack([yes, 1 - yes], axis=1)

    talker = explainer(made, ("yes", "no"))
    attribution = explain(shown, talker if once else talker.inner, both)
    return attribution.labels[0].judgement, attribution


def test_an_additive_model_is_told_alike_whatever_the_choice():
    """Noise that no eye sees moves nothing of a model that adds pixels up, nor do other seeds; MuFidelity is 1."""
    shown = stage(SHOT.image, Profile(48), THOROUGH)
    slope = np.linspace(-1, 1, 48)[:, None] * np.ones(48)
    found, _ = judged(shown, lambda picture: 0.5 + float((picture[..., 0] * slope).mean()) / 255)
    assert list(found.sensitivity) == ["seeds", "segmenter:quickshift", "segmenter:grid", "fill:blur", "noise:2"]
    assert found.sensitivity["seeds"].spearman > 0.95
    assert found.sensitivity["noise:2"].spearman > 0.9
    assert found.mu_fidelity > 0.99


@pytest.mark.parametrize("name", ["fill:blur", "noise:2"])
def test_the_choice_that_moves_the_explanation_is_named(name):
    """A model that looks at the other side once the fill, or the canvas, is not what it was: that variation says so."""
    canvas = np.full((32, 32, 3), 200, dtype=np.uint8)
    canvas[:, ::2] = 100  # so that a blur is not the picture itself
    shown = Scene(canvas, grid(canvas, 16), np.zeros_like(canvas))
    slope = np.repeat(np.arange(1.0, 9.0)[:, None], 4, axis=0) * np.array([[1.0] * 8 + [0.3] * 8])

    def predict(picture):
        away = np.minimum(picture, np.abs(picture - canvas)).max()  # how far from both canvas and black
        strange = away >= 20 if name == "fill:blur" else 0 < away < 20
        side = picture[:, 16:] if strange else picture[:, :16]
        return float(((side[..., 0] > 180) * slope).mean()) / 4

    found, _ = judged(shown, predict, THOROUGH.override({"fill": "black"}))
    others = [one.spearman for key, one in found.sensitivity.items() if not key.startswith("segmenter") and key != name]
    assert found.sensitivity[name].spearman < 0
    assert min(others) > 0.9


def test_a_variation_is_an_explanation_like_any_other():
    """Under the grid the figures are those of explaining on the grid and comparing by hand, seeds and masks alike."""
    shown = stage(SHOT.image, Profile(48), THOROUGH)
    weights = np.random.default_rng(3).random((48, 48))

    def predict(picture):
        return float((np.tanh(picture[..., 1] / 90) * weights).mean())

    found, attribution = judged(shown, predict)
    gridded = vary(shown, variants(THOROUGH, shown.k)["segmenter:grid"])
    plain = THOROUGH.override({"judge": False, "thorough": False, "seeds": [1, 11]})
    both = lambda s, m: np.stack([np.array([predict(p.astype(float)) for p in compose(s, m)], np.float32)] * 2, axis=1)  # noqa: E731
    again = explain(gridded, explainer(plain, ("yes", "no")), both).labels[0]
    mine = attribution.labels[0].weights_by_seed[:2].mean(axis=0)
    expected = likeness((shown.segments, mine), (gridded.segments, again.weights_by_seed.mean(axis=0)))
    assert found.sensitivity["segmenter:grid"].spearman == pytest.approx(expected.spearman, abs=1e-6)
    assert found.sensitivity["segmenter:grid"].top5_jaccard == expected.top5_jaccard


def test_likeness_is_that_of_the_pixels():
    """Spearman of the two pixel maps as SciPy has it; the same map cut up otherwise is perfectly like."""
    generator = np.random.default_rng(0)
    canvas = np.zeros((12, 12, 3), dtype=np.uint8)
    coarse, fine = grid(canvas, 9), grid(canvas, 36)
    first, second = generator.normal(size=9), generator.normal(size=36)
    maps = (first / 16)[coarse].ravel(), (second / 4)[fine].ravel()
    assert likeness((coarse, first), (fine, second)).spearman == pytest.approx(spearmanr(*maps).statistic)
    cut = np.array([first[coarse[fine == i][0]] / 4 for i in range(36)])
    assert likeness((coarse, first), (fine, cut)).spearman == pytest.approx(1)
    assert likeness((coarse, first), (coarse, -first)).spearman == pytest.approx(-1)
    assert math.isnan(likeness((coarse, first), (coarse, np.zeros(9))).spearman)


def test_likeness_of_the_top_is_by_pixels_and_off_by_none():
    """Two tops of five cells that share four: 4 of 6; superpixels numbered one off share fewer."""
    canvas = np.zeros((6, 6, 3), dtype=np.uint8)
    cells = grid(canvas, 36)
    first, second = np.zeros(36), np.zeros(36)
    first[[0, 7, 14, 21, 28]] = 1
    second[[0, 7, 14, 21, 35]] = -1
    assert likeness((cells, first), (cells, second)).top5_jaccard == pytest.approx(4 / 6)
    assert likeness((cells, first), (cells, np.roll(first, 1))).top5_jaccard == 0


def test_a_weight_is_spread_evenly_over_its_superpixel():
    """So a large one weighs less pixel by pixel than a small one of the same weight; of six, the five strongest are
    the top."""
    segments = np.repeat(np.arange(6, dtype=np.int32), [1, 2, 3, 4, 5, 6])[None]
    first, second = np.array([6.0, 5, 4, 3, 2, 1]), np.array([1.0, 2, 3, 4, 5, -6])
    maps = [np.repeat(weights / np.arange(1, 7), np.arange(1, 7)) for weights in (first, second)]
    found = likeness((segments, first), (segments, second))
    assert found.spearman == pytest.approx(spearmanr(*maps).statistic)
    assert found.top5_jaccard == pytest.approx((2 + 3 + 4 + 5) / 21)  # without the last, and without the first


def test_weights_of_nothing_have_no_top_to_share():
    """Between two such it is unknown; with one that has a top, nothing is shared."""
    cells = grid(np.zeros((6, 6, 3), dtype=np.uint8), 36)
    nothing, one = np.zeros(36), np.eye(36)[3]
    assert math.isnan(likeness((cells, nothing), (cells, nothing)).top5_jaccard)
    assert likeness((cells, nothing), (cells, one)).top5_jaccard == 0


@pytest.mark.parametrize(
    ("changes", "seeds"),
    [
        ({}, (1, 11)),
        ({"seeds": [5, 6, 7, 8, 9]}, (5,)),
        ({"seeds": [5, 6]}, (5,)),
        ({"stopping": {"first": 4, "step": 1}}, (1,)),
    ],
)
def test_a_variation_is_explained_with_a_third_of_the_seeds_all_at_once(changes, seeds):
    """Of those that are asked in any case, rounded down, and never with none."""
    made = THOROUGH.override(changes)
    assert few(made) == len(seeds)
    assert smaller(made) == replace(made, seeds=seeds, stopping=None)


@pytest.mark.parametrize(
    ("segmenter", "others"),
    [
        ("slic", ["quickshift", "grid"]),
        ("quickshift", ["slic", "grid"]),
        ("grid", ["slic", "quickshift"]),
        ("felzenszwalb", ["quickshift", "grid"]),
    ],
)
def test_two_other_segmenters_the_fill_and_noise_are_what_is_varied(segmenter, others):
    """Each alone: other superpixels under the recipe's own fill, a grid of as many; another fill; noise of 2 of 255."""
    options = {"slic": SLIC, "quickshift": QUICKSHIFT, "grid": {"name": "grid", "n_segments": 40}}
    for fill, other in (("black", "blur"), ("mean", "blur"), ("blur", "mean")):
        made = THOROUGH.override({"segmenter": {"name": segmenter}, "fill": fill})
        expected = {f"segmenter:{name}": Variant(fill, segmenter=options[name]) for name in others}
        expected |= {f"fill:{other}": Variant(other), "noise:2": Variant(noise=2.0)}
        assert variants(made, 40) == expected
        assert list(variants(made, 40)) == list(expected)


def test_variations_are_planned_as_four_smaller_explanations():
    """Each at what the recipe takes with fewer seeds."""
    assert planned_variations(THOROUGH, lambda made: 100 * len(made.seeds)) == 4 * 200


def asks_again(made):
    """A method that is never done."""
    return SimpleNamespace(open=lambda scene: ONE, proceed=lambda scene, evidence: ONE)


def test_a_method_that_asks_again_cannot_be_thorough():
    """A variation gets one probe: that of many rounds is refused with what to do."""
    shown = striped(4)
    answer = Attribution({"yes": 0.75, "no": 0.25}, None, 10, (LabelAttribution("yes", np.ones(4)),))
    scores = [np.zeros((1, 2), np.float32)] * 4
    said = "recipe: method lime asks again, so it cannot be thorough; leave it out"
    with pytest.raises(ValueError, match=f"^{said}$"):
        Variations(THOROUGH, asks_again).findings(shown, answer, scores)


def test_a_variation_is_made_of_the_labels_that_are_explained():
    """And told which choice is another one: the fill, or the segmenter, of the smaller recipe."""
    asked = []

    def make(made):
        asked.append(made)
        return asks_again(made)

    answer = Attribution({"yes": 0.75, "no": 0.25}, None, 10, (LabelAttribution("no", np.ones(4)),))
    Variations(THOROUGH, make).blocks(striped(4), answer)
    own = replace(smaller(THOROUGH), labels=("no",))
    assert asked == [
        replace(own, segmenter=QUICKSHIFT),
        replace(own, segmenter={"name": "grid", "n_segments": 4}),
        replace(own, fill="blur"),
        own,
    ]


def test_other_seeds_are_the_next_third():
    """Against the first, as the mean of each; a method without seeds has none to compare."""
    shown = striped(4)
    rows = np.array([[4.0, 3, 2, 1], [4, 3, 2, 1], [1, 2, 3, 4], [1, 2, 3, 4], [9, 1, 9, 1], [9, 1, 9, 1]])
    by_seed = LabelAttribution("yes", rows.mean(axis=0), errors=Errors(np.ones(4), rows))
    alone = LabelAttribution("no", np.array([1.0, 2, 3, 4]))
    answer = Attribution({"yes": 0.75, "no": 0.25}, None, 10, (by_seed, alone))

    def again(scene, _):
        if scene.segments is shown.segments:
            return answer
        return replace(answer, labels=tuple(LabelAttribution(name, np.ones(scene.k)) for name in ("yes", "no")))

    made = SimpleNamespace(open=lambda scene: ONE, proceed=again)
    scores = [np.zeros((1, 2), np.float32)] * 4
    first, second = Variations(THOROUGH, lambda _: made).findings(shown, answer, scores)
    assert first["sensitivity"]["seeds"].spearman == pytest.approx(-1)
    assert first["sensitivity"]["noise:2"].spearman == pytest.approx(1)
    assert list(second["sensitivity"]) == ["segmenter:quickshift", "segmenter:grid", "fill:blur", "noise:2"]
    assert second["sensitivity"]["noise:2"].spearman == pytest.approx(1)


def test_noise_is_slight_and_leaves_the_superpixels():
    """Standard deviation 2 of 255 on the canvas, the same for everyone who makes it; segments and fill as they were."""
    canvas = np.full((64, 64, 3), 120, dtype=np.uint8)
    shown = Scene(canvas, grid(canvas, 16), np.zeros_like(canvas))
    noisy = vary(shown, Variant(noise=2.0))
    again = vary(Scene(canvas.copy(), shown.segments, shown.fill), Variant(noise=2.0))
    assert noisy.canvas.astype(float).std() == pytest.approx(2, rel=0.05)
    assert noisy.canvas.mean() == pytest.approx(120, abs=0.1)
    assert noisy.segments is shown.segments and noisy.fill is shown.fill
    assert np.array_equal(noisy.canvas, again.canvas)


def test_a_segmenter_without_a_fill_is_refused():
    """The scene's fill is made for its own superpixels."""
    with pytest.raises(ValueError, match="name a fill"):
        Variant(segmenter={"name": "grid"})


@pytest.mark.parametrize("k", [1, 3, 16, 50])
def test_subsets_take_a_fifth_away(k):
    """Two hundred masks, each without a fifth of the superpixels, every superpixel about as often."""
    masks = subsets(striped(k), 1)
    assert masks.shape == (SUBSETS, k)
    assert ((~masks).sum(axis=1) == max(1, round(0.2 * k))).all()
    assert (~masks).mean(axis=0) == pytest.approx(max(1, round(0.2 * k)) / k, abs=0.12)


def test_mu_fidelity_is_the_rank_correlation_of_weight_taken_and_score_lost():
    """As SciPy has it; 1 for an additive model's own weights, -1 for their opposite, unknown where nothing varies."""
    generator = np.random.default_rng(1)
    weights, masks = generator.normal(size=20), subsets(striped(20), 1)
    scores = 0.3 + masks @ weights
    other = generator.normal(size=20)
    expected = pearsonr(
        rankdata([other[~mask].sum() for mask in masks]), rankdata(0.3 + weights.sum() - scores)
    ).statistic
    assert mu_fidelity(other, masks, scores) == pytest.approx(expected)
    assert mu_fidelity(weights, masks, scores) == pytest.approx(1)
    assert mu_fidelity(-weights, masks, scores) == pytest.approx(-1)
    assert math.isnan(mu_fidelity(weights, masks, np.ones(SUBSETS)))


PLANNED = {name: recipe(name) for name in RECIPES if not METHODS[recipe(name).method].inside} | {
    "thorough": THOROUGH.override({"samples": 128}),  # under `auto` fewer for a variation of few superpixels
    "denoised": recipe("default").override({"denoise": 1.0}),
    # one by one, so that each superpixel counts: a grid gives exactly as many as planned
    "occlusion": recipe("occlusion").override({"segmenter": {"name": "grid", "n_segments": 49}}),
}


@pytest.mark.parametrize("name", PLANNED)
def test_the_plan_is_what_is_spent(name):
    """`planned` says how many evaluations a photograph with a mask and one label takes, and never less.

    At most so many where the method asks in rounds. Else to the last one, with every seed and repetition asked, for as
    many superpixels as planned; of the curves' ends, which each curve and the neighbourhood show again, it counts each
    once. What a design happens to repeat, it cannot know.
    """
    made = PLANNED[name].override({"labels": ["yes"], "stopping": None})
    shown = stage(SHOT.image, Profile(64), made, SHOT.mask)
    weights = np.random.default_rng(5).normal(size=(64, 64))
    model = lambda picture: 0.5 + float((picture[..., 0] * weights).mean()) / 255  # noqa: E731
    repeated = 2 * 2 * (1 + ORDERS) - 1 + 2 if made.judge else 0  # the bare blur is shown by no other test
    fewer = made.superpixels - shown.k if made.judge else 0  # superpixels that are put out alone
    every = judged(shown, model, made, once=False)[1].evaluations
    most = planned_evaluations(made) + repeated - fewer
    assert every == most if METHODS[made.method].once else every <= most
    assert judged(shown, model, made)[1].evaluations <= planned_evaluations(made)
    assert sum(planned(made).values()) == planned_evaluations(made)
