"""The whole model in plain NumPy: the oracle that the graph and the engine are tested against."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .constants import Constants
from .space import item_vectors, semantic_ids
from .table import unit


def run(constants: Constants, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Every output of the graph for `feeds`. Any input may be missing; `shape.py` lists the shapes."""
    x = {**constants.defaults(), **feeds}
    ids, mask = x["text_ids"], x["text_mask"]
    text = constants.tower.embed(ids, mask, x["token_weights"])
    item = item_vectors(x["content"], x["content_mean"], x["projection"])

    asked = item_vectors(text[: len(x["query_text"])], x["content_mean"], x["projection"])
    query = np.where(x["query_text"][:, None] > 0, asked, unit(x["query_vec"]))
    query = np.where(x["query_mask"][:, None] > 0, query, np.float32(0))

    valid, vectors = x["history_mask"] > 0, x["history_vec"]
    later: NDArray[Any] = np.cumsum(valid[:, ::-1], axis=1)[:, ::-1] - valid  # number of newer events
    gain = x["action_gain"][x["history_action"]] * x["gap_gain"][x["history_gap"]]
    weight = np.where(valid, gain * np.exp(-constants.scorer.decay * later), 0)
    history = unit((weight[:, :, None] * np.where(valid[:, :, None], vectors, 0)).sum(1).astype(np.float32))
    liked: NDArray[np.bool_] = np.asarray(weight > 0)
    newest = liked & (np.cumsum(liked[:, ::-1], axis=1)[:, ::-1] == 1)

    cands = x["cand_vec"]
    close = np.where(liked[:, None, :], cands @ vectors.transpose(0, 2, 1), -np.inf)
    graph = np.stack(np.broadcast_arrays(
        (cands @ query[:, :, None])[..., 0],
        (cands @ history[:, :, None])[..., 0],
        np.where(newest[:, None, :], close, 0).sum(2),
        np.where(liked.any(axis=1, keepdims=True), close.max(2), 0),
        np.maximum(np.where(weight[:, None, :] < 0, cands @ vectors.transpose(0, 2, 1), 0).max(2), 0),
    ), axis=2)  # fmt: skip
    both = np.broadcast_shapes(x["cand_feat"].shape[:2], graph.shape[:2])
    features = np.concatenate([np.broadcast_to(part, (*both, part.shape[2])) for part in (x["cand_feat"], graph)], 2)
    cell = 2 * (x["query_mask"] > 0) + valid.any(1)
    contributions = (features * x["weights"][cell][:, None, :]).astype(np.float32)
    context = np.stack(np.broadcast_arrays(query, history), axis=1)
    return {"text_emb": text, "item_vec": item, "item_sid": semantic_ids(item, x["codebook"]),
            "context_vec": context.astype(np.float32), "contributions": contributions,
            "scores": contributions.sum(2)}  # fmt: skip
