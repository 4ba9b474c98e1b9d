"""Requests as the native module takes them."""

from collections.abc import Mapping
from typing import Any

from onelist._json import to_json

_AS_JSON = ("filter", "caps", "calibrate_mix", "rules", "explore", "new_items")


def prepared(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """The request with the parts that the engine reads as JSON text; a filter may be such a text already."""
    if not isinstance(request, Mapping):
        return request
    parts = {name: request[name] for name in _AS_JSON if request.get(name) is not None}
    written = {
        name: to_json(part, name) for name, part in parts.items() if not (name == "filter" and isinstance(part, str))
    }
    return {**request, **written} if written else request
