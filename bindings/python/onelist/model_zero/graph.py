"""Building the ONNX graph: text tower, item tower, context and linear scorer in one file.

Operators are plain `ai.onnx` ones and every input is optional. Two rules hold throughout:

* An input has dimension symbols of its own. ONNX Runtime may share buffers between tensors
  whose symbols agree, and here a call may feed B = 8 candidates and leave the query at size one.
* Parts that can be left out are combined by broadcasting, never by `Concat`, for the same reason.
"""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from . import shape
from .constants import Constants

OPSET = 18
IR_VERSION = 10
_TYPES = {"f32": TensorProto.FLOAT, "i64": TensorProto.INT64}
_SMALLEST_NORM = np.float32(1e-12)
_NEVER = np.float32(-1e4)


class _Builder:
    """Collects nodes and constants; `op` returns the name of what the node computes."""

    def __init__(self, constants: dict[str, onnx.TensorProto] | None = None, prefix: str = "v") -> None:
        self.nodes: list[onnx.NodeProto] = []
        # A branch shares the constants of the graph around it, and has names of its own.
        self.constants: dict[str, onnx.TensorProto] = {} if constants is None else constants
        self._prefix = prefix

    def op(self, kind: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        result = name or f"{self._prefix}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [result], **attributes))
        return result

    def const(self, name: str, value: NDArray[Any] | np.generic) -> str:
        self.constants.setdefault(name, numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def axes(self, *values: int) -> str:
        return self.const("i" + "_".join(map(str, values)), np.asarray(values, np.int64))

    def scalar(self, value: float) -> str:
        return self.const(f"f{value!r}", np.float32(value).reshape(()))

    def true(self, mask: str) -> str:
        return self.op("Greater", mask, self.scalar(0.0))

    def number(self, condition: str) -> str:
        return self.op("Cast", condition, to=TensorProto.FLOAT)

    def widen(self, x: str, axis: int) -> str:
        return self.op("Unsqueeze", x, self.axes(axis))

    def branch(self, result: str) -> onnx.GraphProto:
        """These nodes as the i64 matrix branch of an `If`."""
        value = helper.make_tensor_value_info(result, TensorProto.INT64, [None, None])
        return helper.make_graph(self.nodes, self._prefix, [], [value])

    def unit(self, x: str, name: str | None = None) -> str:
        """L2-normalise the last axis; a zero vector stays zero."""
        square = self.op("ReduceSumSquare", x, self.axes(-1), keepdims=1)
        norm = self.op("Max", self.op("Sqrt", square), self.const("smallest_norm", _SMALLEST_NORM))
        return self.op("Div", x, norm, name=name)


def _text_tower(g: _Builder, constants: Constants) -> str:
    """text_emb: the int8 table stays int8 in memory, only the gathered rows become f32."""
    rows = g.op("Gather", g.const("table", constants.table.rows), "text_ids", axis=0)
    scale = g.op("Gather", g.const("table_scales", constants.table.scales), "text_ids", axis=0)
    weight = g.op("Gather", "token_weights", "text_ids", axis=0)
    factor = g.op("Mul", g.op("Mul", weight, scale), "text_mask")
    total = g.op("MatMul", g.widen(factor, 1), g.number(rows))
    return g.unit(g.op("Squeeze", total, g.axes(1)), name="text_emb")


def _item_tower(g: _Builder, content: str, name: str | None = None) -> str:
    """unit((content - mean) @ projection), and zero where the content row is zero."""
    largest = g.op("ReduceMax", g.op("Abs", content), g.axes(-1), keepdims=1)
    moved = g.op("MatMul", g.op("Sub", content, "content_mean"), "projection")
    return g.unit(g.op("Mul", moved, g.number(g.true(largest))), name=name)


def _semantic_ids(g: _Builder, item: str) -> None:
    """item_sid: nearest centre of each level, on what the levels before it left over.

    Reading the codebook costs more than all else that a request leaves at size one, so it sits
    under an `If` that only calls with content take. A zero vector has the codes 0, 0, 0.
    """
    largest = g.op("ReduceMax", g.op("Abs", item), g.axes(-1), keepdims=1)
    rows = g.true(largest)
    used = g.op("Squeeze", g.true(g.op("ReduceMax", largest, g.axes(0, 1), keepdims=0)))
    taken, skipped = _Builder(g.constants, "sid"), _Builder(g.constants, "nosid")
    residual, codes = item, []
    for level in range(shape.LEVELS):
        centres = taken.op("Gather", "codebook", g.const(f"level{level}", np.int64(level).reshape(())), axis=0)
        size = taken.op("ReduceSumSquare", centres, g.axes(-1), keepdims=0)
        # |c|^2 - 2 x.c in one operator, without a transposed copy of the codebook.
        distance = taken.op("Gemm", residual, centres, size, alpha=-2.0, transB=1)
        code = taken.op("ArgMin", distance, axis=1, keepdims=0)
        codes.append(taken.widen(code, 1))
        residual = taken.op("Sub", residual, taken.op("Gather", centres, code, axis=0))
    found = taken.op("Concat", *codes, axis=1)
    known = taken.op("Where", rows, found, g.const("no_code", np.int64(0).reshape(())))
    zeros = g.const("no_codes", np.zeros((1, shape.LEVELS), np.int64))
    none = skipped.op("Expand", zeros, skipped.op("Shape", largest))
    g.op("If", used, name="item_sid", then_branch=taken.branch(known), else_branch=skipped.branch(none))


def _query(g: _Builder, text: str) -> str:
    """The query vector [B,D]: from text row b, or as fed, or zeros; chosen with Where, so that an
    absent query cannot leak into the result whatever its inputs hold."""
    asked = g.op("Slice", text, g.axes(0), g.op("Shape", "query_text"), g.axes(0))
    from_text = g.widen(g.true("query_text"), 1)
    vector = g.op("Where", from_text, _item_tower(g, asked), g.unit("query_vec"))
    return g.op("Where", g.widen(g.true("query_mask"), 1), vector, g.scalar(0.0))


def _history(g: _Builder, decay: float) -> tuple[str, str, str]:
    """History vector [B,D], weight of each event [B,L], and the events' vectors with padding zeroed.

    The age of an event is the number of valid events after it, so padding on the left (or
    anywhere) changes nothing.
    """
    valid = g.true("history_mask")
    later = g.op("CumSum", g.number(valid), g.const("one", np.int64(1).reshape(())), exclusive=1, reverse=1)
    fade = g.op("Exp", g.op("Mul", later, g.scalar(-decay)))
    action = g.op("Gather", "action_gain", "history_action", axis=0)
    gap = g.op("Gather", "gap_gain", "history_gap", axis=0)
    weight = g.op("Where", valid, g.op("Mul", g.op("Mul", action, gap), fade), g.scalar(0.0))
    vectors = g.op("Where", g.widen(valid, 2), "history_vec", g.scalar(0.0))
    total = g.op("MatMul", g.widen(weight, 1), vectors)
    return g.unit(g.op("Squeeze", total, g.axes(1))), weight, vectors


def _event_features(g: _Builder, weight: str, vectors: str) -> tuple[str, str, str]:
    """cos_last and cos_nearest [B,K], over events of positive weight, and cos_disliked over those of negative weight;
    0 where there is none."""
    close = g.op("MatMul", "cand_vec", g.op("Transpose", vectors, perm=[0, 2, 1]))
    liked = g.true(weight)
    number = g.number(liked)
    newer = g.op("CumSum", number, g.const("one", np.int64(1).reshape(())), exclusive=1, reverse=1)
    newest = g.op("And", liked, g.op("Equal", newer, g.scalar(0.0)))
    last = g.op("Where", g.widen(newest, 1), close, g.scalar(0.0))
    last = g.op("ReduceSum", last, g.axes(2), keepdims=0)
    largest = g.op("Where", g.widen(liked, 1), close, g.const("never", _NEVER.reshape(())))
    largest = g.op("ReduceMax", largest, g.axes(2), keepdims=0)
    some = g.true(g.op("ReduceMax", number, g.axes(1), keepdims=1))
    against = g.op("Less", weight, g.scalar(0.0))
    disliked = g.op("Where", g.widen(against, 1), close, g.scalar(0.0))
    disliked = g.op("Max", g.op("ReduceMax", disliked, g.axes(2), keepdims=0), g.scalar(0.0))
    return last, g.op("Where", some, largest, g.scalar(0.0)), disliked


def _scores(g: _Builder, query: str, history: str, weight: str, vectors: str) -> None:
    """contributions and scores: feature times the weight row of the request's cell of the grid."""
    events = _event_features(g, weight, vectors)
    columns = []
    for vector in (query, history):
        dot = g.op("MatMul", "cand_vec", g.widen(vector, 2))
        columns.append(dot)
    columns += [g.widen(column, 2) for column in events]
    fed, own = len(shape.FEATURES), len(shape.GRAPH_FEATURES)
    features = g.op("Pad", "cand_feat", g.axes(0, 0, 0, 0, 0, own))
    for place, column in enumerate(columns):
        # Padding to full width and adding lets every column keep its own B of one or more.
        padded = g.op("Pad", column, g.axes(0, 0, fed + place, 0, 0, own - 1 - place))
        features = g.op("Add", features, padded)
    with_query = g.op("Mul", g.number(g.true("query_mask")), g.scalar(2.0))
    valid = g.number(g.true("history_mask"))
    with_history = g.op("ReduceMax", valid, g.axes(1), keepdims=0)
    cell = g.op("Cast", g.op("Add", with_query, with_history), to=TensorProto.INT64)
    row = g.widen(g.op("Gather", "weights", cell, axis=0), 1)
    result = g.op("Mul", features, row, name="contributions")
    g.op("ReduceSum", result, g.axes(2), name="scores", keepdims=0)


def _context(g: _Builder, query: str, history: str) -> None:
    """context_vec [B,2,D]: the query in slot 0, the history in slot 1."""
    first = g.const("slot_query", np.asarray([[[1.0], [0.0]]], np.float32))
    second = g.const("slot_history", np.asarray([[[0.0], [1.0]]], np.float32))
    parts = (g.op("Mul", g.widen(query, 1), first), g.op("Mul", g.widen(history, 1), second))
    g.op("Add", *parts, name="context_vec")


def _values(
    entries: tuple[tuple[str, str, tuple[str | int, ...]], ...], sizes: dict[str, int]
) -> list[onnx.ValueInfoProto]:
    """Typed inputs or outputs; a symbol that is no fixed size becomes `<name>_<symbol>`."""
    result = []
    for name, kind, dims in entries:
        fixed = [sizes.get(d, f"{name}_{d}") if isinstance(d, str) else d for d in dims]
        result.append(helper.make_tensor_value_info(name, _TYPES[kind], fixed))
    return result


def build(constants: Constants, name: str) -> onnx.ModelProto:
    """The checked ONNX model of `constants`; all inputs carry their defaults."""
    g = _Builder()
    text = _text_tower(g, constants)
    _semantic_ids(g, _item_tower(g, "content", name="item_vec"))
    query = _query(g, text)
    history, weight, vectors = _history(g, constants.scorer.decay)
    _context(g, query, history)
    _scores(g, query, history, weight, vectors)
    sizes = {"V": len(constants.table.rows), "De": constants.content, "D": constants.item}
    defaults = [numpy_helper.from_array(np.asarray(v, order="C"), k) for k, v in constants.defaults().items()]
    graph = helper.make_graph(
        g.nodes, name, _values(shape.INPUTS, sizes), _values(shape.OUTPUTS, sizes),
        [*defaults, *g.constants.values()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    model.producer_name = "onelist.model_zero"
    onnx.checker.check_model(model, full_check=True)
    return model
