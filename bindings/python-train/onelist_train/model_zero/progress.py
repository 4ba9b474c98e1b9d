"""Progress bars on stderr."""

from typing import Any

from tqdm import tqdm


def bar(what: str, total: int, shown: bool) -> Any:
    """A progress bar over `total` steps, which disappears when it is closed.

    It is drawn only when `shown`, and only on a terminal.
    """
    return tqdm(desc=what, total=total, leave=False, disable=None if shown else True)
