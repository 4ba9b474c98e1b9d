"""Collecting the nodes and constants of an ONNX graph."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

TYPES = {"f32": TensorProto.FLOAT, "i64": TensorProto.INT64}
_SMALLEST_NORM = np.float32(1e-12)


class Builder:
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

    def branch(self, result: str, kind: str) -> onnx.GraphProto:
        """These nodes as the branch of an `If` whose result is a matrix of `kind`."""
        value = helper.make_tensor_value_info(result, TYPES[kind], [None, None])
        return helper.make_graph(self.nodes, self._prefix, [], [value])

    def unit(self, x: str, name: str | None = None) -> str:
        """L2-normalise the last axis; a zero vector stays zero."""
        square = self.op("ReduceSumSquare", x, self.axes(-1), keepdims=1)
        norm = self.op("Max", self.op("Sqrt", square), self.const("smallest_norm", _SMALLEST_NORM))
        return self.op("Div", x, norm, name=name)
