"""What a text tower is to the rest of the exporter: token ids in, vectors of length one out."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .builder import Builder

Array = NDArray[np.float32]


class Tower(Protocol):
    """The part of the graph between `text_ids` and `text_emb`."""

    @property
    def weights(self) -> Array:
        """Default weight of each token in its text [V]."""
        ...

    @property
    def vocabulary(self) -> int:
        """V, the number of tokens."""
        ...

    @property
    def max_tokens(self) -> int:
        """Tokens that are read of a text."""
        ...

    @property
    def run_tokens(self) -> int | None:
        """Most tokens of one run in the engine, where a token takes long; None for the engine's own choice."""
        ...

    def embed(self, ids: NDArray[np.int64], mask: Array, weights: Array) -> Array:
        """The vectors [N,De] of token ids [N,T] in NumPy; a text without a token of weight is a zero vector."""
        ...

    def nodes(self, g: Builder) -> str:
        """Adds the nodes that compute `text_emb`; returns that name."""
        ...

    def identity(self) -> Sequence[NDArray[Any]]:
        """What decides the vectors of texts, in a fixed order: the hash of a vector space is over these bytes."""
        ...

    def story(self) -> dict[str, Any]:
        """What the manifest says of it beyond the tensors, as `text_tower`; nothing for a token table."""
        ...
