"""Upkeep of a store: the part of ``onelist.Engine`` that copies it and gives space back."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import cast

from onelist import _native as native
from onelist._json import Listener, call, heard
from onelist.types import Backup, Compacted


_LOGGER = logging.getLogger("onelist")
_LEVELS = {"info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}


def log_line(level: str, text: str) -> None:
    """Hands a line of the engine to ``logging``, as the logger ``onelist``."""
    _LOGGER.log(_LEVELS.get(level, logging.ERROR), text)


class UpkeepCalls:
    """Backups, compaction and listening. ``onelist.Engine`` has these methods."""

    __slots__ = ()

    _native: native.Engine

    def backup(self, path: str | os.PathLike[str], *, progress: Listener | None = None) -> Backup:
        """Copies the store to ``path``, which must be free, while requests and writes go on. The copy is a store: opening it
        restores it. It is there once all of it is on disk, or not at all."""
        with heard(progress):
            return cast(Backup, call(self._native, "backup", path=os.fsdecode(path)))

    def compact(self, *, progress: Listener | None = None) -> Compacted:
        """Gives space back to the file system, after much was deleted. Requests go on; writes wait while the catalog is
        copied, and the disk needs room for that copy."""
        with heard(progress):
            return cast(Compacted, call(self._native, "compact"))

    def on_metric(self, listener: Callable[[str, int, float], object] | None) -> None:
        """Calls ``listener(what, rows, seconds)`` after every call of the engine and every step of background work; None
        removes the listener. ``what`` is ``rank``, ``put``, ``log``, ``delete``, ``commit``, ``text_commit`` or
        ``vector_checkpoint``. It runs on the thread that did the work, so it must be quick and must not call the engine."""
        self._native.listen(listener, log_line)
