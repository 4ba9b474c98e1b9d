"""Fixtures: an empty store, and the shop."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from shop import SHOP

import onelist


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store of a test lies."""
    return tmp_path / "shop.onelist"


@pytest.fixture
def db(path: Path) -> Iterator[onelist.Engine]:
    """An empty store, whose items are as old as their release date says."""
    with onelist.open(path, date_field="released") as engine:
        yield engine


@pytest.fixture
def shop(db: onelist.Engine) -> onelist.Engine:
    """The store with the shop's items, and one user who likes shoes."""
    db.put(SHOP)
    for hour, item in enumerate(["shoe-red", "boot"]):
        db.log(user="runner", item=item, action="click", time=dt.datetime(2026, 1, 20, hour, tzinfo=dt.timezone.utc))
    return db
