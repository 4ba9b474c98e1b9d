"""BM25 as the engine feeds it to the model: divided by the query's upper bound, and so in [0,1]."""

import re

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
_K1, _B = 1.2, 0.75
_WORD = re.compile(r"[^\W_]+")


def terms(text: str) -> list[str]:
    """Lowercase words without plural endings (Harman's S-stemmer)."""
    out = []
    for word in _WORD.findall(text.lower()):
        if len(word) > 3 and word.endswith("ies") and word[-4] not in "ae":
            word = word[:-3] + "y"
        elif len(word) > 3 and word.endswith("es") and word[-3] not in "aeo":
            word = word[:-1]
        elif len(word) > 3 and word.endswith("s") and word[-2] not in "us":
            word = word[:-1]
        out.append(word)
    return out


class Bm25:
    """Postings with the saturated term weight tf / (tf + k1 (1 - b + b len / mean len))."""

    def __init__(self, texts: list[str]) -> None:
        """Indexes `texts`; an item is its row."""
        postings: dict[str, dict[int, int]] = {}
        lengths = np.zeros(len(texts), np.float32)
        for row, text in enumerate(texts):
            words = terms(text)
            lengths[row] = len(words)
            for word in words:
                counts = postings.setdefault(word, {})
                counts[row] = counts.get(row, 0) + 1
        norm = _K1 * (1 - _B + _B * lengths / lengths.mean())
        self._size = len(texts)
        self._postings: dict[str, tuple[NDArray[np.int64], Array]] = {}
        for word, counts in postings.items():
            rows = np.fromiter(counts.keys(), np.int64)
            tf = np.fromiter(counts.values(), np.float32)
            self._postings[word] = (rows, tf / (tf + norm[rows]))

    def scores(self, query: str) -> Array:
        """Scaled BM25 of every item. Words that no item has count in the bound: a query of mostly unknown words is weak
        lexical evidence."""
        out = np.zeros(self._size, np.float32)
        bound = 0.0
        for word in terms(query):
            rows, weights = self._postings.get(word, (np.zeros(0, np.int64), np.zeros(0, np.float32)))
            idf = float(np.log(1 + (self._size - len(rows) + 0.5) / (len(rows) + 0.5)))
            bound += idf
            out[rows] += np.float32(idf) * weights
        return out / np.float32(max(bound, 1e-9))
