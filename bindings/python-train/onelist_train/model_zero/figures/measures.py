"""Ranking measures and their intervals."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Scores = NDArray[np.float64]


def ndcg(scores: Array, grades: Mapping[int, float], k: int = 10) -> float:
    """nDCG@k with gain 2^grade - 1. Ties are broken by row, so shuffle rows that can tie."""
    top = np.argsort(-scores, kind="stable")[:k]
    gains = np.asarray([2.0 ** grades.get(int(i), 0.0) - 1.0 for i in top])
    ideal = np.sort([2.0**g - 1.0 for g in grades.values()])[::-1][:k]
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    return float((gains * discount[: len(gains)]).sum() / (ideal * discount[: len(ideal)]).sum())


def recall(scores: Array, grades: Mapping[int, float], k: int = 100) -> float:
    """The fraction of the relevant items (grade above 0) among the first k."""
    top = set(np.argsort(-scores, kind="stable")[:k].tolist())
    relevant = {i for i, g in grades.items() if g > 0}
    return len(relevant & top) / len(relevant)


def target_ndcg(rank: Scores, k: int = 10) -> Scores:
    """nDCG@k of single targets from their mid-ranks (1 is the first)."""
    return np.where(rank <= k, 1.0 / np.log2(1.0 + rank), 0.0)


def interval(values: Scores, rounds: int = 2000, seed: int = 3) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean."""
    random = np.random.default_rng(seed)
    means = np.asarray([values[random.integers(0, len(values), len(values))].mean() for _ in range(rounds)])
    return float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5))


def shown(values: Scores) -> str:
    """The mean with its interval, as `0.123 [0.101, 0.145]`."""
    low, high = interval(values)
    return f"{values.mean():.3f} [{low:.3f}, {high:.3f}]"
