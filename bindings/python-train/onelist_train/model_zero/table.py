"""The static token table: vocabulary rows from the encoder, reduced by PCA, weighted, in int8."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import shape
from .builder import Builder
from .encoder import Encoder
from .progress import bar

Array = NDArray[np.float32]
_SMALLEST_NORM = 1e-12


@dataclass(frozen=True)
class TokenTable:
    """Rows [V,De] int8 with one scale per row [V], and the weight of each token [V]."""

    rows: NDArray[np.int8]
    scales: Array
    weights: Array

    max_tokens = shape.MAX_TOKENS
    """number of tokens that are read from a text"""

    run_tokens = None
    """the engine's own choice"""

    @property
    def vocabulary(self) -> int:
        """V, the number of tokens."""
        return len(self.rows)

    def embed(self, ids: NDArray[np.int64], mask: Array, weights: Array) -> Array:
        """L2-normalised sums [N,De] of token rows, weighted by `weights`. A text without weight has a zero vector."""
        factor = weights[ids] * self.scales[ids] * mask
        return unit((factor[:, :, None] * self.rows[ids]).sum(1))

    def nodes(self, g: Builder) -> str:
        """text_emb. The table stays int8 in memory; only the gathered rows become f32."""
        rows = g.op("Gather", g.const("table", self.rows), "text_ids", axis=0)
        scale = g.op("Gather", g.const("table_scales", self.scales), "text_ids", axis=0)
        weight = g.op("Gather", "token_weights", "text_ids", axis=0)
        factor = g.op("Mul", g.op("Mul", weight, scale), "text_mask")
        total = g.op("MatMul", g.widen(factor, 1), g.number(rows))
        return g.unit(g.op("Squeeze", total, g.axes(1)), name="text_emb")

    def identity(self) -> Sequence[NDArray[Any]]:
        """What determines the vectors of texts, in a fixed order: the bytes behind the id of the vector space."""
        return (self.rows, self.scales, self.weights)

    def settings(self) -> dict[str, Any]:
        """Empty: a manifest without `text_tower` has a token table."""
        return {}

    def embed_all(self, lists: Sequence[list[int]]) -> Array:
        """The vectors of many id lists, computed one by one to bound memory."""
        out = np.zeros((len(lists), self.rows.shape[1]), np.float32)
        for row, ids in enumerate(lists):
            index = np.asarray(ids, np.int64)
            out[row] = (self.weights[index] * self.scales[index]) @ self.rows[index].astype(np.float32)
        return unit(out)


def unit(x: Array) -> Array:
    """L2-normalise the last axis; zero vectors stay zero."""
    norm = np.sqrt((x * x).sum(-1, keepdims=True))
    return np.asarray(x / np.maximum(norm, _SMALLEST_NORM), np.float32)


def distil_vocabulary(
    encoder: Encoder, size: int, first: int, last: int, progress: bool = False, batch: int = 1024
) -> Array:
    """Runs each of `size` tokens through the encoder alone, between the special tokens `first` and `last`.

    Continuation pieces ("##x") are treated like any other token. Returns unit vectors [size,width].
    """
    out = np.zeros((size, encoder.width), np.float32)
    mask = np.ones((batch, 3), np.float32)
    with bar("vocabulary", size, progress) as steps:
        for start in range(0, size, batch):
            tokens = np.arange(start, min(start + batch, size), dtype=np.int64)
            ids = np.stack([np.full_like(tokens, first), tokens, np.full_like(tokens, last)], axis=1)
            out[start : start + len(tokens)] = encoder.encode(ids, mask[: len(tokens)])
            steps.update(len(tokens))
    return unit(out)


def principal_axes(x: Array) -> tuple[Array, Array, Array]:
    """Mean [d], axes [d,d] as columns by decreasing spread, and singular values [d] of the centred rows [n,d].

    The largest entry of each axis is made positive, so that an export is reproducible.
    """
    mean = x.mean(0, dtype=np.float64)
    covariance = (x.T.astype(np.float64) @ x) / len(x) - np.outer(mean, mean)
    return mean.astype(np.float32), *axes_of(covariance)


def axes_of(covariance: NDArray[np.float64]) -> tuple[Array, Array]:
    """Sign-fixed eigenvectors (columns) and root eigenvalues of a covariance, largest first."""
    values, vectors = np.linalg.eigh(covariance)
    order = np.argsort(-values, kind="stable")
    vectors = vectors[:, order]
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(0), np.arange(vectors.shape[1])])
    return vectors.astype(np.float32), np.sqrt(np.maximum(values[order], 0.0)).astype(np.float32)


def reduce(rows: Array, width: int, skip: Sequence[int]) -> Array:
    """Projects vocabulary rows onto their first `width` principal axes, fitted without the `skip` rows."""
    mean, axes = reduction(rows, width, skip)
    return np.asarray((rows - mean) @ axes, np.float32)


def reduction(rows: Array, width: int, skip: Sequence[int]) -> tuple[Array, Array]:
    """The mean and the first `width` principal axes of vocabulary rows, fitted without the `skip` rows."""
    mean, axes, _ = principal_axes(np.delete(rows, list(skip), axis=0))
    return mean, axes[:, :width]


def quantise(rows: Array) -> tuple[NDArray[np.int8], Array]:
    """Symmetric int8 rows and one scale per row, so that `rows ~ int8 * scale`."""
    scales = np.maximum(np.abs(rows).max(1), _SMALLEST_NORM) / np.float32(127.0)
    return np.rint(rows / scales[:, None]).astype(np.int8), scales.astype(np.float32)


def packed(rows: Array, weights: Array) -> TokenTable:
    """The table of rows [V,De], quantised to int8, and weights [V]."""
    return TokenTable(*quantise(rows), weights)


def silent_tokens(vocabulary: dict[str, int]) -> list[int]:
    """The ids of tokens without a meaning, whose weight is zero: [PAD], [UNK], [CLS], [unused7], ..."""
    return sorted(i for token, i in vocabulary.items() if len(token) > 2 and token[0] == "[" and token[-1] == "]")


def zipf_chance(vocabulary: dict[str, int], length: int = 100) -> NDArray[np.float64]:
    """Prior probability that a text of `length` tokens contains each token, from its rank in the vocabulary.

    A WordPiece vocabulary lists whole words by decreasing frequency, after its special tokens and single characters;
    rank r has probability 1 / (10 r) (Zipf's law over 30,000 words). Punctuation counts as one of the most common words,
    other single characters as rare ones.
    """
    first_word = next(i for token, i in vocabulary.items() if token == "the")
    rank = np.empty(len(vocabulary))
    for token, i in vocabulary.items():
        single = 5.0 if len(token) == 1 and not token.isalnum() else 3000.0
        rank[i] = single if i < first_word else i - first_word + 1.0
    return np.asarray(1.0 - np.exp(-length / (10.0 * rank)), np.float64)


def smoothed_idf(lists: Sequence[list[int]], prior: NDArray[np.float64], prior_texts: float) -> Array:
    """BM25's idf ln(1 + (n - df + .5) / (df + .5)) of each token over `lists` and a prior.

    The prior counts as `prior_texts` texts that contain each token with its probability in `prior`. It weighs a word that
    `lists` never use by how common it is in general.
    """
    counts = prior * prior_texts
    for ids in lists:
        counts[np.unique(np.asarray(ids, np.int64))] += 1
    total = len(lists) + prior_texts
    return np.asarray(np.log(1.0 + (total - counts + 0.5) / (counts + 0.5)), np.float32)
