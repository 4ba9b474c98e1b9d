"""Batches of requests as tensors. Some are stripped of their query or history, so that every cell is trained."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .catalog import Catalog
from .catalog import join as catalogs
from .rows import Rows
from .rows import join as join_rows
from .size import ASKED, PERSONAL, fed_features

UNIFORM = 256
"""Negatives drawn uniformly from the catalogue, shared by the requests of a batch."""


@dataclass(frozen=True)
class Dropout:
    """The probability that a request is trained without its query or its history."""

    query: float = 0.15
    history: float = 0.3


@dataclass(frozen=True)
class Batch:
    """Requests with everything that the network reads."""

    items: Tensor
    """[U] the catalogue rows in use; `history`, `candidates` and `negatives` index into it"""
    history: Tensor
    """[B,L]"""
    action: Tensor
    gap: Tensor
    past: Tensor
    """[B,L] whether the position holds an event"""
    query: Tensor
    """[B,D]"""
    asked: Tensor
    """[B] whether there is a query"""
    candidates: Tensor
    """[B,K]"""
    there: Tensor
    """[B,K]"""
    features: Tensor
    """[B,K,F]"""
    cell: Tensor
    """[B]"""
    negatives: Tensor
    """[UNIFORM] drawn from the catalogue of the first request"""
    next_action: Tensor
    """[B] the row of the action on the target"""
    ranked: Tensor
    """[B] whether a source proposed the target, so that the candidates are a list to learn from"""
    teacher: Tensor | None
    """[B,K] a teacher's scores, NaN where it gave none"""


@dataclass(frozen=True)
class Requests:
    """Rows with their catalogue, the vectors of their queries, and optionally a teacher's scores."""

    rows: Rows
    catalog: Catalog
    queries: NDArray[np.float32]
    teacher: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        """The number of requests."""
        return len(self.rows)

    def take(self, which: NDArray[np.int64] | NDArray[np.bool_] | slice) -> "Requests":
        """The requests that an index, a mask or a slice selects."""
        teacher = None if self.teacher is None else self.teacher[which]
        return Requests(self.rows.take(which), self.catalog, self.queries, teacher)

    def batch(self, which: NDArray[np.int64], device: torch.device,
              random: np.random.Generator | None = None, dropout: Dropout = Dropout(),
              candidates: int | None = None) -> Batch:  # fmt: skip
        """The requests `which` as tensors.

        With `random`, some lose their query or history, negatives are drawn, and only `candidates` of the candidates
        stay: the target and randomly drawn others.
        """
        rows, nothing = self.rows.take(which), self.catalog.nothing
        teacher = None if self.teacher is None else self.teacher[which]
        if random is not None and candidates is not None and candidates < rows.item.shape[1]:
            rows, teacher = _fewer(rows, teacher, candidates, random)
        rows = _shorter(rows)
        query, past, features = self.queries[rows.query], rows.past, rows.features
        asked = (rows.query >= 0) & (np.abs(query).max(1) > 0)
        drawn = np.zeros(0, np.int64)
        if random is not None:
            silent = random.random(len(rows)) < dropout.query
            alone = random.random(len(rows)) < dropout.history
            features = strip(strip(features, silent, ASKED), alone, PERSONAL)
            asked, past = asked & ~silent, past & ~alone[:, None]
            drawn = random.integers(*self.catalog.span(int(rows.source[0])), UNIFORM)
        history = np.where(past, rows.history, nothing)
        used, place = np.unique(np.concatenate([history.ravel(), rows.item.ravel(), drawn]), return_inverse=True)
        places = np.split(place, np.cumsum([history.size, rows.item.size]))

        def tensor(x: NDArray[np.generic]) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(x)).to(device)

        return Batch(
            items=tensor(used), history=tensor(places[0].reshape(history.shape)), action=tensor(rows.action),
            gap=tensor(rows.gap), past=tensor(past), query=tensor(np.where(asked[:, None], query, np.float32(0))),
            asked=tensor(asked), candidates=tensor(places[1].reshape(rows.item.shape)), there=tensor(rows.there),
            features=tensor(features), cell=tensor(2 * asked + past.any(1)), negatives=tensor(places[2]),
            next_action=tensor(rows.next_action), ranked=tensor(rows.retrieved),
            teacher=None if teacher is None else tensor(teacher),
        )  # fmt: skip


def _fewer(rows: Rows, teacher: NDArray[np.float32] | None, most: int,
           random: np.random.Generator) -> tuple[Rows, NDArray[np.float32] | None]:  # fmt: skip
    """The target and `most` - 1 of the other candidates, drawn uniformly for each request."""
    order = random.random(rows.item.shape, dtype=np.float32) + ~rows.there
    order[:, 0] = -1.0
    at = np.sort(np.argpartition(order, most - 1, axis=1)[:, :most], axis=1)
    picked = {name: np.take_along_axis(getattr(rows, name), at, 1) for name in ("item", "there")}
    rows = replace(rows, **picked, features=np.take_along_axis(rows.features, at[:, :, None], 1))
    return rows, None if teacher is None else np.take_along_axis(teacher, at, 1)


def _shorter(rows: Rows) -> Rows:
    """The rows without history positions that are padding in all of them."""
    kept = max(1, int(rows.past.sum(1).max(initial=0)))
    return replace(rows, **{name: getattr(rows, name)[:, -kept:] for name in ("history", "action", "gap", "past")})


def strip(features: NDArray[np.float32], which: NDArray[np.bool_], names: Sequence[str]) -> NDArray[np.float32]:
    """The features with the columns `names` set to zero in some of the requests."""
    kept = np.ones(features.shape[2], np.float32)
    kept[[fed_features().index(name) for name in names]] = 0.0
    return np.where(which[:, None, None], features * kept, features)


def epoch(source: NDArray[np.int64], size: int, random: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """All requests in random order, in batches of `size` that never mix files: negatives must come from the catalogue of
    the request."""
    order = random.permutation(len(source))
    own = [order[source[order] == number] for number in np.unique(source)]
    batches = [one[start : start + size] for one in own for start in range(0, len(one), size)]
    for number in random.permutation(len(batches)):
        yield batches[number]


def batches_of(source: NDArray[np.int64], size: int) -> int:
    """The number of batches that `epoch` yields."""
    return int(np.ceil(np.unique(source, return_counts=True)[1] / size).sum())


def join(parts: Sequence[Requests]) -> Requests:
    """The requests of several files, each with a catalogue of its own, as one."""
    catalog = catalogs([part.catalog for part in parts])
    moved, asked = [], 0
    for number, part in enumerate(parts):
        start, nothing = catalog.starts[number], part.catalog.nothing
        rows = {name: np.where(getattr(part.rows, name) == nothing, catalog.nothing, getattr(part.rows, name) + start)
                for name in ("item", "history")}  # fmt: skip
        query = np.where(part.rows.query < 0, -1, part.rows.query + asked)
        user = np.asarray([f"{number}/{one}" for one in part.rows.user], np.str_)
        moved.append(replace(part.rows, **rows, query=query, user=user, source=np.full(len(part), number, np.int64)))
        asked += len(part.queries) - 1
    queries = np.concatenate([*(part.queries[:-1] for part in parts), parts[0].queries[-1:]])
    return Requests(join_rows(moved, catalog.nothing), catalog, queries)
