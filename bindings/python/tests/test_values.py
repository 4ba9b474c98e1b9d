"""Values as data frames and files give them: missing ones, whole numbers, lists, dates as text; and errors of many rows."""

import datetime as dt
import decimal
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import onelist
from onelist import errors

UTC = dt.timezone.utc


class NaTType(dt.datetime):
    """Stands for pandas' NaT: a datetime that has no timestamp."""

    def timestamp(self) -> float:
        raise ValueError("NaTType does not support timestamp")


class NAType:
    """Stands for pandas' NA."""

    def __bool__(self) -> bool:
        raise TypeError("boolean value of NA is ambiguous")


MISSING: list[Any] = [
    None,
    float("nan"),
    np.float32("nan"),
    np.float64("nan"),
    decimal.Decimal("NaN"),
    np.datetime64("NaT"),
    np.ma.masked,
    NaTType(1970, 1, 1),
    NAType(),
]


@pytest.mark.parametrize("missing", MISSING, ids=lambda value: type(value).__name__)
def test_a_missing_value_is_an_absent_field(db: onelist.Engine, missing: Any) -> None:
    db.put([{"id": "a", "title": missing, "n": 5}, {"id": "b", "title": "text", "n": missing}])
    assert (db.get("a"), db.get("b")) == ({"id": "a", "n": 5}, {"id": "b", "title": "text"})
    db.update({"id": "a", "n": missing})
    assert db.get("a") == {"id": "a"}
    db.log(user="u", item="a", action="view", value=missing, query=missing, basket=missing)
    assert db.stats()["events"] == 1
    assert db.rank(user=missing, query=missing).ids == db.rank().ids


@pytest.mark.parametrize("missing", MISSING[1:], ids=lambda value: type(value).__name__)
def test_a_missing_time_is_not_now(db: onelist.Engine, missing: Any) -> None:
    with pytest.raises(errors.InputError, match="time"):
        db.log(user="u", item="a", action="view", time=missing)
    with pytest.raises(errors.InputError):
        db.log([{"user": "u", "item": "a", "action": "view"}, {"user": "u", "item": "b", "action": "view", "time": missing}])
    assert db.stats()["events"] == 0


@pytest.mark.parametrize("missing", MISSING, ids=lambda value: type(value).__name__)
def test_a_missing_element_is_an_error_that_names_item_and_field(db: onelist.Engine, missing: Any) -> None:
    for name, value in [("tags", ["x", missing]), ("sizes", [1, missing]), ("first", [missing, "x"])]:
        with pytest.raises(errors.InputError) as raised:
            db.put([{"id": "good", "n": 1}, {"id": "bad", name: value}])
        assert "items[1]" in str(raised.value) and name in str(raised.value)
    assert db.get("good") is None


def test_what_is_under_a_mask_gets_into_no_vector(db: onelist.Engine) -> None:
    with pytest.raises(errors.InputError, match="v"):
        db.put({"id": "a", "v": np.ma.array([1.0, 2.0], mask=[False, True])})
    db.put({"id": "a", "v": np.ma.array([1.0, 2.0], mask=[False, False])})
    found = db.get("a")
    assert found is not None and found["v"].tolist() == [1.0, 2.0]


WHOLE = [0, -1, 2**53 + 1, 2**63 - 1, 2**63, 2**63 + 5, 2**64 - 1, -(2**63)]


@pytest.mark.parametrize("number", WHOLE)
def test_whole_numbers_stay_exact(db: onelist.Engine, number: int) -> None:
    near = {f"{n:+}": n for n in range(number - 2, number + 3) if -(2**63) <= n < 2**64}
    db.put({"id": name, "n": n} for name, n in near.items())
    for name, n in near.items():
        item = db.get(name)
        assert item is not None and item["n"] == n and type(item["n"]) is int
        assert db.rank(filter={"n": n}).ids == [name]
        assert db.rank(filter={"n": {"in": [n]}}).ids == [name]
        assert len(db.rank(filter={"n": {"<": n}}).ids) == sum(other < n for other in near.values())


def test_numpy_integers_are_integers_and_floats_floats(db: onelist.Engine) -> None:
    db.put({"id": "a", "i": np.int64(7), "u": np.uint64(2**64 - 1), "f": 7.0, "list": [1, np.int8(2), 2.5]})
    item = db.get("a")
    assert item == {"id": "a", "i": 7, "u": 2**64 - 1, "f": 7.0, "list": [1, 2, 2.5]}
    assert [type(item[name]) for name in "iuf"] == [int, int, float]


def test_lists_of_numbers_are_lists_unless_declared(tmp_path: Any) -> None:
    with onelist.open(tmp_path / "s", fields={"v": {"kind": "vector"}}) as db:
        db.put([{"id": "a", "sizes": [38, 39, 40], "v": [1, 0]}, {"id": "b", "sizes": [41], "v": [0, 1]}, {"id": "c", "sizes": []}])
        found = db.get("a")
        assert found is not None and found["sizes"] == [38, 39, 40] and found["v"].dtype == np.float32
        assert db.rank(filter={"sizes": 39}).ids == ["a"]
        assert db.rank(filter={"sizes": {">": 40}}).ids == ["b"]
        assert db.rank(vectors={"v": [0.1, 1]}).ids[0] == "b"
        with pytest.raises(errors.FieldTypeError, match="expected numbers, found vector"):
            db.put({"id": "d", "sizes": np.array([1.0])})


def test_dates_are_read_from_text_where_the_field_is_a_date(db: onelist.Engine) -> None:
    db.put({"id": "a", "released": "2026-01-05T10:00:00+01:00", "note": "2026-01-05"})
    item = db.get("a")
    assert item is not None and item["released"] == dt.datetime(2026, 1, 5, 9, tzinfo=UTC) and item["note"] == "2026-01-05"
    assert db.rank(filter={"released": {"<": "2026-01-06"}}, now=dt.datetime(2026, 2, 1)).ids == ["a"]
    with pytest.raises(errors.FieldTypeError, match="released"):
        db.put({"id": "b", "released": "05.01.2026"})


def test_every_bad_row_is_named(db: onelist.Engine) -> None:
    db.put({"id": "known", "price": 1})
    rows = [{"id": f"r{n}", "price": "x" if n in (3, 7) else n} for n in range(10)] + [{"price": 1}, 5, {"id": "t", "tags": [1, "x"]}]
    with pytest.raises(errors.BadRowsError) as raised:
        db.put(rows)
    told = [(row["row"], row["id"], row["field"], row["error"]) for row in raised.value.rows]
    assert told == [
        (3, "r3", "price", "FieldType"),
        (7, "r7", "price", "FieldType"),
        (10, None, None, "InvalidArgument"),
        (11, None, None, "InvalidType"),
        (12, "t", "tags", "InvalidType"),
    ]
    assert all(row["expected"] and row["found"] for row in raised.value.rows)
    assert "items[3] `r3`, field `price`: expected number, found text" in str(raised.value)
    assert db.stats()["items"] == 1


def test_of_many_bad_rows_twenty_are_named_and_all_counted(db: onelist.Engine) -> None:
    with pytest.raises(errors.BadRowsError, match="250 events were refused") as raised:
        db.log({"user": n, "item": "a", "action": "view"} for n in range(250))
    assert [row["row"] for row in raised.value.rows] == list(range(20))
    assert db.stats()["events"] == 0


def test_a_source_that_breaks_is_not_mistaken_for_bad_rows(db: onelist.Engine) -> None:
    def broken() -> Iterator[dict[str, object]]:
        yield {"id": 5}
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError, match="the source broke"):
        db.put(broken())


def test_update_changes_the_given_fields_only(db: onelist.Engine) -> None:
    vector = np.array([1.0, 2.0], dtype=np.float32)
    db.put({"id": "a", "title": "red shoe", "price": 5, "tags": ["x"], "v": vector})
    db.update({"id": "a", "price": 6.5, "tags": None, "new": "text"})
    item = db.get("a")
    assert item is not None and item.pop("v").tolist() == [1.0, 2.0]
    assert item == {"id": "a", "title": "red shoe", "price": 6.5, "new": "text"}
    with pytest.raises(errors.UnknownItemError, match="nowhere"):
        db.update([{"id": "a", "price": 7}, {"id": "nowhere", "price": 7}])
    with pytest.raises(errors.FieldTypeError, match="price"):
        db.update([{"id": "a", "price": "much", "new": "other"}])
    again = db.get("a")
    assert again is not None and (again["price"], again["new"]) == (6.5, "text")


def test_the_schema_is_shown_and_fields_are_renamed_retyped_and_dropped(db: onelist.Engine) -> None:
    db.put([{"id": "a", "title": "x", "size": "38"}, {"id": "b", "title": "y", "size": "large"}, {"id": "c", "size": "40"}])
    schema = db.schema()
    assert {name: (field["kind"], field["items"]) for name, field in schema.items()} == {"title": ("text", 2), "size": ("text", 3)}
    assert schema["title"]["boost"] == 1.0 and schema["title"]["since"] is not None
    assert db.rename_field("title", "name") == {"changed": 2, "dropped": 0, "dropped_ids": []}
    assert db.rank(filter={"name": "x"}).ids == ["a"]
    with pytest.raises(errors.InputError, match="large"):
        db.retype_field("size", "number")
    assert db.retype_field("size", "number", on_unfit="drop")["dropped_ids"] == ["b"]
    assert db.rank(filter={"size": {">": 38}}).ids == ["c"]
    assert db.drop_field("name")["changed"] == 2 and db.get("b") == {"id": "b"}
    with pytest.raises(errors.UnknownFieldError):
        db.drop_field("name")


def test_what_has_not_changed_is_not_written(db: onelist.Engine) -> None:
    rows = [{"id": f"i{n}", "title": f"thing {n}", "price": n, "v": np.array([1.0, n])} for n in range(200)]
    db.put(rows)
    seq = db.stats()["seq"]
    db.put(rows)
    assert db.stats()["seq"] == seq
    rows[5] = {**rows[5], "price": 1000}
    db.put(rows)
    assert db.stats()["seq"] == seq + 1
