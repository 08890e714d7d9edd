"""The weights of a small network with the skeleton of Custom Vision's compact export, as plain arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Convolution:
    """A convolution followed by ReLU; padding keeps the size but for the stride.

    Attributes
    ----------
    weight : float32 [out, in, kernel, kernel]
    bias : float32 [out]
    stride : int
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    stride: int


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Normalisation, convolutions, global average pooling, one linear layer, softmax.

    Attributes
    ----------
    mean, variance : float32 [3]
        Of the input channels, blue, green, red, on 0..255.
    convolutions : Convolution, first to last
    weight : float32 [channels, labels]
    bias : float32 [labels]
    labels : in the order of the outputs
    """

    mean: NDArray[np.float32]
    variance: NDArray[np.float32]
    convolutions: tuple[Convolution, ...]
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    labels: tuple[str, ...]
