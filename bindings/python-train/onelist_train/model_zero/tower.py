"""The interface of a text tower: token ids in, vectors of length one out."""

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
        """The default weight of each token in its text [V]."""
        ...

    @property
    def vocabulary(self) -> int:
        """V, the number of tokens."""
        ...

    @property
    def max_tokens(self) -> int:
        """Number of tokens that are read from a text."""
        ...

    @property
    def run_tokens(self) -> int | None:
        """Maximum tokens of one run in the engine, for a slow tower; None leaves the choice to the engine."""
        ...

    def embed(self, ids: NDArray[np.int64], mask: Array, weights: Array) -> Array:
        """The vectors [N,De] of token ids [N,T] in NumPy. A text without a token of weight has a zero vector."""
        ...

    def nodes(self, g: Builder) -> str:
        """Adds the nodes that compute `text_emb`; returns that name."""
        ...

    def identity(self) -> Sequence[NDArray[Any]]:
        """What determines the vectors of texts, in a fixed order: the bytes behind the id of the vector space."""
        ...

    def settings(self) -> dict[str, Any]:
        """What it takes beyond the tensors to read the tower back: `text_tower` of the manifest. Empty for a table."""
        ...
