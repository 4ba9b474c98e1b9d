"""Records of users: read back as they were put, and segments of their events and requests."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import onelist
from onelist import errors


@pytest.fixture
def db(tmp_path: Path) -> Iterator[onelist.Engine]:
    with onelist.open(tmp_path / "store", sessions=1) as opened:
        opened.put([{"id": id, "title": id} for id in ("umbrella", "sandals", "tea", "coffee")])
        yield opened


def test_records_come_back_as_they_were_put(db: onelist.Engine) -> None:
    since = dt.datetime(2026, 2, 1, 12, 30, tzinfo=dt.timezone.utc)
    ada = {"id": "ada", "country": "SE", "age": 37.5, "pro": True, "since": since, "likes": ["tea", "rain"]}
    db.put_users(ada)
    db.put_users(user for user in ({"id": "bob"}, {"id": "cy", "plan": None}))
    assert db.get_user("ada") == ada
    assert db.get_users(["bob", "nobody", "cy"]) == [{"id": "bob"}, None, {"id": "cy"}]
    db.put_users({"id": "ada", "country": "NO"})
    assert db.get_user("ada") == {"id": "ada", "country": "NO"}, "a record is replaced as a whole"
    assert db.delete_users(["ada", "nobody"]) == 1 and db.delete_users("bob") == 1
    assert db.get_user("ada") is None


@pytest.mark.parametrize(
    "wrong",
    [{"country": "SE"}, {"id": ""}, {"id": 7}, {"id": "x", "country": ""}, 
     {"id": "x", "home": {"lat": 1, "lon": 2}}, {"id": "x", "country": 7}, {"id": "x", **{f"t{n}": "x" for n in range(9)}}],
)
def test_a_wrong_record_is_refused_with_its_batch(db: onelist.Engine, wrong: Any) -> None:
    db.put_users({"id": "first", "country": "SE"})
    with pytest.raises(errors.InputError):
        db.put_users([{"id": "good", "country": "SE"}, wrong])
    assert db.get_user("good") is None


def test_a_text_attribute_is_a_segment(db: onelist.Engine) -> None:
    db.put_users({"id": f"{c}{n}", "country": c} for n in range(9) for c in ("UK", "IT"))
    for n in range(8):
        db.log(user=f"UK{n}", item=("umbrella", "tea")[n % 2], action="buy")
        db.log(user=f"IT{n}", item=("sandals", "coffee")[n % 2], action="buy")
    db.flush()

    def proposed(**request: Any) -> set[str]:
        return {hit.id for hit in db.rank(log_impression=False, **request) if "segment" in hit.sources}

    assert proposed(user="UK8") == proposed(segments={"country": "UK"}) == {"umbrella", "tea"}
    assert proposed(user="IT8") == {"sandals", "coffee"} and proposed(user="new") == set()
    assert proposed(user="IT8", segments={"country": "UK"}) == {"umbrella", "tea"}
    assert db.verify_signals()
