"""`queries`: a training file of synthetic searches for a catalogue without a search log.

The items go into a temporary store, synthetic searches are logged there, and `export_training` writes the rows. Candidates
and features are therefore the engine's own.
"""

import datetime as dt
import gzip
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onelist

from .base import Base
from .wording import Maker
from .words import Neighbours

Path_ = str | os.PathLike[str]
ACTION = "found"
"""The action of a synthetic search. Its weight is tiny, so that popularity comes from the real log."""
_WEIGHT = 1e-6
_KEYS = ("user", "item", "action", "query", "value", "time", "basket", "segments")
_START, _STEP = 1_767_225_600.0, 60.0
"""The time of the first search in a catalogue without a log (2026-01-01), and the seconds to the next one."""
_BATCH = 50_000
_AGAINST = ("dislike", "hide", "skip")


@dataclass(frozen=True)
class Searches:
    """Settings of `queries`."""

    per_item: int = 1
    """queries per item, for a catalogue without a log"""
    share: float = 0.3
    """fraction of the exported events that become the answer to a search, for a catalogue with a log"""
    anonymous: float = 0.3
    """fraction of these searches made by an anonymous user instead of the event's own"""
    requests: int = 40_000
    """number of newest events to export"""
    negatives: int = 60
    """candidates per request besides the target"""
    until: float | None = None
    """ignore events from this time on, in seconds since 1970"""
    seed: int = 1

    def __post_init__(self) -> None:
        """Raises ValueError for an invalid setting."""
        for name, least in {"per_item": 0, "requests": 1, "negatives": 1}.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name}: expected at least {least}, found {getattr(self, name)}")
        for name in ("share", "anonymous"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name}: expected a fraction from 0 to 1, found {getattr(self, name)}")


def queries(items: Any, out: Path_, *, base: Path_, events: Any = None, judged: Any = None, skip: Iterable[str] = (),
            date_field: str | None = None, options: Searches = Searches()) -> dict[str, int]:  # fmt: skip
    """Writes a training file of search requests to `out`, and returns how many there are of each kind.

    - `items`: item dicts, or a file of JSON lines, gzipped or not
    - `base`: the model folder that computes the features
    - `events`: the catalogue's log, as `Engine.log` takes it, or a file. Some of its events become the answer to a search
      for words of their item, with real histories and popularity; the others stay requests without a query
    - `judged`: known queries, dicts with `query` and `relevant` (ids), or a file; each pair becomes one more search
    - `skip`: text fields to make no query from; `date_field`: the field with the date, in seconds since 1970

    A query never contains its item's title as a phrase. The same seed gives the same file.
    """
    catalogue = [_dated(item, date_field) for item in _lines(items)]
    random = np.random.default_rng(options.seed)
    maker = Maker(catalogue, Neighbours(Base.read(base)), skip)
    counts: Counter[str] = Counter()
    pairs = [(str(row["query"]), str(item)) for row in _lines(judged) for item in row["relevant"]]
    if events is None:
        log = _alone([str(item["id"]) for item in catalogue], pairs, maker, options, random, counts)
    else:
        log = _among(list(_lines(events)), pairs, maker, options, random, counts)
    actions: Any = {ACTION: {"meaning": "positive", "weight": _WEIGHT}}
    beside = Path(out).resolve().parent
    beside.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=beside, prefix=".queries-") as folder:
        with onelist.open(folder, model=base, date_field=date_field, actions=actions) as db:
            db.put_many(catalogue)
            for start in range(0, len(log), _BATCH):
                db.log(log[start : start + _BATCH])
            made = db.export_training(out, requests=options.requests, negatives=options.negatives)
    return {"requests": made["requests"], "rows": made["rows"], "not retrieved": made["not_retrieved"], **counts}


def _alone(ids: Sequence[str], pairs: Sequence[tuple[str, str]], maker: Maker, options: Searches,
           random: np.random.Generator, counts: Counter[str]) -> list[dict[str, Any]]:  # fmt: skip
    """Searches of a catalogue without a log, in random order, each by another user."""
    found = [_count(counts, "judged", text, item) for text, item in pairs]
    for item in ids:
        for query in (maker.make(item, random) for _ in range(options.per_item)):
            if query is not None:
                found.append(_count(counts, query.kind, query.text, item))
    order = random.permutation(len(found))[: options.requests]
    return [_search(found[i], number, _START + _STEP * number) for number, i in enumerate(order)]


def _among(events: list[Mapping[str, Any]], pairs: Sequence[tuple[str, str]], maker: Maker, options: Searches,
           random: np.random.Generator, counts: Counter[str]) -> list[dict[str, Any]]:  # fmt: skip
    """The events of a log, some of the newest as answers to searches."""
    known = sorted(({key: event[key] for key in _KEYS if event.get(key) is not None} for event in events), key=_time)
    if options.until is not None:
        known = [event for event in known if _time(event) < options.until]
    asked = [at for at, event in enumerate(known) if "item" in event and event.get("action") not in _AGAINST]
    first = asked[-options.requests] if len(asked) >= options.requests else 0
    waiting, log = list(pairs), known[:first]
    every = max(1, (len(known) - first) // max(1, len(pairs)))
    for number, event in enumerate(known[first:]):
        if waiting and number % every == every - 1:
            log.append(_search(_count(counts, "judged", *waiting.pop()), number, _time(event)))
        drawn = "item" in event and "query" not in event and random.random() < options.share
        query = maker.make(str(event["item"]), random) if drawn else None
        if query is None:
            counts["without a query"] += 1
        else:
            found = _count(counts, query.kind, query.text, query.item)
            if random.random() < options.anonymous:
                log.append(_search(found, number, _time(event)))
            else:
                event = {**event, "query": query.text}
        log.append(event)
    return log


def _count(counts: Counter[str], kind: str, text: str, item: str) -> tuple[str, str]:
    counts[kind] += 1
    return text, item


def _search(found: tuple[str, str], number: int, time: float) -> dict[str, Any]:
    """A search by a user without other events."""
    return {"user": f"search-{number}", "query": found[0], "item": found[1], "action": ACTION, "time": time}


def _time(event: Mapping[str, Any]) -> float:
    time = event["time"]
    return float(time) if isinstance(time, (int, float)) else float(time.timestamp())


def _dated(item: Mapping[str, Any], field: str | None) -> dict[str, Any]:
    """The item with its date as a datetime, if it is given in seconds."""
    value = None if field is None else item.get(field)
    if field is None or not isinstance(value, (int, float)):
        return dict(item)
    return {**item, field: dt.datetime.fromtimestamp(value, dt.timezone.utc)}


def _lines(source: Any) -> Iterator[dict[str, Any]]:
    """The dicts of a sequence, or of a file of JSON lines."""
    if isinstance(source, (str, os.PathLike)):
        opened = gzip.open if str(source).endswith(".gz") else open
        with opened(source, "rt", encoding="utf-8") as lines:
            yield from (json.loads(line) for line in lines)
    else:
        yield from source or ()
