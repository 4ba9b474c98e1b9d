"""Opening, closing, threads, forks, and other processes."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from shop import IDS, NOW, SHOP

import onelist
from onelist import errors
from onelist._runtime import installed_runtime


def run(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a script in an interpreter of its own."""
    environment = {**os.environ, **environment}
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)


def test_opening_twice_is_refused_in_words(path: Path, tmp_path: Path) -> None:
    with onelist.open(path) as db:
        link = tmp_path / "link"
        link.symlink_to(path)
        for name in (path, str(path), link):
            with pytest.raises(errors.AlreadyOpenError, match=str(os.getpid())) as refused:
                onelist.open(name)
            assert isinstance(refused.value, onelist.BusyError)
        db.put(SHOP)
        assert len(db.rank()) == len(IDS)
    onelist.open(path).close()


def test_a_dropped_engine_closes(path: Path) -> None:
    db = onelist.open(path)
    db.put(SHOP)
    del db
    with onelist.open(path) as again:
        assert again.stats()["items"] == len(IDS)


def test_an_engine_that_is_still_open_at_the_end_lets_the_interpreter_go(path: Path) -> None:
    script = "import onelist, sys; db = onelist.open(sys.argv[1]); db.put({'id': 'a', 't': 'x'}); db.rank('x')"
    ended = run(script, str(path))
    assert (ended.returncode, ended.stderr) == (0, "")
    with onelist.open(path) as db:
        assert db.get("a") == {"id": "a", "t": "x"}


def test_what_was_put_survives_a_kill(path: Path) -> None:
    script = (
        "import onelist, os, signal, sys\n"
        "db = onelist.open(sys.argv[1])\n"
        "db.put([{'id': f'i{n}', 'title': 'thing'} for n in range(50)])\n"
        "db.log(user='u', item='i7')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert run(script, str(path)).returncode == -9
    with onelist.open(path) as db:
        assert db.stats()["items"] == 50 and db.stats()["events"] == 1
        assert "i7" not in db.rank("thing", user="u", exclude_seen=True, limit=100).ids


def test_what_is_not_a_store_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("text")
    other = tmp_path / "other"
    other.mkdir()
    (other / "photo.jpg").write_bytes(b"jpeg")
    for path in (file, other):
        with pytest.raises(onelist.SetupError) as refused:
            onelist.open(path)
        assert str(path) in str(refused.value)
    assert (other / "photo.jpg").read_bytes() == b"jpeg" and file.read_text() == "text"
    with pytest.raises(onelist.Error):
        onelist.open(tmp_path / ("x" * 5000))
    with pytest.raises((onelist.Error, ValueError)):
        onelist.open("nul\0byte")
    with pytest.raises(TypeError):
        onelist.open(7)  # type: ignore[arg-type]


def test_a_path_that_is_not_utf8_is_a_path(tmp_path: Path) -> None:
    name = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.onelist")
    with onelist.open(name) as db:
        db.put(SHOP)
    assert os.path.isdir(name)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"candidates": 0}, "candidates"),
        ({"sessions": 65}, "sessions"),
        ({"sessions": -1}, "sessions"),
        ({"provider": "tpu"}, "provider"),
        ({"rating_scale": (5, 1)}, "rating_scale"),
        ({"fields": {"title": {"bost": 2}}}, "bost"),
        ({"fields": {"title": {"boost": 2000}}}, "boost"),
        ({"fields": {"title": {"kind": "string"}}}, "kind"),
        ({"weights": [[float("nan")]]}, "configuration"),
    ],
)
def test_bad_settings_are_named(path: Path, setting: dict[str, object], says: str) -> None:
    with pytest.raises(onelist.InputError, match=says):
        onelist.open(path, **setting)  # type: ignore[arg-type]


def test_settings_are_heard(path: Path) -> None:
    with onelist.open(path, fields={"code": {"kind": "text", "boost": 0.0}}, strict=True, candidates=50) as db:
        db.put({"id": "a", "code": "x1"})
        with pytest.raises(errors.UnknownFieldError, match="`title`.*code"):
            db.put({"id": "b", "title": "x"})
        with pytest.raises(errors.FieldTypeError):
            db.put({"id": "b", "code": 1})


def test_the_installed_runtime_is_used_and_not_imported(path: Path) -> None:
    script = (
        "import onelist, sys\n"
        "db = onelist.open(sys.argv[1])\n"
        "assert 'onnxruntime' not in sys.modules\n"
        "print(db.stats()['model']['onnxruntime'])\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DYLIB_PATH"}
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, env=environment, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "libonnxruntime.so" in done.stdout


def test_a_runtime_that_is_missing_says_how_to_get_it(path: Path) -> None:
    script = "import onelist, sys; onelist.open(sys.argv[1], onnxruntime='/nowhere/libonnxruntime.so')"
    done = run(script, str(path))
    assert done.returncode == 1 and "RuntimeMissingError" in done.stderr and "pip install" in done.stderr


def test_the_environment_variable_goes_before_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORT_DYLIB_PATH", "/somewhere/libonnxruntime.so")
    assert installed_runtime() is None
    monkeypatch.delenv("ORT_DYLIB_PATH")
    found = installed_runtime()
    assert found is not None and Path(found).is_file()


def test_onnxruntime_may_be_imported_as_well(path: Path) -> None:
    script = (
        "import onnxruntime, onelist, sys\n"
        "db = onelist.open(sys.argv[1])\n"
        "db.put({'id': 'a', 'title': 'red shoes'})\n"
        "assert db.rank('red shoes').ids == ['a']\n"
        "print(len(onnxruntime.get_available_providers()))\n"
    )
    done = run(script, str(path))
    assert done.returncode == 0, done.stderr


def test_threads_rank_and_write_at_once(shop: onelist.Engine) -> None:
    failures: list[object] = []

    def work(number: int) -> None:
        try:
            for n in range(20):
                if number == 0:
                    shop.put({"id": f"extra-{n}", "title": "A grey stone"})
                    continue
                # The places below the first may change as the catalogue grows and with it what a word is worth.
                ids = shop.rank("red shoes", among=IDS, now=NOW).ids
                if ids[0] != "shoe-red" or set(ids) != set(IDS):
                    failures.append(ids)
        except Exception as error:  # noqa: BLE001 (whatever it is, the test must show it)
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    assert failures == []
    assert shop.stats()["items"] == len(IDS) + 20


CALLS_THAT_WAIT: dict[str, Callable[[onelist.Engine], object]] = {
    "put": lambda db: db.put({"id": "lamp", "title": "Brass desk lamp"}),
    "delete": lambda db: db.delete("nothing"),
    "get": lambda db: db.get("lamp"),
    "scan": lambda db: db.scan(limit=10),
    "log": lambda db: db.log(user="u", item="lamp"),
    "rank": lambda db: db.rank("red shoes"),
    "rank_many": lambda db: db.rank_many([{"query": "red shoes"}] * 4),
    "stats": lambda db: db.stats(),
    "flush": lambda db: db.flush(),
}


@pytest.mark.parametrize("name", CALLS_THAT_WAIT)
def test_calls_let_go_of_the_interpreter_lock(shop: onelist.Engine, name: str) -> None:
    """With an endless switch interval the main thread keeps the lock until it lets go by itself: inside the call."""
    gate = threading.Lock()
    ran: list[bool] = []

    def work() -> None:
        with gate:
            ran.append(True)

    gate.acquire()
    other = threading.Thread(target=work, daemon=True)
    other.start()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    try:
        gate.release()
        deadline = time.monotonic() + 20
        while not ran and time.monotonic() < deadline:
            CALLS_THAT_WAIT[name](shop)
        got_its_turn = bool(ran)
    finally:
        sys.setswitchinterval(interval)
    other.join(timeout=60)
    assert got_its_turn


def test_closing_while_others_rank_is_clean(shop: onelist.Engine) -> None:
    names: list[str] = []

    def work() -> None:
        try:
            while True:
                shop.rank("red shoes")
        except onelist.Error as error:
            names.append(error.name)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    shop.close()
    for thread in threads:
        thread.join(timeout=60)
    assert names == ["Closed"] * 3
