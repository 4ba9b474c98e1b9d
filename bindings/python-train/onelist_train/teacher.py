"""`teach`: scores for the candidates of a training file, from a larger model or from labels. `distill` learns from them."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from . import file, source
from .base import Base
from .loop import Linear, deterministic, score
from .options import Options
from .size import fed_features

Path_ = str | os.PathLike[str]
PER_GRADE = 1.5
"""Logits per grade: an item of one grade more is chosen 4.5 times as often."""


def teach(rows: Path_, out: Path_, *, model: Path_ | None = None, items: Any = None, labels: Any = None,
          skip: Iterable[str] = (), per_grade: float = PER_GRADE, options: Options = Options()) -> dict[str, int]:  # fmt: skip
    """Writes a teacher for `distill`: a Parquet file with the columns `request`, `item` and `score` (a logit).

    `rows` is a file from `export_training`, whose candidates are scored by one of:

    - `model`: the folder of a trained model, usually a larger one, which scores every candidate; needs `items`, as in
      `fit`
    - `labels`: judgments, for instance of a language model: dicts with `query`, `item` and `grade` (higher is better), or
      a file of JSON lines. A candidate without a label for its request's query has no score. `per_grade` is the number of
      logits per grade

    Returns the numbers of requests and candidates with a score. Raises ValueError when there is none.
    """
    if (model is None) == (labels is None):
        raise ValueError("expected either a model or labels to learn from, found both or neither")
    if model is not None:
        requests, candidates, scores = _by_model(rows, Path(model), items, skip, options)
    else:
        requests, candidates, scores = _by_labels(rows, labels, per_grade)
    if not scores:
        raise ValueError(f"{rows}: expected candidates that are labelled for the query of their request, found none")
    columns = {"request": pa.array(requests, pa.int64()), "item": candidates, "score": pa.array(scores, pa.float32())}
    pq.write_table(pa.table(columns), out)
    return {"requests": len(set(requests)), "candidates": len(scores)}


Scored = tuple[list[int], list[str], list[float]]


def _by_model(rows: Path_, model: Path, items: Any, skip: Iterable[str], options: Options) -> Scored:
    """The logits of a model: its scores with the network at full weight, times its temperature."""
    with deterministic(options):
        start = Base.read(model)
        network, weights = file.read(start)
        found, _ = source.gather(rows, items, start, model, options.requests, options.negatives, skip)
        temperature = float(start.manifest["training"]["temperature"])
        ready = Linear(np.ascontiguousarray(weights[:, : len(fed_features())]), temperature)
        scores = score(network, found, ready, torch.device("cpu")) * temperature
    known = found.rows.there & (found.rows.item < found.catalog.nothing)
    request, place = np.nonzero(known)
    ids = found.catalog.ids
    return (found.rows.request[request].tolist(), [ids[row] for row in found.rows.item[request, place].tolist()],
            scores[request, place].tolist())  # fmt: skip


def _by_labels(rows: Path_, labels: Any, per_grade: float) -> Scored:
    """The grades of (query, item) pairs, for candidates of requests with that query."""
    grades = dict(_grade(number, label) for number, label in enumerate(_read(labels)))
    requests: list[int] = []
    items: list[str] = []
    scores: list[float] = []
    for batch in pq.ParquetFile(rows).iter_batches(columns=["request", "query", "item"]):
        columns = (batch.column(name).to_pylist() for name in ("request", "query", "item"))
        for request, query, item in zip(*columns, strict=True):
            grade = grades.get((query, item))
            if grade is not None:
                requests.append(request)
                items.append(item)
                scores.append(grade * per_grade)
    return requests, items, scores


def _read(labels: Any) -> Iterable[Mapping[str, Any]]:
    if not isinstance(labels, (str, os.PathLike)):
        return list(labels)
    lines = Path(labels).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def _grade(number: int, label: Mapping[str, Any]) -> tuple[tuple[str, str], float]:
    query, item, grade = (label.get(name) for name in ("query", "item", "grade"))
    if not (isinstance(query, str) and isinstance(item, str) and isinstance(grade, (int, float))) or not np.isfinite(grade):
        raise ValueError(f"label {number + 1}: expected a query, an item and a finite grade, found {dict(label)}")
    return (query, item), float(grade)
