"""Backups, compaction, figures and the log."""

import contextlib
import logging
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from shop import IDS, NOW, SHOP

import onelist
from onelist import errors


def test_a_backup_is_restored_by_opening_it(path: Path, tmp_path: Path) -> None:
    with onelist.open(path) as db:
        db.put(SHOP)
        before = db.rank("shoes", now=NOW, log_impression=False).ids
        steps: list[str] = []
        written = db.backup(tmp_path / "copy", progress=lambda done, total, what: steps.append(what))
        assert written["bytes"] > 10_000
        db.delete(IDS)
        assert db.stats()["last_backup"] is not None
        with pytest.raises(errors.InvalidArgumentError, match="a path that is free"):
            db.backup(tmp_path / "copy")
        with pytest.raises(errors.InvalidArgumentError, match="inside the Onelist store"):
            db.backup(path / "copy")
    with onelist.open(tmp_path / "copy") as copy:
        assert copy.rank("shoes", now=NOW, log_impression=False).ids == before


def test_compaction_gives_space_back(path: Path) -> None:
    with onelist.open(path) as db:
        db.put([{"id": str(n), "title": f"word{n} " * 200} for n in range(1500)])
        db.flush()
        full = db.stats()["disk_bytes"]
        db.delete([str(n) for n in range(1500)])
        done = db.compact()
        stats = db.stats()
        assert done["before"] > done["after"] and stats["disk_bytes"] < full / 3 and stats["disk_bytes"] < 1_000_000
        assert stats["last_compact"] is not None and stats["disk"]["catalog"] < 500_000
        db.put(SHOP)
        assert len(db.rank("shoes")) == len(IDS)


def test_stats_say_what_to_watch(path: Path) -> None:
    with onelist.open(path) as db:
        db.put(SHOP)
        db.flush()
        stats = db.stats()
        assert set(stats["disk"]) == {"catalog", "catalog_free", "text", "vector", "models", "scratch", "quarantine"}
        assert (stats["queue"], stats["journal"], stats["last_backup"], stats["last_compact"]) == (0, 0, None, None)
        assert all(space["lag"] == 0 for space in stats["vectors"]) and stats["text_tail"] == 0
        assert stats["readers"] >= 0 and sum(stats["disk"].values()) <= 2 * stats["disk_bytes"]


def test_every_call_is_measured(path: Path) -> None:
    with onelist.open(path) as db:
        heard: list[tuple[str, int, float]] = []
        db.on_metric(lambda what, rows, seconds: heard.append((what, rows, seconds)))
        db.put(SHOP)
        db.log([{"user": "u", "item": "boot", "action": "buy"}])
        db.rank("boots")
        db.rank_many([{"query": "bag"}, {}])
        db.delete("lamp")
        found = [(what, rows) for what, rows, _ in heard if what not in ("commit", "text_commit", "vector_checkpoint")]
        assert found == [("put", len(SHOP)), ("log", 1), ("rank", 1), ("rank", 2), ("delete", 1)]
        assert any(what == "commit" for what, _, _ in heard) and all(seconds >= 0 for _, _, seconds in heard)
        db.on_metric(None)
        count = len([one for one in heard if one[0] == "rank"])
        db.rank("boots")
        assert len([one for one in heard if one[0] == "rank"]) == count


def test_a_listener_that_raises_disturbs_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[Any] = []
    monkeypatch.setattr("sys.unraisablehook", raised.append)

    def fail(*_: object) -> None:
        raise LookupError("not mine")

    with onelist.open(path) as db:
        db.on_metric(fail)
        db.put(SHOP)
        assert len(db.rank("shoes")) == len(IDS)
        db.on_metric(None)
    assert any(isinstance(one.exc_value, LookupError) for one in raised)


def test_the_log_goes_to_logging(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with onelist.open(path) as db, caplog.at_level(logging.INFO, "onelist"):
        db.put(SHOP)
        db.flush()
        db.delete(IDS[:4])
        db.compact()
    assert any(record.name == "onelist" and "built again" in record.message for record in caplog.records)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_disk_has_its_class(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], check=False, capture_output=True).returncode:
        pytest.skip("a file system cannot be mounted here")
    try:
        db = onelist.open(disk / "db")
        with pytest.raises(errors.DiskFullError, match="the disk is full") as full:
            for n in range(1000):
                db.put([{"id": f"{n}-{k}", "title": f"{n} {k} " * 500} for k in range(50)])
        assert isinstance(full.value, OSError) and isinstance(full.value, onelist.SetupError)
        assert db.stats()["poisoned"] is None and len(db.rank()) == 10
        # The indexes may lack the room to be brought up to date; the next opening does it.
        with contextlib.suppress(errors.DiskFullError):
            db.close()
    finally:
        subprocess.run(["umount", "-l", disk], check=False)


class Endless(Mapping[str, Any]):
    """A mapping that never runs out of keys."""

    def __getitem__(self, key: str) -> Any:
        return 1

    def __iter__(self) -> Iterator[str]:
        n = 0
        while True:
            yield f"key{n}"
            n += 1

    def __len__(self) -> int:
        return 1


def test_what_has_no_end_is_an_error(path: Path) -> None:
    endless: Any = Endless()
    with onelist.open(path) as db:
        db.put(SHOP)
        calls = [
            lambda: db.put(endless),
            lambda: db.put([endless]),
            lambda: db.log([endless]),
            lambda: db.rank(vectors=endless),
            lambda: db.rank(segments=endless),
            lambda: db.rank(filter=endless),
            lambda: onelist.open(path / "new", fields=endless),
            lambda: db.put({"id": f"{n}"} for n in iter(int, 1)),
        ]
        for call in calls:
            with pytest.raises(onelist.InputError):
                call()
        assert db.stats()["items"] == len(SHOP)


def test_a_query_of_any_length_costs_what_is_read_of_it(path: Path) -> None:
    with onelist.open(path) as db:
        db.put(SHOP)
        found = db.rank("shoes " * 20_000_000)
        assert len(found) == len(IDS) and found.took["total_us"] < 1_000_000 and found.warnings
