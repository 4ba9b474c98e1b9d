"""The network of `network.py` in ONNX operators, as an extension of model zero's graph.

Optional parts are combined by broadcasting, never by `Concat`, as in the graph that this extends.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from .model_zero import shape
from .model_zero.builder import Builder
from .model_zero.graph import Parts
from .network import NEVER, PACE, VISIT_ROW
from .pack import Packed
from .size import HASHES, NETWORK, Size, adapted, adapter_names

_EPSILON = 1e-5
_FRONT = 2
"""Tokens before the events: null and query."""


class Nodes:
    """Builds the network's nodes from its parameters by name."""

    def __init__(self, g: Builder, size: Size, parameters: Mapping[str, Packed]) -> None:
        """Nodes are added to `g`. ONNX Runtime converts int8 matrices to f32 when it creates a session."""
        self.g, self.size, self._parameters = g, size, parameters
        self._read: dict[str, str] = {}

    def parameter(self, name: str) -> str:
        """The parameter in f32."""
        if name not in self._read:
            packed, stored = self._parameters[name], f"net.{name}"
            found = self.g.const(stored, packed.values)
            if packed.scale is not None:
                found = self.g.op("Mul", self.g.number(found), self.g.const(f"{stored}.scale", packed.scale))
            self._read[name] = found
        return self._read[name]

    def linear(self, x: str, name: str) -> str:
        """x @ weight, plus the adapter's part and the bias of layers that have them."""
        y = self.g.op("MatMul", x, self.parameter(f"{name}.weight"))
        if name in adapted(self.size):
            lora = f"lora_{name.replace('.', '_')}"
            y = self.g.op("Add", y, self.g.op("MatMul", self.g.op("MatMul", x, f"{lora}_a"), f"{lora}_b"))
        return self.g.op("Add", y, self.parameter(f"{name}.bias")) if f"{name}.bias" in self._parameters else y

    def norm(self, x: str, name: str) -> str:
        """Layer norm of the last axis."""
        scale, bias = self.parameter(f"{name}.weight"), self.parameter(f"{name}.bias")
        return self.g.op("LayerNormalization", x, scale, bias, axis=-1, epsilon=_EPSILON)

    def silu(self, x: str) -> str:
        """x * sigmoid(x)."""
        return self.g.op("Mul", x, self.g.op("Sigmoid", x))

    def part(self, x: str, start: int, end: int) -> str:
        """Columns of the last axis."""
        return self.g.op("Slice", x, self.g.axes(start), self.g.axes(end), self.g.axes(-1))

    def heads(self, x: str, keys: bool = False) -> str:
        """[B,T,d] to [B,heads,T,d/heads], or for keys to [B,heads,d/heads,T]."""
        split = self.g.op("Reshape", x, self.g.axes(0, 0, self.size.heads, self.size.width // self.size.heads))
        return self.g.op("Transpose", split, perm=[0, 2, 3, 1] if keys else [0, 2, 1, 3])

    def attend(self, q: str, k: str, v: str, mask: str) -> str:
        """Multi-head attention of projected tokens [B,Q,d], [B,T,d], [B,T,d] under an additive mask [B,1,1,T]."""
        factor = self.g.scalar(1.0 / math.sqrt(self.size.width // self.size.heads))
        logits = self.g.op("Mul", self.g.op("MatMul", self.heads(q), self.heads(k, keys=True)), factor)
        share = self.g.op("Softmax", self.g.op("Add", logits, mask), axis=-1)
        mixed = self.g.op("Transpose", self.g.op("MatMul", share, self.heads(v)), perm=[0, 2, 1, 3])
        return self.g.op("Reshape", mixed, self.g.axes(0, 0, self.size.width))

    def block(self, x: str, mask: str, number: int) -> str:
        """One gated block."""
        name, d, g = f"blocks.{number}", self.size.width, self.g
        h = self.norm(x, f"{name}.norm")
        qkv = self.linear(h, f"{name}.qkv")
        q, k, v = (self.part(qkv, i * d, (i + 1) * d) for i in range(3))
        mixed = self.linear(self.attend(q, k, v, mask), f"{name}.out")
        x = g.op("Add", x, g.op("Mul", g.op("Sigmoid", self.linear(h, f"{name}.gate")), mixed))
        h = self.norm(x, f"{name}.norm2")
        wide = self.linear(h, f"{name}.wide")
        one, two = self.part(wide, 0, self.size.inner), self.part(wide, self.size.inner, 2 * self.size.inner)
        inner = self.linear(g.op("Mul", self.silu(one), two), f"{name}.narrow")
        return g.op("Add", x, g.op("Mul", g.op("Sigmoid", self.linear(h, f"{name}.gate2")), inner))

    def item(self, vectors: str, sid: str) -> str:
        """Item tokens [B,N,d] of vectors [B,N,D] and semantic ids [B,N,3]."""
        rows = self.linear(self._code_rows(sid), "from_codes")
        return self.g.op("Add", self.linear(vectors, "project"), rows)

    def _code_rows(self, sid: str) -> str:
        """The sum of an item's n-gram rows, scaled down to the largest norm; zeros for codes of -1."""
        g, start, total = self.g, 0, ""
        known = g.op("Max", sid, g.axes(0))
        for level, (factors, rows) in enumerate(zip(HASHES, self.size.code_rows, strict=True)):
            spread = g.op("Mul", known, g.const(f"hash{level}", np.asarray(factors, np.int64)))
            number = g.op("Mod", g.op("ReduceSum", spread, g.axes(-1), keepdims=0), g.axes(rows))
            place = g.op("Add", number, g.axes(start))
            # The table stays int8 in memory; only the rows of candidates become f32.
            found = self._gather("codes", place)
            total = g.op("Add", total, found) if total else found
            start += rows
        square = g.op("ReduceSumSquare", total, g.axes(-1), keepdims=1)
        limit = g.scalar(self.size.code_limit)
        total = g.op("Mul", total, g.op("Div", limit, g.op("Max", g.op("Sqrt", square), limit)))
        there = g.op("GreaterOrEqual", self.part(sid, 0, 1), g.axes(0))
        return g.op("Mul", total, g.number(there))

    def _gather(self, name: str, place: str) -> str:
        packed, stored = self._parameters[name], f"net.{name}"
        rows = self.g.op("Gather", self.g.const(stored, packed.values), place, axis=0)
        if packed.scale is None:
            return rows
        return self.g.op("Mul", self.g.number(rows), self.g.const(f"{stored}.scale", packed.scale))


class Trained:
    """The extension of a trained file."""

    graph_features: tuple[str, ...] = (NETWORK,)

    def __init__(self, size: Size, parameters: Mapping[str, Packed], weights: NDArray[np.float32]) -> None:
        """A network of `size`, and weights [4,F+G+1] whose last column is for it."""
        self._size, self._parameters, self._weights = size, parameters, weights
        self.contexts = size.contexts
        self.inputs: tuple[shape.Tensor, ...] = (
            ("history_sid", "i64", ("B", "L", shape.LEVELS)), ("cand_sid", "i64", ("B", "K", shape.LEVELS)),
            *((name, "f32", dims) for name, dims in adapter_names(size).items()),
        )  # fmt: skip
        self.outputs: tuple[shape.Tensor, ...] = (("sid_logits", "f32", ("B", shape.CODES)),)
        self._tokens = self._mask = self._pace = ""

    def defaults(self) -> dict[str, NDArray[Any]]:
        """No semantic ids, zero adapters, and the weights."""
        none = np.full((1, 1, shape.LEVELS), -1, np.int64)
        zeros = {name: np.zeros(dims, np.float32) for name, dims in adapter_names(self._size).items()}
        return {"history_sid": none, "cand_sid": none, **zeros, "weights": self._weights}

    def context(self, g: Builder, parts: Parts) -> str:
        """The blocks over [null, query, events], the learned context vectors and `sid_logits`."""
        n = Nodes(g, self._size, self._parameters)
        x, mask = self._front(n, parts)
        for number in range(self._size.blocks):
            x = n.block(x, mask, number)
        self._tokens, self._mask = n.norm(x, "norm"), mask
        query = g.op("Slice", self._tokens, g.axes(1), g.axes(2), g.axes(1))
        logits = n.linear(g.op("Squeeze", query, g.axes(1)), "next_code")
        g.op("LogSoftmax", logits, axis=-1, name="sid_logits")
        return self._vectors(n, parts)

    def _front(self, n: Nodes, parts: Parts) -> tuple[str, str]:
        """Tokens [B,2+L,d] before the blocks, and their additive mask [B,1,1,2+L]."""
        g = n.g
        later = g.op("CumSum", g.number(parts.past), g.const("one", np.int64(1).reshape(())), exclusive=1, reverse=1)
        self._pace = self._time(g, parts.past, later)
        later = g.op("Min", g.op("Cast", later, to=TensorProto.INT64), g.axes(self._size.places - 1))
        events = n.item(parts.vectors, "history_sid")
        for table, rows in (("action", "history_action"), ("gap", "history_gap"), ("place", later)):
            events = g.op("Add", events, g.op("Gather", n.parameter(table), rows, axis=0))
        there = g.number(parts.past)
        events = g.op("Mul", events, g.widen(there, 2))
        query = g.op("Add", n.linear(parts.query, "project"), n.parameter("asked"))
        query = g.op("Where", g.widen(parts.asked, 1), query, n.parameter("no_query"))
        length = g.op("Shape", "history_mask", start=1, end=2)
        # Each part is padded to the full length and added, which lets it keep its own B.
        x = g.op("Add", self._behind(g, events, 3), self._at(g, g.widen(query, 1), 1, length))
        null = g.const("null_place", np.eye(1, _FRONT, dtype=np.float32)[:, :, None])
        null = g.op("Mul", null, n.parameter("null"))
        x = g.op("Add", x, self._at(g, null, 0, length))
        missing = g.op("Sub", g.scalar(1.0), there)
        mask = g.op("Mul", self._behind(g, missing, 2), g.scalar(NEVER))
        return x, g.op("Unsqueeze", mask, g.axes(1, 2))

    @staticmethod
    def _time(g: Builder, past: str, later: str) -> str:
        """The timing of the history [B,4]; `pace` in network.py."""
        gap, visit = g.number("history_gap"), g.scalar(float(VISIT_ROW))
        there = g.number(past)

        def total(x: str) -> str:
            return g.op("ReduceSum", x, g.axes(1), keepdims=1)

        def logarithm(x: str) -> str:
            return g.op("Mul", g.op("Log", g.op("Add", total(x), g.scalar(1.0))), g.scalar(0.25))

        newest = g.op("And", past, g.op("Equal", later, g.scalar(0.0)))
        newest = g.op("Div", total(g.op("Mul", gap, g.number(newest))), visit)
        lately = g.op("Mul", there, g.number(g.op("Less", gap, visit)))
        columns = (g.op("ReduceMax", there, g.axes(1), keepdims=1), newest, logarithm(there), logarithm(lately))
        padded = [g.op("Pad", x, g.axes(0, i, 0, PACE - 1 - i)) for i, x in enumerate(columns)]
        return g.op("Sum", *padded)

    @staticmethod
    def _behind(g: Builder, x: str, rank: int) -> str:
        """`x` [B,L,...] after the two positions of null and query."""
        return g.op("Pad", x, g.axes(0, _FRONT, *[0] * (2 * rank - 2)))

    @staticmethod
    def _at(g: Builder, x: str, place: int, length: str) -> str:
        """`x` [B,n,d] at position `place` of 2 + `length` positions; it ends where the events begin."""
        return g.op("Pad", x, g.op("Concat", g.axes(0, place, 0, 0), length, g.axes(0), axis=0))

    def _vectors(self, n: Nodes, parts: Parts) -> str:
        """Learned context vectors [B,M,D]: an attention-weighted mean of the item vectors, plus a learned correction."""
        g, d = n.g, self._size.width
        logits = g.op("Mul", n.linear(self._tokens, "slots"), g.scalar(1.0 / math.sqrt(d)))
        logits = g.op("Add", g.op("Transpose", logits, perm=[0, 2, 1]), g.op("Squeeze", self._mask, g.axes(1)))
        share = g.op("Softmax", logits, axis=-1)
        length = g.op("Shape", "history_mask", start=1, end=2)
        vectors = g.op("Add", self._behind(g, parts.vectors, 3), self._at(g, g.widen(parts.query, 1), 1, length))
        correction = n.linear(g.op("MatMul", share, self._tokens), "to_item")
        found = g.op("Add", g.op("MatMul", share, vectors), correction)
        asked, past = g.number(parts.asked), g.op("ReduceMax", g.number(parts.past), g.axes(1), keepdims=0)
        some = g.op("Unsqueeze", g.op("Max", asked, past), g.axes(1, 2))
        return g.unit(g.op("Mul", found, some))

    def score(self, g: Builder, features: str, cell: str) -> tuple[str, ...]:
        """The feature `network` [B,K,1]."""
        n, d = Nodes(g, self._size, self._parameters), self._size.width
        c = n.norm(n.item("cand_vec", "cand_sid"), "item_norm")
        seen = n.linear(self._tokens, "seen")
        cross = n.attend(n.linear(c, "look"), n.part(seen, 0, d), n.part(seen, d, 2 * d), self._mask)
        x = g.op("Mul", g.op("Sub", features, n.parameter("feature_mean")), n.parameter("feature_scale"))
        h = g.op("Add", n.linear(c, "from_item"), n.linear(cross, "from_cross"))
        h = g.op("Add", h, n.linear(g.op("Mul", c, cross), "from_both"))
        h = g.op("Add", h, n.linear(x, "from_features"))
        whole = g.op("Add", g.op("Gather", n.parameter("cell"), cell, axis=0), n.linear(self._pace, "from_pace"))
        h = n.silu(g.op("Add", h, g.widen(whole, 1)))
        raw = n.linear(n.silu(n.linear(h, "middle")), "last")
        bound = g.scalar(self._size.bound)
        return (g.op("Mul", g.op("Tanh", g.op("Div", raw, bound)), bound),)
