"""Texts to token ids by a `tokenizer.json`, as the engine reads them, and their padding."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

_UNKNOWN = ("[UNK]", "<unk>")


class TokenReader:
    """Reads token ids from texts. It never adds special tokens."""

    def __init__(self, tokenizer: bytes) -> None:
        """Takes the content of a `tokenizer.json`."""
        self._tokenizer = Tokenizer.from_str(tokenizer.decode())
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        # A text that contains "[MASK]" means those six characters, as in the engine.
        self._tokenizer.encode_special_tokens = True
        ids = self._tokenizer.get_vocab()
        self._unknown = next((ids[token] for token in _UNKNOWN if token in ids), None)

    def ids(self, text: str, limit: int) -> list[int]:
        """The first `limit` token ids of a text, unknown words included."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids[:limit])

    def known(self, text: str, limit: int) -> list[int]:
        """The first `limit` token ids of a text without its unknown words: what the text tower reads."""
        ids = self._tokenizer.encode(text, add_special_tokens=False).ids
        return [token for token in ids if token != self._unknown][:limit]


def vocabulary_of(tokenizer: Mapping[str, Any]) -> dict[str, int]:
    """The ids of a tokenizer's pieces and added tokens, by their text."""
    pieces = tokenizer["model"]["vocab"]
    # Unigram models list pairs of a piece and its score.
    own = dict(pieces) if isinstance(pieces, dict) else {piece: place for place, (piece, _) in enumerate(pieces)}
    return own | {token["content"]: token["id"] for token in tokenizer.get("added_tokens") or ()}


def specials_of(tokenizer: Mapping[str, Any]) -> tuple[int, int] | None:
    """The tokens that a tokenizer puts before and after a single text; None when it does anything else."""
    rule, ids = tokenizer.get("post_processor") or {}, vocabulary_of(tokenizer)
    if "cls" in rule and "sep" in rule:
        return int(rule["cls"][1]), int(rule["sep"][1])
    if not rule and {"[CLS]", "[SEP]"} <= ids.keys():
        return ids["[CLS]"], ids["[SEP]"]
    single = rule.get("single", [])
    if [sorted(part) for part in single] != [["SpecialToken"], ["Sequence"], ["SpecialToken"]]:
        return None
    first, last = (rule["special_tokens"][single[place]["SpecialToken"]["id"]]["ids"] for place in (0, 2))
    return (int(first[0]), int(last[0])) if len(first) == len(last) == 1 else None


def pad(rows: Iterable[list[int]]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Pads id lists on the right to one rectangle [N,T] (T >= 1), and returns it with its 0/1 mask."""
    lists = list(rows)
    width = max([1, *map(len, lists)])
    ids = np.zeros((len(lists), width), np.int64)
    mask = np.zeros((len(lists), width), np.float32)
    for row, values in enumerate(lists):
        ids[row, : len(values)] = values
        mask[row, : len(values)] = 1.0
    return ids, mask
