"""A whole sentence encoder as text tower: a BERT-shaped transformer inside the graph.

Texts come without special tokens and with padding anywhere. The graph puts the first special token before and the last
one after all columns, and gives each token its position among the tokens of its text. Attention takes positions from
there, not from the order of columns, so no token has to move.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .builder import Builder
from .encoder import Encoder
from .table import quantise, unit

Array = NDArray[np.float32]
KIND = "transformer"
_PREFIX = "tower."
_SCALES = ".scales"
_UNSEEN = -1e4


@dataclass(frozen=True)
class Transformer:
    """Tensors by the encoder's names, with `[in,out]` matrices. The scales of an int8 matrix are stored as `NAME.scales`.

    The word embeddings have a scale per row, the other matrices one per column. `first` and `last` are the special tokens
    around a text; `weights` [V] are the weights of tokens in the mean: all ones, or one for `first` alone.
    """

    tensors: Mapping[str, NDArray[Any]]
    weights: Array
    heads: int
    epsilon: float
    first: int
    last: int
    max_tokens: int

    @classmethod
    def pack(cls, encoder: Encoder, weights: Array, specials: tuple[int, int], max_tokens: int,
             small: bool) -> "Transformer":  # fmt: skip
        """The tower of an encoder. `small` stores its matrices in int8, a quarter of the bytes."""
        tensors: dict[str, NDArray[Any]] = {}
        for name, value in encoder.tensors.items():
            words = name == "embeddings.word_embeddings.weight"
            if value.ndim < 2 or "embeddings" in name and not words:
                tensors[name] = value
                continue
            rows: NDArray[Any] = value
            if small:
                rows, tensors[name + _SCALES] = quantise(value)
            tensors[name] = np.ascontiguousarray(rows if words else rows.T)
        return cls(tensors, weights, encoder.heads, encoder.epsilon, *specials, max_tokens)

    @classmethod
    def read(cls, stored: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> "Transformer":
        """The tower of a file, from its tensors by name and `text_tower` of its manifest."""
        own = {name.removeprefix(_PREFIX): value for name, value in stored.items() if name.startswith(_PREFIX)}
        return cls(own, stored["token_weights"], settings["heads"], settings["epsilon"], settings["first"],
                   settings["last"], settings["max_tokens"])  # fmt: skip

    run_tokens = 512
    """About a third of a second of MiniLM on one core: the longest that a query waits for a session."""

    @property
    def vocabulary(self) -> int:
        """V, the number of tokens."""
        return len(self.tensors["embeddings.word_embeddings.weight"])

    @property
    def _places(self) -> int:
        return len(self.tensors["embeddings.position_embeddings.weight"])

    @cached_property
    def _encoder(self) -> Encoder:
        """The encoder that the stored tensors describe, in f32 and with `[out,in]` matrices."""
        dense: dict[str, NDArray[Any]] = {}
        for name, value in self.tensors.items():
            if name.endswith(_SCALES):
                continue
            words = name == "embeddings.word_embeddings.weight"
            value = value.T if value.ndim == 2 and "embeddings" not in name else value
            scales = self.tensors.get(name + _SCALES)
            dense[name] = value if scales is None else value.astype(np.float32) * scales[:, None]
            assert not words or dense[name].shape[0] == self.vocabulary
        return Encoder(dense, self.heads, self.epsilon)

    def embed(self, ids: NDArray[np.int64], mask: Array, weights: Array) -> Array:
        """The forward pass in NumPy, the oracle of the graph."""
        valid = (mask > 0).astype(np.float32)
        length = valid.sum(1, keepdims=True)
        ends = np.ones_like(length)
        ids = np.concatenate([ends * self.first, ids, ends * self.last], 1).astype(np.int64)
        attend = np.concatenate([ends, valid, ends], 1)
        places = np.concatenate([0 * ends, np.cumsum(valid, 1), length + 1], 1)
        states = self._encoder.states(ids, np.minimum(places, self._places - 1).astype(np.int64), attend)
        total = (states * (weights[ids] * attend)[:, :, None]).sum(1)
        return unit(np.asarray(total * (length > 0), np.float32))

    def nodes(self, g: Builder) -> str:
        """text_emb. The encoder sits under an `If`, which a run without a text skips."""
        present = g.op("ReduceMax", "text_mask", g.axes(1), keepdims=1)
        some = g.op("Squeeze", g.true(g.op("ReduceMax", present, g.axes(0, 1), keepdims=0)))
        dense = {name: self._dense(g, name) for name in self.tensors if not name.endswith(_SCALES)}
        taken, skipped = Builder(g.constants, "tower"), Builder(g.constants, "notower")
        found = _Nodes(taken, self, dense).text(present)
        none = skipped.op("Mul", present, g.const("no_text", np.zeros((1, self._encoder.width), np.float32)))
        return g.op("If", some, name="text_emb", then_branch=taken.branch(found, "f32"),
                    else_branch=skipped.branch(none, "f32"))  # fmt: skip

    def _dense(self, g: Builder, name: str) -> str:
        """A stored matrix in f32, which ONNX Runtime computes once, when it reads the file. Word embeddings stay int8."""
        stored = g.const(_PREFIX + name, self.tensors[name])
        scales = self.tensors.get(name + _SCALES)
        if scales is None:
            return stored
        scale = g.const(_PREFIX + name + _SCALES, scales)
        return stored if name == "embeddings.word_embeddings.weight" else g.op("Mul", g.number(stored), scale)

    def identity(self) -> Sequence[NDArray[Any]]:
        """All tensors by name, and the special tokens: another token at either end makes another vector."""
        numbers = np.asarray([self.heads, self.first, self.last, self.max_tokens], np.int64)
        return (*(self.tensors[name] for name in sorted(self.tensors)), numbers, self.weights)

    def settings(self) -> dict[str, Any]:
        """What it takes beyond the tensors to read the tower back from its file."""
        return {"kind": KIND, "heads": self.heads, "epsilon": self.epsilon, "first": self.first, "last": self.last,
                "max_tokens": self.max_tokens}  # fmt: skip


class _Nodes:
    """The forward pass as nodes; `dense` names the f32 matrices."""

    def __init__(self, g: Builder, tower: Transformer, dense: Mapping[str, str]) -> None:
        self._g, self._tower, self._dense = g, tower, dense
        width, heads = tower._encoder.width, tower.heads
        self._split = g.const("tower_split", np.asarray([0, 0, heads, width // heads], np.int64))
        self._joined = g.const("tower_joined", np.asarray([0, 0, width], np.int64))
        self._scale = g.scalar(float(np.float32((width // heads) ** -0.5)))

    def text(self, present: str) -> str:
        """The vectors of texts [N,width]; zeros for a text without a token, as `present` [N,1] has it."""
        g, tower = self._g, self._tower
        valid = g.number(g.true("text_mask"))
        length = g.op("ReduceSum", valid, g.axes(1), keepdims=1)
        one = g.op("Expand", g.scalar(1.0), g.op("Shape", present))
        attend = g.op("Concat", one, valid, one, axis=1)
        ids = g.op("Concat", self._column(tower.first, present), "text_ids", self._column(tower.last, present), axis=1)
        counted = g.op("CumSum", valid, g.const("one", np.int64(1).reshape(())))
        places = g.op("Concat", g.op("Sub", one, one), counted, g.op("Add", length, one), axis=1)
        places = g.op("Cast", g.op("Min", places, g.scalar(tower._places - 1.0)), to=7)
        x = self._embedded(ids, places)
        hidden = g.op("Mul", g.op("Sub", attend, g.scalar(1.0)), g.scalar(-_UNSEEN))
        bias = g.op("Unsqueeze", hidden, g.axes(1, 2))
        for layer in range(tower._encoder.layers):
            x = self._layer(x, bias, f"encoder.layer.{layer}")
        weight = g.op("Mul", g.op("Gather", "token_weights", ids, axis=0), attend)
        total = g.op("Squeeze", g.op("MatMul", g.widen(weight, 1), x), g.axes(1))
        return g.unit(g.op("Mul", total, g.number(g.true(present))))

    def _column(self, token: int, like: str) -> str:
        value = self._g.const(f"token{token}", np.int64(token).reshape(()))
        return self._g.op("Expand", value, self._g.op("Shape", like))

    def _embedded(self, ids: str, places: str) -> str:
        g, dense, name = self._g, self._dense, "embeddings.word_embeddings.weight"
        words = g.op("Gather", dense[name], ids, axis=0)
        if name + _SCALES in self._tower.tensors:
            scale = g.op("Gather", _PREFIX + name + _SCALES, ids, axis=0)
            words = g.op("Mul", g.number(words), g.widen(scale, 2))
        place = g.op("Gather", dense["embeddings.position_embeddings.weight"], places, axis=0)
        kind = g.op("Gather", dense["embeddings.token_type_embeddings.weight"], g.const("kind", np.int64(0).reshape(())))
        return self._norm(g.op("Add", g.op("Add", words, place), kind), "embeddings.LayerNorm")

    def _layer(self, x: str, bias: str, layer: str) -> str:
        g = self._g
        x = self._norm(g.op("Add", x, self._attention(x, bias, layer)), f"{layer}.attention.output.LayerNorm")
        inner = self._gelu(self._linear(x, f"{layer}.intermediate.dense"))
        return self._norm(g.op("Add", x, self._linear(inner, f"{layer}.output.dense")), f"{layer}.output.LayerNorm")

    def _attention(self, x: str, bias: str, layer: str) -> str:
        g = self._g
        parts = {"query": [0, 2, 1, 3], "key": [0, 2, 3, 1], "value": [0, 2, 1, 3]}
        query, key, value = (
            g.op("Transpose", g.op("Reshape", self._linear(x, f"{layer}.attention.self.{part}"), self._split), perm=perm)
            for part, perm in parts.items()
        )
        logits = g.op("Add", g.op("Mul", g.op("MatMul", query, key), self._scale), bias)
        mixed = g.op("MatMul", g.op("Softmax", logits, axis=-1), value)
        joined = g.op("Reshape", g.op("Transpose", mixed, perm=[0, 2, 1, 3]), self._joined)
        return self._linear(joined, f"{layer}.attention.output.dense")

    def _linear(self, x: str, name: str) -> str:
        return self._g.op("Add", self._g.op("MatMul", x, self._dense[f"{name}.weight"]), self._dense[f"{name}.bias"])

    def _norm(self, x: str, name: str) -> str:
        scale, shift = self._dense[f"{name}.weight"], self._dense[f"{name}.bias"]
        return self._g.op("LayerNormalization", x, scale, shift, axis=-1, epsilon=self._tower.epsilon)

    def _gelu(self, x: str) -> str:
        g = self._g
        # The pattern that ONNX Runtime fuses into one operator.
        error = g.op("Erf", g.op("Div", x, g.scalar(float(np.float32(2**0.5)))))
        return g.op("Mul", g.op("Mul", x, g.op("Add", error, g.scalar(1.0))), g.scalar(0.5))
