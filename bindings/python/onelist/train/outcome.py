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


def cells_that_gain(rows: Rows, linear: Floats, trained: Floats, fitted: list[bool]) -> list[bool]:
    """In which cells of the grid the network speaks: those with requests enough to train and to validate, where it is
    better by more than a standard error, as in a calibration."""
    gains = ndcg(trained, rows.there) - ndcg(linear, rows.there)
    found = []
    for cell in range(len(shape.CELLS)):
        own = gains[rows.retrieved & (rows.cell == cell)]
        enough = fitted[cell] and len(own) * 4 >= FEWEST
        found.append(bool(enough and own.mean() > own.std() / np.sqrt(len(own))))
    return found


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
