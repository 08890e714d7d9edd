"""Surrogates: the simple model that is fitted to the black box's answers."""

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from sklearn.base import RegressorMixin, clone

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
    """A fitted surrogate: coefficients and std_error [c, k], intercepts [c], and predictions [n, c]."""

    @property
    def coefficients(self) -> Array:
        """What each superpixel counts, [c, k]."""
        ...

    @property
    def intercepts(self) -> Array:
        """[c]."""
        ...

    @property
    def std_error(self) -> Array:
        """Standard errors of the coefficients, [c, k]; NaN where the surrogate knows none."""
        ...

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
        """Predicted scores for masks bool [n, k], float64 [n, c]."""
        return np.asarray(masks @ self.coefficients.T + self.intercepts)


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A fitted scikit-learn regressor for each label."""

    regressors: tuple[Any, ...]
    k: int

    @property
    def coefficients(self) -> Array:
        """What each superpixel counts, [c, k]: coef_, else feature_importances_ (unsigned), else the fall of the
        surrogate's prediction when that superpixel alone is switched off."""
        return np.stack([self._weights(regressor) for regressor in self.regressors])

    @property
    def intercepts(self) -> Array:
        """The prediction with every superpixel off, [c]."""
        return np.asarray(self.predict(np.zeros((1, self.k), dtype=bool))[0])

    @property
    def std_error(self) -> Array:
        """Unknown for a single fit of such a surrogate: NaN, [c, k]."""
        return np.full((len(self.regressors), self.k), np.nan)

    def predict(self, masks: Masks) -> Array:
        """Predicted scores for masks bool [n, k], float64 [n, c]."""
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
    return np.asarray(np.exp(-(distance**2) / (2 * width**2)))


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
    options = {key: value for key, value in surrogate.items() if key != "name"}
    if surrogate["name"] == "ridge":
        return ridge(sample, **options)
    regressor = _regressor(surrogate["name"], options)
    columns = [
        clone(regressor).fit(sample.masks.astype(float), y, sample_weight=sample.weights) for y in sample.scores.T
    ]
    return Fitted(tuple(columns), sample.masks.shape[1])


def ridge(sample: Sample, alpha: float = 1.0) -> Linear:
    """Weighted ridge regression with an intercept that is not shrunk, all labels in one solve.

    The same estimator as `sklearn.linear_model.Ridge(alpha)` with sample weights. Standard errors are the sandwich of
    Visani et al. 2020, section 4: sigma^2 A^-1 G A^-1 with G = X'WX and A = G + alpha I.
    """
    share = sample.weights / sample.weights.sum()
    x_mean, y_mean = share @ sample.masks, share @ sample.scores
    x, y = sample.masks - x_mean, sample.scores - y_mean
    y[:, np.sqrt(share @ y**2) < RESOLUTION] = 0
    weighted = x * sample.weights[:, None]
    gram = x.T @ weighted
    inverse = linalg.pinvh(gram + alpha * np.eye(len(gram)))
    coefficients = (inverse @ (weighted.T @ y)).T
    residual = sample.weights @ (y - x @ coefficients.T) ** 2 / max(len(x) - len(gram) - 1, 1)
    spread = np.diag(inverse @ gram @ inverse).clip(min=0)
    return Linear(coefficients, y_mean - coefficients @ x_mean, np.sqrt(np.outer(residual, spread)))


def r2(sample: Sample, predicted: Array) -> Array:
    """Weighted coefficient of determination of predictions [n, c], for each label [c]; NaN where scores do not vary."""
    share = sample.weights / sample.weights.sum()
    total = share @ (sample.scores - share @ sample.scores) ** 2
    error = share @ (sample.scores - predicted) ** 2
    return np.where(np.sqrt(total) < RESOLUTION, np.nan, 1 - error / np.maximum(total, RESOLUTION**2))


def r2_held_out(surrogate: Options, sample: Sample, blocks: NDArray[np.integer[Any]]) -> Array:
    """The r2 of cross-fitted predictions, [c]: each block's rows are predicted by a fit on all the others.

    Parameters
    ----------
    blocks : int [n]
        The block of each row; at least two.
    """
    predicted = np.empty_like(sample.scores)
    for block in np.unique(blocks):
        out = blocks == block
        predicted[out] = fit(surrogate, sample.at(~out)).predict(sample.masks[out])
    return r2(sample, predicted)


def _regressor(name: str, options: Options) -> Any:
    module, _, cls = name.rpartition(".")
    if not module.startswith("sklearn."):
        raise ValueError(f"surrogate is {name!r}, expected ridge or a class like sklearn.linear_model.BayesianRidge")
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
