"""The WordPiece tokenizer of the encoder, in plain Python.

The exporter needs token ids to fit weights and the vector space. The engine tokenizes with the
same `tokenizer.json`; this file exists so that the exporter needs no compiled tokenizer.
"""

import unicodedata
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

# A longer word becomes [UNK] as a whole, as in the encoder's own tokenizer.
_LONGEST_WORD = 100
# The blocks that BERT's normaliser puts spaces around, so that each character is a word.
_IDEOGRAPHS = (
    (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
)  # fmt: skip


def _is_ideograph(code: int) -> bool:
    return any(low <= code <= high for low, high in _IDEOGRAPHS)


def _is_punctuation(char: str) -> bool:
    """All ASCII that is neither letter, digit nor space counts, plus the Unicode class P."""
    code = ord(char)
    if 33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126:
        return True
    return unicodedata.category(char).startswith("P")


def _normalise(text: str) -> str:
    """Drop control characters, strip accents, lowercase, and put spaces round single-character words."""
    out: list[str] = []
    for char in unicodedata.normalize("NFD", text):
        category = unicodedata.category(char)
        if char in "\t\n\r" or category == "Zs":
            out.append(" ")
        elif char in "\x00\ufffd" or category in ("Mn", "Cc", "Cf", "Cn", "Co"):
            continue
        elif _is_ideograph(ord(char)) or _is_punctuation(char):
            out.append(f" {char} ")
        else:
            out.append(char.lower())
    return "".join(out)


class WordPiece:
    """Greedy longest-match WordPiece over a lowercase vocabulary; special tokens are never added."""

    def __init__(self, vocabulary: dict[str, int]) -> None:
        """Take the id of each piece; `[UNK]` must be among them, continuations begin with `##`."""
        self._vocabulary = vocabulary
        self._unknown = vocabulary["[UNK]"]
        self._cache: dict[str, list[int]] = {}

    def _word(self, word: str) -> list[int]:
        known = self._cache.get(word)
        if known is not None:
            return known
        pieces: list[int] = []
        start = 0
        while start < len(word) <= _LONGEST_WORD:
            prefix = "##" if start else ""
            end = len(word)
            while end > start and prefix + word[start:end] not in self._vocabulary:
                end -= 1
            if end == start:
                break
            pieces.append(self._vocabulary[prefix + word[start:end]])
            start = end
        # One character that no piece covers makes the whole word unknown.
        pieces = pieces if start == len(word) else [self._unknown]
        self._cache[word] = pieces
        return pieces

    def ids(self, text: str, limit: int = 256) -> list[int]:
        """Token ids of `text`, at most `limit` of them."""
        found: list[int] = []
        for word in _normalise(text).split():
            found += self._word(word)
            if len(found) >= limit:
                break
        return found[:limit]


def pad(rows: Iterable[list[int]]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Right-pad id lists to one rectangle [N,T] (T >= 1) and return it with its 0/1 mask."""
    lists = list(rows)
    width = max([1, *map(len, lists)])
    ids = np.zeros((len(lists), width), np.int64)
    mask = np.zeros((len(lists), width), np.float32)
    for row, values in enumerate(lists):
        ids[row, : len(values)] = values
        mask[row, : len(values)] = 1.0
    return ids, mask
