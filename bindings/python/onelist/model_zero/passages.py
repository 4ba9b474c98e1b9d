"""Passages of catalogues: what a sentence encoder reads well, and a token table can learn from."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from . import export

# After an end mark, where something begins that a sentence can begin with.
_BOUNDARY = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9(\"'])")

FEWEST = 10


class TooFewTextsError(ValueError):
    """There is nothing to learn from, or nothing to hold out."""

    def __init__(self, found: int) -> None:
        """Says how many texts there were."""
        super().__init__(f"expected at least {FEWEST} different texts with a known word to learn a table from, "
                         f"found {found}; name more files with --texts or --learn-table")  # fmt: skip


def read(path: Path, most: int) -> list[str]:
    """At most `most` different passages of a JSON-lines catalogue, evenly spread over it: titles, and texts by the sentence."""
    fields = (field for row in export.read_rows(path) for field in export.fields_of(row))
    found = list(dict.fromkeys(passage for field in fields for passage in sentences(field)))
    return [found[place] for place in spread(len(found), most)]


def sentences(text: str) -> list[str]:
    """The sentences of a text, roughly: cut behind end marks before a capital, a digit, a bracket or a quote."""
    return [part for part in (piece.strip() for piece in _BOUNDARY.split(text)) if part]


def spread(size: int, most: int) -> Sequence[int]:
    """At most `most` places of 0 to `size`, evenly spread and in order."""
    return np.unique(np.linspace(0, max(size - 1, 0), min(most, size)).astype(np.int64)).tolist()
