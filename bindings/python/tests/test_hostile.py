"""Inputs that must be typed errors with a helpful text, or be taken; never a crash, and nothing written."""

import collections
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from shop import IDS, SHOP

import onelist
from onelist import errors

ITEMS: list[tuple[Any, type[Exception], str]] = [
    ({"title": "no id"}, errors.InvalidArgumentError, "`id`"),
    ({"id": ""}, errors.InvalidIdError, "1 to 512 bytes"),
    ({"id": "x" * 513}, errors.InvalidIdError, "513"),
    ({"id": "é" * 300}, errors.InvalidIdError, "600"),
    ({"id": 7}, errors.InvalidTypeError, r"item\.id: expected str, found int"),
    ({"id": None}, errors.InvalidTypeError, "NoneType"),
    ({"id": "a\ud800"}, errors.InvalidUtf8Error, r"item\.id.*offset 1"),
    ({"id": "a", "t": "é\udcff"}, errors.InvalidUtf8Error, r"item\.t.*offset 2"),
    ({"id": "a", "t\udcff": 1}, errors.InvalidUtf8Error, "offset 1"),
    ({"id": "a", "t": ["ok", "\udcff"]}, errors.InvalidUtf8Error, r"item\.t\[1\]"),
    ({"id": "a", 7: 1}, errors.InvalidTypeError, "expected str, found int"),
    ({"id": "a", "": 1}, errors.InvalidArgumentError, "field name"),
    ({"id": "a", "f" * 129: 1}, errors.InvalidArgumentError, "129"),
    ({"id": "a", "n": [1, float("nan")]}, errors.NonFiniteError, "`n`"),
    ({"id": "a", "n": ["x", float("nan")]}, errors.InvalidTypeError, "n"),
    ({"id": "a", "n": 2**64}, errors.InvalidArgumentError, r"2\^64"),
    ({"id": "a", "n": 10**60}, errors.InvalidArgumentError, "n"),
    ({"id": "a", "n": float("-inf")}, errors.NonFiniteError, "`n`"),
    ({"id": "a", "n": 10**400}, errors.InvalidArgumentError, "larger integer"),
    ({"id": "a", "n": 1 + 2j}, errors.InvalidTypeError, "complex"),
    ({"id": "a", "b": b"bytes"}, errors.InvalidTypeError, "bytes"),
    ({"id": "a", "o": object()}, errors.InvalidTypeError, r"item\.o.*found object"),
    ({"id": "a", "g": {"lat": 91, "lon": 0}}, errors.InvalidArgumentError, "latitude"),
    ({"id": "a", "g": {"lat": 1}}, errors.InvalidTypeError, r"keys \[lat\]"),
    ({"id": "a", "g": {"lat": "north", "lon": 0}}, errors.InvalidTypeError, r"item\.g\.lat"),
    ({"id": "a", "g": {}}, errors.InvalidTypeError, "lat"),
    ({"id": "a", "l": ["tag", 1]}, errors.InvalidTypeError, r"item\.l\[1\]"),
    ({"id": "a", "l": [1, "tag"]}, errors.InvalidTypeError, r"item\.l\[1\]"),
    ({"id": "a", "l": [True, False]}, errors.InvalidTypeError, "bool"),
    ({"id": "a", "l": [[1.0]]}, errors.InvalidTypeError, "list"),
    ({"id": "a", "l": {1.0, 2.0}}, errors.InvalidTypeError, r"item\.l\[0\]: expected str"),
    ({"id": "a", "l": ["x" * 257]}, errors.LimitExceededError, "256"),
    ({"id": "a", "l": ["x"] * 1025}, errors.LimitExceededError, "1024"),
    ({"id": "a", "t": "x" * (2**20 + 1)}, errors.LimitExceededError, "1048576"),
    ({"id": "a", **{f"f{n}": n for n in range(257)}}, errors.LimitExceededError, "256"),
    ({"id": "a", "v": np.array([1.0, np.nan])}, errors.NonFiniteError, "index 1"),
    ({"id": "a", "v": [1.0, float("inf")]}, errors.NonFiniteError, "`v`"),
    ({"id": "a", "v": np.array([1e300, 1.0])}, errors.NonFiniteError, "index 0"),
    ({"id": "a", "v": np.zeros(4)}, errors.ZeroNormError, "`v`"),
    ({"id": "a", "v": np.array([], dtype="float32")}, errors.ZeroNormError, "`v`"),
    ({"id": "a", "v": np.ones(8193)}, errors.LimitExceededError, "8192"),
    ({"id": "a", "v": np.ones((2, 2))}, errors.InvalidTypeError, "2-D array"),
    ({"id": "a", "v": np.array([1j])}, errors.InvalidTypeError, "1-D array"),
    ({"id": "a", "v": np.array([True])}, errors.InvalidTypeError, "1-D array"),
    ({"id": "a", "v": np.array(None, dtype=object)}, errors.InvalidTypeError, "0-D array"),
    ({"id": "a", "image": np.ones(3)}, errors.DimMismatchError, "expected 4 dimensions, found 3"),
    ({"id": "a", "image": np.ones(5)}, errors.DimMismatchError, "found 5"),
    ({"id": "a", "price": "cheap"}, errors.FieldTypeError, "expected number, found text"),
    ({"id": "a", "price": True}, errors.FieldTypeError, "found bool"),
    ({"id": "a", "tags": [1.0]}, errors.FieldTypeError, "found numbers"),
    ("shoe", errors.InvalidTypeError, "iterable.*found str"),
    (["shoe"], errors.InvalidTypeError, r"items\[0\]: expected a dict, found str"),
    (7, errors.InvalidTypeError, "found int"),
    (None, errors.InvalidTypeError, "found NoneType"),
]


@pytest.mark.parametrize(("item", "error", "says"), ITEMS)
def test_bad_items_are_refused_and_nothing_is_written(
    shop: onelist.Engine, item: Any, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says) as refused:
        shop.put(item)
    assert isinstance(refused.value, onelist.InputError) and isinstance(refused.value, ValueError)
    assert shop.stats()["items"] == len(IDS)


@pytest.mark.parametrize("id", ["a", "x" * 511, "x" * 512, "a\0b", "a/../b", "\u202eabc", "e\u0301", "😀" * 128])
def test_odd_ids_are_ids(shop: onelist.Engine, id: str) -> None:
    shop.put({"id": id, "title": "odd"})
    shop.log(user=id, item=id)
    assert shop.rank(among=[id]).ids == [id]
    found = shop.get(id)
    assert found is not None and found["id"] == id
    assert shop.delete(id) == 1


REQUESTS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"limit": -1}, errors.InvalidArgumentError, r"rank\.limit.*at least 0"),
    ({"limit": 10_001}, errors.LimitExceededError, "10000"),
    ({"limit": 2**64}, errors.LimitExceededError, "limit"),
    ({"limit": 10**100}, errors.LimitExceededError, "limit"),
    ({"limit": 10, "offset": 2**63}, errors.LimitExceededError, "offset"),
    ({"limit": 1.5}, errors.InvalidTypeError, "integer"),
    ({"limit": True}, errors.InvalidTypeError, "bool"),
    ({"limit": "ten"}, errors.InvalidTypeError, "str"),
    ({"candidates": 10**9}, errors.LimitExceededError, "candidates"),
    ({"query": 7}, errors.InvalidTypeError, r"rank\.query: expected str, found int"),
    ({"query": "caf\udce9"}, errors.InvalidUtf8Error, "offset 3"),
    ({"user": ""}, errors.InvalidIdError, "user"),
    ({"user": "u" * 513}, errors.InvalidIdError, "513"),
    ({"like": ["x"] * 65}, errors.LimitExceededError, "64"),
    ({"like": 7}, errors.InvalidTypeError, "iterable"),
    ({"among": [7]}, errors.InvalidTypeError, r"rank\.among\[0\]"),
    ({"among": ["x"] * 10_001}, errors.LimitExceededError, "10000"),
    ({"exclude": b"ab"}, errors.InvalidTypeError, "bytes"),
    ({"history": [["shoe-red"]]}, errors.InvalidTypeError, r"rank\.history\[0\]"),
    ({"history": [{"itme": "shoe-red"}]}, errors.UnknownFieldError, "itme.*item"),
    ({"history": [{"action": "click"}]}, errors.InvalidArgumentError, "`item`"),
    ({"history": "shoe-red"}, errors.InvalidTypeError, "iterable"),
    ({"vectors": {"image": [float("nan"), 0, 0, 0]}}, errors.NonFiniteError, "image"),
    ({"vectors": {"image": np.zeros(4)}}, errors.ZeroNormError, "image"),
    ({"vectors": {"image": []}}, errors.ZeroNormError, "image"),
    ({"vectors": {"image": np.ones(3)}}, errors.DimMismatchError, "expected 4 dimensions, found 3"),
    ({"vectors": {"image": "text"}}, errors.InvalidTypeError, "1-D array"),
    ({"vectors": {"imgae": np.ones(4)}}, errors.UnknownFieldError, "imgae"),
    ({"vectors": [1.0]}, errors.InvalidTypeError, "dict"),
    ({"exclude_seen": "yes"}, errors.InvalidTypeError, "true, false or a dict"),
    ({"explain": 1}, errors.InvalidTypeError, "bool"),
    ({"now": "today"}, errors.InvalidArgumentError, "ISO 8601"),
    ({"now": float("nan")}, errors.NonFiniteError, "now"),
    ({"filter": {"price": {"~": 1}}}, onelist.InputError, "~"),
    ({"filter": {"price": "cheap"}}, onelist.InputError, "price"),
    ({"filter": {"price": float("nan")}}, errors.InvalidArgumentError, "filter"),
    ({"filter": {"price": object()}}, errors.InvalidTypeError, r"rank\.filter\.price.*found object"),
    ({"filter": {"tags": "\ud800"}}, onelist.InputError, "filter"),
    ({"filter": {"store": {"near": {"lat": 95, "lon": 0, "meters": 1}}}}, onelist.InputError, "store"),
    ({"filter": {"tags": {"in": ["x"] * 5000}}}, errors.LimitExceededError, "4096"),
    ({"filter": "{"}, onelist.InputError, "filter"),
    ({"filter": '{"tags": "a", "tags": "b"}'}, errors.InvalidArgumentError, "stands twice"),
    ({"filter": 7}, onelist.InputError, "filter"),
]


@pytest.mark.parametrize(("request_", "error", "says"), REQUESTS)
def test_bad_requests_are_refused(
    shop: onelist.Engine, request_: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        shop.rank(**request_)
    with pytest.raises(error):
        shop.rank_many([request_])
    assert len(shop.rank("shoes")) > 0


def test_a_long_double_is_a_number_and_no_knot(shop: onelist.Engine) -> None:
    shop.put({"id": "long", "n": np.longdouble(2.5), "v": [np.longdouble(1), 2.0]})
    found = shop.get("long")
    assert found is not None and found["n"] == 2.5 and found["v"] == [1.0, 2.0]
    assert shop.rank("shoes", diversity=np.longdouble(0.5)).ids
    assert shop.rank(filter={"n": np.longdouble(2.5)}).ids == ["long"]
    with pytest.raises(errors.InvalidTypeError, match=r"item\.n.*0-D array"):
        shop.put({"id": "long", "n": np.clongdouble(1)})


def test_a_deep_filter_is_refused(shop: onelist.Engine) -> None:
    for depth in (33, 500, 100_000):
        condition: dict[str, Any] = {"tags": "red"}
        for _ in range(depth):
            condition = {"not": condition}
        with pytest.raises(onelist.InputError):
            shop.rank(filter=condition)
    knot: dict[str, Any] = {}
    knot["not"] = knot
    with pytest.raises(errors.InvalidArgumentError, match="filter"):
        shop.rank(filter=knot)


def test_misspelt_keywords_are_named(shop: onelist.Engine) -> None:
    with pytest.raises(TypeError, match="limt"):
        shop.rank(limt=3)  # type: ignore[call-arg]
    with pytest.raises(errors.UnknownFieldError, match=r"requests\[1\]\.limt.*limit"):
        shop.rank_many([{}, {"limt": 3}])
    with pytest.raises(errors.InvalidTypeError, match=r"requests\[0\]: expected a dict"):
        shop.rank_many(["red shoes"])  # type: ignore[list-item]
    with pytest.raises(errors.LimitExceededError, match="1024"):
        shop.rank_many([{}] * 1025)


def test_an_endless_generator_is_an_error(shop: onelist.Engine) -> None:
    def endless() -> Iterator[str]:
        while True:
            yield "x"

    with pytest.raises(errors.LimitExceededError, match="1000000"):
        shop.delete(endless())


def test_large_arguments_are_bounded(shop: onelist.Engine) -> None:
    assert shop.rank(exclude=[f"gone-{n}" for n in range(100_000)], limit=100).ids
    assert shop.rank(history=["lamp"] * 100_000, now=0).ids
    with pytest.raises(errors.LimitExceededError):
        shop.rank(history=["lamp"] * 1_000_001)


def test_errors_of_the_callers_own_code_come_through(shop: onelist.Engine) -> None:
    class Broken(RuntimeError):
        pass

    def stream() -> Iterator[dict[str, Any]]:
        yield {"id": "before"}
        raise Broken

    class Array:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            raise Broken

    with pytest.raises(Broken):
        shop.put(stream())
    with pytest.raises(Broken):
        shop.put({"id": "a", "v": Array()})
    assert shop.get("before") is None


def test_code_that_runs_during_a_call_may_change_its_arguments(shop: onelist.Engine) -> None:
    item: dict[str, Any] = {"id": "shifty"}

    class Array:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            item.clear()
            item.update({f"new{n}": n for n in range(100)})
            shop.rank("red shoes")
            return np.array([1.0, 2.0])

    item |= {"v": Array(), "n": 3}
    shop.put(item)
    found = shop.get("shifty")
    assert found is not None and found["n"] == 3.0 and found["v"].tolist() == [1.0, 2.0]


def test_a_lying_mapping_is_an_error(shop: onelist.Engine) -> None:
    class Liar(collections.UserDict[str, Any]):
        def __iter__(self) -> Any:
            return iter(["id", "missing"])

    with pytest.raises(KeyError):
        shop.put(Liar({"id": "a"}))


CALLS: list[Callable[[onelist.Engine], object]] = [
    lambda db: db.put(SHOP[0]),
    lambda db: db.delete("a"),
    lambda db: db.get("a"),
    lambda db: db.scan(),
    lambda db: list(db.items()),
    lambda db: db.log(user="u", item="a"),
    lambda db: db.rank("red"),
    lambda db: db.rank_many([{}]),
    lambda db: db.stats(),
    lambda db: db.flush(),
]


@pytest.mark.parametrize("call", CALLS)
def test_a_closed_engine_says_so(db: onelist.Engine, call: Callable[[onelist.Engine], object]) -> None:
    db.close()
    db.close()
    with pytest.raises(errors.ClosedError) as closed:
        call(db)
    assert closed.value.name == "Closed" and closed.value.kind == "busy"
