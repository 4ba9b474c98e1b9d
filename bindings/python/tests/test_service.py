"""The example service under the servers that its first lines name, with four workers each."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "python"
SERVERS = {
    "uvicorn": ["uvicorn", "--workers", "4", "--log-level", "warning", "--port", "{port}", "service:app"],
    "gunicorn": [
        *["gunicorn", "--preload", "--workers", "4", "--worker-class", "asgi", "--log-level", "warning"],
        *["--bind", "127.0.0.1:{port}", "service:app"],
    ],
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def ask(port: int, method: str, path: str, body: object = None) -> Any:
    """The answer, which must be one."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    assert response.status == 200, f"{method} {path}: {response.status} {text}"
    return json.loads(text)


@contextmanager
def serving(server: str, store: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """The service as its users start it."""
    port = free_port()
    command = [sys.executable, "-m", *(word.format(port=port) for word in SERVERS[server])]
    process = subprocess.Popen(command, cwd=EXAMPLES, env={**os.environ, "SHOP": str(store)}, start_new_session=True)
    try:
        until = time.monotonic() + 60
        while True:
            try:
                ask(port, "GET", "/stats")
                break
            except (OSError, http.client.HTTPException):
                assert process.poll() is None and time.monotonic() < until, "the service does not start"
                time.sleep(0.1)
        yield port, process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("server", SERVERS)
def test_four_workers_answer_as_one(server: str, tmp_path: Path) -> None:
    failures: list[object] = []
    workers: set[int] = set()

    def work(port: int, number: int) -> None:
        try:
            for n in range(25):
                word = f"w{number}x{n}"
                ask(port, "PUT", "/items", [{"id": word, "title": f"thing {word}", "price": n}])
                if [hit["id"] for hit in ask(port, "GET", f"/search?q={word}")] != [word]:
                    failures.append(word)
                ask(port, "POST", f"/events?user=u{number}&item={word}")
                if not ask(port, "GET", f"/search?user=u{number}"):
                    failures.append(f"nothing for u{number}")
                workers.add(ask(port, "GET", "/stats")["pid"])
        except Exception as error:  # noqa: BLE001 (whatever it is, the test must show it)
            failures.append(error)

    with serving(server, tmp_path / "shop.onelist") as (port, _):
        threads = [threading.Thread(target=work, args=(port, number), daemon=True) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=120)
        assert failures == []
        stats = ask(port, "GET", "/stats")
    assert (stats["items"], stats["events"]) == (200, 200)
    assert len(workers) >= 2, "several workers have answered"


def test_the_worker_that_writes_may_be_killed(tmp_path: Path) -> None:
    with serving("gunicorn", tmp_path / "shop.onelist") as (port, _):
        for n in range(10):
            ask(port, "PUT", "/items", [{"id": f"i{n}", "title": "thing"}])
        writer = ask(port, "GET", "/stats")["process"]["writer"]
        os.kill(writer, signal.SIGKILL)
        done = 0
        until = time.monotonic() + 60
        while done < 10 and time.monotonic() < until:
            try:
                ask(port, "PUT", "/items", [{"id": f"late{done}", "title": "thing"}])
                done += 1
            except (OSError, http.client.HTTPException):
                # The connection of the process that was killed, or none was left to accept for a moment.
                time.sleep(0.05)
        assert done == 10
        assert ask(port, "GET", "/stats")["items"] == 20
