"""Mask designs: which superpixels are on in which sample.

Each design is a function of (k, n, seed) alone, so any worker makes any rows of it again.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice, repeat
from math import comb

import numpy as np
import scipy
from numpy.typing import NDArray

from pipeline.scene.lattice import FRACTION

Masks = NDArray[np.bool_]


def coin(k: int, n: int, seed: int) -> Masks:
    """Independent coin flips with the all-ones row first: the very masks of `LimeImageExplainer(random_state=seed)`.

    The lime package draws one number (its segmentation seed) before the masks; so do we, and the same seed gives the
    same rows.
    """
    random = np.random.RandomState(seed)
    random.randint(0, high=1000)
    masks = random.randint(0, 2, n * k).reshape(n, k).astype(bool)
    masks[:1] = True
    return masks


def bernoulli(k: int, n: int, seed: int) -> Masks:
    """Independent coin flips and nothing else: rows of one law, from which probabilities can be estimated."""
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, k])))
    return generator.integers(0, 2, (n, k)).astype(bool)


def paired(k: int, n: int, seed: int) -> Masks:
    """Coin flips, each row followed by its complement (antithetic sampling)."""
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, k])))
    return _fold_over(generator.integers(0, 2, ((n + 1) // 2, k)).astype(bool))[:n]


def hadamard_fold(k: int, n: int, seed: int) -> Masks:
    """Rows of a Hadamard matrix, each followed by its complement (fold-over), fresh blocks until n rows stand.

    A block takes the order 2^m >= k+1, gives each superpixel a column of its own (never the constant one), and shuffles
    rows, columns and signs by the seed. Within a block any two superpixels are on together in exactly a quarter of the
    rows, so main effects are estimated with the least variance that the number of rows allows, and the fold-over
    clears them of all two-way interactions (Plackett and Burman 1946; Box and Wilson 1951).
    """
    order = 1 << k.bit_length()
    blocks = [_hadamard_block(k, order, (seed, block)) for block in range(-(-n // (2 * order)))]
    return np.concatenate(blocks or [np.zeros((0, k), dtype=bool)])[:n]


def whole_block(k: int) -> int:
    """Rows of a whole block of `hadamard_fold` for k superpixels, with which their main effects are orthogonal.

    Examples
    --------
    >>> whole_block(50), whole_block(64)
    (128, 256)
    """
    return 2 << k.bit_length()


def _hadamard_block(k: int, order: int, key: tuple[int, int]) -> Masks:
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence([*key, k])))
    columns = 1 + generator.permutation(order - 1)[:k]
    signs = generator.choice([-1, 1], size=k).astype(np.int8)
    rows = generator.permutation(order)
    return _fold_over(scipy.linalg.hadamard(order, dtype=np.int8)[rows][:, columns] * signs > 0)


def _fold_over(half: Masks) -> Masks:
    return np.stack([half, ~half], axis=1).reshape(-1, half.shape[1])


def shapley(k: int, n: int, seed: int) -> Masks:
    """Rows of every size from 1 to k-1 alike often, each followed by its complement, none twice while there are others.

    The leverage scores of Kernel SHAP's regression are alike for all sizes together, so that such rows tell most of it
    (Musco and Witter 2025). Sizes are dealt from a shuffled deck instead of drawn, so that none is left out
    by chance.
    """
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, k])))
    rows = _dealt(k, generator) if k > 1 else repeat(np.ones(1, dtype=bool))  # one has no size between none and all
    half = list(islice(rows, (n + 1) // 2))
    return _fold_over(np.array(half, dtype=bool).reshape(-1, k))[:n]


def _dealt(k: int, generator: np.random.Generator) -> Iterator[NDArray[np.bool_]]:
    """Masks that are neither one before nor the complement of one, until there are no others; then all again."""
    while True:
        seen: set[bytes] = set()
        left = {size: comb(k, size) // (1 + (2 * size == k)) for size in range(1, k // 2 + 1)}  # pairs to be dealt
        while any(left.values()):
            for size in 1 + generator.permutation(k - 1):
                smaller = min(size, k - size)
                if left[smaller]:
                    left[smaller] -= 1
                    yield _unseen(k, size, seen, generator)


def _unseen(k: int, size: int, seen: set[bytes], generator: np.random.Generator) -> NDArray[np.bool_]:
    """A mask of this size that was not seen, and from now on is, and so is its complement."""
    while True:
        row: NDArray[np.bool_] = generator.permutation(k) < size
        if row.tobytes() not in seen:
            seen.update((row.tobytes(), (~row).tobytes()))
            return row


def scattered(cells: int, n: int, seed: int, share: float) -> Masks:
    """Masks of a lattice of so many cells, each on with probability `share`, each mask shifted by chance: RISE's own.

    Where all cells are alike a shift moves nothing: its bits are then as the cells are, and what looks the same is the
    same.

    Returns
    -------
    bool [n, cells + 2 * FRACTION], see `pipeline.scene.lattice`.
    """
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, cells])))
    on = generator.random((n, cells)) < share
    shifts = generator.integers(0, 2, (n, 2 * FRACTION)).astype(bool)
    alike = on.all(axis=1) | ~on.any(axis=1)
    shifts[alike] = on[alike, :1]
    return np.concatenate([on, shifts], axis=1)


DESIGNS: Mapping[str, Callable[[int, int, int], Masks]] = {
    "coin": coin,
    "bernoulli": bernoulli,
    "paired": paired,
    "hadamard": hadamard_fold,
    "shapley": shapley,
}
