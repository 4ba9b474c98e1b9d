"""NDCG@10 of the target, and bootstrap intervals of its mean."""

import numpy as np
from numpy.typing import NDArray

from .rows import Rows

DEPTH = 10
_RESAMPLES = 1000


def ndcg(scores: NDArray[np.float32], there: NDArray[np.bool_]) -> NDArray[np.float64]:
    """NDCG@10 [N] of candidate 0 among the candidates [N,K] that are `there`. Ties share their mean rank, as in the
    engine."""
    own = scores[:, :1]
    above = ((scores > own) & there).sum(1)
    equal = ((scores == own) & there).sum(1)
    rank = above + (equal + 1) / 2
    return np.where(rank <= DEPTH, 1.0 / np.log2(rank + 1.0), 0.0)


def mean_ndcg(scores: NDArray[np.float32], rows: Rows) -> float:
    """The mean over requests whose target a source proposed; 0 if there is none."""
    found = ndcg(scores, rows.there)[rows.retrieved]
    return float(found.mean()) if len(found) else 0.0


def interval(values: NDArray[np.float64], groups: NDArray[np.str_], seed: int = 1) -> tuple[float, float]:
    """The 95 % bootstrap interval of the mean of `values` [N], resampling whole `groups` [N], such as users."""
    _, group = np.unique(groups, return_inverse=True)
    sums, counts = np.bincount(group, values), np.bincount(group)
    random = np.random.default_rng(seed)
    drawn = random.integers(0, len(sums), (_RESAMPLES, len(sums)))
    means = sums[drawn].sum(1) / counts[drawn].sum(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
