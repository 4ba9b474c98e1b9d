"""Next-item targets with point-in-time features: what a request would have seen at that moment."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import shape
from .data import Events

Array = NDArray[np.float32]
Index = NDArray[np.int64]
_DAY = 86_400.0
LONGEST_HISTORY = 50
_AGAINST = [shape.ACTIONS[name] for name in ("dislike", "skip", "hide")]


@dataclass(frozen=True)
class Target:
    """A request at `time`: the chosen item, and the rows of the user's earlier events."""

    time: int
    item: int
    history: Index


def first_new_items(events: Events, start: int, end: int) -> list[Target]:
    """Each user's first event in [start, end) on an item that is new to them, in time order.

    The history is every event of the user strictly before that moment, so that no basket predicts itself.
    """
    found = []
    for index in events.of_users():
        times = events.time[index]
        for row in index[(times >= start) & (times < end)]:
            before = index[times < events.time[row]]
            if events.item[row] not in events.item[before]:
                found.append(Target(int(events.time[row]), int(events.item[row]), before))
                break
    return sorted(found, key=lambda t: t.time)


def leave_out(events: Events, from_end: int) -> list[Target]:
    """Each user's event at `from_end` (1 is the last); the history is the events before it, in file order."""
    found = []
    for rows in events.of_users():
        row, before = int(rows[-from_end]), rows[:-from_end]
        if events.item[row] not in events.item[before]:
            found.append(Target(int(events.time[row]), int(events.item[row]), before))
    return sorted(found, key=lambda t: t.time)


def popularity(events: Events, targets: list[Target], items: int) -> Iterator[tuple[Array, Array, Array]]:
    """popular_7d, popular_90d and trend of all items at the time of each target (sorted by time).

    Negative events do not count.
    """
    halves = (7.0 * _DAY, 90.0 * _DAY)
    counts = [np.zeros(items) for _ in halves]
    clock, done = 0, 0
    for target in targets:
        until = int(np.searchsorted(events.time, target.time, side="left"))
        for count, half in zip(counts, halves, strict=True):
            count *= 0.5 ** ((target.time - clock) / half)
            kind = ~np.isin(events.action[done:until], _AGAINST)
            age = target.time - events.time[done:until][kind]
            np.add.at(count, events.item[done:until][kind], 0.5 ** (age / half))
        clock, done = target.time, until
        week, season = counts
        # In the steady state a rate r gives a count of r * half-life / ln 2.
        fast, slow = week / 7.0, season / 90.0
        trend = (fast + 1 / 90) / (fast + slow + 2 / 90)
        scaled = [np.log1p(c) / max(np.log1p(c.max()), 1e-9) for c in counts]
        yield scaled[0].astype(np.float32), scaled[1].astype(np.float32), trend.astype(np.float32)
