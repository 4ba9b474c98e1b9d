"""Search requests for a catalogue, made from the words of its items' texts: for items that nobody has searched for yet.

A query never has the title's words one after another: a search for them would teach that the words of a title are all
that anybody types.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .words import Neighbours, Rarity, words_of

_TITLES = ("title", "name")
_TRIES = 8
"""Draws for one query, after which an item goes without: its text is its title, of one word, say."""
_RARE = 0.5
"""Share of a text's words, the rarest, that `rare` draws from."""
_KEPT = 0.7
"""Chance of a word of a passage to stay in `dropped`."""


@dataclass(frozen=True)
class Query:
    """A query, the item that it was made from, and how it was made."""

    text: str
    item: str
    kind: str


@dataclass(frozen=True)
class _Source:
    """What a query is made from: the words of the title, and of everything."""

    id: str
    title: list[str]
    passages: list[list[str]]


class Maker:
    """Makes queries for a catalogue."""

    def __init__(self, items: Iterable[Mapping[str, Any]], near: Neighbours, skip: Iterable[str] = ()) -> None:
        """Reads the texts and tags of item dicts, but for fields to `skip`."""
        left_out = {"id", *skip}
        self._items = {str(item["id"]): _source(item, left_out) for item in items}
        self._rarity = Rarity([w for passage in one.passages for w in passage] for one in self._items.values())
        self._near = near

    def make(self, item: str, random: np.random.Generator) -> Query | None:
        """A query of a drawn kind for an item; None when its text yields none."""
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
        """`least` to `most` words that stand together."""
        lengths = np.asarray([len(p) for p in source.passages], np.float64)
        passage = source.passages[random.choice(len(lengths), p=lengths / lengths.sum())]
        length = min(int(random.integers(least, most + 1)), len(passage))
        start = int(random.integers(len(passage) - length + 1))
        return passage[start : start + length]

    def _phrase(self, source: _Source, random: np.random.Generator) -> list[str]:
        return self._passage(source, random, 2, 6)

    def _rare(self, source: _Source, random: np.random.Generator) -> list[str]:
        """A few of the words that tell most, in a drawn order."""
        words = sorted({w for passage in source.passages for w in passage}, key=lambda w: (-self._rarity.told(w), w))
        words = words[: max(3, int(len(words) * _RARE))]
        return [words[i] for i in random.permutation(len(words))[: random.integers(2, 5)]]

    def _dropped(self, source: _Source, random: np.random.Generator) -> list[str]:
        """A longer passage in which words are missing."""
        passage = self._passage(source, random, 4, 14)
        return [word for word in passage if random.random() < _KEPT]

    def _told(self, source: _Source, random: np.random.Generator) -> list[str]:
        """A longer passage without its commonest words, some of the others said by words near them."""
        passage = self._passage(source, random, 5, 16)
        middle = float(np.median([self._rarity.told(word) for word in passage])) if passage else 0.0
        return [self._other(word, random) for word in passage if self._rarity.told(word) >= middle]

    def _unlike(self, source: _Source, random: np.random.Generator) -> list[str]:
        """Rare words, each said by another word where there is one."""
        words = self._rare(source, random)
        return [near[random.integers(len(near))] if (near := self._near.of(word)) else word for word in words]

    def _begun(self, source: _Source, random: np.random.Generator) -> list[str]:
        """A phrase whose last word was not typed to its end."""
        words = self._passage(source, random, 1, 4)
        last = words[-1]
        return [*words[:-1], last[: int(random.integers(3, len(last)))]] if len(last) > 3 else words

    def _other(self, word: str, random: np.random.Generator) -> str:
        near = self._near.of(word) if random.random() < 0.5 else []
        return near[random.integers(len(near))] if near else word


_Make = Callable[[Maker, _Source, np.random.Generator], list[str]]
_MAKERS: dict[str, _Make] = {
    "phrase": Maker._phrase, "rare": Maker._rare, "dropped": Maker._dropped, "told": Maker._told,
    "unlike": Maker._unlike, "begun": Maker._begun,
}  # fmt: skip
KINDS = tuple(_MAKERS)
"""How queries are made; each is as likely as the others."""


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
    """Whether the words of `part`, if there are any, stand in `whole` one after another."""
    length = len(part)
    starts = range(len(whole) - length + 1)
    return length > 0 and any(list(whole[start : start + length]) == list(part) for start in starts)
