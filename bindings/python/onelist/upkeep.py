"""Upkeep of a store: the part of ``onelist.Engine`` that copies it and gives space back."""

from __future__ import annotations

import os
from typing import cast

from onelist import _native as native
from onelist._json import Listener, call, heard
from onelist.types import Backup, Compacted


class UpkeepCalls:
    """Backups and compaction. ``onelist.Engine`` has these methods."""

    __slots__ = ()

    _native: native.Engine

    def backup(self, path: str | os.PathLike[str], *, progress: Listener | None = None) -> Backup:
        """Copies the store to ``path``, which must be free, while requests and writes go on. The copy is a store: opening it
        restores it. It is there once all of it is on disk, or not at all."""
        with heard(progress):
            return cast(Backup, call(self._native, "backup", path=os.fspath(path)))

    def compact(self, *, progress: Listener | None = None) -> Compacted:
        """Gives space back to the file system, after much was deleted. Requests go on; writes wait while the catalog is
        copied, and the disk needs room for that copy."""
        with heard(progress):
            return cast(Compacted, call(self._native, "compact"))
