"""Logging: keywords, dicts, batches, and what they change."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from shop import IDS, NOW

import onelist
from onelist import errors
from onelist.types import Time


def test_keywords_and_dicts_log_the_same(shop: onelist.Engine) -> None:
    before = shop.stats()["events"]
    ranking = shop.rank("lamp")
    shop.log(user="u1", item="lamp")
    shop.log({"user": "u1", "item": "boot", "action": "buy", "value": np.float32(2), "rank_id": ranking.rank_id})
    search = {"user": "u2", "query": "red shoes", "action": "search", "time": NOW}
    shop.log([search, {"user": "u2", "item": "lamp", "action": "view"}])
    shop.log(event for event in [{"user": "u3", "item": "lamp", "action": "install", "time": 1_700_000_000}])
    shop.log([])
    stats = shop.stats()
    assert stats["events"] == before + 5
    assert stats["users"] == 4
    assert set(shop.rank(user="u1", exclude_seen=True, limit=100).ids) == set(IDS) - {"lamp", "boot"}


def test_an_event_changes_the_next_ranking(shop: onelist.Engine) -> None:
    assert "bag-red" in shop.rank(user="new", exclude_seen=True, limit=100).ids
    shop.log(user="new", item="bag-red", action="buy")
    assert "bag-red" not in shop.rank(user="new", exclude_seen=True, limit=100).ids


def test_an_item_may_come_after_its_event(shop: onelist.Engine) -> None:
    shop.log(user="early", item="later")
    shop.put({"id": "later", "title": "Late arrival"})
    assert "later" not in shop.rank(user="early", exclude_seen=True, limit=100).ids


def test_a_batch_of_events_is_all_or_nothing(shop: onelist.Engine) -> None:
    before = shop.stats()
    with pytest.raises(onelist.InputError):
        shop.log([{"user": user, "item": "lamp", "action": "click"} for user in ("u", "u" * 513)])
    after = shop.stats()
    assert (after["events"], after["users"]) == (before["events"], before["users"])


@pytest.mark.parametrize(
    ("event", "error", "says"),
    [
        ({"item": "lamp", "action": "click"}, errors.InvalidArgumentError, "`user`"),
        ({"user": "u", "item": "lamp", "action": " "}, errors.InvalidArgumentError, "action"),
        ({"user": "u", "action": "click"}, errors.InvalidArgumentError, "an item or a query"),
        ({"user": "", "item": "lamp", "action": "click"}, errors.InvalidIdError, "user"),
        ({"user": "u", "item": "x" * 513, "action": "click"}, errors.InvalidIdError, "item"),
        ({"user": 7, "item": "lamp", "action": "click"}, errors.InvalidTypeError, r"events\[0\]\.user: .*found int"),
        ({"user": "u", "item": "lamp", "action": "rate", "value": float("inf")}, errors.NonFiniteError, "value"),
        ({"user": "u", "item": "lamp", "action": "rate", "value": "5"}, errors.InvalidTypeError, "value"),
        ({"user": "u", "item": "lamp", "action": "click", "time": float("inf")}, errors.NonFiniteError, "time"),
        ({"user": "u", "item": "lamp", "action": "click", "time": "now"}, errors.InvalidArgumentError, "time"),
        ({"user": "u", "item": "lamp", "action": "click", "tiem": 1}, errors.UnknownFieldError, "tiem.*time"),
        ({"user": "\udce9", "item": "lamp", "action": "click"}, errors.InvalidUtf8Error, "offset 0"),
        ("click", errors.InvalidTypeError, "dict"),
    ],
)
def test_bad_events_say_what_is_wrong(shop: onelist.Engine, event: object, error: type[Exception], says: str) -> None:
    before = shop.stats()["events"]
    with pytest.raises(error, match=says):
        shop.log([event])  # type: ignore[list-item]
    assert shop.stats()["events"] == before


@pytest.mark.parametrize("time", [0, 1.5, dt.date(1970, 1, 1), "1970-01-01T00:00Z", dt.datetime(2001, 9, 9)])
def test_old_times_are_taken(shop: onelist.Engine, time: Time) -> None:
    shop.log(user="traveller", item="lamp", time=time)
    scores = [hit.score for hit in shop.rank(user="traveller", limit=100)]
    assert len(scores) == len(IDS) and np.isfinite(scores).all()


@pytest.mark.parametrize("time", [dt.datetime.min, dt.datetime.max, -1e9, 1e300, -1e300, dt.date(2200, 1, 1), -0.5])
def test_times_that_no_event_has_are_refused(shop: onelist.Engine, time: Time) -> None:
    before = shop.stats()["events"]
    with pytest.raises(errors.InvalidArgumentError, match="time"):
        shop.log(user="traveller", item="lamp", time=time)
    assert shop.stats()["events"] == before


def test_events_and_keywords_do_not_mix(shop: onelist.Engine) -> None:
    with pytest.raises(TypeError, match="both"):
        shop.log([{"user": "u", "item": "lamp", "action": "click"}], user="u")


def test_signals_counted_anew_are_those_that_were_kept(shop: onelist.Engine) -> None:
    shop.log([{"user": f"u{n}", "item": item, "action": "buy", "basket": f"b{n}"} for n in range(9) for item in IDS[:4]])
    assert shop.verify_signals()
    shop.rebuild_cooccurrence()
    assert "cooccurrence" in {source for hit in shop.rank(user="u1", limit=100) for source in hit.sources}


def test_retention_removes_old_events_and_remembers_purchases(tmp_path: Path) -> None:
    now = dt.datetime.now(dt.timezone.utc)
    with onelist.open(tmp_path / "store", retention={"per_user": 2, "days": 365.0, "total": None}) as db:
        db.put([{"id": f"i{n}", "title": f"Thing {n}"} for n in range(6)])
        db.log({"user": "u", "item": f"i{n}", "action": "buy", "time": now - dt.timedelta(days=n)} for n in range(4))
        db.log(user="v", item="i5", action="buy", time=now - dt.timedelta(days=400))
        assert db.apply_retention() == 3 and db.apply_retention() == 0 and db.verify_signals()
        stats = db.stats()
        assert (stats["events"], stats["events_removed"]) == (2, 3)
    with onelist.open(tmp_path / "store") as db:
        assert set(db.rank(user="u", exclude_seen={"actions": ["buy"]}).ids) == {"i4", "i5"}
        assert "i5" not in db.rank(user="v", exclude_seen=True).ids
    with pytest.raises(errors.InvalidArgumentError, match="retention.total"):
        onelist.open(tmp_path / "other", retention={"total": 0})
    with pytest.raises(errors.UnknownFieldError, match="per_user, total, days"):
        onelist.open(tmp_path / "other", retention={"age": 3})  # type: ignore[typeddict-unknown-key]


def test_segments_are_kept_with_their_user(shop: onelist.Engine) -> None:
    shop.log({"user": f"u{n}", "item": "lamp", "action": "buy", "segments": {"country": "UK"}} for n in range(3))
    shop.log(user="u9", item="boot", segments={"country": "UK", "plan": "free"})
    shop.flush()
    proposed = {hit.id for hit in shop.rank(user="u9", limit=100) if "segment" in hit.sources}
    assert proposed == {"lamp", "boot"}
    visitor = shop.rank(segments={"plan": "free"}, limit=100)
    assert {hit.id for hit in visitor if "segment" in hit.sources} == {"boot"}
    assert all("segment" not in hit.sources for hit in shop.rank(segments={"country": "FR"}, limit=100))
    for wrong, error in [({"": "UK"}, errors.InvalidArgumentError), ({"c": "x" * 129}, errors.LimitExceededError)]:
        with pytest.raises(error):
            shop.log(user="u9", item="boot", segments=wrong)
        with pytest.raises(error):
            shop.rank(segments=wrong)
    with pytest.raises(TypeError, match="segments.country"):
        shop.rank(segments={"country": 3})  # type: ignore[dict-item]
