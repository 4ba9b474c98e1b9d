"""A line on stderr that says how far training is."""

import sys
import time
from typing import TextIO

_WIDTH = 24
_EVERY = 0.2


class Bar:
    """Rewrites one line on a terminal; elsewhere it prints a line at the end of each part only."""

    def __init__(self, on: bool = True, stream: TextIO | None = None) -> None:
        """Silent when not `on`."""
        self._on, self._stream = on, stream if stream is not None else sys.stderr
        self._start = self._last = 0.0

    def begin(self) -> None:
        """Starts the clock of a part."""
        self._start, self._last = time.monotonic(), 0.0

    def step(self, what: str, done: int, total: int, facts: str) -> None:
        """So much of a part is done."""
        now = time.monotonic()
        if self._on and self._stream.isatty() and (now - self._last > _EVERY or done == total):
            self._last = now
            left = (now - self._start) / max(done, 1) * (total - done)
            filled = _WIDTH * done // max(total, 1)
            line = f"{what} [{'#' * filled}{'.' * (_WIDTH - filled)}] {done}/{total} {left:.0f} s left  {facts}"
            self._stream.write(f"\r\x1b[K{line}")
            self._stream.flush()

    def end(self, line: str) -> None:
        """The part is done; its line stays."""
        if self._on:
            self._stream.write(f"\r\x1b[K{line}\n" if self._stream.isatty() else f"{line}\n")
            self._stream.flush()
