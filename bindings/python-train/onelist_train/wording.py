"""Synthetic queries for a catalogue, made from the words of its items' texts.

A query never contains the title as a phrase: such searches would teach that users type nothing but titles.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .words import Neighbours, Rarity, words_of

_TITLES = ("title", "name")
_TRIES = 8
"""Attempts per query. An item without a query after these has little text beyond its title."""
_RARE = 0.5
"""Fraction of a text's words, the rarest, that `rare` draws from."""
_KEPT = 0.7
"""Probability that `dropped` keeps a word of a passage."""


@dataclass(frozen=True)
class Query:
    """A query, the item that it was made from, and its kind."""

    text: str
    item: str
    kind: str


@dataclass(frozen=True)
class _Source:
    """The words of an item: those of the title, and those of each text."""

    id: str
    title: list[str]
    passages: list[list[str]]


class Maker:
    """Makes queries for a catalogue."""

    def __init__(self, items: Iterable[Mapping[str, Any]], near: Neighbours, skip: Iterable[str] = ()) -> None:
        """Reads the texts and tags of item dicts, except the fields in `skip`."""
        left_out = {"id", *skip}
        self._items = {str(item["id"]): _source(item, left_out) for item in items}
        self._rarity = Rarity([w for passage in one.passages for w in passage] for one in self._items.values())
        self._near = near

    def make(self, item: str, random: np.random.Generator) -> Query | None:
        """A query of a random kind for an item; None if its text yields none."""
        source = self._items.get(item)
        if source is None or not source.passages:
            return None
        for _ in range(_TRIES):
            kind = KINDS[random.integers(len(KINDS))]
            words = _MAKERS[kind](self, source, random)
            if words and not _within(source.title, words):
                return Query(" ".join(words), item, kind)
        return None

    def _passage(self, source: _Source, random: np.random.Generator, least: int, most: int) -> list[str]:
        """`least` to `most` consecutive words."""
        lengths = np.asarray([len(p) for p in source.passages], np.float64)
        passage = source.passages[random.choice(len(lengths), p=lengths / lengths.sum())]
        length = min(int(random.integers(least, most + 1)), len(passage))
        start = int(random.integers(len(passage) - length + 1))
        return passage[start : start + length]

    def _phrase(self, source: _Source, random: np.random.Generator) -> list[str]:
        return self._passage(source, random, 2, 6)

    def _rare(self, source: _Source, random: np.random.Generator) -> list[str]:
        """A few of the rarest words, in random order."""
        words = sorted({w for passage in source.passages for w in passage}, key=lambda w: (-self._rarity.idf(w), w))
        words = words[: max(3, int(len(words) * _RARE))]
        return [words[i] for i in random.permutation(len(words))[: random.integers(2, 5)]]

    def _dropped(self, source: _Source, random: np.random.Generator) -> list[str]:
        """A longer passage without some of its words."""
        passage = self._passage(source, random, 4, 14)
        return [word for word in passage if random.random() < _KEPT]

    def _paraphrase(self, source: _Source, random: np.random.Generator) -> list[str]:
        """The rarer half of the words of a longer passage, some replaced by similar words."""
        passage = self._passage(source, random, 5, 16)
        middle = float(np.median([self._rarity.idf(word) for word in passage])) if passage else 0.0
        return [self._other(word, random) for word in passage if self._rarity.idf(word) >= middle]

    def _synonyms(self, source: _Source, random: np.random.Generator) -> list[str]:
        """Rare words, each replaced by a similar word if there is one."""
        words = self._rare(source, random)
        return [near[random.integers(len(near))] if (near := self._near.of(word)) else word for word in words]

    def _prefix(self, source: _Source, random: np.random.Generator) -> list[str]:
        """A phrase whose last word is incomplete."""
        words = self._passage(source, random, 1, 4)
        last = words[-1]
        return [*words[:-1], last[: int(random.integers(3, len(last)))]] if len(last) > 3 else words

    def _other(self, word: str, random: np.random.Generator) -> str:
        near = self._near.of(word) if random.random() < 0.5 else []
        return near[random.integers(len(near))] if near else word


_Make = Callable[[Maker, _Source, np.random.Generator], list[str]]
_MAKERS: dict[str, _Make] = {
    "phrase": Maker._phrase, "rare": Maker._rare, "dropped": Maker._dropped, "paraphrase": Maker._paraphrase,
    "synonyms": Maker._synonyms, "prefix": Maker._prefix,
}  # fmt: skip
KINDS = tuple(_MAKERS)
"""The kinds of queries, all equally likely."""


def _source(item: Mapping[str, Any], left_out: set[str]) -> _Source:
    title = next((words_of(item[name]) for name in _TITLES if isinstance(item.get(name), str)), [])
    passages = []
    for name in sorted(item):
        value = item[name]
        if name not in left_out and isinstance(value, str):
            passages.append(words_of(value))
        elif name not in left_out and isinstance(value, (list, tuple)):
            passages += [words_of(part) for part in value if isinstance(part, str)]
    return _Source(str(item["id"]), title, [passage for passage in passages if passage])


def _within(part: Sequence[str], whole: Sequence[str]) -> bool:
    """Whether `part` is not empty and occurs in `whole` as a phrase."""
    length = len(part)
    starts = range(len(whole) - length + 1)
    return length > 0 and any(list(whole[start : start + length]) == list(part) for start in starts)
