"""Small seeded inputs: the manifest's probe and the engine's scoring fixtures.

Vectors are sparse and lie on a coarse grid, which keeps the JSON files small and exact.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import reference, shape
from .constants import Constants
from .texts import pad

Feeds = dict[str, NDArray[Any]]


def _sparse(random: np.random.Generator, *dims: int) -> NDArray[np.float32]:
    """Vectors of length about one in steps of 1/64, with one component in sixteen set."""
    values = np.rint(random.standard_normal(dims) * 22) / 64
    return np.asarray(values * (random.random(dims) < 1 / 16), np.float32)


def _feature_rows(random: np.random.Generator, rows: int, k: int) -> NDArray[np.float32]:
    return np.asarray(np.rint(random.random((rows, k, len(shape.FEATURES))) * 64) / 64, np.float32)


def _history(random: np.random.Generator, rows: int, length: int, valid: list[int], d: int) -> Feeds:
    """`rows` histories of `length` positions; the last `valid[row]` positions hold events."""
    mask = np.zeros((rows, length), np.float32)
    for row, count in enumerate(valid):
        mask[row, length - count :] = 1.0
    on = mask.astype(np.int64)
    return {
        "history_vec": _sparse(random, rows, length, d) * mask[:, :, None],
        "history_action": random.integers(1, 12, (rows, length)) * on,
        "history_gap": random.integers(0, shape.GAP_ROWS, (rows, length)) * on,
        "history_mask": mask,
    }


def _texts(constants: Constants, tokens: list[list[int]]) -> Feeds:
    ids, mask = pad(tokens)
    return {"text_ids": ids % constants.tower.vocabulary, "text_mask": mask}


def _candidates(random: np.random.Generator, rows: int, k: int, d: int) -> Feeds:
    return {"cand_vec": _sparse(random, rows, k, d), "cand_feat": _feature_rows(random, rows, k)}


def probe_feeds(constants: Constants) -> Feeds:
    """Two requests that reach every part of the graph: a text query with a history, and a query vector without one."""
    random, d = np.random.default_rng(1), constants.item
    return {
        **_texts(constants, [[2417, 6007, 2005, 2336], [4248]]),
        "content": _sparse(random, 2, constants.content),
        "query_text": np.asarray([1, 0], np.float32),
        "query_vec": _sparse(random, 2, d),
        "query_mask": np.ones(2, np.float32),
        **_history(random, 2, 3, [2, 0], d),
        **_candidates(random, 2, 3, d),
    }


def scoring_cases(constants: Constants) -> list[tuple[str, Feeds]]:
    """Named inputs: one for each cell of the grid, and edge cases that an engine easily gets wrong."""
    random, d = np.random.default_rng(2), constants.item
    one = np.ones(1, np.float32)
    liked = _history(random, 1, 3, [3], d)
    disliked = {**_history(random, 1, 2, [2], d), "history_action": np.asarray([[1, shape.ACTIONS["dislike"]]])}
    hidden = {**_history(random, 1, 1, [1], d), "history_action": np.asarray([[shape.ACTIONS["hide"]]])}
    ladder = np.tile(np.linspace(-1, 1, len(shape.FEATURES) + len(shape.GRAPH_FEATURES), dtype=np.float32), (4, 1))
    return [
        ("neither", _candidates(random, 1, 4, d)),
        ("query_vec", {"query_vec": _sparse(random, 1, d), "query_mask": one, **_candidates(random, 1, 3, d)}),
        ("query_text", {**_texts(constants, [[2417, 6007]]), "query_text": one, "query_mask": one,
                        **_candidates(random, 1, 3, d)}),
        ("query_masked", {"query_vec": _sparse(random, 1, d), "query_mask": 0 * one, **_candidates(random, 1, 2, d)}),
        ("history", {**liked, **_candidates(random, 1, 3, d)}),
        ("history_left_padded", {**_history(random, 1, 4, [2], d), **_candidates(random, 1, 2, d)}),
        ("newest_is_disliked", {**disliked, **_candidates(random, 1, 2, d)}),
        ("only_hidden", {**hidden, **_candidates(random, 1, 2, d)}),
        ("query_and_history", {"query_vec": _sparse(random, 1, d), "query_mask": one, **liked,
                               **_candidates(random, 1, 3, d)}),
        ("two_rows", {"query_vec": _sparse(random, 2, d), "query_mask": np.asarray([1, 0], np.float32),
                      **_history(random, 2, 2, [0, 2], d), **_candidates(random, 2, 2, d)}),
        ("features_only", {"cand_feat": _feature_rows(random, 1, 3)}),
        ("own_weights", {"weights": ladder, **_candidates(random, 1, 2, d)}),
    ]  # fmt: skip


def nested(x: NDArray[Any]) -> Any:
    """Nested lists with at most 7 significant digits; whole numbers have no decimal point."""

    def tidy(value: Any) -> Any:
        if isinstance(value, list):
            return [tidy(v) for v in value]
        if isinstance(value, float):
            short = float(f"{value:.7g}")
            return int(short) if short.is_integer() else short
        return value

    return tidy(x.tolist())


def as_json(constants: Constants, feeds: Feeds, outputs: tuple[str, ...] = ()) -> dict[str, Any]:
    """The inputs of one call and the reference's `outputs` (all by default), as nested lists."""
    computed = reference.run(constants, feeds)
    wanted = outputs or tuple(name for name, _, _ in shape.OUTPUTS)
    return {
        "inputs": {name: nested(value) for name, value in feeds.items()},
        "outputs": {name: nested(computed[name]) for name in wanted},
    }
