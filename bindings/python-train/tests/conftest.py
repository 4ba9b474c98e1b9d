"""Fixtures of the tests."""

from pathlib import Path

import pytest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The folder of a test's store."""
    return tmp_path / "store.onelist"
