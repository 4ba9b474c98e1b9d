"""What a training reached on requests that nothing was chosen on, beside the linear part alone."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelist.model_zero import shape

from .linear import FEWEST, scores
from .metrics import interval, ndcg
from .rows import Rows

Floats = NDArray[np.float32]
STRENGTHS = (0.1, 0.25, 0.5, 1.0)
"""Weights of the network's feature that are tried: where it learned from little, less of it is better than all."""


@dataclass(frozen=True)
class Line:
    """One kind of request: how many, NDCG@10 by system, and the gain over the calibrated linear part."""

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
    """All requests whose item was proposed, then each situation: scores [N,K] of the shipped weights, of the calibrated
    ones, and with the network. Intervals are 95 %, resampled over people."""
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
    """How loudly the network speaks in each cell of the grid: the best of `STRENGTHS` among those that are better than the
    linear part by more than a standard error, as in a calibration, and surely worse in no file; 0 where there is none."""
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
    """Whether there is a gain by more than a standard error in all, and no loss by more in any file with requests enough."""
    if len(gains) * 4 < FEWEST or not _surely(gains):
        return False
    own = [gains[source == number] for number in np.unique(source)]
    return not any(len(one) * 4 >= FEWEST and _surely(-one) for one in own)


def _surely(gains: NDArray[np.float64]) -> bool:
    return bool(gains.mean() > gains.std() / np.sqrt(len(gains)))


def table(lines: list[Line]) -> str:
    """The lines in columns."""
    text = f"{'':<42}{'requests':>9}{'shipped':>9}{'linear':>9}{'trained':>9}  gain over linear [95 %]\n"
    for line in lines:
        text += (f"{line.what:<42}{line.requests:>9}{line.shipped:>9.4f}{line.linear:>9.4f}{line.trained:>9.4f}"
                 f"  {line.gain:+.4f} [{line.low:+.4f}, {line.high:+.4f}]\n")  # fmt: skip
    return text


def plain(rows: Rows, weights: Floats) -> Floats:
    """Scores of the linear part."""
    return scores(rows, weights)
