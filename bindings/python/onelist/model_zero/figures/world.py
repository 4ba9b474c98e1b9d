"""A catalogue as the engine would hold it: content vectors, item vectors, BM25, in one place."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .. import space
from ..table import TokenTable
from ..wordpiece import WordPiece
from .data import Catalogue
from .lexical import Bm25

Array = NDArray[np.float32]
Space = tuple[Array, Array]


@dataclass(frozen=True)
class World:
    """Items with their vectors in one space; `tokens` and `space` put queries into the same one."""

    catalogue: Catalogue
    pieces: WordPiece
    tokens: TokenTable
    lexical: Bm25
    content: Array
    space: Space

    @classmethod
    def of(cls, catalogue: Catalogue, pieces: WordPiece, tokens: TokenTable, fitted: Space) -> "World":
        """Embed and index a catalogue."""
        content = tokens.embed_all([pieces.ids(text) for text in catalogue.texts])
        return cls(catalogue, pieces, tokens, Bm25(catalogue.texts), content, fitted)

    def into(self, fitted: Space) -> "World":
        """Embed and index a catalogue."""
        """The same items in another space."""
        return replace(self, space=fitted)

    def refitted(self, width: int, power: float) -> "World":
        """The same items in the space that the engine would fit to this catalogue."""
        return self.into(space.fit_whitening([self.content], width, power))

    def items(self) -> Array:
        """Item vectors [I,D], rounded to f16 as they are stored."""
        return space.item_vectors(self.content, *self.space).astype(np.float16).astype(np.float32)

    def queries(self, texts: list[str]) -> Array:
        """Query vectors [N,D]."""
        content = self.tokens.embed_all([self.pieces.ids(text) for text in texts])
        return space.item_vectors(content, *self.space)

    def bm25(self, texts: list[str]) -> Array:
        """Scaled BM25 of every item for each query, [N,I]."""
        return np.stack([self.lexical.scores(text) for text in texts])
