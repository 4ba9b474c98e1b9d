"""Builds the ONNX graph: text tower, item tower, context and linear scorer in one file.

It uses plain `ai.onnx` operators, and every input is optional. Two rules hold throughout:

* Each input has dimension symbols of its own. ONNX Runtime may share buffers between tensors whose symbols agree, but a
  call may feed candidates for B = 8 requests and leave the query at size one.
* Optional parts are combined by broadcasting, never by `Concat`, for the same reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from . import shape
from .builder import TYPES, Builder
from .constants import Constants

OPSET = 18
IR_VERSION = 10
_NEVER = np.float32(-1e4)


@dataclass(frozen=True)
class Parts:
    """The names of what the graph has computed when an extension takes over."""

    query: str
    """[B,D], zeros without a query"""
    vectors: str
    """[B,L,D] vectors of the events, zeros in padding"""
    asked: str
    """[B] boolean: the request has a query"""
    past: str
    """[B,L] boolean: the position holds an event"""


class Extension(Protocol):
    """What a trained file adds to model zero: inputs, outputs, context vectors and features."""

    inputs: tuple[shape.Tensor, ...]
    """additional inputs, which have defaults"""
    outputs: tuple[shape.Tensor, ...]
    """additional outputs"""
    graph_features: tuple[str, ...]
    """names of its features, one column each"""
    contexts: int
    """context vectors after those of the query and the history"""

    def defaults(self) -> dict[str, NDArray[Any]]:
        """Defaults of the additional inputs, and of `weights`, which has more columns."""
        ...

    def context(self, g: "Builder", parts: Parts) -> str:
        """Adds the nodes of the context and the additional outputs; returns its vectors [B,contexts,D]."""
        ...

    def score(self, g: "Builder", features: str, cell: str) -> tuple[str, ...]:
        """Adds the nodes of its features, each [B,K,1], from the earlier features [B,K,F] and the request's cell [B]."""
        ...


def _item_tower(g: Builder, content: str, name: str | None = None) -> str:
    """unit((content - mean) @ projection), and zero where the content row is zero."""
    largest = g.op("ReduceMax", g.op("Abs", content), g.axes(-1), keepdims=1)
    moved = g.op("MatMul", g.op("Sub", content, "content_mean"), "projection")
    return g.unit(g.op("Mul", moved, g.number(g.true(largest))), name=name)


def _semantic_ids(g: Builder, item: str) -> None:
    """item_sid: at each level the centre nearest to the residual of the levels before.

    Reading the codebook costs more than everything else that a request leaves at size one, so it sits under an `If` that
    only calls with content enter. A zero vector has the codes 0, 0, 0.
    """
    largest = g.op("ReduceMax", g.op("Abs", item), g.axes(-1), keepdims=1)
    rows = g.true(largest)
    used = g.op("Squeeze", g.true(g.op("ReduceMax", largest, g.axes(0, 1), keepdims=0)))
    taken, skipped = Builder(g.constants, "sid"), Builder(g.constants, "nosid")
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
    g.op("If", used, name="item_sid", then_branch=taken.branch(known, "i64"), else_branch=skipped.branch(none, "i64"))


def _query(g: Builder, text: str) -> str:
    """The query vector [B,D]: from text row b, or as fed, or zeros.

    `Where` chooses among them, so that a masked query cannot leak into the result whatever its inputs hold.
    """
    asked = g.op("Slice", text, g.axes(0), g.op("Shape", "query_text"), g.axes(0))
    from_text = g.widen(g.true("query_text"), 1)
    vector = g.op("Where", from_text, _item_tower(g, asked), g.unit("query_vec"))
    return g.op("Where", g.widen(g.true("query_mask"), 1), vector, g.scalar(0.0))


def _history(g: Builder, decay: float) -> tuple[str, str, str, str]:
    """History vector [B,D], weight of each event [B,L], event vectors with zeroed padding, and the mask of events.

    The age of an event is the number of events after it, so padding changes nothing wherever it stands.
    """
    valid = g.true("history_mask")
    later = g.op("CumSum", g.number(valid), g.const("one", np.int64(1).reshape(())), exclusive=1, reverse=1)
    fade = g.op("Exp", g.op("Mul", later, g.scalar(-decay)))
    action = g.op("Gather", "action_gain", "history_action", axis=0)
    gap = g.op("Gather", "gap_gain", "history_gap", axis=0)
    weight = g.op("Where", valid, g.op("Mul", g.op("Mul", action, gap), fade), g.scalar(0.0))
    vectors = g.op("Where", g.widen(valid, 2), "history_vec", g.scalar(0.0))
    total = g.op("MatMul", g.widen(weight, 1), vectors)
    return g.unit(g.op("Squeeze", total, g.axes(1))), weight, vectors, valid


def _event_features(g: Builder, weight: str, vectors: str) -> tuple[str, str, str]:
    """cos_last and cos_nearest [B,K] over events of positive weight, and cos_disliked over events of negative weight;
    0 without such an event."""
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


def _cell(g: Builder) -> str:
    """The request's row of `weights` [B]: 2 * has_query + has_history."""
    with_query = g.op("Mul", g.number(g.true("query_mask")), g.scalar(2.0))
    valid = g.number(g.true("history_mask"))
    with_history = g.op("ReduceMax", valid, g.axes(1), keepdims=0)
    return g.op("Cast", g.op("Add", with_query, with_history), to=TensorProto.INT64)


def _features(g: Builder, query: str, history: str, weight: str, vectors: str) -> str:
    """All features of model zero [B,K,F+G]: those that are fed and the cosines."""
    events = _event_features(g, weight, vectors)
    columns = [g.op("MatMul", "cand_vec", g.widen(vector, 2)) for vector in (query, history)]
    columns += [g.widen(column, 2) for column in events]
    return _append(g, "cand_feat", len(shape.FEATURES), columns)


def _append(g: Builder, features: str, width: int, columns: Sequence[str]) -> str:
    """`features` [B,K,width] followed by further columns [B,K,1]."""
    own = len(columns)
    wide = g.op("Pad", features, g.axes(0, 0, 0, 0, 0, own))
    for place, column in enumerate(columns):
        # Padding to the full width and adding lets every column keep its own B, one or more.
        padded = g.op("Pad", column, g.axes(0, 0, width + place, 0, 0, own - 1 - place))
        wide = g.op("Add", wide, padded)
    return wide


def _scores(g: Builder, features: str, cell: str) -> None:
    """contributions and scores: the features times the row of weights of the request's cell."""
    row = g.widen(g.op("Gather", "weights", cell, axis=0), 1)
    result = g.op("Mul", features, row, name="contributions")
    g.op("ReduceSum", result, g.axes(2), name="scores", keepdims=0)


def _context(g: Builder, query: str, history: str, further: str | None = None, count: int = 0) -> None:
    """context_vec [B,2+count,D]: the query in slot 0, the history in slot 1, then the extension's vectors."""
    slots = np.eye(2 + count, dtype=np.float32)
    first = g.const("slot_query", slots[None, :, :1])
    second = g.const("slot_history", slots[None, :, 1:2])
    parts = (g.op("Mul", g.widen(query, 1), first), g.op("Mul", g.widen(history, 1), second))
    if further is None:
        g.op("Add", *parts, name="context_vec")
    else:
        g.op("Add", g.op("Add", *parts), g.op("Pad", further, g.axes(0, 2, 0, 0, 0, 0)), name="context_vec")


def inputs_of(extension: Extension | None) -> tuple[shape.Tensor, ...]:
    """The inputs of a file with an extension, or of model zero."""
    if extension is None:
        return shape.INPUTS
    columns = len(shape.FEATURES) + len(shape.GRAPH_FEATURES) + len(extension.graph_features)
    weights = ("weights", "f32", (len(shape.CELLS), columns))
    return (*(weights if tensor[0] == "weights" else tensor for tensor in shape.INPUTS), *extension.inputs)


def outputs_of(extension: Extension | None) -> tuple[shape.Tensor, ...]:
    """The outputs of a file with an extension, or of model zero."""
    if extension is None:
        return shape.OUTPUTS
    columns = len(shape.FEATURES) + len(shape.GRAPH_FEATURES) + len(extension.graph_features)
    wider: dict[str, tuple[str | int, ...]] = {
        "context_vec": ("B", 2 + extension.contexts, "D"), "contributions": ("B", "K", columns),
    }  # fmt: skip
    return (*((name, kind, wider.get(name, dims)) for name, kind, dims in shape.OUTPUTS), *extension.outputs)


def _values(entries: tuple[shape.Tensor, ...], sizes: dict[str, int]) -> list[onnx.ValueInfoProto]:
    """Typed inputs or outputs; a symbol without a fixed size becomes `<name>_<symbol>`."""
    result = []
    for name, kind, dims in entries:
        fixed = [sizes.get(d, f"{name}_{d}") if isinstance(d, str) else d for d in dims]
        result.append(helper.make_tensor_value_info(name, TYPES[kind], fixed))
    return result


def build(constants: Constants, name: str, extension: Extension | None = None) -> onnx.ModelProto:
    """The checked ONNX model of `constants` and an extension; all inputs have defaults."""
    g = Builder()
    text = constants.tower.nodes(g)
    _semantic_ids(g, _item_tower(g, "content", name="item_vec"))
    query = _query(g, text)
    history, weight, vectors, past = _history(g, constants.scorer.decay)
    defaults = constants.defaults()
    if extension is None:
        _context(g, query, history)
    else:
        parts = Parts(query, vectors, g.true("query_mask"), past)
        _context(g, query, history, extension.context(g, parts), extension.contexts)
        defaults |= extension.defaults()
    features = _features(g, query, history, weight, vectors)
    cell = _cell(g)
    if extension is not None:
        width = len(shape.FEATURES) + len(shape.GRAPH_FEATURES)
        features = _append(g, features, width, extension.score(g, features, cell))
    _scores(g, features, cell)
    sizes = {"V": constants.tower.vocabulary, "De": constants.content, "D": constants.item}
    graph = helper.make_graph(
        g.nodes, name, _values(inputs_of(extension), sizes), _values(outputs_of(extension), sizes),
        [*(numpy_helper.from_array(np.asarray(v, order="C"), k) for k, v in defaults.items()), *g.constants.values()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    # Part of the file's bytes, and so of its SHA-256: these names stay, whatever the package is called.
    model.producer_name = "onelist.model_zero" if extension is None else "onelist.train"
    onnx.checker.check_model(model, full_check=True)
    return model
