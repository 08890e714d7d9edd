"""RISE: the very map of a plain NumPy RISE on the same masks, whatever shows them."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from skimage.transform import resize

from pipeline.answer.attribution import laid
from pipeline.conversation.designs import scattered
from pipeline.conversation.known import Known
from pipeline.conversation.probe import Evidence, pack_evidence, unpack_evidence
from pipeline.explain import answer, explain
from pipeline.methods import METHODS, check, explainer
from pipeline.methods.rise import Totals, sums
from pipeline.model.admission import read_model
from pipeline.model.blackbox import BlackBox
from pipeline.model.session import open_session
from pipeline.recipes import recipe
from pipeline.refit import refit, refit_recipe
from pipeline.scene.lattice import FRACTION, Lattice
from pipeline.scene.scene import Scene, compose
from pipeline.scene.segments import grid
from tests.models import Network, custom_vision_zip
from tests.planted import LABELS

FEW = recipe("rise").override({"judge": False, "labels": ["yes"], "samples": 40, "seeds": [1, 11, 21]})
PROFILE = {"size": 32, "crop": "center", "color": "rgb", "mean": 0, "scale": 255}
ODD = (30, 45)  # neither square nor in whole cells


def scene(size=ODD, seed=0):
    """A picture of noise in 15 rectangles, over other noise."""
    canvas, fill = np.random.default_rng(seed).integers(0, 256, (2, *size, 3), dtype=np.uint8)
    return Scene(canvas, grid(canvas, 16), fill)


def plain_masks(masks, side, size):
    """RISE's masks as its authors' `generate_masks` makes them, of these grids and shifts in the place of its draws."""
    cell = np.ceil(np.array(size) / side).astype(int)
    made = np.empty((len(masks), *size))
    for i, row in enumerate(masks):
        cells, *shift = np.split(row, [side**2, side**2 + FRACTION])
        x, y = (int(number(part) / 2**FRACTION * c) for part, c in zip(shift, cell, strict=True))
        grids = cells.reshape(side, side).astype(float)
        up = resize(grids, (side + 1) * cell, order=1, mode="reflect", anti_aliasing=False)
        made[i] = up[x : x + size[0], y : y + size[1]]
    return made


def number(bits):
    """The whole number of these bits, the highest first."""
    return int("".join(str(int(bit)) for bit in bits), 2)


def plain_rise(scores, masks):
    """Scores [n] times masks [n, h, w], over the sum of masks."""
    return np.tensordot(scores, masks, 1) / masks.sum(axis=0)


@pytest.mark.parametrize("size", [ODD, (32, 32), (28, 28), (7, 50)])
@pytest.mark.parametrize("side", [2, 5, 7])
def test_masks_are_those_of_the_authors_code(size, side):
    """Upsampled to one cell more and cut out at the shift, to 1e-6; values reach from 0 to 1."""
    masks = scattered(side**2, 60, 3, 0.5)
    shares = Lattice(side).shares(masks, size)
    np.testing.assert_allclose(shares, plain_masks(masks, side, size), atol=1e-6)
    assert shares.min() < 0.01
    assert shares.max() > 0.99


@pytest.mark.parametrize("size", [ODD, (7, 50)])
def test_the_sum_of_masks_is_that_of_each(size):
    """Added shift by shift before they are stretched, or one by one: the same for each column of values."""
    masks, values = scattered(25, 300, 3, 0.5), np.random.default_rng(0).normal(size=(300, 3))
    found = Lattice(5).total(masks, values, size)
    np.testing.assert_allclose(found, np.tensordot(values.T, Lattice(5).shares(masks, size), 1), atol=1e-5)


def test_shifts_are_all_alike_likely():
    """Each of the 32 shifts down, and across, of 20,000 masks, within five standard errors; cells are on as often as
    they should."""
    masks, lattice = scattered(49, 20_000, 5, 0.3), Lattice(7)
    assert masks[:, :49].mean() == pytest.approx(0.3, abs=0.003)
    for shift in lattice.shifts(masks, (224, 224)):
        counts = np.bincount(shift, minlength=32)
        assert len(counts) == 32
        assert np.abs(counts - 625).max() < 5 * 625**0.5


def test_what_looks_the_same_is_the_same_mask():
    """Where all cells are off, or all on, the bits of the shift are too: no such picture is asked twice."""
    masks = scattered(4, 500, 1, 0.5)
    alike = masks[:, :4].all(axis=1) | ~masks[:, :4].any(axis=1)
    assert 20 < alike.sum() < 120
    assert (masks[alike] == masks[alike, :1]).all()


def test_with_all_bits_alike_the_whole_or_nothing_is_shown():
    """All on is the canvas and all off the fill, to the last pixel, so that they are known by any other method."""
    shown, lattice = scene(), Lattice(7)
    both = np.repeat([[True], [False]], lattice.k, axis=1)
    soft = Scene(shown.canvas, shown.segments, shown.fill, lattice=lattice)
    assert soft.k == lattice.k == 49 + 2 * FRACTION
    np.testing.assert_array_equal(compose(soft, both), [shown.canvas, shown.fill])


@pytest.mark.parametrize("options", [{}, {"grid": 4, "probability": 0.2}, {"grid": 3, "probability": 0.9}])
def test_the_map_is_a_plain_rise_s_on_the_same_masks(options):
    """Under a network, on the workers' path, to 1e-5: the sum of masks divides, and the mean score is taken off."""
    model = read_model(custom_vision_zip(Network()), name="poles", profile=PROFILE)
    shown, made = scene((32, 32)), FEW.override({"options": options, "labels": "all"})
    talker, box = explainer(made, model.labels).inner, BlackBox(model, batch=7)  # asked every repetition, too
    probe = talker.open(shown)
    scores = answer(shown, probe, box.scores)
    found = talker.proceed(shown, [Evidence(probe, scores)])
    side = options.get("grid", 7)
    masks = plain_masks(np.concatenate([rows for _, rows in probe.pieces(2)]), side, (32, 32))
    for label in found.labels:
        own = scores[2:, model.labels.index(label.label)].astype(float)
        expected = plain_rise(own, masks)
        assert np.ptp(expected) > 1e-4
        np.testing.assert_allclose(label.heat + own.mean(), expected, atol=1e-5)
        np.testing.assert_allclose(label.weights, laid(expected - own.mean(), shown.segments), atol=1e-4)
    assert found.evaluations == 2 + 3 * 40


def test_the_network_sees_what_a_plain_rise_shows_it():
    """The scores are those of the network itself for pictures blended by hand from the authors' masks."""
    model = read_model(custom_vision_zip(Network()), name="poles", profile=PROFILE)
    shown, lattice = scene((32, 32)), Lattice(7)
    rows = scattered(49, 20, 8, 0.5)
    share = plain_masks(rows, 7, (32, 32))[:, None]
    on, off = (model.profile.tensor(picture) for picture in (shown.canvas, shown.fill))
    pictures = (share * on + (1 - share) * off).astype(np.float32)
    soft = Scene(shown.canvas, shown.segments, shown.fill, lattice=lattice)
    scores = BlackBox(model, batch=3).scores(soft, rows)
    expected = open_session(model.onnx).run(None, {"data": pictures})[0]
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    assert np.ptp(scores, axis=0).min() > 1e-3


def explained(score, made=FEW, shown=None):
    """What RISE finds for the first label of a model of single pictures."""

    def predict(varied, masks):
        yes = np.array([score(picture.astype(float)) for picture in compose(varied, masks)], dtype=np.float32)
        return np.stack([yes, 1 - yes], axis=1)

    return explain(shown or scene(), explainer(made, LABELS), predict)


@pytest.mark.parametrize("level", [0.0, 0.1, 1.0])
def test_a_constant_model_gives_zeros(level):
    """Exactly: no heat, no weight, no error, and no agreement to speak of."""
    [found] = explained(lambda picture: level).labels
    for part in (found.heat, found.heat_error, found.weights, found.std_error, found.weights_by_seed):
        assert not part.any()
    assert np.isnan(found.stability.spearman)


@pytest.mark.parametrize("seeds", [[1, 11, 21], [1, 11], [1]])
def test_errors_are_a_jackknife_over_seeds_by_hand(seeds):
    """Of the heat map and of the weights: each seed left out in turn, or each fifth of one alone, its masks and scores
    gone. Maps are float32, and nobody knows what a seed's own error is."""
    shown, asked = scene(), {}

    def predict(varied, masks):
        pictures = compose(varied, masks)
        yes = np.tanh(pictures[:, :10, :20].mean(axis=(1, 2, 3)) / 100).astype(np.float32)
        if varied.lattice:
            asked["scores"], asked["masks"] = yes.astype(float), plain_masks(masks, 7, ODD)
        return np.stack([yes, 1 - yes], axis=1)

    made = FEW.override({"seeds": seeds, "samples": 40 if len(seeds) > 1 else 43})
    [found] = explain(shown, explainer(made, LABELS).inner, predict).labels
    parts = list(map(np.arange, [40] * len(seeds))) if len(seeds) > 1 else np.split(np.arange(43), [8, 17, 25, 34])
    ends = np.cumsum([len(one) for one in parts])[:-1]
    scores, masks = np.split(asked["scores"], ends), np.split(asked["masks"], ends)
    alone = zip(scores, masks, strict=True) if len(seeds) > 1 else [(asked["scores"], asked["masks"])]
    by_seed = [laid(plain_rise(y, m) - y.mean(), shown.segments) for y, m in alone]
    np.testing.assert_allclose(found.weights_by_seed, by_seed, atol=1e-4)
    left_out = []
    for part in range(len(parts)):
        y, m = (np.concatenate([*one[:part], *one[part + 1 :]]) for one in (scores, masks))
        left_out.append(plain_rise(y, m) - y.mean())
    np.testing.assert_allclose(found.heat_error, jackknifed(left_out), atol=1e-5)
    sums = [laid(one, shown.segments) for one in left_out]
    np.testing.assert_allclose(found.std_error, jackknifed(sums), atol=1e-4)
    assert (found.heat.dtype, found.heat_error.dtype) == (np.float32, np.float32)
    assert np.isnan(found.stability.csi)


def jackknifed(left_out):
    """Efron and Tibshirani 1993, equation 11.5."""
    share = (len(left_out) - 1) / len(left_out)
    return np.sqrt(share * ((np.array(left_out) - np.mean(left_out, axis=0)) ** 2).sum(axis=0))


def test_scores_are_less_their_mean():
    """To the last digits of float64, over all replicates together."""
    scores = np.random.default_rng(0).random((90, 3)).astype(np.float32)
    masks = scattered(49, 90, 1, 0.5)
    for one in sums(Lattice(7), scene(), np.split(masks, [20, 50]), np.split(scores, [20, 50])):
        assert one.rows.tolist() == [20, 30, 40]
        assert one.scores.sum() == pytest.approx(0, abs=1e-12)


def test_a_map_of_some_replicates_by_hand():
    """Sums over sums, less the mean score; where nothing was ever shown it is zero, and the least that was counts."""
    weighted, shown = np.array([[[1.0, 0, 0.25]], [[0.5, 0, 0]]]), np.array([[[2.0, 0, 0.5]], [[1.0, 0, 0]]])
    totals = Totals(weighted, shown, np.array([1.25, 0.25]), np.array([3, 2]))
    np.testing.assert_allclose(totals.heat(np.array([True, True])), [[0.2, 0, 0.2]], atol=1e-12)
    np.testing.assert_allclose(totals.heat(np.array([False, True])), [[0.375, 0, 0]])


def test_a_label_that_does_not_vary_is_zero_beside_one_that_does():
    """Exactly, and all that is below what float32 can say."""
    still = 0.1 + 5e-8 * (np.arange(90) % 2)
    scores = np.column_stack([np.random.default_rng(0).random(90), still]).astype(np.float32)
    moved, unmoved = sums(Lattice(7), scene(), [scattered(49, 90, 1, 0.5)], [scores])
    assert moved.weighted.any()
    assert np.ptp(scores[:, 1]) > 0
    assert not unmoved.weighted.any() and not unmoved.scores.any()


def test_auto_draws_by_the_cells():
    """A whole block of 49, or of 16, under each seed."""
    for cells, block in ((7, 128), (4, 64)):
        made = FEW.override({"samples": "auto", "options.grid": cells})
        assert METHODS["rise"].planned(made) == 2 + 3 * block == explainer(made, LABELS).inner.open(scene()).n


def test_labels_are_summed_a_few_at_a_time():
    """Of ten each has the map that it has alone."""
    names = tuple("abcdefghij")

    def predict(varied, masks):
        pictures = compose(varied, masks).mean(axis=(2, 3)) / 255
        return np.stack([pictures[:, 3 * row] * 0.6**row for row in range(10)], axis=1).astype(np.float32)

    made = FEW.override({"labels": "all", "samples": 12})
    found = explain(scene(), explainer(made, names), predict).labels
    assert [one.label for one in found] == list(names)
    for name in "ahij":
        [alone] = explain(scene(), explainer(made.override({"labels": [name]}), names), predict).labels
        np.testing.assert_allclose(found[names.index(name)].heat, alone.heat, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("options", [{"grid": 2}, {"grid": 32}, {"probability": 0.001}])
def test_options_may_be_as_little_and_as_much_as_that(options):
    """From two cells along a side to as many as a scene may have superpixels."""
    check(FEW.override({"options": options}), LABELS)


def test_standard_errors_say_how_far_other_seeds_are():
    """Over twenty sets of seeds the weights scatter by their standard errors, on average, to a fifth."""
    found = [
        explained(lambda picture: picture[:12, :15].mean() / 255, FEW.reseed(100 * i)).labels[0] for i in range(1, 21)
    ]
    scatter = np.std([one.weights for one in found], axis=0, ddof=1)
    stated = np.sqrt(np.mean([one.std_error**2 for one in found], axis=0))
    assert np.exp(np.log(stated / scatter).mean()) == pytest.approx(1, rel=0.2)


def test_one_seed_alone_knows_its_error_too():
    """By its fifths; and the seed's own weights are the answer's."""
    [found] = explained(lambda picture: picture[:12].mean() / 255, FEW.override({"seeds": [1], "samples": 120})).labels
    assert (found.std_error > 0).all()
    np.testing.assert_allclose(found.weights_by_seed, found.weights[None])
    assert np.isnan(found.stability.spearman)


def test_what_a_model_looks_at_is_warm_and_what_it_shuns_is_cold():
    """Of a model of a bright and a dark spot the map is highest at the one and lowest at the other; elsewhere it is
    zero to within its errors."""
    canvas = np.full((56, 56, 3), 200, dtype=np.uint8)
    shown = Scene(canvas, grid(canvas, 49), np.zeros_like(canvas))
    made = FEW.override({"samples": 150, "seeds": list(range(1, 82, 10))})
    [found] = explained(lambda p: 0.5 + (p[8:16, 8:16].mean() - p[40:48, 40:48].mean()) / 600, made, shown).labels
    high, low = (np.unravel_index(at, (56, 56)) for at in (found.heat.argmax(), found.heat.argmin()))
    assert np.abs(np.array(high) - 12).max() <= 4
    assert np.abs(np.array(low) - 44).max() <= 4
    away = found.heat[28:56, 0:24] / found.heat_error[28:56, 0:24]
    assert np.sqrt((away**2).mean()) < 3
    assert (np.argmax(found.weights), np.argmin(found.weights)) == (8, 40)


def test_it_is_thorough_and_denoised_as_any_method():
    """The same again under other superpixels, fill and noise, and without what speaks against the label."""
    shown, slope = scene((32, 32)), np.linspace(-1, 1, 32)[:, None, None]
    made = FEW.override({"judge": True, "thorough": True, "denoise": 1.0, "samples": 100})
    [found] = explained(lambda picture: 0.5 + (picture * slope).mean() / 255, made, shown).labels
    names = {"seeds", "segmenter:quickshift", "segmenter:grid", "fill:blur", "noise:2"}
    assert set(found.judgement.sensitivity) == names
    assert found.judgement.sensitivity["noise:2"].spearman > 0.9
    assert set(found.denoised.removed) == set(np.flatnonzero(found.weights < 0))


def test_few_masks_leave_no_pixel_unknown():
    """A pixel that no mask ever showed is zero, not infinite."""
    made = FEW.override({"samples": 4, "seeds": [1, 11], "options.probability": 0.01})
    [found] = explained(lambda picture: picture.mean() / 255, made).labels
    assert np.isfinite(found.heat).all()
    assert np.isfinite(found.weights).all()


def test_more_masks_come_nearer_to_what_all_masks_say():
    """Of a 2x2 grid all 16 grids at every shift can be asked: the map comes to theirs as masks grow in number."""
    shown = scene((8, 8))
    lattice = Lattice(2)
    bits = (np.arange(16)[:, None] >> np.arange(4) & 1).astype(bool)
    fractions = (np.arange(4) * 2**14)[:, None] >> np.arange(FRACTION)[::-1] & 1  # each of 4 shifts
    shifts = [np.concatenate([a, b]) for a in fractions for b in fractions]
    masks = np.array([[*cells, *shift] for cells in bits for shift in shifts], dtype=bool)
    soft = Scene(shown.canvas, shown.segments, shown.fill, lattice=lattice)
    score = lambda pictures: np.tanh(pictures[:, :4].mean(axis=(1, 2, 3)) / 100)  # noqa: E731
    truth = plain_rise(score(compose(soft, masks)), lattice.shares(masks, (8, 8)).astype(float))
    misses = []
    for samples in (30, 3000):
        made = FEW.override({"samples": samples, "options.grid": 2})
        [found] = explained(lambda picture: float(score(picture[None])[0]), made, shown).labels
        misses.append(np.abs(found.heat - (truth - truth_mean(score, soft, masks))).max())
    assert misses[1] < 0.2 * misses[0]


def truth_mean(score, soft, masks):
    """The mean score over masks."""
    return score(compose(soft, masks)).mean()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"grid": 1}, "grid is 1, expected a whole number of cells from 2 to 32"),
        ({"grid": 33}, "grid is 33"),
        ({"grid": 7.0}, "grid is 7.0"),
        ({"probability": 0.0}, "probability is 0.0, expected a share between 0 and 1"),
        ({"probability": 1.0}, "probability is 1.0"),
        ({"probability": 1}, "probability is 1, expected"),
        ({"cells": 7}, "method rise has no option 'cells'; there are grid, probability"),
    ],
)
def test_an_option_that_cannot_be_is_refused(options, message):
    """By its name, before the model is asked."""
    with pytest.raises(ValueError, match=message):
        check(FEW.override({"options": options}), LABELS)


def test_its_ranks_are_those_of_a_linear_model_s_smoothed_pixels():
    """Of an additive model the map is the model's own weights, spread over a cell: nearly the same order."""
    weights = np.outer(np.sin(np.arange(56) / 9), np.cos(np.arange(56) / 11))
    canvas = np.full((56, 56, 3), 200, dtype=np.uint8)
    shown = Scene(canvas, grid(canvas, 49), np.zeros_like(canvas))
    made = FEW.override({"samples": 600})
    [found] = explained(lambda picture: 0.5 + (picture[..., 0] * weights).mean() / 600, made, shown).labels
    assert spearmanr(found.heat.ravel(), weights.ravel()).statistic > 0.9


def test_another_label_is_answered_from_the_same_scores():
    """A refit asks the model nothing, and says what an explanation of that label from scratch says."""
    shown, other = scene((32, 32)), FEW.override({"labels": ["no"]})

    def predict(varied, masks):
        yes = np.tanh(compose(varied, masks)[:, :10].mean(axis=(1, 2, 3)) / 100).astype(np.float32)
        return np.stack([yes, 1 - yes], axis=1)

    probe = explainer(FEW, LABELS).open(shown)
    stored = unpack_evidence(pack_evidence([Evidence(probe, answer(shown, probe, predict))]))
    found, _ = refit(shown, explainer(refit_recipe(FEW, other), LABELS), Known.of(stored))
    anew = explain(shown, explainer(other, LABELS), predict)
    assert (found.evaluations, found.labels[0].label) == (0, "no")
    assert found.to_json()["labels"] == anew.to_json()["labels"]
    np.testing.assert_array_equal(found.labels[0].heat, anew.labels[0].heat)
