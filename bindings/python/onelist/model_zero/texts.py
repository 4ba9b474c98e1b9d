"""Texts to token ids by a `tokenizer.json`, as the engine reads them: without special and unknown tokens."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from .wordpiece import WordPiece

Cut = Callable[[str], list[int]]


def vocabulary_of(tokenizer: Mapping[str, Any]) -> dict[str, int]:
    """The ids of a tokenizer's own pieces and added tokens, by their text."""
    pieces = tokenizer["model"]["vocab"]
    # Unigram models list pairs of a piece and its score.
    own = dict(pieces) if isinstance(pieces, dict) else {piece: place for place, (piece, _) in enumerate(pieces)}
    return own | {token["content"]: token["id"] for token in tokenizer.get("added_tokens") or ()}


def specials_of(tokenizer: Mapping[str, Any]) -> tuple[int, int] | None:
    """The tokens that a tokenizer puts before and behind a single text; None when it does anything else."""
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


def cutter(raw: bytes, limit: int) -> Cut:
    """The function from a text to at most `limit` token ids.

    The uncased WordPiece of BERT needs nothing else; other tokenizers need the package `tokenizers`.
    """
    tokenizer = json.loads(raw)
    ids = vocabulary_of(tokenizer)
    unknown = next((ids[token] for token in ("[UNK]", "<unk>") if token in ids), None)
    take = _plain(tokenizer) or _library(raw)
    return lambda text: [token for token in take(text) if token != unknown][:limit]


def _plain(tokenizer: Mapping[str, Any]) -> Cut | None:
    """By the exporter's own WordPiece, if it does what this tokenizer does."""
    model, normalizer = tokenizer["model"], tokenizer.get("normalizer") or {}
    uncased = normalizer.get("type") == "BertNormalizer" and normalizer.get("lowercase") is True
    if model.get("type") != "WordPiece" or not uncased or normalizer.get("strip_accents") is False:
        return None
    pieces = WordPiece(model["vocab"])
    return lambda text: pieces.ids(text, len(text) + 1)


def _library(raw: bytes) -> Cut:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise ImportError("this tokenizer is no uncased WordPiece; to fit its space, `pip install tokenizers`") from error
    read = Tokenizer.from_str(raw.decode())
    read.no_truncation()
    read.no_padding()
    return lambda text: list(read.encode(text, add_special_tokens=False).ids)
