"""Recommendation: the cells without a query, on retail and movies."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .. import shape
from . import measures, report
from .requests import COLUMNS, event_weights, excluded, features, history_features, rank_of
from .setup import Setup

Scores = NDArray[np.float64]
Weights = Mapping[str, float]
BASELINES: dict[str, Weights] = {
    "popular (90 days)": {"popular_90d": 1},
    "popular (7 days)": {"popular_7d": 1},
    "content neighbours of the history": {"cos_history": 1},
    "content neighbours of the last item": {"cos_last": 1},
}


@dataclass(frozen=True)
class Requests:
    """Feature blocks [n,I,C] of a catalogue's targets; `known` marks those with a history."""

    blocks: NDArray[np.float32]
    items: list[int]
    barred: list[NDArray[np.int64]]
    known: NDArray[np.bool_]

    @classmethod
    def of(cls, setup: Setup, name: str, validation: bool) -> "Requests":
        """Computes the features of every item for each target of one half."""
        events, targets, born = setup.events[name], setup.targets(name, validation), setup.born_of(name)
        blocks = np.stack(list(features(events, targets, setup.worlds[name].items(), born, setup.scorer)))
        return cls(blocks, [t.item for t in targets], [excluded(events, t, born) for t in targets],
                   np.asarray([len(t.history) > 0 for t in targets]))  # fmt: skip

    def ndcg(self, weights: Weights, chosen: NDArray[np.bool_]) -> Scores:
        """nDCG@10 of each chosen target under the weights of the columns."""
        vector = np.asarray([weights.get(column, 0.0) for column in COLUMNS], np.float32)
        rows = np.flatnonzero(chosen)
        return measures.target_ndcg(np.asarray(
            [rank_of(self.blocks[r] @ vector, self.items[r], self.barred[r]) for r in rows]))  # fmt: skip

    def regained(self, setup: Setup, name: str, validation: bool) -> "Requests":
        """The same requests under the gains and decay of `setup.scorer`."""
        blocks, items = self.blocks.copy(), setup.worlds[name].items()
        for row, target in enumerate(setup.targets(name, validation)):
            blocks[row, :, 6:] = history_features(items, *event_weights(setup.events[name], target, setup.scorer))
        return replace(self, blocks=blocks)


def cell(setup: Setup, name: str) -> dict[str, float]:
    """The chosen weights of a cell by feature."""
    row = setup.scorer.weights[shape.CELLS.index(name)]
    return dict(zip((*shape.FEATURES, *shape.GRAPH_FEATURES), map(float, row), strict=True))


def _changes(base: Weights) -> list[tuple[str, Weights]]:
    """The chosen weights, and variants with one of them changed."""
    moves = {"popular_7d": (0, 0.3, 0.5), "trend": (0.1, 0.2), "fresh": (0, 0.2), "cos_history": (0, 0.3, 1),
             "cos_last": (0, 0.3), "cos_nearest": (0, 0.3, 1)}  # fmt: skip
    named: list[tuple[str, Weights]] = [(f"{k} {v:g}", {**base, k: v}) for k, values in moves.items() for v in values]
    return [("chosen", base), *named]


def weights(setup: Setup) -> None:
    """The cells `history` and `neither` on validation: baselines, the choice, and its neighbourhood."""
    sets = {name: Requests.of(setup, name, True) for name in ("retail", "movies")}
    rows = []
    for label, weight in (*BASELINES.items(), *_changes(cell(setup, "history"))):
        rows.append([label, *(f"{s.ndcg(weight, s.known).mean():.4f}" for s in sets.values())])
    report.table("History cell, validation, nDCG@10 of the next new item", ["weights", *sets], rows)
    rows = []
    for label, weight in (("popular_7d alone", {"popular_7d": 1.0}), ("popular_90d alone", {"popular_90d": 1.0}),
                          ("fresh alone", {"fresh": 1.0}), ("chosen", cell(setup, "neither"))):  # fmt: skip
        first = sets["retail"].ndcg(weight, ~sets["retail"].known).mean()
        everyone = [s.ndcg(weight, np.ones(len(s.items), np.bool_)).mean() for s in sets.values()]
        rows.append([label, f"{first:.4f}", *(f"{value:.4f}" for value in everyone)])
    report.table("Null cell, validation, nDCG@10", ["weights", "retail first visits", "retail all", "movies all"], rows)
    rows = []
    gaps = np.arange(shape.GAP_ROWS)
    for decay in (0.0, 0.02, 0.05, 0.1):
        for flat, ratio in ((31, 1.0), (16, 0.9), (20, 0.8)):
            gain = (ratio ** np.maximum(gaps - flat, 0)).astype(np.float32)
            moved = replace(setup, scorer=replace(setup.scorer, decay=decay, gap_gain=gain))
            both = [s.regained(moved, n, True).ndcg(cell(setup, "history"), s.known).mean() for n, s in sets.items()]
            rows.append([f"{decay:g} / {ratio:g} from bucket {flat}", *(f"{value:.4f}" for value in both)])
    report.table("Positional decay / gap gain, validation, nDCG@10", ["", *sets], rows)


def test(setup: Setup) -> None:
    """The chosen cells on the test halves against the baselines."""
    rows = []
    for name in ("retail", "movies"):
        requests = Requests.of(setup, name, False)
        chosen = requests.ndcg(cell(setup, "history"), requests.known)
        for label, weight in BASELINES.items():
            value = requests.ndcg(weight, requests.known)
            rows.append([f"{name}: {label}", str(len(value)), measures.shown(value), measures.shown(chosen - value)])
        rows.append([f"{name}: model zero", str(len(chosen)), measures.shown(chosen), ""])
        if not requests.known.all():
            value = requests.ndcg(cell(setup, "neither"), ~requests.known)
            rows.append([f"{name}: model zero, first visits", str(len(value)), measures.shown(value), ""])
    report.table("Recommendation, test halves, nDCG@10 of the next new item, 95 % bootstrap intervals",
                 ["", "targets", "nDCG@10", "model zero minus it"], rows)  # fmt: skip
