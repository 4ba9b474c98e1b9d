"""The quality of a trained model on test requests, compared with the linear part alone."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .linear import FEWEST, scores
from .metrics import interval, ndcg
from .model_zero import shape
from .rows import Rows

Floats = NDArray[np.float32]
STRENGTHS = (0.1, 0.25, 0.5, 1.0)
"""Candidate weights of the network's feature: a network with little training data is better at a lower weight."""


@dataclass(frozen=True)
class Line:
    """One kind of request: their number, NDCG@10 by system, and the gain over the linear part."""

    what: str
    requests: int
    shipped: float
    linear: float
    trained: float
    gain: float
    low: float
    high: float

    def as_json(self) -> dict[str, Any]:
        """For the report and the manifest."""
        return {name: round(v, 6) if isinstance(v, float) else v for name, v in vars(self).items()}


def compare(rows: Rows, shipped: Floats, linear: Floats, trained: Floats) -> list[Line]:
    """NDCG@10 of the scores [N,K] of three systems: the shipped weights, the fitted ones, and these with the network.

    The first line is over all requests whose target a source proposed, the others are by request context. Intervals are
    95 %, resampled over users.
    """
    found = [ndcg(one, rows.there) for one in (shipped, linear, trained)]
    lines = []
    for what in ("all", *np.unique(rows.situation)):
        which = rows.retrieved & ((rows.situation == what) if what != "all" else True)
        if which.any():
            a, b, c = (one[which] for one in found)
            low, high = interval(c - b, rows.user[which])
            means = [float(x.mean()) for x in (a, b, c, c - b)]
            lines.append(Line(str(what), int(which.sum()), means[0], means[1], means[2], means[3], low, high))
    return lines


def strengths(rows: Rows, linear: Floats, trained: Floats, fitted: list[bool]) -> list[float]:
    """The weight of the network in each cell of the grid.

    It is the best of the `STRENGTHS` that gain more than a standard error over the linear part, and lose more than one in
    no file; 0 if there is none.
    """
    plain, cells = ndcg(linear, rows.there), [rows.retrieved & (rows.cell == cell) for cell in range(len(shape.CELLS))]
    found, best = [0.0] * len(cells), [0.0] * len(cells)
    for strength in STRENGTHS:
        gains = ndcg(linear + np.float32(strength) * (trained - linear), rows.there) - plain
        for cell, own in enumerate(cells):
            better = fitted[cell] and _gains(gains[own], rows.source[own])
            if better and gains[own].mean() > best[cell]:
                found[cell], best[cell] = strength, float(gains[own].mean())
    return found


def _gains(gains: NDArray[np.float64], source: NDArray[np.int64]) -> bool:
    """Whether there is a gain of more than a standard error overall, and no such loss in a file with enough requests."""
    if len(gains) * 4 < FEWEST or not _surely(gains):
        return False
    own = [gains[source == number] for number in np.unique(source)]
    return not any(len(one) * 4 >= FEWEST and _surely(-one) for one in own)


def _surely(gains: NDArray[np.float64]) -> bool:
    return bool(gains.mean() > gains.std() / np.sqrt(len(gains)))


def table(lines: list[Line]) -> str:
    """The lines as a table."""
    text = f"{'':<42}{'requests':>9}{'shipped':>9}{'linear':>9}{'trained':>9}  gain over linear [95 %]\n"
    for line in lines:
        text += (f"{line.what:<42}{line.requests:>9}{line.shipped:>9.4f}{line.linear:>9.4f}{line.trained:>9.4f}"
                 f"  {line.gain:+.4f} [{line.low:+.4f}, {line.high:+.4f}]\n")  # fmt: skip
    return text


def plain(rows: Rows, weights: Floats) -> Floats:
    """The scores of the linear part."""
    return scores(rows, weights)
