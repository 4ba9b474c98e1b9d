"""Words of item texts: how rare each is, and which words stand near it in the model's text tower."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from onelist.model_zero import bulk

from .base import Base

_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_LEAST_LETTERS = 3
"""Words that are shorter, or have no letter, are not swapped for others."""
_NEAR = 0.5
"""Least cosine of a word that may stand for another."""
_CHOICE = 4


def words_of(text: str) -> list[str]:
    """The words of a text in small letters, in their order."""
    return _WORD.findall(text.lower())


class Rarity:
    """In how many texts each word occurs."""

    def __init__(self, texts: Iterable[Sequence[str]]) -> None:
        """Counts over the words of each text."""
        self._counts: Counter[str] = Counter()
        self._texts = 0
        for words in texts:
            self._counts.update(set(words))
            self._texts += 1

    def told(self, word: str) -> float:
        """How much a word tells: the logarithm of how many texts there are to one that has it."""
        return float(np.log((1 + self._texts) / (0.5 + self._counts[word])))


class Neighbours:
    """Words near a word: what somebody might say instead, who has not read the text."""

    def __init__(self, base: Base) -> None:
        """Over the words of the base model's vocabulary that are one token, each as a text of its own."""
        vocabulary: dict[str, int] = json.loads(base.tokenizer)["model"]["vocab"]
        self._words = [word for word in vocabulary if word.isalpha() and len(word) >= _LEAST_LETTERS]
        lists = [[vocabulary[word]] for word in self._words]
        self._vectors: NDArray[np.float32] = bulk.embed(base.constants().tower, lists, lambda _: None)
        self._places = {word: place for place, word in enumerate(self._words)}
        self._found: dict[str, list[str]] = {}

    def of(self, word: str) -> list[str]:
        """The nearest words, nearest first; none for a word that the vocabulary lacks or that stands alone."""
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
