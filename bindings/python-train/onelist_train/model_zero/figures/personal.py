"""Personalised search: a movie user's tag is the query, their earlier ratings are the history."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from . import measures, report
from .behaviour import Target
from .data import is_validation, lines
from .recommend import cell
from .requests import COLUMNS, features
from .setup import Setup

Scores = NDArray[np.float64]


class Tagged:
    """The first use of each tag by each user, with the movies that the user tagged as relevant items.

    Those movies are removed from the history, or the nearest event would be the answer.
    """

    def __init__(self, setup: Setup, validation: bool) -> None:
        """Collects the tags of one half and computes the features of every movie for each."""
        events, world = setup.events["movies"], setup.worlds["movies"]
        uses: dict[tuple[str, str], tuple[int, set[int]]] = {}
        for row in lines(setup.folder / "movies" / "tags.jsonl.gz"):
            key = (row["user"], row["tag"].lower().strip())
            time, items = uses.get(key, (row["time"], set()))
            uses[key] = (min(time, row["time"]), items | {world.catalogue.rows[row["item"]]})
        of_users = events.of_users()
        targets: list[Target] = []
        texts: list[str] = []
        self.wanted: list[set[int]] = []
        for (user, tag), (time, items) in sorted(uses.items(), key=lambda use: (use[1][0], use[0])):
            if is_validation(tag) != validation or user not in events.users:
                continue
            rows = of_users[events.users[user]]
            before = rows[(events.time[rows] < time) & ~np.isin(events.item[rows], list(items))]
            if len(before):
                targets.append(Target(time, min(items), before))
                texts.append(tag)
                self.wanted.append(items)
        self.users = np.asarray([events.user[t.history[0]] for t in targets])
        self._lexical = [world.lexical.scores(text) for text in texts]
        queries = world.queries(texts)
        self._blocks = list(features(events, targets, world.items(), None, setup.scorer, queries))

    def ndcg(self, weights: Mapping[str, float]) -> Scores:
        """nDCG@10 of each query."""
        vector = np.asarray([weights.get(column, 0.0) for column in COLUMNS], np.float32)
        lexical = np.float32(weights.get("bm25", 0.0))
        return np.asarray([
            measures.ndcg(lexical * bm25 + block @ vector, dict.fromkeys(wanted, 1.0))
            for bm25, block, wanted in zip(self._lexical, self._blocks, self.wanted, strict=True)
        ])  # fmt: skip

    def by_user(self, values: Scores) -> float:
        """The mean over users of their means: one user wrote almost half of the tags."""
        return float(np.mean([values[self.users == user].mean() for user in np.unique(self.users)]))


def _candidates(setup: Setup) -> list[tuple[str, Mapping[str, float]]]:
    chosen = cell(setup, "query_and_history")
    hybrid = {"bm25": 1.0, "cos_query": 0.4}
    return [
        ("BM25", {"bm25": 1.0}), ("vector", {"cos_query": 1.0}), ("BM25 + 0.4 cosine", hybrid),
        ("query cell (no history)", cell(setup, "query")), ("chosen", chosen),
    ]  # fmt: skip


def weights(setup: Setup) -> None:
    """The cell `query_and_history` on validation, and variants with one of its history weights changed."""
    tagged, chosen = Tagged(setup, True), cell(setup, "query_and_history")
    moved = {"popular_90d": (0, 0.05, 0.2), "cos_history": (0, 0.2), "cos_last": (0.05,), "cos_nearest": (0.05, 0.1)}
    moves = [(f"{k} {v:g}", {**chosen, k: v}) for k, values in moved.items() for v in values]
    rows = []
    for label, weight in (*_candidates(setup), *moves):
        values = tagged.ndcg(weight)
        rows.append([label, f"{values.mean():.4f}", f"{tagged.by_user(values):.4f}"])
    title = f"Query-and-history cell, validation: {len(tagged.wanted)} tags as queries"
    report.table(title, ["weights", "nDCG@10", "mean over users"], rows)


def test(setup: Setup) -> None:
    """The chosen cell on the test half."""
    tagged = Tagged(setup, False)
    chosen = tagged.ndcg(cell(setup, "query_and_history"))
    rows = []
    for label, weight in _candidates(setup):
        values = tagged.ndcg(weight)
        rows.append([label, measures.shown(values), f"{tagged.by_user(values):.4f}", measures.shown(chosen - values)])
    title = f"Personalised search, test half: {len(tagged.wanted)} tags as queries, 95 % bootstrap intervals"
    report.table(title, ["weights", "nDCG@10", "mean over users", "chosen minus it"], rows)
