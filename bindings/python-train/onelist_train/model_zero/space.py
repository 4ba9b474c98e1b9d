"""The item space: a partial whitening of content vectors, and a residual k-means codebook."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .progress import bar
from .table import axes_of, unit

Array = NDArray[np.float32]
# Directions weaker than this fraction of the strongest are noise, which a division would amplify.
_WEAKEST_SHARE = 1e-3


def fit_whitening(groups: Sequence[Array], width: int, power: float) -> tuple[Array, Array]:
    """Fits mean [De] and projection [De,width] on content vectors, whose groups all count the same.

    The projection keeps the first `width` principal axes and divides each by its singular value to the power of `power`:
    0 is plain PCA, 1 is full whitening.
    """
    mean = np.mean([g.mean(0, dtype=np.float64) for g in groups], axis=0)
    centred = [g.astype(np.float64) - mean for g in groups]
    covariance = np.mean([c.T @ c / len(c) for c in centred], axis=0)
    axes, spread = axes_of(covariance)
    strength = np.maximum(spread / spread[0], _WEAKEST_SHARE)
    return mean.astype(np.float32), np.asarray((axes * strength**-power)[:, :width], np.float32)


def item_vectors(content: Array, mean: Array, projection: Array) -> Array:
    """The item tower: unit((content - mean) @ projection); a zero content row stays zero."""
    present = (np.abs(content).max(-1, keepdims=True) > 0).astype(np.float32)
    return unit(np.asarray(((content - mean) @ projection) * present, np.float32))


def _nearest(x: Array, centres: Array) -> NDArray[np.int64]:
    return np.asarray(((centres * centres).sum(1) - 2.0 * (x @ centres.T)).argmin(1), np.int64)


def _k_means(x: Array, k: int, rounds: int, random: np.random.Generator) -> Array:
    """Lloyd's algorithm; an empty cluster is re-seeded with the point farthest from its centre."""
    centres = x[random.choice(len(x), k, replace=len(x) < k)].copy()
    for _ in range(rounds):
        owner = _nearest(x, centres)
        sizes = np.bincount(owner, minlength=k)
        sums = np.zeros((k, x.shape[1]), np.float64)
        np.add.at(sums, owner, x)
        centres = (sums / np.maximum(sizes, 1)[:, None]).astype(np.float32)
        empty = np.flatnonzero(sizes == 0)
        farthest = np.argsort(-((x - centres[owner]) ** 2).sum(1), kind="stable")[: len(empty)]
        centres[empty[: len(farthest)]] = x[farthest]
    return centres


def fit_codebook(
    x: Array, levels: int, codes: int, progress: bool = False, rounds: int = 20, seed: int = 7
) -> Array:
    """Residual k-means: each level clusters the residuals of the levels before. Returns [levels,codes,D]."""
    random = np.random.default_rng(seed)
    residual = x.copy()
    book = np.zeros((levels, codes, x.shape[1]), np.float32)
    with bar("codebook levels", levels, progress) as steps:
        for level in range(levels):
            book[level] = _k_means(residual, codes, rounds, random)
            residual = residual - book[level][_nearest(residual, book[level])]
            steps.set_postfix_str(f"mean squared residual {(residual**2).sum(1).mean():.4f}", refresh=False)
            steps.update()
    return book


def semantic_ids(x: Array, book: Array) -> NDArray[np.int64]:
    """The code of each vector at each level, [N,levels]. Ties go to the lower code; zero vectors get code 0."""
    residual = x
    out = np.zeros((len(x), len(book)), np.int64)
    for level, centres in enumerate(book):
        out[:, level] = _nearest(residual, centres)
        residual = residual - centres[out[:, level]]
    out[np.abs(x).max(1) == 0] = 0
    return out
