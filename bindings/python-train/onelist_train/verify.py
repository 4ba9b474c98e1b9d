"""Compares the network in PyTorch with the same file in ONNX Runtime."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .model_zero import cases, reference, shape
from .model_zero.constants import Constants
from .network import Network

Feeds = Mapping[str, NDArray[Any]]


def feeds_with_codes(constants: Constants) -> dict[str, NDArray[Any]]:
    """The probe of model zero with semantic ids for events and candidates, except for one of each."""
    feeds = dict(cases.probe_feeds(constants))
    random = np.random.default_rng(3)
    for name, vectors in (("history_sid", "history_vec"), ("cand_sid", "cand_vec")):
        codes = random.integers(0, shape.CODES, (*feeds[vectors].shape[:2], shape.LEVELS))
        codes[0, -1] = -1
        feeds[name] = codes
    return feeds


def run(network: Network, constants: Constants, weights: NDArray[np.float32], feeds: Feeds) -> dict[str, NDArray[Any]]:
    """The outputs of a trained file, computed by the NumPy reference of model zero and the network in PyTorch.

    The feeds must contain every input of the history and the candidates.
    """
    ones = np.ones((len(shape.CELLS), len(shape.FEATURES) + len(shape.GRAPH_FEATURES)), np.float32)
    plain = {name: value for name, value in feeds.items() if not name.endswith("_sid") and name != "weights"}
    found = reference.run(constants, {**plain, "weights": ones})
    features, past = found["contributions"], feeds["history_mask"] > 0
    asked, vectors = feeds["query_mask"] > 0, np.where(past[..., None], feeds["history_vec"], np.float32(0))
    cell = 2 * asked + past.any(1)
    t = torch.from_numpy
    with torch.no_grad():
        events = network.items(t(vectors), t(feeds["history_sid"]))
        context = network.context(events, t(vectors), t(feeds["history_action"]), t(feeds["history_gap"]), t(past),
                                  t(np.ascontiguousarray(found["context_vec"][:, 0])), t(asked))  # fmt: skip
        items = network.items(t(feeds["cand_vec"]), t(feeds["cand_sid"]))
        own = network.score(context, items, t(np.ascontiguousarray(features)), t(cell)).numpy()
    parts = np.concatenate([features, own[..., None]], 2) * weights[cell][:, None]
    return {
        **found, "contributions": parts, "scores": parts.sum(2),
        "context_vec": np.concatenate([found["context_vec"], context.vectors.numpy()], 1),
        "sid_logits": torch.log_softmax(context.codes, -1).numpy(),
    }  # fmt: skip


def difference(network: Network, constants: Constants, weights: NDArray[np.float32], feeds: Feeds,
               outputs: Feeds) -> float:  # fmt: skip
    """The largest difference of any output between `outputs` and `run`."""
    want = run(network, constants, weights, feeds)
    return max(float(np.abs(want[name] - value).max()) for name, value in outputs.items())
