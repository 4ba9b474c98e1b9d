"""Training files, read with the reader that trainers use."""

import datetime as dt
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

import onelist
from shop import SHOP

START = dt.datetime(2026, 1, 10, tzinfo=dt.timezone.utc)


@pytest.fixture
def exported(tmp_path: Path) -> tuple[Path, onelist.types.TrainingSummary]:
    with onelist.open(tmp_path / "store", date_field="released") as db:
        db.put(SHOP)
        paths = [["shoe-red", "shoe-blue", "boot"], ["bag-red", "bag-blue"]]
        for person in range(12):
            for step, item in enumerate(paths[person % 2]):
                time = START + dt.timedelta(hours=person, minutes=step)
                query = "red" if step == 1 else None
                db.log(user=f"p{person % 5}", item=item, action="click", time=time, query=query)
        path = tmp_path / "training.parquet"
        summary = db.export_training(path, requests=20, negatives=3, until=START + dt.timedelta(hours=11))
        db.export_training(tmp_path / "spread.parquet", requests=20, stratified=True)
        return path, summary


def test_a_training_file_is_read_by_arrow(exported: tuple[Path, onelist.types.TrainingSummary]) -> None:
    path, summary = exported
    table = parquet.read_table(path)
    assert summary["requests"] == 20 and summary["rows"] == table.num_rows == 80
    assert summary["bytes"] == path.stat().st_size and set(summary) == set(onelist.types.TrainingSummary.__annotations__)
    rows = table.to_pylist()
    taken = [row for row in rows if row["label"]]
    assert len(taken) == 20 and all(row["retrieved"] and row["sources"] for row in taken)
    assert {row["action"] for row in taken} == {"click"} and {row["action"] for row in rows if not row["label"]} == {None}
    last = taken[-1]
    assert last["time"] == START + dt.timedelta(hours=10, minutes=2) and last["item"] == "boot"
    assert last["history_items"][:2] == ["shoe-blue", "shoe-red"] and last["history_gaps"][:2] == [60.0, 120.0]
    assert last["request_context"] == "recommendation, all items, in a visit" and last["query"] is None
    assert {row["query"] for row in taken} == {"red", None}
    facts = table.schema.metadata
    features = facts[b"onelist.features"].decode().split(",")
    assert table.column_names[15:] == features and {"bm25", "covisit_next", "cos_history"} < set(features)
    assert any(row["bm25"] > 0 for row in rows) and any(row["covisit_next"] > 0 for row in rows)


def test_a_spread_has_lists_without_what_was_had(exported: tuple[Path, onelist.types.TrainingSummary]) -> None:
    rows = parquet.read_table(exported[0].with_name("spread.parquet")).to_pylist()
    kinds = {row["request_context"] for row in rows}
    assert any(", new items" in kind for kind in kinds) and any(", all items" in kind for kind in kinds)
    assert all(row["interacted"] == 0.0 for row in rows if ", new items" in row["request_context"])


def test_what_cannot_be_is_an_error(tmp_path: Path) -> None:
    with onelist.open(tmp_path / "store") as db:
        with pytest.raises(onelist.InputError):
            db.export_training(tmp_path / "f", requests=0)
        with pytest.raises(onelist.Error):
            db.export_training(tmp_path / "no" / "such")
        assert db.export_training(tmp_path / "f")["rows"] == 0
