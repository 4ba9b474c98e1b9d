"""`queries`: a training file of search requests for a catalogue that nobody has searched yet, by way of the engine's own log.

The items go into a store that is thrown away, made-up searches are logged there as if somebody had searched, and
`export_training` writes the rows: candidates and features are those that the engine would have had.
"""

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

from .base import Base
from .wording import Maker
from .words import Neighbours

Path_ = str | os.PathLike[str]
ACTION = "found"
"""The action of a made-up search. It counts next to nothing: what is popular is what the log says."""
_WEIGHT = 1e-6
_KEYS = ("user", "item", "action", "query", "value", "time", "basket", "segments")
_START, _STEP = 1_767_225_600.0, 60.0
"""When the first search of a catalogue without a log happens (2026-01-01), and the seconds to the next."""
_BATCH = 50_000
_AGAINST = ("dislike", "hide", "skip")


@dataclass(frozen=True)
class Searches:
    """Which searches are made up; `queries` explains each."""

    per_item: int = 1
    """of a catalogue without a log: queries of each item"""
    share: float = 0.3
    """of a catalogue with a log: the share of the exported events that are the answer to a search"""
    anonymous: float = 0.3
    """the share of those that somebody unknown asks, instead of the event's own user"""
    requests: int = 40_000
    """newest events that are exported"""
    negatives: int = 60
    """candidates of each that were not taken"""
    until: float | None = None
    """seconds since 1970 from which on the log is not looked at"""
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuses what cannot be."""
        for name, least in {"per_item": 0, "requests": 1, "negatives": 1}.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name}: expected at least {least}, found {getattr(self, name)}")
        for name in ("share", "anonymous"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name}: expected a share from 0 to 1, found {getattr(self, name)}")


def queries(items: Any, out: Path_, *, base: Path_, events: Any = None, judged: Any = None, skip: Iterable[str] = (),
            date_field: str | None = None, options: Searches = Searches()) -> dict[str, int]:  # fmt: skip
    """Writes a training file `out` of search requests, and says how many there are of each kind.

    - `items`: item dicts, or a file of JSON lines (`.gz` too); `base`: the model folder whose features they get
    - `events`: the catalogue's log, as `Engine.log` takes it, or a file. Some of its events become the answer to a search for
      words of their item, so that histories and popularity are real; the others stay requests without a query
    - `judged`: known queries, dicts with `query` and `relevant` (ids), or a file; each pair is one more search
    - `skip`: text fields that no query is made from; `date_field`: the field with the date (seconds since 1970)

    A query never has the words of its item's title one after another. A seed gives the same file.
    """
    import onelist

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
    """Searches of a catalogue without a log, in a drawn order, each by somebody else."""
    found = [_count(counts, "judged", text, item) for text, item in pairs]
    for item in ids:
        for query in (maker.make(item, random) for _ in range(options.per_item)):
            if query is not None:
                found.append(_count(counts, query.kind, query.text, item))
    order = random.permutation(len(found))[: options.requests]
    return [_search(found[i], place, _START + _STEP * place) for place, i in enumerate(order)]


def _among(events: list[Mapping[str, Any]], pairs: Sequence[tuple[str, str]], maker: Maker, options: Searches,
           random: np.random.Generator, counts: Counter[str]) -> list[dict[str, Any]]:  # fmt: skip
    """The events of a log, the newest of which are answers to searches now and then."""
    known = sorted(({key: event[key] for key in _KEYS if event.get(key) is not None} for event in events), key=_time)
    if options.until is not None:
        known = [event for event in known if _time(event) < options.until]
    asked = [at for at, event in enumerate(known) if "item" in event and event.get("action") not in _AGAINST]
    first = asked[-options.requests] if len(asked) >= options.requests else 0
    waiting, log = list(pairs), known[:first]
    every = max(1, (len(known) - first) // max(1, len(pairs)))
    for place, event in enumerate(known[first:]):
        if waiting and place % every == every - 1:
            log.append(_search(_count(counts, "judged", *waiting.pop()), place, _time(event)))
        drawn = "item" in event and "query" not in event and random.random() < options.share
        query = maker.make(str(event["item"]), random) if drawn else None
        if query is None:
            counts["without a query"] += 1
        else:
            found = _count(counts, query.kind, query.text, query.item)
            if random.random() < options.anonymous:
                log.append(_search(found, place, _time(event)))
            else:
                event = {**event, "query": query.text}
        log.append(event)
    return log


def _count(counts: Counter[str], kind: str, text: str, item: str) -> tuple[str, str]:
    counts[kind] += 1
    return text, item


def _search(found: tuple[str, str], number: int, time: float) -> dict[str, Any]:
    """A search by somebody who does nothing else."""
    return {"user": f"search-{number}", "query": found[0], "item": found[1], "action": ACTION, "time": time}


def _time(event: Mapping[str, Any]) -> float:
    time = event["time"]
    return float(time) if isinstance(time, (int, float)) else float(time.timestamp())


def _dated(item: Mapping[str, Any], field: str | None) -> dict[str, Any]:
    """The item with its date as one, when it is given in seconds."""
    import datetime as dt

    value = None if field is None else item.get(field)
    if field is None or not isinstance(value, (int, float)):
        return dict(item)
    return {**item, field: dt.datetime.fromtimestamp(value, dt.timezone.utc)}


def _lines(source: Any) -> Iterator[dict[str, Any]]:
    """Dicts as they are given, or of a file of JSON lines."""
    if isinstance(source, (str, os.PathLike)):
        opened = gzip.open if str(source).endswith(".gz") else open
        with opened(source, "rt", encoding="utf-8") as lines:
            yield from (json.loads(line) for line in lines)
    else:
        yield from source or ()
