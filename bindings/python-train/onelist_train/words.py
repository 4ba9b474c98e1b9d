"""Words of item texts: how rare each is, and which words are similar in the model's text tower."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from .base import Base
from .model_zero import bulk

_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_LEAST_LETTERS = 3
"""Minimum length of a word that another word may replace."""
_NEAR = 0.5
"""Minimum cosine between a word and its replacement."""
_CHOICE = 4
"""Maximum replacements of a word."""


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, in order."""
    return _WORD.findall(text.lower())


class Rarity:
    """The document frequency of each word."""

    def __init__(self, texts: Iterable[Sequence[str]]) -> None:
        """Counts over the words of each text."""
        self._counts: Counter[str] = Counter()
        self._texts = 0
        for words in texts:
            self._counts.update(set(words))
            self._texts += 1

    def idf(self, word: str) -> float:
        """The inverse document frequency of a word."""
        return float(np.log((1 + self._texts) / (0.5 + self._counts[word])))


class Neighbours:
    """Words with a similar meaning, which a user who has not read the text might type instead."""

    def __init__(self, base: Base) -> None:
        """Compares the words of the base model's vocabulary that are a single token."""
        vocabulary: dict[str, int] = json.loads(base.tokenizer)["model"]["vocab"]
        self._words = [word for word in vocabulary if word.isalpha() and len(word) >= _LEAST_LETTERS]
        lists = [[vocabulary[word]] for word in self._words]
        self._vectors: NDArray[np.float32] = bulk.embed(base.constants().tower, lists)
        self._places = {word: place for place, word in enumerate(self._words)}
        self._found: dict[str, list[str]] = {}

    def of(self, word: str) -> list[str]:
        """The most similar words, most similar first; empty for a word without any, or outside the vocabulary."""
        place = self._places.get(word)
        if place is None:
            return []
        if word not in self._found:
            near = self._vectors @ self._vectors[place]
            near[place] = -1.0
            best = np.flatnonzero(near >= _NEAR)
            best = best[np.argsort(-near[best], kind="stable")][:_CHOICE]
            self._found[word] = [self._words[i] for i in best]
        return self._found[word]
