"""Surrogates: the simple model that is fitted to the black box's answers."""

import importlib
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy
from numpy.typing import NDArray

from pipeline.conversation.designs import DESIGNS
from pipeline.scene.choice import own_options

Array = NDArray[np.float64]
Masks = NDArray[np.bool_]
Options = Mapping[str, Any]

RESOLUTION = 1e-7  # of float32 scores about 1: what varies less than this does not vary


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """What a surrogate is fitted to: masks bool [n, k], scores float64 [n, c], kernel weights float64 [n]."""

    masks: Masks
    scores: Array
    weights: Array

    def at(self, rows: NDArray[np.bool_]) -> "Sample":
        """The sample's rows where `rows`, bool [n], is true."""
        return Sample(self.masks[rows], self.scores[rows], self.weights[rows])


class Fit(Protocol):
    """A fitted surrogate.

    Attributes
    ----------
    coefficients : float64 [c, k]
        What each superpixel counts for each label.
    intercepts : float64 [c]
        The prediction with every superpixel off.
    std_error : float64 [c, k]
        Of the coefficients; NaN where the surrogate knows none.
    """

    @property
    def coefficients(self) -> Array: ...

    @property
    def intercepts(self) -> Array: ...

    @property
    def std_error(self) -> Array: ...

    def predict(self, masks: Masks) -> Array:
        """Predicted scores for masks bool [n, k], float64 [n, c]."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """A linear surrogate."""

    coefficients: Array
    intercepts: Array
    std_error: Array

    def predict(self, masks: Masks) -> Array:
        return np.asarray(masks @ self.coefficients.T + self.intercepts)


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A fitted scikit-learn regressor for each label."""

    regressors: tuple[Any, ...]
    k: int

    @property
    def coefficients(self) -> Array:
        """coef_, else feature_importances_ (unsigned), else the fall of the surrogate's prediction when that superpixel
        alone is switched off."""
        return np.stack([self._weights(regressor) for regressor in self.regressors])

    @property
    def intercepts(self) -> Array:
        return np.asarray(self.predict(np.zeros((1, self.k), dtype=bool))[0])

    @property
    def std_error(self) -> Array:
        return np.full((len(self.regressors), self.k), np.nan)  # unknown for a single fit of such a surrogate

    def predict(self, masks: Masks) -> Array:
        return np.stack([np.ravel(regressor.predict(masks.astype(float))) for regressor in self.regressors], axis=1)

    def _weights(self, regressor: Any) -> Array:
        for name in ("coef_", "feature_importances_"):
            if hasattr(regressor, name):
                return np.asarray(getattr(regressor, name), dtype=float).ravel()
        on = np.ones((1, self.k))
        return np.asarray(regressor.predict(on) - regressor.predict(on - np.eye(self.k)), dtype=float)


def kernel(masks: Masks, width: float | None) -> Array:
    """Lime's weights of masks, float64 [n]: exp(-d^2 / 2 width^2) on the cosine distance to the all-ones mask.

    For a mask with s of k superpixels on, d = 1 - sqrt(s / k) (Ribeiro et al. 2016, equation 2, with the distance and
    the width 0.25 of the lime package's images). Without a width all weights are 1.
    """
    if width is None:
        return np.ones(len(masks))
    distance = 1 - np.sqrt(masks.mean(axis=1))
    weights = np.asarray(np.exp(-(distance**2) / (2 * width**2)))
    if np.count_nonzero(weights) < 2:
        raise ValueError(f"kernel_width is {width}, so small that no mask counts; raise it, or use null for no kernel")
    return weights


def fit(surrogate: Options, sample: Sample) -> Fit:
    """Fit a surrogate.

    Parameters
    ----------
    surrogate : {"name": "ridge", "alpha": ...} or {"name": "sklearn.<module>.<Class>", its own options}
        Any scikit-learn regressor whose fit takes sample weights.
    sample : Sample

    Raises
    ------
    ValueError
        If there is no such regressor, it takes no sample weights, or refuses an option.
    """
    options = own_options(surrogate)
    if surrogate["name"] == "ridge":
        return ridge(sample, _alpha(options))
    from sklearn.base import clone  # noqa: PLC0415 -- slow to import, and few recipes ask for it

    regressor = _regressor(surrogate["name"], options)
    mean, varied = _center(sample)
    columns = [
        clone(regressor).fit(sample.masks.astype(float), y, sample_weight=sample.weights) for y in (mean + varied).T
    ]
    return Fitted(tuple(columns), sample.masks.shape[1])


def check(surrogate: Options) -> None:
    """Refuse a surrogate that could not be fitted, before anything is put to the model: see `fit` for the errors."""
    masks = DESIGNS["hadamard"](3, 16, 0)
    fit(surrogate, Sample(masks, 0.1 + 0.1 * masks.sum(axis=1, keepdims=True), kernel(masks, 0.25)))


def ridge(sample: Sample, alpha: float = 1.0) -> Linear:
    """Weighted ridge regression with an intercept that is not shrunk, all labels in one solve.

    The same estimator as `sklearn.linear_model.Ridge(alpha)` with sample weights. Standard errors are the sandwich of
    Visani et al. 2020, section 4: sigma^2 A^-1 G A^-1 with G = X'WX and A = G + alpha I, on centred columns for the
    intercept, sigma^2 the weighted residual over n - k - 1 (NaN where that is not above 0). It takes rows for
    independent: right for coin flips, several times too wide for fold-over pairs, whose interactions cancel.
    """
    y_mean, y = _center(sample)
    x_mean = sample.weights @ sample.masks / sample.weights.sum()
    x = sample.masks - x_mean
    weighted = x * sample.weights[:, None]
    gram = x.T @ weighted
    inverse = scipy.linalg.pinvh(gram + alpha * np.eye(len(gram)))
    coefficients = (inverse @ (weighted.T @ y)).T
    freedom = len(x) - len(gram) - 1
    residual = sample.weights @ (y - x @ coefficients.T) ** 2 / (freedom if freedom > 0 else np.nan)
    spread = np.diag(inverse @ gram @ inverse).clip(min=0)
    return Linear(coefficients, y_mean - coefficients @ x_mean, np.sqrt(np.outer(residual, spread)))


def _center(sample: Sample) -> tuple[Array, Array]:
    """The weighted mean of each label's scores, [c], and the scores less it, [n, c], zero where they do not vary."""
    share = sample.weights / sample.weights.sum()
    mean = share @ sample.scores
    y = sample.scores - mean
    y[:, np.sqrt(share @ y**2) < RESOLUTION] = 0
    return mean, y


def r2(sample: Sample, predicted: Array) -> Array:
    """Weighted coefficient of determination of predictions [n, c], for each label [c]; NaN where scores do not vary."""
    share = sample.weights / sample.weights.sum()
    total = share @ (sample.scores - share @ sample.scores) ** 2
    error = share @ (sample.scores - predicted) ** 2
    return np.where(np.sqrt(total) < RESOLUTION, np.nan, 1 - error / np.maximum(total, RESOLUTION**2))


def cross_fit(fitting: Callable[[Sample], Fit], sample: Sample, blocks: NDArray[np.integer[Any]]) -> list[Fit]:
    """A fit on all rows but those of block b, for b in 0..B-1, where blocks, int [n], gives each row's block."""
    return [fitting(sample.at(blocks != block)) for block in range(blocks.max() + 1)]


def r2_held_out(sample: Sample, blocks: NDArray[np.integer[Any]], fits: Sequence[Fit]) -> Array:
    """The r2 of cross-fitted predictions, [c]: each block's rows are predicted by a fit on all the others."""
    predicted = np.empty_like(sample.scores)
    for block, left_out in enumerate(fits):
        out = blocks == block
        predicted[out] = left_out.predict(sample.masks[out])
    return r2(sample, predicted)


def jackknife(fits: Sequence[Fit]) -> Array:
    """Standard error of the pooled coefficients, [c, k], from the fits that leave out each of B >= 2 replicates.

    The delete-a-group jackknife, sqrt((B-1)/B sum (b_i - mean b)^2) (Efron and Tibshirani 1993, equation 11.5). It asks
    for independent replicates only: not for a linear model, nor for enough rows in one of them to be fitted alone.
    """
    return delete_a_group(np.stack([one.coefficients for one in fits]))


def delete_a_group(left_out: Array) -> Array:
    """The same from whatever B estimates that leave out each replicate give, [B, ...]."""
    return np.asarray(left_out.std(axis=0) * (len(left_out) - 1) ** 0.5)


def _alpha(options: Options) -> float:
    alpha = options.get("alpha", 1.0)
    if set(options) - {"alpha"} or not isinstance(alpha, int | float) or not 0 <= alpha < math.inf:
        raise ValueError(f"surrogate ridge: options are {dict(options)}, expected only alpha, a number of at least 0")
    return float(alpha)


def _regressor(name: str, options: Options) -> Any:
    module, _, cls = name.rpartition(".")
    if not module.startswith("sklearn."):
        raise ValueError(f"surrogate is {name!r}, expected ridge or a class like sklearn.linear_model.BayesianRidge")
    from sklearn.base import RegressorMixin  # noqa: PLC0415

    try:
        found = getattr(importlib.import_module(module), cls)
    except (ImportError, AttributeError):
        raise ValueError(f"surrogate: scikit-learn has no {name}") from None
    if not (inspect.isclass(found) and issubclass(found, RegressorMixin)):
        raise ValueError(f"surrogate: {name} is not a regressor")
    fitting: Any = getattr(found, "fit", found)
    if "sample_weight" not in inspect.signature(fitting).parameters:
        raise ValueError(f"surrogate: {name} takes no sample weights, so it cannot be fitted locally")
    seeded = {"random_state": 0} if "random_state" in inspect.signature(found).parameters else {}
    try:
        return found(**(seeded | dict(options)))
    except TypeError as error:
        raise ValueError(f"surrogate {name}: {error}") from None
