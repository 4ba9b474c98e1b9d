"""Measuring: the part of ``onelist.Engine`` that says how good its lists are."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

from onelist import _native as native
from onelist._json import Listener, heard, to_json
from onelist.errors import InvalidArgumentError
from onelist.evaluation import Report
from onelist.types import External, JudgedQuery, NewItems, Questions, Time


def seconds(time: Time) -> float | str:
    """Seconds since 1970, or the text that was given; a datetime without a time zone is in UTC."""
    if isinstance(time, datetime.datetime):
        return (time if time.tzinfo else time.replace(tzinfo=datetime.timezone.utc)).timestamp()
    if isinstance(time, datetime.date):
        return seconds(datetime.datetime.combine(time, datetime.time()))
    return time


def _judged(query: Mapping[str, Any]) -> dict[str, Any]:
    """The query with its time in seconds."""
    time = query.get("time")
    return {**query, "time": None if time is None else seconds(time)}


def _questions(
    protocol: str | None,
    at: Time | None,
    fraction: float | None,
    targets: str | None,
    until: Time | None,
    exclude_seen: bool | None,
    min_history: int | None,
    max_targets: int | None,
    queries: Iterable[JudgedQuery] | None,
    next_item: bool | None,
    seed: int | None,
) -> dict[str, Any]:
    """The keys of a plan that decide what is asked."""
    splits = protocol in (None, "time_split")
    return {
        "protocol": protocol,
        "at_time": None if at is None else seconds(at),
        "at_fraction": fraction if splits else None,
        "fraction": None if splits else fraction,
        "targets": targets,
        "until": None if until is None else seconds(until),
        "exclude_seen": exclude_seen,
        "min_history": min_history,
        "max_targets": max_targets,
        "queries": None if queries is None else [_judged(query) for query in queries],
        "next_item": next_item,
        "seed": seed,
    }


def _variant(name: str, other: Sequence[Sequence[float]] | str | os.PathLike[str]) -> dict[str, Any]:
    """Other weights, or another model, as the plan has them."""
    if isinstance(other, (str, os.PathLike)):
        return {"name": name, "model": os.fspath(other)}
    return {"name": name, "weights": other}


def _external(one: External | str | os.PathLike[str]) -> object:
    """The answers of a system, out of their file if they are in one."""
    if not isinstance(one, str | os.PathLike):
        return one
    try:
        return json.loads(Path(one).read_text(encoding="utf-8"))
    except ValueError as failed:
        raise InvalidArgumentError(f"external: expected a JSON file at {os.fspath(one)}: {failed}") from failed


class MeasureCalls:
    """Evaluation, and the questions that it asks. ``onelist.Engine`` has these methods."""

    __slots__ = ()

    _native: native.Engine

    def evaluate(
        self,
        protocol: Literal["time_split", "leave_last_out", "item_cold", "user_cold"] | None = None,
        *,
        at: Time | None = None,
        fraction: float | None = None,
        targets: Literal["first_new", "first", "last", "every"] | None = None,
        until: Time | None = None,
        exclude_seen: bool | None = None,
        min_history: int | None = None,
        ks: Sequence[int] | None = None,
        max_targets: int | None = None,
        queries: Iterable[JudgedQuery] | None = None,
        next_item: bool | None = None,
        baselines: bool | None = None,
        leave_out: bool | None = None,
        tune: bool | None = None,
        new_items: NewItems | None = None,
        variants: Mapping[str, Sequence[Sequence[float]] | str | os.PathLike[str]] | None = None,
        external: Iterable[External | str | os.PathLike[str]] | None = None,
        category: str | None = None,
        resamples: int | None = None,
        check_targets: int | None = None,
        seed: int | None = None,
        progress: Listener | None = None,
    ) -> Report:
        """Measures how good the lists are: replays the log into a scratch copy of this engine and asks it, and the
        baselines, just before each target happens. The store is only read. See docs/EVALUATE.md.

        - ``protocol``: time_split (the default: targets after one moment), leave_last_out, item_cold or user_cold
        - ``at``: the moment of a time split; ``fraction``: of events before it (0.9), or of hidden items or users (0.1)
        - ``targets``: first_new (the default: each user's first item that is new to them), first, last or every
        - ``until``: leave later events out; ``exclude_seen`` (True): rank and ask for new items only
        - ``min_history`` (1): events a user must have; ``ks`` ([10]): lengths of list; ``max_targets`` (2000)
        - ``queries``: searches to measure (``onelist.types.JudgedQuery``); ``next_item`` (True): recommendation too
        - ``baselines`` (True); ``leave_out`` (False): what each source and feature is worth
        - ``tune`` (False): fit the weights on the way, to what was logged before each target
        - ``new_items``: places for new items in every list, as ``rank`` takes it
        - ``external``: answers of other systems to what ``questions`` lists, or the JSON files they are in
        - ``variants``: other weights, or the folder of another model, by name; ``category``: the tag field whose mix is compared
        - ``resamples`` (1000) and ``seed`` (1) of the intervals; ``check_targets`` (20) of the point-in-time check
        """
        plan = {
            **_questions(protocol, at, fraction, targets, until, exclude_seen, min_history, max_targets, queries, next_item, seed),
            "ks": None if ks is None else list(ks),
            "baselines": baselines,
            "leave_out": leave_out,
            "tune": tune,
            "new_items": new_items,
            "variants": None if variants is None else [_variant(*one) for one in variants.items()],
            "external": None if external is None else [_external(one) for one in external],
            "category": category,
            "resamples": resamples,
            "check_targets": check_targets,
        }
        with heard(progress):
            return Report(*json.loads(self._native.call("evaluate", to_json(plan, "evaluate"))))

    def questions(
        self,
        protocol: Literal["time_split", "leave_last_out", "item_cold", "user_cold"] | None = None,
        *,
        at: Time | None = None,
        fraction: float | None = None,
        targets: Literal["first_new", "first", "last", "every"] | None = None,
        until: Time | None = None,
        exclude_seen: bool | None = None,
        min_history: int | None = None,
        max_targets: int | None = None,
        queries: Iterable[JudgedQuery] | None = None,
        next_item: bool | None = None,
        seed: int | None = None,
        progress: Listener | None = None,
    ) -> Questions:
        """Lists what ``evaluate`` asks by the same keywords, without the answers: to ask a system from elsewhere, whose
        answers are then measured by ``evaluate(external=...)``. See docs/EVALUATE.md."""
        plan = _questions(protocol, at, fraction, targets, until, exclude_seen, min_history, max_targets, queries, next_item, seed)
        with heard(progress):
            return cast(Questions, json.loads(self._native.call("questions", to_json(plan, "questions"))))
