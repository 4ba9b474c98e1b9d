"""The engine: one object, with the verbs of the store."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, SupportsIndex, Unpack, cast, overload

from onelist import _native
from onelist._json import to_json
from onelist._native import Ranking
from onelist._request import prepared, refuse_unknown, with_keywords
from onelist._runtime import installed_runtime
from onelist.tuning import Tuning
from onelist.errors import InvalidArgumentError
from onelist.measure import MeasureCalls, seconds
from onelist.models import ModelCalls
from onelist.types import (
    ActionConfig,
    Exploration,
    NewItemExposure,
    FieldOptions,
    Impression,
    ImpressionOptions,
    ItemDict,
    NewItems,
    Options,
    RetentionOptions,
    Rule,
    Stats,
    StoredItem,
    Time,
    TrainingSummary,
    UserOptions,
)


def open(  # noqa: A001 (onelist.open reads as what it is)
    path: str | os.PathLike[str],
    *,
    fields: Mapping[str, FieldOptions] | None = None,
    strict: bool | None = None,
    date_field: str | None = None,
    onnxruntime: str | os.PathLike[str] | None = None,
    model: str | os.PathLike[str] | None = None,
    provider: Literal["cpu", "cuda", "tensorrt"] | None = None,
    provider_fallback: bool | None = None,
    precision: Literal["full", "reduced"] | None = None,
    engine_cache: str | os.PathLike[str] | None = None,
    sessions: int | None = None,
    threads_per_session: int | None = None,
    index_threads: int | None = None,
    candidates: int | None = None,
    weights: Sequence[Sequence[float]] | None = None,
    tune: bool | None = None,
    fit_space: bool | None = None,
    re_embed: bool | None = None,
    rating_scale: tuple[float, float] | None = None,
    session_gap: float | None = None,
    retention: RetentionOptions | None = None,
    actions: Mapping[str, ActionConfig] | None = None,
    impressions: bool | ImpressionOptions | None = None,
    explore: Exploration | None = None,
    new_items: NewItems | None = None,
    max_bytes: int | None = None,
) -> Engine:
    """Opens the store at ``path``, or creates it. One process at a time may hold it open.

    What is left out has the engine's default:

    - ``fields``: type, boost or embedding of fields that are not left to inference, by name
    - ``strict``: refuse items with fields that are neither stored nor configured (False)
    - ``date_field``: a date field that says since when an item is available (the time of its first put)
    - ``onnxruntime``: the runtime's shared library or its folder (``ORT_DYLIB_PATH``, else the installed package)
    - ``model``: a folder with a ``manifest.json`` (the model that ships); a promoted model comes before it
    - ``provider``: where the model runs (cpu); ``provider_fallback``: use the CPU when it cannot start (False)
    - ``precision``: on a GPU, ``"reduced"`` computes faster and less exactly (full); ``engine_cache``: the folder of what
      TensorRT compiled (``engines`` in the store)
    - ``sessions``: requests that run at the same time (0: one for each core, at most 8); ``threads_per_session`` (1)
    - ``index_threads``: threads that add to the vector index (0: one for each core, at most 8)
    - ``candidates``: how many a request scores when it does not say (200)
    - ``weights``: rows of the model's linear part, one for each cell of the grid (those of the model)
    - ``tune``: fit the weights to the log in the background, whenever it has grown by half (False)
    - ``fit_space``: fit the vector space of items to the catalog in the background, from a thousand items with text on, and
      again each time it has grown tenfold (False)
    - ``re_embed``: where the model is of another vector space than the stored vectors, place every item anew while opening,
      instead of refusing (False)
    - ``actions``: what actions mean, by name: ``{"wish": {"meaning": "positive", "weight": 1.5}}``
    - ``session_gap``: seconds without an event after which a visit is over (1800)
    - ``retention``: which events are kept (all of them), as ``{"per_user": 500, "total": 5_000_000, "days": 730}``
    - ``impressions``: which rankings are remembered (all, the newest 100,000); False for none
    - ``explore``: lists whose order is drawn at random (none); ``new_items``: places for new items (none)
    - ``rating_scale``: lowest and highest rating (1 to 5); ``max_bytes``: most that the catalog may grow to (1 TiB)

    Raises ``SetupError`` (the path, ONNX Runtime or the model), ``BusyError`` (open elsewhere), ``InputError`` (a
    setting) or ``DamagedError``.
    """
    config = {
        "fields": fields,
        "strict": strict,
        "date_field": date_field,
        "onnxruntime": onnxruntime if onnxruntime is not None else installed_runtime(),
        "model": model,
        "provider": provider,
        "provider_fallback": provider_fallback,
        "precision": precision,
        "engine_cache": engine_cache,
        "sessions": sessions,
        "threads_per_session": threads_per_session,
        "index_threads": index_threads,
        "candidates": candidates,
        "weights": weights,
        "tune": tune,
        "fit_space": fit_space,
        "re_embed": re_embed,
        "rating_scale": rating_scale,
        "session_gap": session_gap,
        "retention": retention,
        "actions": actions,
        "impressions": impressions,
        "explore": explore,
        "new_items": new_items,
        "max_bytes": max_bytes,
    }
    given = {name: value for name, value in config.items() if value is not None}
    return Engine(_native.Engine(path, to_json(given, "configuration")))


def _at_least_one(what: str, number: int) -> None:
    """Refuses a step of nothing, which would end at once and look like an empty stream."""
    if number < 1:
        raise InvalidArgumentError(f"{what}: expected at least 1, found {number}")


class Engine(ModelCalls, MeasureCalls):
    """An open store. ``onelist.open`` makes one; any number of threads may use it.

    Durable on return: what ``put``, ``delete`` and ``log`` have written survives a kill and a power cut, and the next
    ``rank`` sees it. Every batch is atomic: all of it or none of it.
    """

    __slots__ = ()

    def __init__(self, native: _native.Engine) -> None:
        """Wraps an opened native engine; use ``onelist.open``."""
        self._native = native

    def put(self, items: ItemDict | Iterable[ItemDict]) -> None:
        """Puts one item, or an iterable of items as one atomic batch (at most 1,000,000; see ``put_many``).

        An item replaces the one with its id. When an id comes twice in a batch, the later item stays. A field keeps the
        type of its first value. Raises ``InputError`` with the item and the field named; nothing is written then.
        """
        self._native.put(items)

    def put_many(
        self, items: Iterable[ItemDict], *, batch: int = 1000, progress: Callable[[int], object] | None = None
    ) -> int:
        """Puts a stream of any length, ``batch`` items at a time, and returns how many.

        Each batch is atomic, the stream is not: when an item is refused, the batches before its own are stored.
        ``progress`` is called after each batch with the number of items put so far.
        """
        _at_least_one("batch", batch)
        done = 0
        stream = iter(items)
        while chunk := list(itertools.islice(stream, batch)):
            self.put(chunk)
            done += len(chunk)
            if progress is not None:
                progress(done)
        return done

    def delete(self, ids: str | Iterable[str]) -> int:
        """Deletes one id, or an iterable of ids as one atomic batch; returns how many of them existed."""
        return self._native.delete(ids)

    # A str is an iterable of str too, so the first overload must stay the first.
    @overload
    def get(self, ids: str) -> StoredItem | None: ...  # type: ignore[overload-overlap]
    @overload
    def get(self, ids: Iterable[str]) -> list[StoredItem | None]: ...
    def get(self, ids: str | Iterable[str]) -> StoredItem | None | list[StoredItem | None]:
        """The stored item of an id, or a list of them for an iterable of ids; None where there is none."""
        found = self._native.get(ids)
        return found[0] if isinstance(ids, str) else found

    def scan(self, after: str | None = None, limit: SupportsIndex = 100) -> list[StoredItem]:
        """At most ``limit`` items in the order of their first put, after the item ``after`` (None: from the first)."""
        return self._native.scan(after, limit)

    def items(self, *, page: int = 1000) -> Iterator[StoredItem]:
        """Every item, in the order of their first put, read ``page`` at a time; items put meanwhile may come too."""
        _at_least_one("page", page)
        after = None
        while found := self.scan(after, page):
            yield from found
            after = found[-1]["id"]

    def log(
        self,
        events: Mapping[str, object] | Iterable[Mapping[str, object]] | None = None,
        *,
        user: str | None = None,
        item: str | None = None,
        action: str = "click",
        query: str | None = None,
        value: float | None = None,
        time: Time | None = None,
        rank_id: str | None = None,
        basket: str | None = None,
        segments: Mapping[str, str] | None = None,
    ) -> None:
        """Logs what somebody did: one event by keywords, or dicts (``onelist.types.Event``) as one atomic batch.

        - ``user``: who; unknown users are created
        - ``item``: to which item; ``query``: what was searched for; one of the two is needed
        - ``action``: click (the default), view, cart, buy, like, dislike, skip, hide, rate, share, search, or your own
        - ``value``: a rating, a quantity, seconds watched
        - ``time``: when (now); ``rank_id``: the ranking that was answered to
        - ``basket``: the basket, order or session; what shares one was had together
        - ``segments``: which segments the user was in, by name: ``{"country": "UK"}``
        """
        one: dict[str, object] = {"user": user, "item": item, "query": query, "value": value, "time": time}
        one |= {"rank_id": rank_id, "basket": basket, "segments": segments}
        if events is None:
            self._native.log([{**one, "action": action}])
        elif given := [name for name, value in one.items() if value is not None]:
            raise TypeError(f"log: expected events or keywords, found both (events and {', '.join(given)})")
        else:
            self._native.log([events] if isinstance(events, Mapping) else events)

    @with_keywords
    def rank(self, query: str | None = None, **options: Unpack[UserOptions]) -> Ranking:
        """The one verb. A query makes it a search, a history a recommendation, both a personalised search; with
        neither it answers what is popular and fresh."""
        refuse_unknown(options)
        return self._native.rank(prepared({"query": query, **options}))

    def search(self, query: str, **options: Unpack[UserOptions]) -> Ranking:
        """``rank`` with a query."""
        return self.rank(query, **options)

    def recommend(self, user: str, **options: Unpack[Options]) -> Ranking:
        """``rank`` for a user."""
        return self.rank(user=user, **options)

    def similar(self, ids: str | Iterable[str], **options: Unpack[UserOptions]) -> Ranking:
        """``rank`` with seeds: more like these."""
        return self.rank(like=ids, **cast(dict[str, Any], options))

    def rerank(self, ids: Iterable[str], query: str | None = None, **options: Unpack[UserOptions]) -> Ranking:
        """``rank`` among these ids only."""
        return self.rank(query, among=ids, **cast(dict[str, Any], options))

    def rank_many(self, requests: Iterable[Mapping[str, object]]) -> list[Ranking]:
        """One ranking for each request (``onelist.types.Request``: keywords of ``rank``), in order; at most 1024."""
        return self._native.rank_many(prepared(request) for request in requests)

    def impressions(self, after: str | None = None, limit: SupportsIndex = 1000) -> list[Impression]:
        """The rankings that are remembered, oldest first: at most ``limit`` after that of ``after``, a ``rank_id``
        (None: from the first)."""
        return cast(list[Impression], json.loads(self._native.impressions(after, limit)))

    def new_item_exposure(self) -> NewItemExposure:
        """How much of what was shown were new items. Reads every impression."""
        return cast(NewItemExposure, json.loads(self._native.new_item_exposure()))

    def rebuild_cooccurrence(self) -> None:
        """Fits what is fitted to the whole log now (which items the same people have), instead of in the background when
        the log has grown by a fifth: for measuring, and after a bulk import."""
        self._native.rebuild_cooccurrence()

    def fit_space(self) -> bool:
        """Fits the vector space of items to the catalog and places every item anew, while requests and writes go on; False,
        with nothing changed, when fewer than 100 items have text. ``stats()["space"]`` says what is live. Scores change."""
        return self._native.fit_space()

    def verify_vectors(self) -> bool:
        """Compares the vectors, the semantic ids and their lists of all items; False when something is missing or too
        many."""
        return self._native.verify_vectors()

    def verify_signals(self) -> bool:
        """Counts all signals anew from the stored events, after a change of ``actions`` or as a check; False when a count
        changed. Writers wait meanwhile."""
        return self._native.verify_signals()

    def apply_retention(self) -> int:
        """Removes the events that ``retention`` does not keep now, instead of in the background when the log has grown by a
        tenth or a day has passed; returns how many."""
        return self._native.apply_retention()

    def tune(self, *, until: Time | None = None) -> Tuning:
        """Fits the weights of the model's linear part to this store's log (to the events before ``until``), checks them
        on later events than those they were fitted to, and ranks by those that are better from now on; durable.

        A log that is too small gives no ``sets`` and changes nothing. See docs/RECOMMEND.md.
        """
        return Tuning(*self._native.tune(until))

    def tunings(self) -> list[Tuning]:
        """The tunings that are kept, oldest first; ``stats()["weights_version"]`` says which one is in force."""
        return [Tuning(*one) for one in self._native.tunings()]

    def use_tuning(self, version: SupportsIndex) -> None:
        """Puts a kept calibration in force, or with 0 what the model ships; durable on return."""
        self._native.use_tuning(version)

    def export_training(
        self,
        path: str | os.PathLike[str],
        *,
        requests: int | None = None,
        stratified: bool = False,
        negatives: int | None = None,
        until: Time | None = None,
    ) -> TrainingSummary:
        """Writes past requests as a Parquet file to train models on: one row for each candidate, with its features as they
        were at the time, the history, and whether it was taken. docs/TRAINING.md lists the columns. The store is only read.

        - ``requests`` (100,000): at most so many, the newest
        - ``stratified``: in their place some of each kind from the whole log: what begins a visit, what goes on in one, with what was
          had and without it
        - ``negatives``: so many candidates of each request that were not taken, drawn evenly (all of them)
        - ``until``: leave out what happened from then on
        """
        until = None if until is None else seconds(until)
        plan = {"requests": requests, "stratified": stratified, "negatives": negatives, "until": until}
        written = self._native.export_training(path, to_json(plan, "export_training"))
        return cast(TrainingSummary, json.loads(written))

    def set_scenario(self, name: str, rules: Sequence[Rule]) -> None:
        """Stores rules under a name (``rank(scenario=name)``), in place of those that it had; durable on return."""
        self._native.set_scenario(name, rules)

    def scenarios(self) -> dict[str, list[dict[str, Any]]]:
        """The stored scenarios: rules by name, as they were given; dates as ``{"date": seconds}``."""
        return cast(dict[str, list[dict[str, Any]]], json.loads(self._native.scenarios()))

    def delete_scenario(self, name: str) -> bool:
        """Removes a scenario; False when there is none of that name."""
        return self._native.delete_scenario(name)

    def stats(self) -> Stats:
        """The state of the engine, in numbers."""
        return cast(Stats, json.loads(self._native.stats()))

    def flush(self) -> None:
        """Waits until both indexes hold everything that is committed, and writes their checkpoints.

        Nothing is lost without it: it only makes the next opening faster.
        """
        self._native.flush()

    def close(self) -> None:
        """Flushes and closes; later calls raise ``ClosedError``. Closing twice is fine."""
        self._native.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
