import itertools
from functools import partial

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import pairwise_distances, r2_score

from pipeline.conversation.designs import DESIGNS
from pipeline.methods.surrogate import (
    RESOLUTION,
    Sample,
    check,
    cross_fit,
    fit,
    jackknife,
    kernel,
    r2,
    r2_held_out,
    ridge,
)


def sample(k=9, n=80, labels=2, noise=0.05, seed=0):
    """Coin-flip masks, noisy additive scores, lime's weights."""
    generator = np.random.default_rng(seed)
    masks = DESIGNS["coin"](k, n, seed)
    scores = 0.3 + masks @ generator.normal(size=(k, labels)) + noise * generator.normal(size=(n, labels))
    return Sample(masks, scores, kernel(masks, 0.25))


def factorial(k):
    return np.array(list(itertools.product([False, True], repeat=k)))


@pytest.mark.parametrize("alpha", [0, 0.01, 1.0, 37.5])
def test_ridge_is_scikit_learn_s_ridge(alpha):
    """Coefficients, intercepts and predictions for all labels at once are those of `Ridge` for each label alone."""
    given = sample(labels=4)
    ours = fit({"name": "ridge", "alpha": alpha}, given)
    for c, y in enumerate(given.scores.T):
        theirs = Ridge(alpha=alpha).fit(given.masks.astype(float), y, sample_weight=given.weights)
        assert np.abs(ours.coefficients[c] - theirs.coef_).max() < 1e-9
        assert abs(ours.intercepts[c] - theirs.intercept_) < 1e-9
        assert np.abs(ours.predict(given.masks)[:, c] - theirs.predict(given.masks)).max() < 1e-9


def test_without_an_alpha_it_is_scikit_learn_s_own():
    """Which is 1, by the recipe's options as in the function."""
    given = sample(labels=1)
    theirs = Ridge().fit(given.masks.astype(float), given.scores[:, 0], sample_weight=given.weights)
    for ours in (fit({"name": "ridge"}, given), ridge(given)):
        assert np.abs(ours.coefficients[0] - theirs.coef_).max() < 1e-9


def test_ridge_without_more_rows_than_superpixels_is_still_scikit_learn_s():
    """Fewer rows than superpixels is what ridge is for; only the standard error is unknown then."""
    given = sample(k=30, n=20)
    ours = ridge(given, 0.5)
    theirs = Ridge(alpha=0.5).fit(given.masks.astype(float), given.scores, sample_weight=given.weights)
    assert np.abs(ours.coefficients - theirs.coef_).max() < 1e-9
    assert np.isnan(ours.std_error).all()


def test_two_rows_more_than_superpixels_are_the_fewest_whose_error_is_known():
    """One for the intercept, and one that is left over."""
    assert np.isfinite(ridge(sample(n=9 + 2)).std_error).all()
    assert np.isnan(ridge(sample(n=9 + 1)).std_error).all()


def test_an_additive_model_gives_its_weights_back():
    """Without shrinkage, noiseless additive scores give back exactly the weights that made them."""
    generator = np.random.default_rng(3)
    masks, weights = DESIGNS["hadamard"](20, 64, 1), generator.normal(size=(2, 20))
    fitted = ridge(Sample(masks, 0.25 + masks @ weights.T, kernel(masks, 0.25)), 0)
    assert np.abs(fitted.coefficients - weights).max() < 1e-12
    assert np.abs(fitted.intercepts - 0.25).max() < 1e-12
    assert fitted.std_error.max() < 1e-12


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_and_of_m_superpixels_on_all_masks(m):
    """On all 2^k masks AND of m superpixels has the least-squares weight 2^(1-m) on each of them, and 0 on the rest."""
    masks = factorial(7)
    scores = masks[:, :m].all(axis=1, keepdims=True).astype(float)
    fitted = ridge(Sample(masks, scores, np.ones(len(masks))), 0)
    expected = np.where(np.arange(7) < m, 2.0 ** (1 - m), 0)
    assert np.abs(fitted.coefficients[0] - expected).max() < 1e-12


@pytest.mark.parametrize("name", ["ridge", "sklearn.linear_model.Ridge", "sklearn.linear_model.BayesianRidge"])
def test_renumbering_superpixels_renumbers_weights(name):
    """A surrogate does not know the superpixels' numbers."""
    given, order = sample(), np.random.default_rng(5).permutation(9)
    renumbered = Sample(given.masks[:, order], given.scores, given.weights)
    straight, shuffled = fit({"name": name}, given), fit({"name": name}, renumbered)
    assert np.abs(straight.coefficients[:, order] - shuffled.coefficients).max() < 1e-9


@pytest.mark.parametrize(
    "name", ["ridge", *(f"sklearn.{m}" for m in ("linear_model.Ridge", "tree.DecisionTreeRegressor", "svm.SVR"))]
)
@pytest.mark.parametrize("jitter", [0, 1e-9])
def test_what_does_not_vary_weighs_exactly_nothing(name, jitter):
    """A constant score, and one that varies by less than float32 can say, gives exact zeros and no r2."""
    masks = DESIGNS["coin"](9, 60, 1)
    scores = 0.1 + jitter * np.random.default_rng(0).normal(size=(60, 1))
    given = Sample(masks, scores, kernel(masks, 0.25))
    fitted = fit({"name": name}, given)
    assert not fitted.coefficients.any()
    assert fitted.intercepts[0] == pytest.approx(0.1, abs=1e-8)
    assert np.isnan(r2(given, fitted.predict(masks))).all()


def test_a_faint_label_beside_a_strong_one_keeps_its_weights():
    """Resolution is judged for each label alone: a label a thousand times fainter is explained just as well."""
    masks = DESIGNS["hadamard"](5, 32, 1)
    scores = np.stack([masks[:, 0] * 1.0, masks[:, 1] * 1e-3, masks[:, 2] * RESOLUTION], axis=1)
    coefficients = ridge(Sample(masks, scores, np.ones(32)), 0).coefficients
    assert coefficients[0, 0] == pytest.approx(1)
    assert coefficients[1, 1] == pytest.approx(1e-3)
    assert not coefficients[2].any()


@pytest.mark.parametrize("width", [0.1, 0.25, 1.0])
def test_the_kernel_is_lime_s_on_the_cosine_distance(width):
    """Weights are sqrt(exp(-d^2/width^2)) of scikit-learn's cosine distance to the all-ones row, 1 for all off."""
    masks = np.vstack([np.ones((1, 12), bool), np.zeros((1, 12), bool), DESIGNS["coin"](12, 50, 2)])
    distance = pairwise_distances(masks.astype(float), np.ones((1, 12)), metric="cosine").ravel()
    assert np.abs(kernel(masks, width) - np.sqrt(np.exp(-(distance**2) / width**2))).max() < 1e-12


def test_no_kernel_weighs_all_alike_and_too_narrow_a_one_is_refused():
    """None is no kernel; a width at which every mask but the photograph underflows is refused with the remedy."""
    masks = DESIGNS["coin"](12, 50, 2)
    assert (kernel(masks, None) == 1).all()
    with pytest.raises(ValueError, match=r"kernel_width is 0\.001, so small that no mask counts; raise it"):
        kernel(masks, 0.001)
    masks[30] = True
    assert np.flatnonzero(kernel(masks, 0.001)).tolist() == [0, 30]  # two that count are enough


def test_r2_is_scikit_learn_s_with_weights():
    """r2 is the weighted coefficient of determination, for each label."""
    given = sample(noise=0.6)
    predicted = ridge(given, 1.0).predict(given.masks)
    expected = [r2_score(y, p, sample_weight=given.weights) for y, p in zip(given.scores.T, predicted.T, strict=True)]
    assert np.abs(r2(given, predicted) - expected).max() < 1e-12
    faint = Sample(given.masks, 1e-5 * given.scores, given.weights)
    assert np.abs(r2(faint, 1e-5 * predicted) - expected).max() < 1e-9  # in whatever unit, down to the resolution


def test_held_out_r2_predicts_each_block_by_a_fit_on_the_others():
    """Held-out r2 equals the loop that leaves out one block at a time, predicts it, and pools the squared errors."""
    given, blocks = sample(noise=0.6), np.arange(80) % 4
    fits = cross_fit(partial(fit, {"name": "ridge", "alpha": 0.3}), given, blocks)
    for c, y in enumerate(given.scores.T):
        error = 0.0
        for b in range(4):
            model = Ridge(alpha=0.3).fit(given.masks[blocks != b], y[blocks != b], given.weights[blocks != b])
            error += (given.weights * (y - model.predict(given.masks)) ** 2)[blocks == b].sum()
        mean = np.average(y, weights=given.weights)
        expected = 1 - error / (given.weights * (y - mean) ** 2).sum()
        assert r2_held_out(given, blocks, fits)[c] == pytest.approx(expected, abs=1e-9)


def test_a_tree_that_learns_the_noise_by_heart_is_found_out():
    """On pure noise a full tree fits its own rows perfectly, and the rows left out worse than their mean."""
    masks = DESIGNS["coin"](9, 200, 1)
    given = Sample(masks, np.random.default_rng(0).normal(size=(200, 1)), np.ones(200))
    tree, blocks = {"name": "sklearn.tree.DecisionTreeRegressor"}, np.arange(200) // 40
    assert r2(given, fit(tree, given).predict(masks))[0] > 0.8
    assert r2_held_out(given, blocks, cross_fit(partial(fit, tree), given, blocks))[0] < 0


def test_standard_errors_are_the_sandwich_written_out():
    """sigma^2 A^-1 G A^-1, term by term, with the intercept as a column of its own that is not shrunk."""
    given, alpha = sample(noise=0.4), 0.7
    n, k = given.masks.shape
    x = np.column_stack([np.ones(n), given.masks])
    w, shrink = np.diag(given.weights), alpha * np.diag([0.0] + [1.0] * k)
    inverse = np.linalg.inv(x.T @ w @ x + shrink)
    fitted = ridge(given, alpha)
    for c, y in enumerate(given.scores.T):
        residual = y - x @ (inverse @ x.T @ w @ y)
        variance = residual @ w @ residual / (n - k - 1) * (inverse @ x.T @ w @ x @ inverse)
        # The intercept's shrinkage couples nothing else in: centred columns give the very same block.
        assert np.abs(fitted.std_error[c] - np.sqrt(np.diag(variance))[1:]).max() < 1e-9


def test_standard_errors_are_the_spread_of_repeated_noise():
    """Under noise of variance s^2/w, coefficients over 2000 repeats spread as the standard error says."""
    masks = DESIGNS["coin"](6, 60, 4)
    weights, generator = kernel(masks, 0.25), np.random.default_rng(1)
    noise = generator.normal(size=(60, 2000)) / np.sqrt(weights)[:, None]
    fitted = ridge(Sample(masks, masks @ np.ones((6, 1)) + noise, weights), 1.0)
    spread = fitted.coefficients.std(axis=0)
    assert np.abs(np.sqrt((fitted.std_error**2).mean(axis=0)) / spread - 1).max() < 0.08  # five errors of that spread


def spread_and_error(design, k, n):
    """Root mean square of the seeds' spread, and of the standard error that each seed alone reports, on AND."""
    samples = []
    for seed in range(40):
        masks = DESIGNS[design](k, n, seed)
        samples.append(Sample(masks, masks[:, :2].all(axis=1, keepdims=True).astype(float), kernel(masks, 0.25)))
    fits = [ridge(one, 0.01) for one in samples]
    spread = np.std([one.coefficients[0] for one in fits], axis=0, ddof=1)
    return np.sqrt((spread**2).mean()), np.sqrt(np.mean([one.std_error**2 for one in fits]))


def test_the_sandwich_is_right_for_coin_flips_and_wide_for_fold_over_pairs():
    """What the docstrings of `ridge` and `csi` warn of: fold-over cancels interactions that the sandwich counts."""
    spread, error = spread_and_error("coin", 49, 256)
    assert error == pytest.approx(spread, rel=0.15)
    spread, error = spread_and_error("hadamard", 49, 128)
    assert error > 3 * spread


@pytest.mark.parametrize(("design", "k"), [("hadamard", 20), ("hadamard", 80), ("paired", 40), ("coin", 40)])
def test_the_jackknife_over_seeds_is_the_error_of_the_pool(design, k):
    """Pooled weights spread over 20 pools as the jackknife says, also where no seed alone can be fitted."""
    pooled, errors = [], []
    for pool in range(20):
        masks = np.concatenate([DESIGNS[design](k, 96, 9 * pool + seed) for seed in range(9)])
        scores = 1 / (1 + np.exp(1 - 6 * masks[:, :3].sum(axis=1, keepdims=True) / 3 + masks[:, [4]]))
        given, blocks = Sample(masks, scores, kernel(masks, 0.25)), np.repeat(np.arange(9), 96)
        pooled.append(ridge(given, 0.01).coefficients[0])
        errors.append(jackknife(cross_fit(partial(fit, {"name": "ridge", "alpha": 0.01}), given, blocks))[0])
    spread = np.sqrt(np.var(pooled, axis=0, ddof=1).mean())
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(spread, rel=0.25)


def test_the_jackknife_of_a_mean_is_its_standard_error():
    """The oracle: for the mean of replicates the jackknife is s / sqrt(B), exactly."""

    class Left:
        def __init__(self, coefficients):
            self.coefficients = coefficients

    values = np.random.default_rng(0).normal(size=(9, 1, 5))
    left_out = [Left(np.delete(values, b, axis=0).mean(axis=0)) for b in range(9)]
    assert np.abs(jackknife(left_out) - values.std(axis=0, ddof=1) / 3).max() < 1e-12


@pytest.mark.parametrize(
    "surrogate",
    [
        {"name": "sklearn.linear_model.BayesianRidge"},
        {"name": "sklearn.linear_model.Lasso", "alpha": 1e-4},
        {"name": "sklearn.tree.DecisionTreeRegressor", "max_depth": 6},
        {"name": "sklearn.ensemble.RandomForestRegressor", "n_estimators": 20},
        {"name": "sklearn.svm.SVR", "kernel": "rbf", "C": 10.0, "epsilon": 0.01},
        {"name": "sklearn.ensemble.HistGradientBoostingRegressor"},
        {"name": "sklearn.kernel_ridge.KernelRidge", "kernel": "rbf"},
    ],
)
def test_any_regressor_that_takes_weights_can_be_the_surrogate(surrogate):
    """It is fitted for each label, finds that label's one strong superpixel, and answers alike when asked again."""
    check(surrogate)
    masks = DESIGNS["coin"](8, 200, 2)
    scores = np.stack([masks[:, 0], 1 - masks[:, 7]], axis=1) * 0.8 + 0.05 * masks[:, [3, 4]]
    given = Sample(masks, scores, kernel(masks, 0.25))
    fitted = fit(surrogate, given)
    assert fitted.coefficients.shape == fitted.std_error.shape == (2, 8)
    assert fitted.intercepts.shape == (2,)
    assert np.abs(fitted.coefficients).argmax(axis=1).tolist() == [0, 7]
    assert (r2(given, fitted.predict(masks)) > 0.7).all()
    assert np.array_equal(fitted.coefficients, fit(surrogate, given).coefficients)


@pytest.mark.parametrize(
    ("name", "weights"), [("linear_model.Ridge", "coef_"), ("tree.DecisionTreeRegressor", "feature_importances_")]
)
def test_a_surrogate_that_has_weights_of_its_own_is_taken_by_its_word(name, weights):
    """To the last bit; and what is random in it is drawn by seed 0, or by the one that the recipe names."""
    surrogate = {"name": f"sklearn.{name}"}
    fitted = fit(surrogate, sample())
    told = [getattr(one, weights) for one in fitted.regressors]
    assert np.array_equal(fitted.coefficients, told)
    assert {one.random_state for one in fitted.regressors} == {0}
    assert fit(surrogate | {"random_state": 5}, sample()).regressors[0].random_state == 5


def test_a_surrogate_without_coefficients_is_asked_superpixel_by_superpixel():
    """Where there is no coef_ and no importance, a weight is the fall of the prediction when that one is off."""
    masks = DESIGNS["coin"](5, 200, 2)
    scores = 0.5 * masks[:, [0]] - 0.25 * masks[:, [4]]
    fitted = fit({"name": "sklearn.svm.SVR", "epsilon": 0.001, "C": 100.0}, Sample(masks, scores, np.ones(200)))
    on = np.ones((1, 5), dtype=bool)
    falls = [fitted.predict(on)[0, 0] - fitted.predict(on & (np.arange(5) != j))[0, 0] for j in range(5)]
    assert np.abs(fitted.coefficients[0] - falls).max() < 1e-12
    assert np.abs(fitted.coefficients[0] - [0.5, 0, 0, 0, -0.25]).max() < 0.02


@pytest.mark.parametrize(
    ("surrogate", "message"),
    [
        ({"name": "numpy.linalg.lstsq"}, "surrogate is 'numpy.linalg.lstsq', expected ridge or a class like sklearn"),
        ({"name": "os.system"}, "surrogate is 'os.system'"),
        ({"name": "sklearnish.linear_model.Ridge"}, "surrogate is 'sklearnish"),
        ({"name": ""}, "surrogate is ''"),
        ({"name": "sklearn.linear_model.Rigde"}, "scikit-learn has no sklearn.linear_model.Rigde"),
        ({"name": "sklearn.nowhere.Ridge"}, "scikit-learn has no sklearn.nowhere.Ridge"),
        ({"name": "sklearn.linear_model.LogisticRegression"}, "LogisticRegression is not a regressor"),
        ({"name": "sklearn.datasets.fetch_openml"}, "fetch_openml is not a regressor"),
        ({"name": "sklearn.base.RegressorMixin"}, "RegressorMixin takes no sample weights"),  # nor has it a fit
        ({"name": "sklearn.neighbors.KNeighborsRegressor"}, "KNeighborsRegressor takes no sample weights"),
        ({"name": "sklearn.tree.DecisionTreeRegressor", "depth": 3}, "DecisionTreeRegressor: .*'depth'"),
        ({"name": "sklearn.tree.DecisionTreeRegressor", "max_depth": -3}, "max_depth"),
        ({"name": "ridge", "beta": 1}, "surrogate ridge: options are .*beta.*, expected only alpha"),
        ({"name": "ridge", "alpha": -1}, "surrogate ridge: .*at least 0"),
        ({"name": "ridge", "alpha": "1"}, "surrogate ridge: .*at least 0"),
        ({"name": "ridge", "alpha": float("inf")}, "surrogate ridge: .*at least 0"),
        ({"name": "ridge", "alpha": float("nan")}, "surrogate ridge: .*at least 0"),
    ],
)
def test_a_surrogate_that_cannot_be_fitted_is_refused_before_the_model_is_asked(surrogate, message):
    """Unknown names, names outside scikit-learn, no sample weights, unknown and impossible options: all by `check`."""
    with pytest.raises(ValueError, match=message):
        check(surrogate)
