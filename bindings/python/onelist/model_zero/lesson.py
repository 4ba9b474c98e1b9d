"""What a token table learns: the encoder's vectors of passages, in the space that the table's rows live in."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import bulk, shape, table
from .folder import SentenceEncoder
from .learn import Learned, Plan, Progress, learn
from .texts import cutter

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Taught:
    """What was learned, and from how many different texts."""

    learned: Learned
    texts: int


def teach(source: SentenceEncoder, rows: Array, weights: Array, texts: Sequence[str], width: int, progress: Progress,
          plan: Plan = Plan()) -> Taught:  # fmt: skip
    """Rows [V,`width`] that begin at the encoder's vocabulary `rows` and learn its vectors of `texts`.

    `weights` [V] are those that the table will have: tokens that count nothing in it stay as they are.
    """
    tower = source.tower(shape.MAX_TOKENS, small=False)
    cut = cutter(source.tokenizer, tower.max_tokens)
    lists = [ids for text in dict.fromkeys(texts) if weights[ids := cut(text)].any()]
    mean, axes = table.reduction(rows, width, np.flatnonzero(weights == 0).tolist())
    vectors = bulk.embed(tower, lists, progress) if lists else np.zeros((0, source.encoder.width), np.float32)
    start = np.asarray((rows - mean) @ axes, np.float32)
    return Taught(learn(start, weights, lists, targets(vectors, axes), progress, plan), len(lists))


def targets(vectors: Array, axes: Array) -> Array:
    """The encoder's vectors [n,width] along the table's axes, of length one.

    Centred on themselves: what all passages have in common tells none from another.
    """
    return table.unit(np.asarray((vectors - vectors.mean(0)) @ axes, np.float32))
