"""The types that users' checkers see are true: mypy in strict mode, and the stub against the built module."""

import subprocess
import sys
from pathlib import Path

import pytest

import onelist
from onelist import types

pytest.importorskip("mypy", reason="pip install mypy")
CONFIG = Path(__file__).parent.parent / "pyproject.toml"
MODULES = [
    "onelist._native",
    "onelist.engine",
    "onelist.models",
    "onelist.errors",
    "onelist.types",
    "onelist._display",
    "onelist._json",
]


def check(tmp_path: Path, *arguments: str) -> None:
    # Started elsewhere than in the source tree, so that the installed package is the one that is checked.
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_package_passes_strict_checking(tmp_path: Path) -> None:
    check(tmp_path, "mypy", "--config-file", str(CONFIG))


def test_the_stub_agrees_with_the_native_module(tmp_path: Path) -> None:
    check(tmp_path, "mypy.stubtest", "--mypy-config-file", str(CONFIG), *MODULES)


def test_stats_are_what_their_type_says(shop: onelist.Engine) -> None:
    stats = shop.stats()
    assert set(stats) == set(types.Stats.__annotations__)
    assert set(stats["model"]) == set(types.ModelStats.__annotations__)
    assert stats["vectors"] and all(set(v) == set(types.VectorStats.__annotations__) for v in stats["vectors"])
    assert stats["items"] == 6 and stats["users"] == 1 and stats["events"] == 2
