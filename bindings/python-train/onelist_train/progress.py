"""Progress of a training on stderr."""

import sys
from typing import Any

from .model_zero.progress import bar


class Progress:
    """A bar for each epoch on a terminal, and everywhere the line that sums it up."""

    def __init__(self, shown: bool = True) -> None:
        """Prints nothing unless `shown`."""
        self._shown = shown

    def bar(self, what: str, total: int) -> Any:
        """A bar over `total` steps, to be used in a `with` statement."""
        return bar(what, total, self._shown)

    def line(self, text: str) -> None:
        """Prints a line that stays."""
        if self._shown:
            print(text, file=sys.stderr, flush=True)
