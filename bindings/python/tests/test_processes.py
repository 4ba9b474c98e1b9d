"""Several processes on one store: forks, other programs, readers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from shop import IDS, NOW, SHOP

import onelist
from onelist import errors


FIND = (
    "def find(db, query):\n"
    "    return sorted(hit.id for hit in db.rank(query, limit=1000) if 'lexical' in hit.sources)\n"
)
"""What has the words of a query, without what only means something similar."""


def find(db: onelist.Engine, query: str) -> list[str]:
    return sorted(hit.id for hit in db.rank(query, limit=1000) if "lexical" in hit.sources)


def run(script: str, *arguments: str, status: int = 0) -> list[str]:
    """The lines that a script prints in an interpreter of its own."""
    command = [sys.executable, "-c", FIND + script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == status, done.stderr + done.stdout
    return done.stdout.splitlines()


def test_another_program_reads_and_writes_beside_this_one(shop: onelist.Engine, path: Path) -> None:
    script = (
        "import onelist, sys\n"
        "db = onelist.open(sys.argv[1], date_field='released')\n"
        "print(db.stats()['process']['role'], db.stats()['process']['writer'], db.stats()['items'])\n"
        "print(db.put({'id': 'lamp', 'title': 'Brass desk lamp'}))\n"
        "print(db.log(user='reader', item='lamp'))\n"
        "print(find(db, 'brass'))\n"
        "try: db.put({'id': ''})\n"
        "except onelist.errors.InvalidIdError as error: print(error.name)\n"
    )
    role, put, logged, found, refused = run(script, str(path))
    assert role == f"follower {os.getpid()} {len(IDS)}"
    assert shop.wait_for(int(logged), timeout=0) and shop.token() >= int(logged) > int(put)
    assert not shop.wait_for(int(logged) + 100, timeout=0.05)
    assert (found, refused) == ("['lamp']", "InvalidId")
    assert find(shop, "brass") == ["lamp"]
    assert shop.get("lamp") == {"id": "lamp", "title": "Brass desk lamp"}
    assert shop.stats()["process"]["role"] == "writer"


def test_tokens_grow_with_every_write(db: onelist.Engine) -> None:
    tokens = [db.put({"id": "a", "t": "x"}), db.log(user="u", item="a"), db.put({"id": "b", "t": "y"})]
    assert tokens == sorted(set(tokens)) and db.token() >= tokens[-1]
    assert all(db.wait_for(token) for token in tokens)
    assert db.put([]) >= tokens[-1], "nothing was written, and everything before is seen"


def test_a_reader_changes_nothing(path: Path) -> None:
    with pytest.raises(errors.NotADatabaseError):
        onelist.open(path, mode="read")
    with onelist.open(path) as db:
        db.put(SHOP)
    with onelist.open(path, mode="read") as reader:
        assert reader.stats()["process"]["role"] == "reader" and set(reader.rank().ids) == set(IDS)
        for call in (lambda: reader.put({"id": "x"}), lambda: reader.log(user="u", item="x"), lambda: reader.delete("x")):
            with pytest.raises(errors.ReadOnlyError):
                call()
    with pytest.raises(errors.InvalidArgumentError):
        onelist.open(path, mode="append")  # type: ignore[arg-type]


FORK = (
    "import onelist, os, sys\n"
    "db = onelist.open(sys.argv[1])\n"
    "db.put({'id': 'a', 'title': 'red shoes'})\n"
    "db.log(user='u', item='a')\n"
    "def in_child(work):\n"
    "    sys.stdout.flush()\n"
    "    child = os.fork()\n"
    "    if child == 0:\n"
    "        code = 1\n"
    "        try:\n"
    "            work()\n"
    "            code = 0\n"
    "        except BaseException as error:\n"
    "            print(type(error).__name__, error)\n"
    "        sys.stdout.flush()\n"
    "        os._exit(code)\n"
    "    print('status', os.waitpid(child, 0)[1])\n"
)


def test_a_forked_child_opens_the_store_for_itself(path: Path) -> None:
    script = FORK + (
        "def work():\n"
        "    print(find(db, 'red'), db.stats()['process']['role'])\n"
        "    db.put({'id': 'b', 'title': 'red bag'})\n"
        "    in_child(lambda: print(find(db, 'red'), db.put({'id': 'c', 'title': 'red cap'}) > 0))\n"
        "    print(find(db, 'red'))\n"
        "in_child(work)\n"
        "print(find(db, 'red'), db.stats()['process']['role'])\n"
        "db.close()\n"
    )
    assert run(script, str(path)) == [
        "['a'] follower",
        "['a', 'b'] True",
        "status 0",
        "['a', 'b', 'c']",
        "status 0",
        "['a', 'b', 'c'] writer",
    ]


def test_a_child_that_does_nothing_or_closes_leaves_the_parent_alone(path: Path) -> None:
    script = FORK + (
        "in_child(lambda: None)\n"
        "in_child(lambda: db.close())\n"
        "def drops():\n"
        "    global db\n"
        "    del db\n"
        "in_child(drops)\n"
        "def opens():\n"
        "    with onelist.open(sys.argv[1]) as mine: print(find(mine, 'red'))\n"
        "in_child(opens)\n"
        "def both():\n"
        "    db.rank('red')\n"
        "    try: onelist.open(sys.argv[1], strict=True)\n"
        "    except onelist.errors.AlreadyOpenError: print('other settings')\n"
        "in_child(both)\n"
        "db.put({'id': 'c', 'title': 'red cap'})\n"
        "print(find(db, 'red'), db.stats()['process']['role'])\n"
    )
    lines = run(script, str(path))
    assert [line for line in lines if line != "status 0"] == ["['a']", "other settings", "['a', 'c'] writer"]
    assert len(lines) == 8


def test_a_daemon_goes_on_when_its_parent_is_gone(path: Path) -> None:
    script = (
        "import gc, onelist, os, sys, time\n"
        "db = onelist.open(sys.argv[1])\n"
        "db.put({'id': 'a', 'title': 'x'})\n"
        "if os.fork(): os._exit(0)\n"
        "time.sleep(0.2)\n"
        "print(db.rank('x').ids, db.stats()['process']['role'])\n"
        "db.close()\n"
        "with onelist.open(sys.argv[1]) as again: print(again.rank('x').ids)\n"
        "sys.stdout.flush()\n"
        "os._exit(0)\n"
    )
    assert run(script, str(path)) == ["['a'] writer", "['a']"]


def test_forks_while_other_threads_are_at_work(path: Path) -> None:
    script = FORK + (
        "import threading\n"
        "ends = threading.Event()\n"
        "def busy(number):\n"
        "    n = 0\n"
        "    while not ends.is_set():\n"
        "        db.put({'id': f'{number}-{n}', 'title': 'blue thing'}); db.rank('blue'); n += 1\n"
        "threads = [threading.Thread(target=busy, args=(n,)) for n in range(3)]\n"
        "for thread in threads: thread.start()\n"
        "for n in range(8): in_child(lambda: db.put({'id': f'child-{n}', 'title': 'green'}))\n"
        "ends.set()\n"
        "for thread in threads: thread.join()\n"
        "print(len(find(db, 'green')))\n"
    )
    lines = run(script, str(path))
    assert lines == ["status 0"] * 8 + ["8"]


def test_a_pool_of_forked_processes(path: Path) -> None:
    script = FORK + (
        "import multiprocessing\n"
        "def work(n):\n"
        "    db.put({'id': f'p{n}', 'title': f'pool w{n}'})\n"
        "    return find(db, f'w{n}')\n"
        "with multiprocessing.get_context('fork').Pool(4) as pool:\n"
        "    print(pool.map(work, range(40)) == [[f'p{n}'] for n in range(40)])\n"
        "print(len(find(db, 'pool')))\n"
    )
    assert run(script, str(path)) == ["True", "40"]


def test_lists_are_the_same_in_every_process(shop: onelist.Engine, path: Path) -> None:
    script = (
        "import onelist, sys\n"
        "with onelist.open(sys.argv[1], date_field='released') as db:\n"
        "    for query, user in ((None, None), ('red shoes', None), (None, 'runner'), ('shoes', 'runner')):\n"
        "        print([(hit.id, round(hit.score, 5)) for hit in db.rank(query, user=user, now=float(sys.argv[2]), log_impression=False)])\n"
    )
    shop.flush()  # what people have in common is counted a moment after it is logged
    now = NOW.timestamp()
    here = [
        str([(hit.id, round(hit.score, 5)) for hit in shop.rank(query, user=user, now=now, log_impression=False)])
        for query, user in ((None, None), ("red shoes", None), (None, "runner"), ("shoes", "runner"))
    ]
    assert run(script, str(path), str(now)) == here


def mounted_read_only(folder: Path, at: Path) -> bool:
    """Whether the folder could be mounted read-only at another place."""
    at.mkdir()
    steps = (["mount", "--bind", str(folder), str(at)], ["mount", "-o", "remount,ro,bind", str(at)])
    return all(subprocess.run(step, capture_output=True, check=False).returncode == 0 for step in steps)


def test_a_read_only_medium_is_read(path: Path, tmp_path: Path) -> None:
    with onelist.open(path) as db:
        db.put(SHOP)
        db.log(user="runner", item="boot")
    medium = tmp_path / "medium"
    if not mounted_read_only(path, medium):
        pytest.skip("this user cannot mount")
    try:
        with pytest.raises(OSError):
            (medium / "x").touch()
        with onelist.open(medium, mode="read") as reader:
            assert set(reader.rank(user="runner").ids) == set(IDS) and find(reader, "red shoes")
        with pytest.raises(onelist.Error):
            onelist.open(medium)
    finally:
        subprocess.run(["umount", str(medium)], check=True)
