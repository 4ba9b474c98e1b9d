"""Item-kNN and ALS of the package implicit, EASE of the package cornac: fitted to the training log, asked with histories."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from .task import Task

Scores = NDArray[np.float32]


def knn(task: Task, *, kind: str, neighbours: int, binary: bool) -> Scores:
    """Item-kNN: sums of similarities to what is in the history (Sarwar and others, 2001)."""
    from implicit.nearest_neighbours import BM25Recommender, CosineRecommender

    model: Any = {"bm25": BM25Recommender, "cosine": CosineRecommender}[kind](K=neighbours, num_threads=1)
    model.fit(_counts(task.matrix(task.sequences), binary), show_progress=False)
    past = _counts(task.matrix(task.histories), binary)
    return np.asarray((past @ model.similarity.tocsr()).todense(), dtype=np.float32)


def als(task: Task, *, factors: int, regularization: float, alpha: float) -> Scores:
    """Implicit ALS (Hu, Koren and Volinsky, 2008); the user's factors are computed from the history of the question."""
    from implicit.als import AlternatingLeastSquares

    model: Any = AlternatingLeastSquares(
        factors=factors, regularization=regularization, alpha=alpha, iterations=15, random_state=1, num_threads=1
    )
    model.fit(task.matrix(task.sequences), show_progress=False)
    past = task.matrix(task.histories)
    users = model.recalculate_user(np.arange(past.shape[0]), past)
    return np.asarray(users @ model.item_factors.T, dtype=np.float32)


def ease(task: Task, *, l2: float) -> Scores:
    """EASE (Steck, 2019) on whether somebody had an item."""
    from cornac.data import Dataset
    from cornac.models import EASE

    seen = _counts(task.matrix(task.sequences), True).tocoo()
    users = OrderedDict((str(user), user) for user in range(seen.shape[0]))
    items = OrderedDict((item, number) for number, item in enumerate(task.ids))
    ratings = (seen.row, seen.col, seen.data)
    data = Dataset(seen.shape[0], seen.shape[1], users, items, ratings, seed=1)
    model = EASE(lamb=l2, posB=False, verbose=False).fit(data)
    return np.asarray(_counts(task.matrix(task.histories), True) @ model.B, dtype=np.float32)


def _counts(matrix: csr_matrix, binary: bool) -> csr_matrix:
    return csr_matrix((np.ones_like(matrix.data), matrix.indices, matrix.indptr), matrix.shape) if binary else matrix


GRID: dict[str, tuple[Any, list[dict[str, Any]]]] = {
    "item-kNN (implicit)": (
        knn,
        [{"kind": k, "neighbours": n, "binary": b} for k in ("cosine", "bm25") for n in (20, 100, 500) for b in (True, False)],
    ),
    "ALS (implicit)": (
        als,
        [{"factors": f, "regularization": 0.05, "alpha": a} for f in (32, 64, 128) for a in (1.0, 10.0)],
    ),
    "EASE (cornac)": (ease, [{"l2": l2} for l2 in (30.0, 100.0, 300.0, 1000.0)]),
}
"""What is tried on the validation half, by the name of the system."""
