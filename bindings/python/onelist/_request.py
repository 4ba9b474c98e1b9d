"""Requests: their keywords are declared in ``onelist.types.Request``, and tested against what the engine reads."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from onelist._json import from_json
from onelist.types import Options, Request, UserOptions

_KEYWORDS = Request.__annotations__.keys()
_Method = TypeVar("_Method", bound=Callable[..., Any])


def with_keywords(method: _Method) -> _Method:
    """Shows the keywords of a request one by one, in the signature and in the text of a method that takes all of them."""
    plain = inspect.signature(method)
    own = [one for one in plain.parameters.values() if one.kind is not one.VAR_KEYWORD]
    names = {one.name for one in own}
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=type_)
        for name, type_ in Request.__annotations__.items()
        if name not in names
    ]
    method.__signature__ = plain.replace(parameters=[*own, *more])  # type: ignore[attr-defined]
    texts = [inspect.cleandoc(of.__doc__ or "") for of in (method, Request, UserOptions, Options)]
    method.__doc__ = "\n\n".join(texts)
    return method


def refuse_unknown(options: Iterable[str]) -> None:
    """Refuses a misspelt keyword as Python does."""
    for name in options:
        if name not in _KEYWORDS:
            raise TypeError(f"rank() got an unexpected keyword argument {name!r}")


def prepared(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """The request; a filter that is JSON text is read."""
    if isinstance(request, Mapping) and isinstance(text := request.get("filter"), str):
        return {**request, "filter": from_json(text, "filter")}
    return request
