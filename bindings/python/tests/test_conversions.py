"""What every argument takes: each form of an id, a number, a time, a text, a vector and a mapping that Python has."""

import collections
import datetime as dt
import decimal
import enum
import fractions
import types as python
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shop import IDS, NOW, SHOP

import onelist
from onelist import errors, types


class Name(enum.StrEnum):
    """Texts that are of a class of their own."""

    BOOT = "boot"
    RUNNER = "runner"
    WORDS = "red shoes"


class Index:
    """A number as libraries make them: whole, and no int."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[onelist.Engine]:
    """One shop for all of these tests: each leaves the items as they were, and logs for users of its own."""
    with onelist.open(tmp_path_factory.mktemp("shop") / "store", date_field="released") as db:
        db.put(SHOP)
        for hour, item in enumerate(["shoe-red", "boot"]):
            time = dt.datetime(2026, 1, 20, hour, tzinfo=dt.timezone.utc)
            db.log(user="runner", item=item, action="click", time=time)
        yield db


@pytest.fixture(autouse=True)
def unchanged(shop: onelist.Engine) -> Iterator[None]:
    """Brings the items of the shop back, and takes all others away."""
    yield
    shop.delete({item["id"] for item in shop.scan()} - set(IDS))
    shop.put(SHOP)


FORMS: list[Callable[[list[str]], Any]] = [
    list,
    tuple,
    set,
    frozenset,
    iter,
    np.array,
    collections.deque,
    lambda ids: (id for id in ids),
    lambda ids: dict.fromkeys(ids).keys(),
    lambda ids: map(str, ids),
]
ASKED = ["boot", "lamp"]


@pytest.mark.parametrize("form", FORMS)
def test_ids_come_in_any_iterable(shop: onelist.Engine, form: Callable[[list[str]], Any]) -> None:
    rest = set(IDS) - set(ASKED)
    assert set(shop.rank(among=form(ASKED), now=NOW).ids) == set(ASKED)
    assert set(shop.rank(exclude=form(ASKED), now=NOW).ids) == rest
    assert set(shop.rank(unlike=form(ASKED), now=NOW).ids) == rest
    assert set(shop.rank(like=form(ASKED), now=NOW).ids) == set(shop.similar(form(ASKED), now=NOW).ids) == rest
    assert set(shop.rerank(form(ASKED), now=NOW).ids) == set(ASKED)
    found = shop.get(form(ASKED))
    assert {item["id"] for item in found if item is not None} == set(ASKED)
    assert set(shop.rank(fields=form(["title"]), now=NOW)[0].fields) == {"title"}
    assert shop.delete(form(ASKED)) == 2
    assert set(shop.rank(now=NOW).ids) == rest


def test_one_id_stands_for_a_list_of_one(shop: onelist.Engine) -> None:
    for option in ("among", "exclude", "unlike", "like"):
        options: Any = {option: "boot"}, {option: ["boot"]}
        assert shop.rank(now=NOW, **options[0]).ids == shop.rank(now=NOW, **options[1]).ids, option
    assert set(shop.rank(fields="title", now=NOW)[0].fields) == {"title"}
    assert shop.delete("boot") == 1 and shop.get("boot") is None


def test_texts_of_a_class_of_their_own_are_texts(shop: onelist.Engine) -> None:
    for words in (Name.WORDS, np.str_("red shoes")):
        assert shop.rank(words, now=NOW).ids == shop.rank("red shoes", now=NOW).ids
    for user in (Name.RUNNER, np.str_("runner")):
        expected = shop.recommend("runner", exclude_seen=True, now=NOW).ids
        assert shop.rank(user=user, exclude_seen=True, now=NOW).ids == expected
    assert shop.rank(among=[Name.BOOT, np.str_("lamp")], now=NOW).ids == shop.rank(among=ASKED, now=NOW).ids
    users = shop.stats()["users"]
    shop.log(user=Name.RUNNER, item=Name.BOOT, action=np.str_("buy"), segments={np.str_("country"): Name.WORDS})
    assert shop.stats()["users"] == users, "it is the same user"
    shop.put({"id": Name.BOOT, np.str_("title"): np.str_("Rubber boots")})
    found = shop.get(Name.BOOT)
    assert found is not None and found["title"] == "Rubber boots" and type(found["id"]) is str


WHOLE: list[Any] = [2, np.int8(2), np.int64(2), np.uint16(2), Index(2), np.array(2)]


@pytest.mark.parametrize("two", WHOLE)
def test_whole_numbers_are_of_any_kind(shop: onelist.Engine, two: Any) -> None:
    everything = shop.rank(now=NOW).ids
    assert shop.rank(limit=two, now=NOW).ids == everything[:2]
    assert shop.rank(offset=two, now=NOW).ids == everything[2:]
    assert shop.rank(candidates=two, limit=2, now=NOW).ids == shop.rank(candidates=2, limit=2, now=NOW).ids
    assert len(shop.scan(limit=two)) == 2
    assert len(shop.impressions(limit=two)) <= 2


REAL: list[Any] = [
    0.5,
    np.float16(0.5),
    np.float32(0.5),
    np.float64(0.5),
    decimal.Decimal("0.5"),
    fractions.Fraction(1, 2),
]


@pytest.mark.parametrize("half", REAL)
def test_real_numbers_are_of_any_kind(shop: onelist.Engine, half: Any) -> None:
    assert shop.rank("shoes", diversity=half, now=NOW).ids == shop.rank("shoes", diversity=0.5, now=NOW).ids
    shop.put({"id": "half", "weight": half})
    found = shop.get("half")
    assert found is not None and found["weight"] == 0.5 and type(found["weight"]) is float
    shop.log(user="u", item="half", action="rate", value=4 * half)
    assert shop.rank(filter={"weight": 0.5}, now=dt.datetime.now(dt.timezone.utc)).ids == ["half"]


BETWEEN = dt.datetime(2026, 1, 20, 0, 30, tzinfo=dt.timezone.utc)
TIMES: list[Any] = [
    BETWEEN,
    BETWEEN.replace(tzinfo=None),
    BETWEEN.astimezone(dt.timezone(dt.timedelta(hours=-7))),
    BETWEEN.timestamp(),
    int(BETWEEN.timestamp()),
    np.float64(BETWEEN.timestamp()),
    np.int64(BETWEEN.timestamp()),
    decimal.Decimal(int(BETWEEN.timestamp())),
]


@pytest.mark.parametrize("time", TIMES)
def test_times_are_of_any_kind(shop: onelist.Engine, time: Any) -> None:
    # Between the two events of the runner: the first was seen, the second is still to come.
    left = shop.rank(user="runner", exclude_seen=True, now=time).ids
    assert "shoe-red" not in left and "boot" in left
    user = f"walker {TIMES.index(time)}"
    shop.log(user=user, item="lamp", action="click", time=time)
    for hours, seen in ((-1, False), (1, True)):
        found = shop.rank(user=user, exclude_seen=True, now=BETWEEN + dt.timedelta(hours=hours)).ids
        assert ("lamp" not in found) == seen
    history: Any = [{"item": "bag-red", "time": time}]
    assert shop.rank(history=history, exclude_seen=True, now=NOW).ids.count("bag-red") == 0
    if isinstance(time, dt.datetime):
        shop.put({"id": "dated", "released": time})
        dated = shop.get("dated")
        assert dated is not None and dated["released"] == BETWEEN


def test_a_date_is_its_midnight_in_utc(shop: onelist.Engine) -> None:
    day, midnight = dt.date(2026, 1, 4), dt.datetime(2026, 1, 4, tzinfo=dt.timezone.utc)
    since: list[Any] = [{"released": {">=": moment}} for moment in (day, midnight)]
    assert shop.rank(filter=since[0], now=NOW).ids == shop.rank(filter=since[1], now=NOW).ids
    assert set(shop.rank(filter={"released": {"<": day}}, now=NOW).ids) == {"shoe-red", "shoe-blue", "boot"}
    shop.log(user="dated", item="lamp", time=dt.date(2026, 1, 10))
    for moment, seen in ((dt.date(2026, 1, 9), False), (dt.date(2026, 1, 10), True), (dt.date(2026, 1, 11), True)):
        assert ("lamp" not in shop.rank(user="dated", exclude_seen=True, now=moment).ids) == seen


VECTORS: list[Callable[[list[float]], Any]] = [
    list,
    tuple,
    np.array,
    lambda v: np.array(v, dtype=np.float16),
    lambda v: np.array(v, dtype=np.float32)[::-1][::-1],
    lambda v: np.array([v, v]).T[:, 1],
    lambda v: np.array(v, dtype=">f8"),
]


@pytest.mark.parametrize("form", VECTORS)
def test_vectors_are_of_any_kind(shop: onelist.Engine, form: Callable[[list[float]], Any]) -> None:
    angle = [0.25, 1.0, 0.0, 0.0]
    expected = shop.rank(vectors={"image": np.array(angle)}, now=NOW).ids
    assert expected[0] in {"bag-red", "bag-blue"}
    assert shop.rank(vectors={"image": form(angle)}, now=NOW).ids == expected
    shop.put({"id": "one more", "image": form(angle)})
    found = shop.get("one more")
    assert found is not None and np.allclose(found["image"], np.array(angle) / 1.0, atol=1e-3)
    assert shop.rank(vectors={"image": form(angle)}, now=dt.datetime.now(dt.timezone.utc)).ids[0] == "one more"


MAPPINGS: list[Callable[[dict[str, Any]], Any]] = [
    dict,
    collections.OrderedDict,
    python.MappingProxyType,
    collections.ChainMap,
    collections.UserDict,
    lambda pairs: collections.defaultdict(list, pairs),
]


@pytest.mark.parametrize("form", MAPPINGS)
def test_mappings_are_of_any_kind(shop: onelist.Engine, form: Callable[[dict[str, Any]], Any]) -> None:
    item = {"id": "one more", "title": "Canvas shoes", "tags": ["shoes"], "store": form({"lat": 1.0, "lon": 2.0})}
    shop.put(form(item))
    found = shop.get("one more")
    assert found is not None and found["store"] == {"lat": 1.0, "lon": 2.0}
    shop.log(form({"user": form.__name__, "item": "lamp", "action": "click", "time": BETWEEN}))
    assert "lamp" not in shop.rank(user=form.__name__, exclude_seen=True, now=NOW).ids
    image = np.array([1.0, 0.0, 0.0, 0.0])
    assert shop.rank(vectors=form({"image": image}), now=NOW).ids == shop.rank(vectors={"image": image}, now=NOW).ids
    history: Any = [form({"item": "boot", "action": "buy"})]
    plain: Any = [{"item": "boot", "action": "buy"}]
    assert shop.rank(history=history, now=NOW).ids == shop.rank(history=plain, now=NOW).ids
    requests: Any = [form({"query": "shoes", "now": NOW}), form({"now": NOW})]
    assert [one.ids for one in shop.rank_many(requests)] == [shop.rank("shoes", now=NOW).ids, shop.rank(now=NOW).ids]


def test_a_history_holds_ids_and_events_side_by_side(shop: onelist.Engine) -> None:
    mixed = shop.rank(history=["shoe-red", {"item": "boot"}], now=NOW).ids
    assert mixed == shop.rank(history=[{"item": "shoe-red"}, "boot"], now=NOW).ids
    assert mixed == shop.rank(history=iter(("shoe-red", "boot")), now=NOW).ids


@pytest.mark.parametrize("keyword", sorted({*types.Request.__annotations__, "user", "query"}))
def test_what_is_of_no_kind_is_refused_by_its_keyword(shop: onelist.Engine, keyword: str) -> None:
    request: Any = {keyword: object()}
    with pytest.raises(errors.InputError, match=rf"\b{keyword}\b.*found object"):
        shop.rank(**request)
    with pytest.raises(errors.InputError, match=rf"\b{keyword}\b.*found object"):
        shop.rank_many([{}, request])
    nothing: Any = {"now": NOW, keyword: None}
    assert len(shop.rank(**nothing)) > 0, "None is absence"


PARTS = ["user", "item", "action", "query", "value", "time", "rank_id", "basket", "segments"]


@pytest.mark.parametrize("keyword", PARTS)
def test_an_event_of_no_kind_is_refused_by_its_part(shop: onelist.Engine, keyword: str) -> None:
    event: Any = {"user": "u", "item": "boot", keyword: object()}
    before = shop.stats()["events"]
    with pytest.raises(errors.InputError, match=rf"events\[0\]\.{keyword}: expected .*, found object"):
        shop.log(**event)
    with pytest.raises(errors.InputError, match=rf"events\[1\]\.{keyword}: expected .*, found object"):
        shop.log([{"user": "u", "item": "boot", "action": "click"}, {"action": "click", **event}])
    assert shop.stats()["events"] == before, "nothing of either was written"


@pytest.mark.parametrize("form", [str, Path])
def test_a_path_is_a_text_or_a_path(tmp_path: Path, form: Callable[[Path], Any]) -> None:
    with onelist.open(form(tmp_path / "store"), date_field="released") as db:
        db.put(SHOP)
        summary = db.export_training(form(tmp_path / "rows.parquet"))
        assert summary["requests"] == 0 and (tmp_path / "rows.parquet").exists()
        with pytest.raises(errors.GROUPS["environment"]):
            db.load_model(form(tmp_path / "nothing here"))
