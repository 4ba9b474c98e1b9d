"""Tuning from Python."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

import onelist

START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
ITEMS = 40


def _events(people: int) -> Iterator[dict[str, object]]:
    """Visits that go from an item to the one behind it, with a popular one in between."""
    for person in range(people):
        first = person * 17 % ITEMS
        for step in range(4):
            item = person * 5 % 6 if (person + step) % 4 == 3 else (first + step) % ITEMS
            time = START + dt.timedelta(hours=person, minutes=step)
            yield {"user": f"u{person}", "item": f"i{item}", "action": "click", "time": time}


@pytest.fixture
def db(tmp_path: Path) -> Iterator[onelist.Engine]:
    with onelist.open(tmp_path / "store") as db:
        words = ["red shoes", "blue teapot", "green bag"]
        db.put([{"id": f"i{n}", "title": f"{words[n % 3]} {n}"} for n in range(ITEMS)])
        yield db


def test_a_store_is_calibrated_and_rolled_back(db: onelist.Engine) -> None:
    db.log(_events(250))
    assert db.rank(user="u1").weights_version == 0
    calibration = db.tune(until=START + dt.timedelta(hours=240))
    assert isinstance(calibration, onelist.Tuning) and calibration.version == 1
    assert calibration.data["events"] == 960 and abs((calibration.time - dt.datetime.now(dt.timezone.utc)).days) < 2
    sets = calibration.sets
    assert sets and any(one["kept"] for one in sets) and {"covisit_next", "bm25"} < set(sets[0]["weights"])
    assert "NDCG@10" in str(calibration) and "<table>" in calibration._repr_html_() and "1:" in repr(calibration)
    assert db.stats()["weights_version"] == 1 and db.rank(user="u1").weights_version == 1
    assert [one.json for one in db.tunings()] == [calibration.json]
    db.use_tuning(0)
    assert db.rank(user="u1").weights_version == 0
    with pytest.raises(onelist.errors.InvalidArgumentError, match=r"0 or one of the kept versions .*\(1\)"):
        db.use_tuning(9)


def test_a_small_log_changes_nothing(db: onelist.Engine) -> None:
    db.log(_events(3))
    assert db.tune().sets == [] and db.tunings() == []
    with pytest.raises(onelist.InputError):
        db.use_tuning(-1)
    with pytest.raises(onelist.InputError):
        db.tune(until="tomorrow")  # type: ignore[arg-type]


def test_configured_weights_refuse(tmp_path: Path) -> None:
    weights = [[1.0] * 26] * 4
    with onelist.open(tmp_path / "store", weights=weights) as db, pytest.raises(onelist.InputError):
        db.tune()
    with pytest.raises(onelist.InputError):
        onelist.open(tmp_path / "other", weights=weights, tune=True)
