"""A catalogue as the engine holds it: content vectors, item vectors and BM25."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .. import shape, space
from ..table import TokenTable
from ..texts import TokenReader
from .data import Catalogue
from .lexical import Bm25

Array = NDArray[np.float32]
Space = tuple[Array, Array]


@dataclass(frozen=True)
class World:
    """Items with their vectors in one space; `tokens` and `space` map queries into the same space."""

    catalogue: Catalogue
    reader: TokenReader
    tokens: TokenTable
    lexical: Bm25
    content: Array
    space: Space

    @classmethod
    def of(cls, catalogue: Catalogue, reader: TokenReader, tokens: TokenTable, fitted: Space) -> "World":
        """Embeds and indexes a catalogue."""
        content = tokens.embed_all([reader.ids(text, shape.MAX_TOKENS) for text in catalogue.texts])
        return cls(catalogue, reader, tokens, Bm25(catalogue.texts), content, fitted)

    def into(self, fitted: Space) -> "World":
        """The same items in another space."""
        return replace(self, space=fitted)

    def refitted(self, width: int, power: float) -> "World":
        """The same items in the space that the engine fits to this catalogue."""
        return self.into(space.fit_whitening([self.content], width, power))

    def items(self) -> Array:
        """Item vectors [I,D], rounded to f16 as the engine stores them."""
        return space.item_vectors(self.content, *self.space).astype(np.float16).astype(np.float32)

    def queries(self, texts: list[str]) -> Array:
        """Query vectors [N,D]."""
        content = self.tokens.embed_all([self.reader.ids(text, shape.MAX_TOKENS) for text in texts])
        return space.item_vectors(content, *self.space)

    def bm25(self, texts: list[str]) -> Array:
        """Scaled BM25 of every item for each query, [N,I]."""
        return np.stack([self.lexical.scores(text) for text in texts])
