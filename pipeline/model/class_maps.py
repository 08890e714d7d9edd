"""Class activation maps from a layer's feature maps: what each place of them has to do with a label.

All are worked out at the layer's own resolution; `pipeline.methods.activation_maps` stretches them over the canvas.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Maps = NDArray[np.float32]
Tail = Callable[[Maps], Maps]  # features [n, c, h, w] -> scores [n, labels]
MOST_BYTES = 2**26  # of feature maps that a tail is shown at once


def cam(features: Maps, tail: Tail) -> Maps:
    """Zhou et al., "Learning deep features for discriminative localization", CVPR 2016, equation 2, [labels, h, w].

    Where the tail is pooling and a linear layer, a place alone adds to the logit what its features weigh, divided by
    how many places there are; so the map's mean and the layer's bias are the logit.
    """
    return reciprocam(features, tail) * np.float32(features.shape[1] * features.shape[2])


def reciprocam(features: Maps, tail: Tail) -> Maps:
    """Byun and Lee, "Recipro-CAM", 2022, section 3, less the answer to no features: forward passes of the tail alone.

    Parameters
    ----------
    features : float32 [c, h, w]
    tail : features float32 [n, c, h, w] -> float32 [n, labels]

    Returns
    -------
    float32 [labels, h, w]
        What the tail answers where it sees one place alone, without the Gaussian that the paper has as a variant.
    """
    _, h, w = features.shape
    places = np.arange(h * w)
    scores = np.concatenate([tail(_alone(features, some)) for some in _chunks(places, features.nbytes)])
    nothing = tail(np.zeros_like(features)[None])
    return np.ascontiguousarray((scores - nothing).T.reshape(-1, h, w))


def ablation_cam(features: Maps, tail: Tail) -> Maps:
    """Desai and Ramaswamy, "Ablation-CAM", WACV 2020, equations 3 and 4, [labels, h, w].

    A channel weighs what the score loses without it. The paper divides that by the score, which changes no map but that
    of a negative score, whose sign it turns; it is left out.
    """
    whole = tail(features[None])
    channels = np.arange(len(features))
    without = np.concatenate([tail(_without(features, some)) for some in _chunks(channels, features.nbytes)])
    return weighted((whole - without).T, features)


def grad_cam(features: Maps, gradients: Maps) -> Maps:
    """Selvaraju et al., "Grad-CAM", ICCV 2017, equations 1 and 2: features [c, h, w], gradients [labels, c, h, w]."""
    return weighted(gradients.mean(axis=(2, 3)), features)


def grad_cam_plus_plus(features: Maps, gradients: Maps) -> Maps:
    """Chattopadhay et al., "Grad-CAM++", WACV 2018, equations 10 and 19: the score is the exponential of the logit.

    Its first, second and third derivatives are then the gradient, its square and its cube, times one factor.
    """
    squares, cubes = gradients**2, gradients**3
    below = 2 * squares + (features.sum(axis=(1, 2))[:, None, None] * cubes)
    shares = np.divide(squares, below, out=np.zeros_like(squares), where=below != 0)
    return weighted((shares * np.maximum(gradients, 0)).sum(axis=(2, 3)), features)


def weighted(weights: Maps, features: Maps) -> Maps:
    """ReLU of the channels' weighted sum: weights [labels, c], features [c, h, w], [labels, h, w]."""
    return np.maximum(np.tensordot(weights, features, axes=1), 0).astype(np.float32)


def _chunks(numbers: NDArray[np.intp], nbytes: int) -> Iterator[NDArray[np.intp]]:
    size = max(1, MOST_BYTES // nbytes)
    return (numbers[start : start + size] for start in range(0, len(numbers), size))


def _alone(features: Maps, places: NDArray[np.intp]) -> Maps:
    """The features with one place alone each, [places, c, h, w]."""
    shown = np.zeros((len(places), *features.shape), np.float32)
    rows, (down, across) = np.arange(len(places)), np.divmod(places, features.shape[2])
    shown[rows, :, down, across] = features[:, down, across].T
    return shown


def _without(features: Maps, channels: NDArray[np.intp]) -> Maps:
    """The features without one channel each, [channels, c, h, w]."""
    shown = np.repeat(features[None], len(channels), axis=0)
    shown[np.arange(len(channels)), channels] = 0
    return shown
