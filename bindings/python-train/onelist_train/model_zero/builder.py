"""Collects the nodes and constants of an ONNX graph."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

TYPES = {"f32": TensorProto.FLOAT, "i64": TensorProto.INT64}
_SMALLEST_NORM = np.float32(1e-12)


class Builder:
    """Collects nodes and constants. Each method returns the name of the value that it adds."""

    def __init__(self, constants: dict[str, onnx.TensorProto] | None = None, prefix: str = "v") -> None:
        """A branch shares the `constants` of the graph around it and names its values with a `prefix` of its own."""
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {} if constants is None else constants
        self._prefix = prefix

    def op(self, kind: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """A node of one operator."""
        result = name or f"{self._prefix}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [result], **attributes))
        return result

    def const(self, name: str, value: NDArray[Any] | np.generic) -> str:
        """A constant; the first value under a name stays."""
        self.constants.setdefault(name, numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def axes(self, *values: int) -> str:
        """A constant vector of integers."""
        return self.const("i" + "_".join(map(str, values)), np.asarray(values, np.int64))

    def scalar(self, value: float) -> str:
        """A constant number."""
        return self.const(f"f{value!r}", np.float32(value).reshape(()))

    def true(self, mask: str) -> str:
        """Where a 0/1 mask is set, as booleans."""
        return self.op("Greater", mask, self.scalar(0.0))

    def number(self, condition: str) -> str:
        """The value as f32."""
        return self.op("Cast", condition, to=TensorProto.FLOAT)

    def widen(self, x: str, axis: int) -> str:
        """The value with a further axis of size one."""
        return self.op("Unsqueeze", x, self.axes(axis))

    def branch(self, result: str, kind: str) -> onnx.GraphProto:
        """These nodes as the branch of an `If` whose result is a matrix of `kind`."""
        value = helper.make_tensor_value_info(result, TYPES[kind], [None, None])
        return helper.make_graph(self.nodes, self._prefix, [], [value])

    def unit(self, x: str, name: str | None = None) -> str:
        """The value with its last axis L2-normalised; a zero vector stays zero."""
        square = self.op("ReduceSumSquare", x, self.axes(-1), keepdims=1)
        norm = self.op("Max", self.op("Sqrt", square), self.const("smallest_norm", _SMALLEST_NORM))
        return self.op("Div", x, norm, name=name)
