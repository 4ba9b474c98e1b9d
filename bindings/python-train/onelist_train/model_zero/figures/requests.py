"""Features of every item for each next-item target: those columns of the model that can differ."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .. import shape
from ..constants import Scorer
from ..table import unit
from .behaviour import LONGEST_HISTORY, Target, popularity
from .data import Events

Array = NDArray[np.float32]
Index = NDArray[np.int64]
# The columns that can differ from zero without a text query and without a user-supplied vector.
COLUMNS = ("popular_7d", "popular_90d", "trend", "fresh", "content_missing",
           "cos_query", "cos_history", "cos_last", "cos_nearest")  # fmt: skip
_DAY = 86_400.0


def event_weights(events: Events, target: Target, scorer: Scorer) -> tuple[Index, Array]:
    """The items and weights of the last events before a target, newest last."""
    rows = target.history[-LONGEST_HISTORY:]
    seconds = np.maximum(target.time - events.time[rows], 0)
    gap = np.minimum(np.floor(np.log2(1 + seconds)).astype(np.int64), shape.GAP_ROWS - 1)
    later = np.arange(len(rows))[::-1]
    gain = scorer.action_gain[events.action[rows]] * scorer.gap_gain[gap]
    return events.item[rows], np.asarray(gain * np.exp(-scorer.decay * later), np.float32)


def history_features(items: Array, known: Index, weight: Array) -> Array:
    """cos_history, cos_last and cos_nearest of all items, [I,3]."""
    out = np.zeros((len(items), 3), np.float32)
    out[:, 0] = items @ unit((weight[:, None] * items[known]).sum(0))
    if (weight > 0).any():
        close = items @ items[known[weight > 0]].T
        out[:, 1], out[:, 2] = close[:, -1], close.max(1)
    return out


def features(
    events: Events, targets: list[Target], items: Array, born: Index | None, scorer: Scorer,
    queries: Array | None = None,
) -> Iterator[Array]:  # fmt: skip
    """One block [I,len(COLUMNS)] per target; `born` is when each item was added, if known."""
    missing = (np.abs(items).max(1) == 0).astype(np.float32)
    for row, (target, popular) in enumerate(zip(targets, popularity(events, targets, len(items)), strict=True)):
        block = np.zeros((len(items), len(COLUMNS)), np.float32)
        block[:, :3] = np.stack(popular, axis=1)
        if born is not None:
            block[:, 3] = np.exp(-np.maximum(target.time - born, 0) / (30.0 * _DAY))
        block[:, 4] = missing
        if queries is not None:
            block[:, 5] = items @ queries[row]
        block[:, 6:] = history_features(items, *event_weights(events, target, scorer))
        yield block


def excluded(events: Events, target: Target, born: Index | None) -> Index:
    """Items that cannot be recommended: known to the user, or not in the catalogue yet."""
    known = np.unique(events.item[target.history])
    late = np.flatnonzero(born > target.time) if born is not None else np.zeros(0, np.int64)
    return np.union1d(known, late)


def rank_of(scores: Array, target: int, barred: Index) -> float:
    """The mid-rank of the target among all items that are not barred."""
    line = scores.astype(np.float64)
    own = line[target]
    line[barred] = -np.inf
    line[target] = -np.inf
    return float(1 + (line > own).sum() + 0.5 * (line == own).sum())
