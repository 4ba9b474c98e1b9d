"""What was shown: impressions, exploration, places for new items."""

import datetime as dt
from pathlib import Path

import pytest
from shop import IDS, NOW, SHOP

import onelist
from onelist import errors


def test_what_was_shown_and_chosen_is_read_back(shop: onelist.Engine) -> None:
    ranking = shop.rank("shoes", user="runner", limit=3)
    shop.log(user="runner", item=ranking.ids[1], rank_id=ranking.rank_id)
    shop.rank("shoes", log_impression=False)
    (shown,) = shop.impressions()
    assert (shown["rank_id"], shown["slate"], shown["chosen"]) == (ranking.rank_id, ranking.ids, [1])
    assert (shown["user"], shown["query"], shown["explored"], shown["new"]) == ("runner", "shoes", False, None)
    assert shown["propensities"] == [None] * 3 and len(shown["features"]) == len(shown["model"]) == 16
    assert shop.impressions(ranking.rank_id) == []
    assert shop.stats()["impressions"] == {"kept": 1, "logged": 1, "dropped": 0}
    with pytest.raises(errors.InvalidArgumentError, match="after"):
        shop.impressions("0" * 16)


def test_exploration_says_its_propensities(shop: onelist.Engine) -> None:
    plain = shop.rank("shoes", now=NOW)
    assert not plain.explored and all(hit.propensity is None for hit in plain)
    drawn = shop.rank("shoes", explore={"fraction": 1, "temperature": 1.0}, now=NOW)
    assert drawn.explored and all(hit.propensity is not None and 0 < hit.propensity <= 1 for hit in drawn)
    assert drawn[-1].propensity == 1.0, "one is left for the last place"
    (kept,) = [shown for shown in shop.impressions() if shown["rank_id"] == drawn.rank_id]
    assert kept["propensities"] == pytest.approx([hit.propensity for hit in drawn])
    (pair,) = [[n for n, hit in enumerate(r) if hit.propensity == 0.5] for r in [shop.rank(explore={"swaps": 1})]]
    assert len(pair) == 2 and pair[1] == pair[0] + 1
    with pytest.raises(errors.InvalidArgumentError, match="temperature"):
        shop.rank(explore={"fraction": 1, "temperature": -1})
    with pytest.raises(errors.UnknownFieldError, match="heat"):
        shop.rank(explore={"heat": 1})  # type: ignore[typeddict-unknown-key]


def test_new_items_have_their_places(path: Path) -> None:
    with onelist.open(path, date_field="released", new_items={"fraction": 0.5, "days": 7}) as db:
        old = [{**item, "released": NOW - dt.timedelta(days=400)} for item in SHOP]
        db.put([*old, {"id": "new", "title": "A thing of today", "released": NOW}])
        for item in IDS:
            db.log([{"user": f"u{n}", "item": item, "action": "buy", "time": NOW} for n in range(5)])
        for _ in range(20):
            assert "new" in db.rank(limit=2, now=NOW).ids
        exposure = db.new_item_exposure()
        assert (exposure["impressions"], exposure["places"], exposure["new_places"]) == (20, 40, 20)
        assert exposure["fraction"] == 0.5
    with pytest.raises(errors.InvalidArgumentError, match="new_items"):
        onelist.open(path, new_items={"fraction": 0.5})


def test_impressions_can_be_switched_off(path: Path) -> None:
    for off in (False, {"enabled": False}):
        with onelist.open(path, impressions=off) as db:  # type: ignore[arg-type]
            db.put(SHOP)
            db.rank()
            assert db.impressions() == []
    with onelist.open(path, impressions={"max": 2}) as db:
        names = [db.rank().rank_id for _ in range(5)]
        assert {shown["rank_id"] for shown in db.impressions()} <= set(names)
        assert db.stats()["impressions"]["kept"] == 2
