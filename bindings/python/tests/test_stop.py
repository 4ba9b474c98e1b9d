"""Ctrl-C, progress and time limits."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import onelist
from onelist import errors

SOON = 2.0
"""Seconds that a stopped call may go on. On an idle machine it is less than a third of one."""


@pytest.fixture(name="db", scope="module")
def _db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[onelist.Engine]:
    words = ["red", "wooden", "boot", "lamp", "garden", "steel", "paper"]
    title = [" ".join(words[(n * k) % 7] for k in (1, 3, 5)) + f" {n}" for n in range(2000)]
    with onelist.open(tmp_path_factory.mktemp("stop") / "db", sessions=1) as db:
        db.put([{"id": f"i{n}", "title": title[n]} for n in range(2000)])
        log = [{"user": f"u{n % 200}", "item": f"i{n * n % 1999}", "action": "click", "time": 1.7e9 + n} for n in range(9000)]
        db.log(log)
        yield db


def interrupted(call: Callable[[], object], after: float = 0.15) -> float:
    """Presses Ctrl-C in the middle of a call; how long it went on."""
    pressed: list[float] = []

    def press() -> None:
        pressed.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(after, press)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        call()
        time.sleep(60)
    return time.monotonic() - pressed[0]


CALLS: dict[str, Callable[[onelist.Engine], object]] = {
    "evaluate": lambda db: db.evaluate(),
    "questions": lambda db: [db.questions() for _ in range(1000)],
    "tune": lambda db: [db.tune() for _ in range(100)],
    "fit_space": lambda db: db.fit_space(),
    "rebuild": lambda db: [db.rebuild_cooccurrence() for _ in range(100)],
    "verify_signals": lambda db: [db.verify_signals() for _ in range(1000)],
    "verify_vectors": lambda db: [db.verify_vectors() for _ in range(1000)],
    "rank_many": lambda db: db.rank_many([{"user": f"u{n % 200}", "limit": 50} for n in range(1024)]),
    "put": lambda db: db.put([{"id": f"new{n}", "title": f"some words for {n}"} for n in range(40_000)]),
}


@pytest.mark.parametrize("name", CALLS)
def test_ctrl_c_stops_a_long_call(db: onelist.Engine, name: str) -> None:
    before = db.stats()
    assert interrupted(lambda: CALLS[name](db)) < SOON
    after = db.stats()
    assert (after["items"], after["events"], after["poisoned"]) == (before["items"], before["events"], None)
    assert len(db.rank("wooden boot")) == 10
    db.put({"id": "one", "title": "one more"})
    assert db.delete("one") == 1


def test_training_file_is_not_left_by_half(db: onelist.Engine, tmp_path: Path) -> None:
    assert interrupted(lambda: db.export_training(tmp_path / "rows.parquet"), 0.3) < SOON
    assert os.listdir(tmp_path) == []


def test_progress_is_told_on_the_calling_thread(db: onelist.Engine) -> None:
    heard: list[tuple[int, int, str, int]] = []

    def tell(done: int, total: int, what: str) -> None:
        heard.append((done, total, what, threading.get_ident()))

    db.evaluate(max_targets=100, resamples=100, progress=tell)
    assert heard and all(done <= total or total == 0 for done, total, _, _ in heard)
    assert {thread for *_, thread in heard} == {threading.get_ident()}
    count = len(heard)
    db.evaluate(max_targets=20, resamples=100)
    assert len(heard) == count, "only the call that was given it"
    # On another thread as well, and it may call the engine.
    lists: list[int] = []
    other = threading.Thread(target=lambda: db.verify_signals(progress=lambda *_: lists.append(len(db.rank("lamp")))))
    other.start()
    other.join()
    assert all(found == 10 for found in lists)


def test_an_error_of_the_listener_stops_the_call(db: onelist.Engine) -> None:
    def fail(done: int, total: int, what: str) -> None:
        raise LookupError(what)

    with pytest.raises(LookupError):
        db.evaluate(progress=fail)
    bad: Any = "not a function"
    with pytest.raises(TypeError):
        db.evaluate(progress=bad)
    assert len(db.rank("lamp")) == 10


def test_a_request_has_a_time_limit(db: onelist.Engine) -> None:
    assert len(db.rank("lamp", timeout=60)) == 10
    with pytest.raises(errors.DeadlineExceededError) as late:
        db.rank("lamp", timeout=1e-9)
    assert isinstance(late.value, TimeoutError) and isinstance(late.value, onelist.BusyError)
    for bad in (0, -1, float("inf")):
        with pytest.raises(onelist.InputError):
            db.rank("lamp", timeout=bad)
