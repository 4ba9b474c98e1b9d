"""What is put is what is read back, type by type."""

import collections
import datetime as dt
import types
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shop import IDS, SHOP

import onelist
from onelist import errors

UTC = dt.timezone.utc


def back(db: onelist.Engine, value: Any) -> Any:
    """The value as it is read back."""
    db.put({"id": "one", "field": value})
    item = db.get("one")
    assert item is not None and item["id"] == "one"
    return item.get("field", "absent")


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("Red shoes", "Red shoes"),
        ("", ""),
        ("a\0b \u202e e\u0301 😀", "a\0b \u202e e\u0301 😀"),
        (59, 59),
        (-0.5, -0.5),
        (Decimal("19.99"), 19.99),
        (np.float32(0.5), 0.5),
        (np.int16(-7), -7),
        (np.array(4.25), 4.25),
        (True, True),
        (np.bool_(False), False),
        (np.str_("text"), "text"),
        (["red", "shoes"], ["red", "shoes"]),
        (("b", "a"), ["b", "a"]),
        ({"c", "a", "b"}, ["a", "b", "c"]),
        (frozenset({"z"}), ["z"]),
        ([], []),
        (np.array(["red", "blue"]), ["red", "blue"]),
        ({"lat": 48.5, "lon": -2}, {"lat": 48.5, "lon": -2.0}),
        (None, "absent"),
    ],
)
def test_values_come_back(db: onelist.Engine, given: Any, read: Any) -> None:
    found = back(db, given)
    assert found == read and type(found) is type(read)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (dt.datetime(2026, 1, 2, 3, 4, 5, 678000, UTC), dt.datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)),
        (dt.datetime(2026, 1, 2, 3, 4, 5), dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (
            dt.datetime(2026, 1, 2, 1, tzinfo=dt.timezone(dt.timedelta(hours=2))),
            dt.datetime(2026, 1, 1, 23, tzinfo=UTC),
        ),
        (dt.date(2026, 1, 2), dt.datetime(2026, 1, 2, tzinfo=UTC)),
        (dt.date(1, 1, 1), dt.datetime(1, 1, 1, tzinfo=UTC)),
        (dt.date(9999, 12, 31), dt.datetime(9999, 12, 31, tzinfo=UTC)),
        (dt.datetime(1969, 12, 31, 23, 59, 59, 999000, UTC), dt.datetime(1969, 12, 31, 23, 59, 59, 999000, UTC)),
        (np.datetime64("2026-01-02T03:04:05.123456789"), dt.datetime(2026, 1, 2, 3, 4, 5, 123000, UTC)),
        ({"date": 1.5}, dt.datetime(1970, 1, 1, 0, 0, 1, 500000, UTC)),
    ],
)
def test_dates_come_back_in_utc(db: onelist.Engine, given: Any, read: dt.datetime) -> None:
    found = back(db, given)
    assert found == read and found.tzinfo is UTC


def test_not_a_time_is_an_absent_field(db: onelist.Engine) -> None:
    assert back(db, np.datetime64("NaT")) == "absent"


@pytest.mark.parametrize("dtype", ["int8", "uint64", ">i4"])
def test_arrays_of_whole_numbers_are_lists(db: onelist.Engine, dtype: str) -> None:
    found = back(db, np.array([1, 2, 3], dtype=dtype))
    assert found == [1, 2, 3] and type(found) is list and type(found[0]) is int


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f4", "longdouble"])
def test_vectors_of_any_float_type_become_float32(db: onelist.Engine, dtype: str) -> None:
    found = back(db, np.array([1, 2, 3, 4], dtype=dtype))
    assert found.dtype == np.float32
    assert found.tolist() == [1.0, 2.0, 3.0, 4.0]


def test_vectors_of_any_layout_keep_their_order(db: onelist.Engine) -> None:
    table = np.arange(1, 13, dtype=np.float32).reshape(3, 4)
    assert back(db, table[:, 1]).tolist() == [2.0, 6.0, 10.0]
    assert back(db, table[0, ::-1][:3]).tolist() == [4.0, 3.0, 2.0]
    assert back(db, [1, 2.5, np.float64(3)]).tolist() == [1.0, 2.5, 3.0]
    locked = np.array([1.0, 0.0, 0.0], dtype=np.float32)
    locked.flags.writeable = False
    assert back(db, locked).tolist() == [1.0, 0.0, 0.0]


def test_what_turns_itself_into_an_array_is_a_vector(db: onelist.Engine) -> None:
    class Tensor:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return np.array([0.25, 0.5])

    assert back(db, Tensor()).tolist() == [0.25, 0.5]


def test_vectors_that_are_read_are_the_callers_own(db: onelist.Engine) -> None:
    first = back(db, np.array([1.0, 2.0]))
    first[0] = 99.0
    item = db.get("one")
    assert item is not None and item["field"].tolist() == [1.0, 2.0]


def test_any_mapping_and_any_iterable_can_be_put(db: onelist.Engine) -> None:
    db.put(types.MappingProxyType({"id": "a", "n": 1}))
    db.put(collections.OrderedDict(id="b", n=2))
    db.put({"id": name, "n": 3} for name in "cd")
    db.put(())
    assert [item["id"] for item in db.scan()] == ["a", "b", "c", "d"]


def test_an_item_replaces_the_one_with_its_id_as_a_whole(db: onelist.Engine) -> None:
    db.put({"id": "a", "title": "first", "n": 1})
    db.put([{"id": "a", "title": "second"}, {"id": "a", "title": "third"}])
    assert db.get("a") == {"id": "a", "title": "third"}
    assert db.stats()["items"] == 1


def test_a_batch_is_all_or_nothing(db: onelist.Engine) -> None:
    db.put({"id": "old", "n": 1})
    with pytest.raises(errors.FieldTypeError, match="`bad`.*expected number, found text"):
        db.put([{"id": "new", "n": 2}, {"id": "bad", "n": "two"}, {"id": "late", "n": 3}])
    assert [item["id"] for item in db.scan()] == ["old"]


def test_put_many_goes_batch_by_batch(db: onelist.Engine) -> None:
    seen: list[int] = []
    stream = ({"id": f"i{n}", "n": n} for n in range(25))
    assert db.put_many(stream, batch=10, progress=seen.append) == 25
    assert seen == [10, 20, 25]
    assert db.stats()["items"] == 25
    with pytest.raises(errors.InvalidArgumentError, match="batch.*found 0"):
        db.put_many([{"id": "x"}], batch=0)


def test_get_takes_one_id_or_many(shop: onelist.Engine) -> None:
    one = shop.get("lamp")
    assert one is not None and one["title"] == "Brass desk lamp"
    assert shop.get("nothing") is None
    many = shop.get(["bag-red", "nothing", "boot"])
    assert [item and item["id"] for item in many] == ["bag-red", None, "boot"]
    assert shop.get([]) == []


def test_scan_pages_in_the_order_of_the_first_put(shop: onelist.Engine) -> None:
    shop.put(SHOP[0])
    assert [item["id"] for item in shop.scan(limit=2)] == IDS[:2]
    assert [item["id"] for item in shop.scan(after=IDS[1], limit=2)] == IDS[2:4]
    assert shop.scan(after=IDS[-1]) == []
    assert shop.scan(limit=0) == []
    for page in (1, 4, 6, 1000):
        assert [item["id"] for item in shop.items(page=page)] == IDS
    with pytest.raises(errors.InvalidArgumentError, match="page"):
        next(shop.items(page=0))


def test_delete_says_how_many_there_were(shop: onelist.Engine) -> None:
    assert shop.delete("lamp") == 1
    assert shop.delete(["lamp", "boot", "nothing"]) == 1
    assert shop.delete([]) == 0
    assert [item["id"] for item in shop.scan()] == [id for id in IDS if id not in ("lamp", "boot")]
    assert "boot" not in shop.rank(limit=100).ids


def test_what_was_put_is_there_after_opening_again(path: Any) -> None:
    with onelist.open(path) as db:
        db.put(SHOP)
    with onelist.open(str(path)) as db:
        assert [item["id"] for item in db.items()] == IDS
        item = db.get("shoe-red")
        assert item is not None
        np.testing.assert_array_equal(item.pop("image"), SHOP[0]["image"])
        assert item == {name: value for name, value in SHOP[0].items() if name != "image"}


def test_the_space_is_fitted_when_there_is_enough_text(tmp_path: Path) -> None:
    with onelist.open(tmp_path / "db", fit_space=False) as db:
        words = ["red", "blue", "leather", "wooden", "electric", "heavy", "antique", "cheap", "bright", "soft"]
        things = ["shoe", "boot", "teapot", "kettle", "backpack", "tent", "novel", "camera", "guitar", "sofa"]
        db.put({"id": f"{word}-{thing}", "title": f"{word} {thing}"} for word in words for thing in things[:9])
        assert db.fit_space() is False and db.stats()["space"]["fits"] == 0
        assert db.verify_vectors() is True
        db.put({"id": f"{word}-sofa", "title": f"{word} sofa"} for word in words)
        before = db.stats()["space"]
        assert db.fit_space() is True
        space = db.stats()["space"]
        assert space["id"] != before["id"] and (space["fits"], space["fitted_items"]) == (1, 100)
        assert space["drift"] is None and db.verify_vectors() is True
        db.put({"id": "green-shoe", "title": "green shoe"})
        assert (db.stats()["space"]["drift"] or 0.0) > 0.0
        assert "green-shoe" in db.rank("green shoe", limit=3).ids
        kinds = db.rank("shoe", caps=[{"field": "semantic_id:1", "max": 1}], limit=5)
        assert len(kinds.ids) == 5
