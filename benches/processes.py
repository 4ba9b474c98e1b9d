"""Several processes on one store: what a write costs from each of them, how reads add up, and the example service under load.

    .venv/bin/python benches/processes.py [writes] [reads] [service]

After `scripts/install-wheel`. Without a name it does all three. Figures depend on the machine; compare them within one run.
"""

import http.client
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import onelist

ITEMS = 5_000
WRITES = 300
SECONDS = 10
REQUESTS = 10_000
WORDS = [f"{start}{end}" for start in ("red", "blue", "green", "old", "new", "soft") for end in ("shoe", "bag", "cup", "lamp", "book")]


def item(number: int) -> dict[str, object]:
    draw = random.Random(number)
    return {"id": f"i{number}", "title": " ".join(draw.choices(WORDS, k=6)), "price": draw.randrange(100)}


def fill(path: str) -> onelist.Engine:
    db = onelist.open(path, sessions=1)
    db.put_many(item(number) for number in range(ITEMS))
    db.log([{"user": f"u{n % 200}", "item": f"i{n * 7 % ITEMS}", "action": "click"} for n in range(5_000)])
    db.flush()
    return db


def other(task: str, path: str) -> subprocess.Popen[str]:
    """Another process, which says a line when it is ready and begins at a line."""
    command = [sys.executable, __file__, task, path]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    return process


def finish(process: subprocess.Popen[str]) -> str:
    return process.communicate("\n")[0].strip().splitlines()[-1]


def timed_write(db: onelist.Engine, name: str, n: int) -> float:
    """Milliseconds of one durable write."""
    start = time.perf_counter()
    if name == "put":
        db.put(item(ITEMS + n))
    else:
        db.log(user=f"u{n % 200}", item=f"i{n}")
    return 1000 * (time.perf_counter() - start)


def reads(db: onelist.Engine) -> float:
    """Rankings a second, one after another."""
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        db.rank(WORDS[done % len(WORDS)], user=f"u{done % 200}", limit=10, log_impression=False)
        done += 1
    return done / (time.perf_counter() - start)


def measure_writes(path: str, db: onelist.Engine) -> None:
    """By turns here and there, so that both meet the same machine."""
    follower = other("follower-writes", path)
    times: dict[str, list[float]] = {}
    for name in ("put", "log"):
        for n in range(WRITES):
            times.setdefault(f"{name} in the process that writes", []).append(timed_write(db, name, 2 * n))
            follower.stdin.write(f"{name} {2 * n + 1}\n")
            follower.stdin.flush()
            times.setdefault(f"{name} from a process that follows", []).append(float(follower.stdout.readline()))
    follower.stdin.close()
    follower.wait()
    print(f"{'one call at a time, durable, ms':36} {'median':>8} {'95 %':>8}")
    for name, all_times in times.items():
        print(f"{name:36} {statistics.median(all_times):8.2f} {sorted(all_times)[int(0.95 * WRITES)]:8.2f}")


def measure_reads(path: str, db: onelist.Engine) -> None:
    db.close()
    alone = float(finish(other("reads", path)))
    pair = [other("reads", path), other("reads", path)]
    for process in pair:
        process.stdin.write("\n")
        process.stdin.flush()
    both = sum(float(process.communicate()[0].strip().splitlines()[-1]) for process in pair)
    print(f"rankings a second: {alone:.0f} in one process, {both:.0f} in two, {both / alone:.2f} times as many")


def ask(connection: http.client.HTTPConnection, method: str, path: str, body: object = None) -> None:
    text = None if body is None else json.dumps(body)
    connection.request(method, path, text, {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer = response.read()
    if response.status != 200:
        raise RuntimeError(f"{method} {path}: {response.status} {answer[:200]!r}")


def measure_service(path: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    servers = {
        "uvicorn --workers 4": ["uvicorn", "--workers", "4", "--log-level", "warning", "--port", str(port)],
        "gunicorn --preload --workers 4": [
            *["gunicorn", "--preload", "--workers", "4", "--worker-class", "asgi", "--log-level", "warning"],
            *["--bind", f"127.0.0.1:{port}"],
        ],
    }
    for name, command in servers.items():
        folder = Path(__file__).resolve().parents[1] / "examples/python"
        process = subprocess.Popen(
            [sys.executable, "-m", *command, "service:app"], cwd=folder, env={**os.environ, "SHOP": path}, start_new_session=True
        )
        try:
            load(name, port)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def load(name: str, port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            ask(http.client.HTTPConnection("127.0.0.1", port), "GET", "/stats")
            break
        except OSError:
            time.sleep(0.2)
    errors: list[str] = []
    left = iter(range(REQUESTS))
    lock = threading.Lock()

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while True:
            with lock:
                n = next(left, None)
            if n is None:
                return
            try:
                if n % 20 == 0:
                    ask(connection, "PUT", "/items", [item(n % ITEMS)])
                elif n % 5 == 0:
                    ask(connection, "POST", f"/events?user=u{n % 200}&item=i{n % ITEMS}")
                else:
                    ask(connection, "GET", f"/search?q={WORDS[n % len(WORDS)]}&user=u{n % 200}")
            except Exception as error:  # noqa: BLE001 (counted)
                errors.append(repr(error))
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    start = time.perf_counter()
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - start
    print(f"{name}: {REQUESTS} requests, {len(errors)} errors, {REQUESTS / took:.0f} a second {errors[:3] or ''}", flush=True)


def main() -> None:
    if len(sys.argv) == 3 and sys.argv[1] in ("follower-writes", "reads"):
        db = onelist.open(sys.argv[2], sessions=1)
        print("ready", flush=True)
        if sys.argv[1] == "reads":
            sys.stdin.readline()
            print(reads(db))
        else:
            for line in sys.stdin:
                name, n = line.split()
                print(timed_write(db, name, int(n)), flush=True)
        return
    wanted = sys.argv[1:] or ["writes", "reads", "service"]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "shop.onelist")
        db = fill(path)
        if "writes" in wanted:
            measure_writes(path, db)
        if "reads" in wanted:
            measure_reads(path, db)
        db.close()
        if "service" in wanted:
            measure_service(path)


if __name__ == "__main__":
    main()
