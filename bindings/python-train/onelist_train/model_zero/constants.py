"""Everything numeric that goes into a model file, as one value."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from . import shape
from .table import TokenTable
from .tower import Tower
from .transformer import Transformer

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Scorer:
    """The hand-set half: weights per cell [4,F+G], gains per action [16] and per gap [32], positional decay."""

    weights: Array
    action_gain: Array
    gap_gain: Array
    decay: float

    @classmethod
    def read(cls, path: Path) -> "Scorer":
        """Reads `weights.json`. Raises ValueError for an unknown or a missing name."""
        data: dict[str, Any] = json.loads(path.read_text())
        names = [*shape.FEATURES, *shape.GRAPH_FEATURES]
        rows = []
        for cell in shape.CELLS:
            row = data["weights"][cell]
            if set(row) != set(names):
                raise ValueError(f"{path}: cell {cell}: expected weights for exactly {names}, found {sorted(row)}")
            rows.append([row[name] for name in names])
        if set(data["action_gain"]) != set(shape.ACTIONS):
            raise ValueError(f"{path}: action_gain: expected exactly {sorted(shape.ACTIONS)}, "
                             f"found {sorted(data['action_gain'])}")  # fmt: skip
        gains = [data["action_gain"][name] for name in shape.ACTIONS]
        gap = np.arange(shape.GAP_ROWS, dtype=np.float32)
        over = np.maximum(gap - data["gap_gain"]["flat_until"], 0)
        return cls(
            weights=np.asarray(rows, np.float32),
            action_gain=np.asarray(gains, np.float32),
            gap_gain=np.asarray(np.float32(data["gap_gain"]["ratio"]) ** over, np.float32),
            decay=float(data["positional_decay"]),
        )


@dataclass(frozen=True)
class Constants:
    """The text tower, the vector space (mean [De], projection [De,D], codebook [3,256,D]) and the scorer."""

    tower: Tower
    mean: Array
    projection: Array
    codebook: Array
    scorer: Scorer

    @classmethod
    def read(cls, path: Path, scorer: Scorer) -> "Constants":
        """Tower, vector space and codebook of a model file, whose manifest lies beside it, with another scorer."""
        stored = {t.name: numpy_helper.to_array(t) for t in onnx.load(str(path)).graph.initializer}
        return cls.of(stored, json.loads(path.with_name("manifest.json").read_bytes()), scorer)

    @classmethod
    def of(cls, stored: Mapping[str, NDArray[Any]], manifest: Mapping[str, Any], scorer: Scorer) -> "Constants":
        """The same from the tensors of a file by name and its manifest."""
        settings = manifest.get("text_tower")
        tower: Tower = (TokenTable(stored["table"], stored["table_scales"], stored["token_weights"]) if settings is None
                        else Transformer.read(stored, settings))  # fmt: skip
        return cls(tower, stored["content_mean"], stored["projection"], stored["codebook"], scorer)

    @property
    def content(self) -> int:
        """De, the width of content vectors."""
        return int(self.projection.shape[0])

    @property
    def item(self) -> int:
        """D, the width of item vectors."""
        return int(self.projection.shape[1])

    def defaults(self) -> dict[str, NDArray[Any]]:
        """The default of every graph input, with size one in each dynamic axis."""
        f32, d = np.float32, self.item
        return {
            "text_ids": np.zeros((1, 1), np.int64),
            "text_mask": np.zeros((1, 1), f32),
            "token_weights": self.tower.weights,
            "content": np.zeros((1, self.content), f32),
            "content_mean": self.mean,
            "projection": self.projection,
            "codebook": self.codebook,
            "query_text": np.zeros(1, f32),
            "query_vec": np.zeros((1, d), f32),
            "query_mask": np.zeros(1, f32),
            "history_vec": np.zeros((1, 1, d), f32),
            "history_action": np.zeros((1, 1), np.int64),
            "history_gap": np.zeros((1, 1), np.int64),
            "history_mask": np.zeros((1, 1), f32),
            "action_gain": self.scorer.action_gain,
            "gap_gain": self.scorer.gap_gain,
            "cand_vec": np.zeros((1, 1, d), f32),
            "cand_feat": np.zeros((1, 1, len(shape.FEATURES)), f32),
            "weights": self.scorer.weights,
        }
