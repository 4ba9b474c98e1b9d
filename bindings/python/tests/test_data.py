"""Events read back, corrected and taken elsewhere."""

import datetime
import pathlib
from collections.abc import Iterator

import pytest

import onelist

MOMENT = datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc)


@pytest.fixture
def store(tmp_path: pathlib.Path) -> Iterator[onelist.Engine]:
    with onelist.open(tmp_path / "store") as db:
        db.put([{"id": name, "title": f"A {name}"} for name in ("boots", "bag", "teapot")])
        yield db


def at(hours: float) -> datetime.datetime:
    return MOMENT + datetime.timedelta(hours=hours)


def test_events_come_back_in_pages(store: onelist.Engine) -> None:
    store.log([{"user": "ann", "item": "bag", "action": "view", "time": at(n)} for n in range(5)])
    store.log(user="bob", query="red bag", action="search", time=at(9), segments={"country": "UK"})
    page = store.events("ann", newest_first=True, limit=2)
    assert [event["time"] for event in page["events"]] == [at(4).timestamp(), at(3).timestamp()]
    rest = store.events("ann", newest_first=True, after=page["next"])
    assert len(rest["events"]) == 3 and rest["next"] is None
    assert [event["user"] for event in store.all_events(page=2)] == ["ann"] * 5 + ["bob"]
    bob = store.events("bob")["events"][0]
    assert (bob["query"], bob["segments"], bob["item"], bob["batch"]) == ("red bag", {"country": "UK"}, None, None)
    assert store.count_events(since=at(1), until=at(3)) == 2, "until is not included"
    assert store.count_events(item="bag", action="view") == 5 and store.count_events() == 6
    users = store.users()
    assert [user["user"] for user in users] == ["ann", "bob"]
    assert (users[0]["events"], users[0]["first"]) == (5, at(0).timestamp())
    assert store.users(after="ann", limit=1)[0]["user"] == "bob"


def test_an_import_is_undone_as_a_whole(store: onelist.Engine) -> None:
    store.log(user="ann", item="bag", time=at(0))
    events = [{"user": f"u{n}", "item": "boots", "action": "buy", "time": at(n)} for n in range(50)]
    store.log(events, batch="2026-03")
    store.log([{**events[0], "item": "teapot", "batch": "other"}], batch="2026-03")
    store.log(user="ann", item="teapot", batch="2026-03")
    assert store.count_events(batch="2026-03") == 51 and store.count_events(batch="other") == 1
    assert store.delete_events(batch="2026-03") == 51
    assert {event["batch"] for event in store.all_events()} == {None, "other"}
    assert store.verify_signals()


def test_deleting_needs_a_condition(store: onelist.Engine) -> None:
    store.log([{"user": "ann", "item": "bag", "action": "view", "time": at(n)} for n in range(5)])
    with pytest.raises(onelist.InputError, match="to delete every event, say so"):
        store.delete_events()
    with pytest.raises(onelist.InputError):
        store.delete_events(since=at(2), until=at(1))
    assert store.delete_events("ann", since=at(1), until=at(3)) == 2
    assert store.delete_events(all=True) == 3
    assert store.stats()["events"] == 0


def test_users_and_items_are_forgotten_and_merged(store: onelist.Engine) -> None:
    store.log([{"user": "visitor", "item": "bag", "action": "view", "time": at(n)} for n in range(3)])
    store.log(user="ann", item="bag", action="view", time=at(0))
    store.rank("bag", user="visitor")
    merged = store.merge_users("visitor", into="ann")
    assert merged == {"events": 2, "duplicates": 1, "impressions": 1}
    assert [user["user"] for user in store.users()] == ["ann"]
    assert store.impressions()[0]["user"] == "ann"
    forgotten = store.forget_item("bag")
    assert forgotten["found"] and forgotten["events"] == 3
    assert store.get("bag") is None
    gone = store.forget("ann")
    assert gone["found"] and gone["impressions"] == 1
    assert not store.forget("ann")["found"] and store.users() == []


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_an_export_makes_an_equal_store(store: onelist.Engine, tmp_path: pathlib.Path, form: str) -> None:
    store.log([{"user": f"u{n % 4}", "item": "boots", "action": "buy", "time": at(n), "batch": "b"} for n in range(20)])
    done = store.export(tmp_path / "export", form)  # type: ignore[arg-type]
    assert (done["items"], done["users"], done["events"]) == (3, 4, 20)
    with onelist.open(tmp_path / "other") as other:
        assert other.import_from(tmp_path / "export") == done
        assert list(other.all_events()) == list(store.all_events())
        assert list(other.items()) == list(store.items())
    with pytest.raises(onelist.InputError, match="inside the Onelist store"):
        store.export(tmp_path / "store" / "export")
