"""The training data of a token table: the encoder's vectors of passages, in the space of the table's rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import bulk, shape, table
from .folder import SentenceEncoder
from .learn import Learned, Plan, learn
from .texts import TokenReader

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Taught:
    """The trained rows, and the number of distinct texts behind them."""

    learned: Learned
    texts: int


def teach(source: SentenceEncoder, rows: Array, weights: Array, texts: Sequence[str], width: int,
          progress: bool = False, plan: Plan = Plan()) -> Taught:  # fmt: skip
    """Trains rows [V,`width`], which start at the encoder's vocabulary `rows`, on its vectors of `texts`.

    `weights` [V] are the token weights of the table. Rows of tokens without weight stay unchanged.
    """
    tower = source.tower(shape.MAX_TOKENS, small=False)
    reader = TokenReader(source.tokenizer)
    lists = [ids for text in dict.fromkeys(texts) if weights[ids := reader.known(text, tower.max_tokens)].any()]
    mean, axes = table.reduction(rows, width, np.flatnonzero(weights == 0).tolist())
    vectors = bulk.embed(tower, lists, progress) if lists else np.zeros((0, source.encoder.width), np.float32)
    start = np.asarray((rows - mean) @ axes, np.float32)
    return Taught(learn(start, weights, lists, targets(vectors, axes), progress, plan), len(lists))


def targets(vectors: Array, axes: Array) -> Array:
    """The encoder's vectors [n,width] projected on the table's axes, with length one.

    They are centred first: what all passages have in common does not tell them apart.
    """
    return table.unit(np.asarray((vectors - vectors.mean(0)) @ axes, np.float32))
