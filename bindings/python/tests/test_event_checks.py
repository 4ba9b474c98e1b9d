"""What an event has to be (action, time, rating), what a repetition counts, and in which order events may come."""

import datetime as dt
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import onelist
from onelist import errors

UTC = dt.timezone.utc


def ago(**delta: float) -> dt.datetime:
    return dt.datetime.now(UTC) - dt.timedelta(**delta)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[onelist.Engine]:
    with onelist.open(tmp_path / "store", sessions=1) as opened:
        opened.put([{"id": id, "title": "same"} for id in "abc"])
        yield opened


def lead(path: Path, action: str, **settings: Any) -> float:
    """What ``a`` scores above ``b`` for a stranger, after twenty people did something to it."""
    with onelist.open(path, sessions=1, **settings) as db:
        db.put([{"id": id, "title": "same"} for id in "ab"])
        db.log([{"user": f"p{n}", "item": "a", "action": action, "time": ago(days=1, minutes=n)} for n in range(20)])
        db.flush()
        scores = {hit.id: hit.score for hit in db.rank(log_impression=False)}
        return round(scores["a"] - scores["b"], 3)


@pytest.mark.parametrize("action", ["Buy", "BUY", " buy", "purchase", "Order"])
def test_another_spelling_is_the_same_action(tmp_path: Path, action: str) -> None:
    assert lead(tmp_path / "one", action) == lead(tmp_path / "two", "buy") > 0


@pytest.mark.parametrize("action", ["Dislike", "unlike", "refund", "returned", "remove_from_cart", "Not interested"])
def test_what_speaks_against_an_item_adds_nothing(tmp_path: Path, action: str) -> None:
    assert lead(tmp_path / "one", action) <= 0


@pytest.mark.parametrize("action", ["wishlist", "favourite", "bookmark", "Add to cart", "watch"])
def test_the_usual_words_speak_for_an_item(tmp_path: Path, action: str) -> None:
    assert lead(tmp_path / "one", action) > 0


@pytest.mark.parametrize(
    ("action", "nearest"),
    [("clik", "click"), ("disliked", "dislike"), ("wishlst", "wishlist"), ("bougth", "bought"), ("", "name")],
)
def test_other_words_have_to_be_declared(tmp_path: Path, action: str, nearest: str) -> None:
    settings: Any = {"actions": {"bought": {"meaning": "positive"}}}
    with pytest.raises(onelist.InputError, match=nearest):
        lead(tmp_path / "one", action, **settings)
    assert lead(tmp_path / "two", "bought", **settings) > 0
    assert lead(tmp_path / "three", "Bought", actions={"bought": {"meaning": "negative"}}) <= 0


@pytest.mark.parametrize("unit", [1e3, 1e6, 1e9])
def test_other_units_are_refused_by_name(db: onelist.Engine, unit: float) -> None:
    number, word = ago(days=1).timestamp() * unit, {1e3: "milliseconds", 1e6: "microseconds", 1e9: "nanoseconds"}[unit]
    calls: list[Any] = [
        lambda: db.log(user="u", item="a", time=number),
        lambda: db.log([{"user": "u", "item": "a", "action": "buy", "time": np.int64(number)}]),
        lambda: db.rank(now=number),
        lambda: db.rank(history=[{"item": "a", "time": number}]),
        lambda: db.tune(until=number),
    ]
    for refused in calls:
        with pytest.raises(errors.InvalidArgumentError, match=f"{word}.*{ago(days=1).year}"):
            refused()
    assert db.stats()["events"] == 0


def test_milliseconds_are_refused_in_dates_of_items(tmp_path: Path) -> None:
    with onelist.open(tmp_path / "store", date_field="at", sessions=1) as db:
        for wrong in (ago(days=1).timestamp() * 1e3, {"date": ago(days=1).timestamp() * 1e3}):
            with pytest.raises(onelist.InputError):
                db.put({"id": "a", "title": "x", "at": wrong})
        db.put({"id": "a", "title": "x", "at": ago(days=1)})
        with pytest.raises(onelist.InputError):
            db.rank(filter={"at": {"<": ago(days=1).timestamp() * 1e3}})


@pytest.mark.parametrize("days", [1.1, 30, 365, 36_525])
def test_the_future_is_refused(db: onelist.Engine, days: float) -> None:
    with pytest.raises(errors.InvalidArgumentError, match="at most a day from now"):
        db.log(user="u", item="a", time=ago(days=-days))
    db.log(user="u", item="a", time=ago(days=-0.9))


@pytest.mark.parametrize(
    "time", ["2026-01-20", "2026-01-20T00:00:00Z", "2026-01-20T02:00+02:00", "2026-01-19 19:00:00.000-0500"]
)
def test_text_is_a_time(db: onelist.Engine, time: str) -> None:
    db.log(user="u", item="a", action="buy", time=time)
    db.log(user="u", item="a", action="buy", time=dt.datetime(2026, 1, 20))
    assert db.stats()["events"] == 1, "it is the same event"
    assert "a" not in db.rank(user="u", exclude_seen=True, now="2026-01-20T00:00:01Z").ids
    assert "a" in db.rank(user="u", exclude_seen=True, now="2026-01-19T23:59:59Z").ids


@pytest.mark.parametrize("value", [None, 0, 6, -1, 100, float("nan"), float("inf"), True])
def test_a_rating_lies_on_the_scale(db: onelist.Engine, value: Any) -> None:
    with pytest.raises(onelist.InputError):
        db.log(user="u", item="a", action="rate", value=value)
    assert db.stats()["events"] == 0
    db.log(user="u", item="a", action="rate", value=2.5)


def test_another_scale_has_other_ends(tmp_path: Path) -> None:
    with onelist.open(tmp_path / "store", rating_scale=(0, 10), sessions=1) as db:
        for value in (0, 7.5, 10):
            db.log(user="u", item="a", action="rate", value=value)
        with pytest.raises(errors.InvalidArgumentError, match="from 0 to 10"):
            db.log(user="u", item="a", action="rate", value=11)
        with pytest.raises(errors.InvalidArgumentError, match=r"history\[0\].value"):
            db.rank(history=[{"item": "a", "action": "rate", "value": 11}])


def test_no_number_moves_after_a_repetition(db: onelist.Engine) -> None:
    events = [{"user": f"u{n}", "item": "a", "action": "buy", "time": ago(days=1, minutes=n)} for n in range(100)]
    for again in (events, events, events[:3] * 2, [events[7] | {"time": events[7]["time"].timestamp()}]):
        db.log(again)
        assert db.stats()["events"] == 100
    db.flush()
    assert db.stats()["events"] == 100 and db.verify_signals()
    db.log(events[0] | {"value": 2})
    assert db.stats()["events"] == 101


def lists(db: onelist.Engine, now: dt.datetime) -> list[list[str]]:
    users = [None, *(f"p{n}" for n in range(20))]
    return [db.rank(now=now, user=user, log_impression=False, limit=10).ids for user in users]


@pytest.mark.parametrize(("order", "batch"), [("reverse", 500), ("reverse", 7), ("shuffle", 10), ("shuffle", 500)])
def test_events_come_in_any_order(tmp_path: Path, order: str, batch: int) -> None:
    draw, now = random.Random(3), dt.datetime.now(UTC)
    events = [
        {"user": f"p{user}", "item": f"i{(first + step) % 30}", "action": draw.choice(["view", "buy"]),
         "time": now - dt.timedelta(days=days) + dt.timedelta(minutes=step)}
        for user in range(60)
        for first, days in [(draw.randrange(30), 1 + draw.random() * 60)]
        for step in range(5)
    ]
    events.sort(key=lambda event: event["time"])
    other = events[::-1] if order == "reverse" else draw.sample(events, len(events))
    found = []
    for name, log, size in (("sorted", events, 10), ("other", other, batch)):
        with onelist.open(tmp_path / name, sessions=1) as db:
            db.put([{"id": f"i{n}", "title": f"thing {n}"} for n in range(30)])
            later = now + dt.timedelta(minutes=1)
            for at in range(0, len(log), size):
                db.log(log[at : at + size])
            db.rebuild_cooccurrence()
            db.flush()
            found.append(lists(db, later))
            assert db.verify_signals()
            assert lists(db, later) == found[-1]
    assert found[0] == found[1]


def test_an_event_that_names_no_action_is_a_click(db: onelist.Engine) -> None:
    db.log([{"user": "dict", "item": "a"}])
    db.log(user="keywords", item="a")
    assert [db.events(user=user)["events"][0]["action"] for user in ("dict", "keywords")] == ["click", "click"]


@pytest.mark.parametrize("rows", [1, 3])
def test_a_limit_names_the_item_and_the_field(db: onelist.Engine, rows: int) -> None:
    items = [{"id": f"i{n}", "body": "a word"} for n in range(rows)]
    items[-1]["body"] = "x" * 1_200_000
    with pytest.raises(errors.LimitExceededError, match=f"`i{rows - 1}`, field `body`: bytes of one text: .* 1200000"):
        db.put(items)
