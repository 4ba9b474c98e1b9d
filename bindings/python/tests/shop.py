"""The data of the tests: a small shop whose right answers are obvious."""

import datetime as dt
from typing import Any

import numpy as np

NOW = dt.datetime(2026, 1, 31, tzinfo=dt.timezone.utc)
"""The time of every request of the tests, so that freshness does not depend on the clock."""


def _item(id: str, title: str, price: float, tags: list[str], day: int, angle: float, **more: Any) -> dict[str, Any]:
    direction = np.array([np.cos(angle), np.sin(angle), 0.0, 0.0], dtype=np.float32)
    released = dt.datetime(2026, 1, day, tzinfo=dt.timezone.utc)
    return {"id": id, "title": title, "price": price, "tags": tags, "released": released, "image": direction, **more}


PARIS = {"lat": 48.8566, "lon": 2.3522}
BERLIN = {"lat": 52.52, "lon": 13.405}
SHOP = [
    _item("shoe-red", "Red running shoes", 59.0, ["shoes", "red"], 1, 0.0, sold_out=False, store=PARIS),
    _item("shoe-blue", "Blue running shoes", 65.0, ["shoes", "blue"], 2, 0.2, sold_out=True, store=PARIS),
    _item("boot", "Leather hiking boots", 120.0, ["shoes", "brown"], 3, 0.4, sold_out=False, store=BERLIN),
    _item("bag-red", "Red leather handbag", 89.0, ["bags", "red"], 4, 1.4, sold_out=False, store=BERLIN),
    _item("bag-blue", "Blue canvas backpack", 45.0, ["bags", "blue"], 5, 1.6, sold_out=False),
    _item("lamp", "Brass desk lamp", 35.0, ["home"], 6, 3.0),
]
IDS = [item["id"] for item in SHOP]
