"""Passages of catalogues: texts as short as a sentence encoder reads well, to train a token table on."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from . import export

# White space after an end mark and before a character that can start a sentence.
_BOUNDARY = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9(\"'])")

FEWEST = 10


class TooFewTextsError(ValueError):
    """There are too few texts to train on and to hold out."""

    def __init__(self, found: int) -> None:
        """Names the number of texts."""
        super().__init__(f"expected at least {FEWEST} different texts with a known word to learn a table from, "
                         f"found {found}; name more files with --texts or --learn-table")  # fmt: skip


def read(path: Path, most: int) -> list[str]:
    """Up to `most` distinct passages of a JSON-lines catalogue, evenly spread over it: titles, and texts split at sentences."""
    fields = (field for row in export.read_rows(path) for field in export.fields_of(row))
    found = list(dict.fromkeys(passage for field in fields for passage in sentences(field)))
    return [found[place] for place in spread(len(found), most)]


def sentences(text: str) -> list[str]:
    """The sentences of a text, roughly: split after end marks that a capital, digit, bracket or quote follows."""
    return [part for part in (piece.strip() for piece in _BOUNDARY.split(text)) if part]


def spread(size: int, most: int) -> Sequence[int]:
    """Up to `most` indices below `size`, evenly spread and in order."""
    found: list[int] = np.unique(np.linspace(0, max(size - 1, 0), min(most, size)).astype(np.int64)).tolist()
    return found
