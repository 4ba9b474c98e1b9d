"""JSON text: for the arguments that the engine reads as JSON (the configuration, plans), and of filters."""

import datetime
import json
from collections.abc import Mapping
from typing import Any

from onelist.errors import InvalidArgumentError


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
        return dict(value)
    if hasattr(value, "tolist"):
        return value.tolist()
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
