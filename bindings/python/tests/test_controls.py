"""What a request asks of its list: order, rules, scenarios, pages."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shop import IDS, NOW

import onelist
from onelist import errors
from onelist.types import Rule


def test_diversity_moves_hits_and_keeps_their_scores(shop: onelist.Engine) -> None:
    plain = shop.rank("running shoes", now=NOW)
    diverse = shop.rank("running shoes", diversity=np.float32(0.9), explain=True, now=NOW)
    assert diverse.ids[0] == plain.ids[0] and set(diverse.ids) == set(plain.ids) and diverse.ids != plain.ids
    scores = {hit.id: hit.score for hit in plain}
    assert {hit.id: hit.score for hit in diverse} == pytest.approx(scores, abs=1e-4)
    moved = [hit for hit in diverse if hit.moved is not None]
    assert moved
    for hit in moved:
        place, by = hit.moved or (0, "")
        assert plain.ids[place - 1] == hit.id and by == "diversity" and "by diversity" in (hit.why or "")
    assert shop.rank("running shoes", diversity=0, now=NOW).ids == plain.ids
    assert all(hit.moved is None and hit.rules == () for hit in plain)


def test_caps_and_mix_read_fields(shop: onelist.Engine) -> None:
    capped = shop.rank("shoes", caps=[{"field": "tags", "max": 1}], limit=2, now=NOW)
    assert not set(capped[0].fields["tags"]) & set(capped[1].fields["tags"])
    assert len(shop.rank(caps=[{"field": "price", "max": 1}, {"field": "sold_out", "max": 2}])) == len(IDS)
    assert len(shop.rank(user="runner", match_history_mix={"field": "tags", "strength": 0.5})) == len(IDS)
    with pytest.raises(errors.UnknownFieldError, match="colour"):
        shop.rank(caps=[{"field": "colour", "max": 1}])


def test_unlike_and_personalization(shop: onelist.Engine) -> None:
    away = shop.rank("shoes", unlike="shoe-red", explain=True, now=NOW)
    assert "shoe-red" not in away.ids
    blue = next(hit for hit in away if hit.id == "shoe-blue")
    assert blue.contributions["unlike"] < 0
    assert sum(blue.contributions.values()) == pytest.approx(blue.score, abs=1e-3)
    off = shop.rank("shoes", user="runner", personalization="off", now=NOW)
    assert off.ids == shop.rank("shoes", now=NOW).ids
    with pytest.raises(errors.InvalidArgumentError, match="off, low, medium, high"):
        shop.rank(personalization="loud")  # type: ignore[arg-type]


def test_what_was_seen_by_action_and_age(shop: onelist.Engine) -> None:
    shop.log(user="runner", item="lamp", action="buy", time=NOW - dt.timedelta(days=40))
    bought = shop.rank(user="runner", exclude_seen={"actions": "buy"}, now=NOW)
    assert set(bought.ids) == set(IDS) - {"lamp"}
    lately = shop.rank(user="runner", exclude_seen={"actions": ["buy", "click"], "within_days": 30}, now=NOW)
    assert set(lately.ids) == set(IDS) - {"shoe-red", "boot"}
    assert set(shop.rank(user="runner", exclude_seen={}, now=NOW).ids) == set(IDS) - {"shoe-red", "boot", "lamp"}
    with pytest.raises(errors.UnknownFieldError, match="days"):
        shop.rank(exclude_seen={"days": 3})  # type: ignore[typeddict-unknown-key]


RULES: list[Rule] = [
    {"rule": "pin", "item": "lamp", "position": 1},
    {"rule": "boost", "filter": {"released": {">=": dt.date(2026, 1, 5)}}, "amount": 0.5},
    {"rule": "bury", "ids": ["shoe-red"], "amount": 0.25},
    {"rule": "exclude", "filter": {"tags": "brown"}},
    {"rule": "require", "filter": {"price": {"<": 100}}},
    {"rule": "cap", "field": "tags", "max": 3},
]


def test_rules_are_named_in_explanations(shop: onelist.Engine) -> None:
    ranking = shop.rank("shoes", rules=RULES, explain=True, now=NOW)
    assert ranking.ids[0] == "lamp" and "boot" not in ranking.ids
    assert ranking[0].rules == ("rules[1] boost", "rules[0] pin", "rules[4] require")
    assert ranking[0].moved is not None and ranking[0].moved[1] == "pin"
    red = next(hit for hit in ranking if hit.id == "shoe-red")
    assert red.contributions["bury"] == -0.25 and "rules[2] bury" in red.rules
    missing = shop.rank(rules=[{"rule": "pin", "item": "gone", "position": 1}])
    assert "gone" in missing.warnings[0]


def test_scenarios_last(shop: onelist.Engine, path: Path) -> None:
    assert shop.scenarios() == {}
    shop.set_scenario("sale", RULES)
    shop.set_scenario("none", [])
    assert shop.rank("shoes", scenario="sale", now=NOW).ids == shop.rank("shoes", rules=RULES, now=NOW).ids
    with pytest.raises(errors.UnknownScenarioError, match="none, sale"):
        shop.rank(scenario="sael")
    stored = shop.scenarios()
    shop.close()
    with onelist.open(path, date_field="released") as again:
        assert again.scenarios() == stored and list(stored) == ["none", "sale"]
        again.set_scenario("copy", stored["sale"])
        assert again.scenarios()["copy"] == stored["sale"]
        assert again.delete_scenario("sale") and not again.delete_scenario("sale")


def test_pages_never_repeat(shop: onelist.Engine) -> None:
    page = shop.rank("shoes", user="runner", limit=2)
    shown = list(page.ids)
    while page.next_page_token is not None:
        shop.log(user="runner", item=page.ids[-1], action="buy")
        page = shop.rank("shoes", user="runner", limit=2, page_token=page.next_page_token)
        shown += page.ids
    assert sorted(shown) == sorted(IDS)
    token = shop.rank("shoes", limit=2).next_page_token
    with pytest.raises(errors.InvalidArgumentError, match="another request"):
        shop.rank("boots", limit=2, page_token=token)
    with pytest.raises(errors.InvalidArgumentError, match="page_token"):
        shop.rank("shoes", page_token="no token")


@pytest.mark.parametrize(
    ("request_", "error", "says"),
    [
        ({"diversity": 1.5}, errors.InvalidArgumentError, "0 to 1"),
        ({"diversity": float("nan")}, errors.InvalidArgumentError, "NaN"),
        ({"diversity": "much"}, errors.InvalidTypeError, "number"),
        ({"caps": [{"field": "tags"}]}, errors.InvalidArgumentError, "max"),
        ({"caps": object()}, errors.InvalidTypeError, "caps"),
        ({"match_history_mix": {"field": "tags", "strength": 2}}, errors.InvalidArgumentError, "0 to 1"),
        ({"rules": [{"rule": "hide"}]}, errors.InvalidArgumentError, r"rules\[0\].rule"),
        ({"rules": [{"rule": "boost", "ids": ["a"], "amount": -1}]}, errors.InvalidArgumentError, "amount"),
        ({"rules": [{"rule": "pin", "item": "a", "position": 1}] * 257}, errors.LimitExceededError, "256"),
        ({"unlike": 3}, errors.InvalidTypeError, "unlike"),
        ({"scenario": 3}, errors.InvalidTypeError, "str"),
        ({"page_token": b"x"}, errors.InvalidTypeError, "str"),
        ({"exclude_seen": {"within_days": 0}}, errors.InvalidArgumentError, "within_days"),
    ],
)
def test_wrong_controls_are_typed_errors(
    shop: onelist.Engine, request_: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        shop.rank(**request_)
    with pytest.raises(error, match=says):
        shop.rank_many([request_])
