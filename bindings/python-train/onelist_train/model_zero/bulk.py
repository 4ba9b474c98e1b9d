"""Vectors of many texts by a tower's own graph in ONNX Runtime; NumPy would take minutes for a thousand texts."""

from collections.abc import Sequence

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper

from .builder import Builder
from .graph import IR_VERSION, OPSET
from .progress import bar
from .texts import pad
from .tower import Tower

Array = NDArray[np.float32]
# Padding included. Larger runs are no faster and hold more memory.
_TOKENS_PER_RUN = 2048


def _session(tower: Tower) -> onnxruntime.InferenceSession:
    """A session with the text tower alone."""
    g = Builder()
    tower.nodes(g)
    g.const("token_weights", tower.weights)
    value = helper.make_tensor_value_info
    inputs = [value("text_ids", onnx.TensorProto.INT64, ["n", "t"]), value("text_mask", onnx.TensorProto.FLOAT, ["n2", "t2"])]
    outputs = [value("text_emb", onnx.TensorProto.FLOAT, ["n3", "d"])]
    graph = helper.make_graph(g.nodes, "tower", inputs, outputs, list(g.constants.values()))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def embed(tower: Tower, lists: Sequence[list[int]], progress: bool = False) -> Array:
    """The vectors [N,De] of token id lists. Texts of similar length share a run."""
    session = _session(tower)
    order = sorted(range(len(lists)), key=lambda i: len(lists[i]))
    out: Array | None = None
    start = 0
    with bar("texts", len(order), progress) as steps:
        while start < len(order):
            end = start + 1
            while end < len(order) and (end + 1 - start) * len(lists[order[end]]) <= _TOKENS_PER_RUN:
                end += 1
            ids, mask = pad([lists[i] for i in order[start:end]])
            [found] = session.run(["text_emb"], {"text_ids": ids, "text_mask": mask})
            out = np.zeros((len(lists), found.shape[1]), np.float32) if out is None else out
            out[order[start:end]] = found
            steps.update(end - start)
            start = end
    return np.zeros((0, 0), np.float32) if out is None else out
