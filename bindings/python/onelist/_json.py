"""JSON text: for the arguments that the engine reads as JSON (the configuration, plans), and of filters."""

import contextlib
import datetime
import itertools
import json
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any, SupportsIndex

from onelist import _native
from onelist.errors import InvalidArgumentError, InvalidTypeError

_MOST_ENTRIES = 65_536


def _plain(value: Any) -> Any:
    """What JSON has no form for: times, sets, NumPy scalars and arrays, paths, mappings."""
    if isinstance(value, datetime.datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)
        return {"date": aware.timestamp()}
    if isinstance(value, datetime.date):
        return _plain(datetime.datetime.combine(value, datetime.time()))
    if isinstance(value, set | frozenset):
        return list(value)
    if isinstance(value, Mapping):
        # So many at most that one without end is an error and not a full memory.
        pairs = list(itertools.islice(value.items(), _MOST_ENTRIES + 1))
        if len(pairs) > _MOST_ENTRIES:
            raise ValueError(f"at most {_MOST_ENTRIES} entries of one mapping")
        return dict(pairs)
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, SupportsIndex):
        return value.__index__()
    if hasattr(value, "__fspath__"):
        return value.__fspath__()
    raise TypeError(f"found {type(value).__name__}")


def to_json(value: object, what: str) -> str:
    """The JSON text of an argument. ``what`` names it in errors."""
    try:
        return json.dumps(value, default=_plain, allow_nan=False)
    except (TypeError, ValueError, OverflowError, RecursionError) as failed:
        message = f"{what}: expected str, finite numbers, bool, datetime, date, and lists and dicts of them: {failed}"
        raise InvalidArgumentError(message) from failed


def from_json(text: str, what: str) -> Any:
    """The value of a JSON text. ``what`` names it in errors."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(found := dict(pairs)) < len(pairs):
            raise ValueError("a key stands twice in one object")
        return found

    try:
        return json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError) as failed:
        raise InvalidArgumentError(f"{what}: expected JSON: {failed}") from failed


Listener = Callable[[int, int, str], object]
"""Hears how far a long call is: units that are done, units in all (0 where that is not known), and the name of the step."""


@contextlib.contextmanager
def heard(progress: Listener | None) -> Iterator[None]:
    """Calls ``progress`` while the calls inside work."""
    before = _native.listen(progress)
    try:
        yield
    finally:
        _native.listen(before)


def whole(number: SupportsIndex, what: str) -> int:
    """The int of a whole number. ``what`` names it in errors."""
    try:
        return operator.index(number)
    except TypeError:
        raise InvalidTypeError(f"{what}: expected int, found {type(number).__name__}") from None


def call(native: _native.Engine, method: str, **arguments: object) -> Any:
    """Calls a method of the engine by its name; the answer. An argument that is None is one that is not given."""
    given = {name: value for name, value in arguments.items() if value is not None}
    return json.loads(native.call(method, to_json(given, method)))
