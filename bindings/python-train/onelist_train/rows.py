"""Training rows as arrays: the Parquet file from `Engine.export_training`, one request per row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from .catalog import Catalog
from .model_zero import shape

HISTORY = 50
_GAP_ROWS = shape.GAP_ROWS
_CUSTOM = shape.ACTIONS["custom"]
_LISTS = ("history_items", "history_rows", "history_gaps")


@dataclass(frozen=True)
class Rows:
    """N requests, in time order within each file, with up to K candidates each; candidate 0 is the target.

    Items are rows of the catalogue, whose last row stands for padding and for items that no longer exist. Histories are
    oldest first, padded on the left.
    """

    request: NDArray[np.int64]
    """[N] the request's number in the file"""
    time: NDArray[np.float64]
    """[N] seconds since 1970"""
    user: NDArray[np.str_]
    """[N]"""
    situation: NDArray[np.str_]
    """[N] the engine's name of the request context"""
    query: NDArray[np.int64]
    """[N] row of the query's text in `queries`, -1 without a query"""
    retrieved: NDArray[np.bool_]
    """[N] whether a source proposed the target"""
    history: NDArray[np.int64]
    """[N,L] items of past events"""
    action: NDArray[np.int64]
    """[N,L] rows of the model's table of actions"""
    gap: NDArray[np.int64]
    """[N,L] log2 rows of the seconds from the event to the request"""
    past: NDArray[np.bool_]
    """[N,L] whether the position holds an event"""
    next_action: NDArray[np.int64]
    """[N] the row of the action on the target"""
    item: NDArray[np.int64]
    """[N,K] candidates"""
    there: NDArray[np.bool_]
    """[N,K] whether the position holds a candidate"""
    features: NDArray[np.float32]
    """[N,K,F+G] as logged"""
    source: NDArray[np.int64]
    """[N] the number of the request's file"""

    def __len__(self) -> int:
        """The number of requests."""
        return len(self.request)

    def take(self, which: Any) -> "Rows":
        """The requests that an index, a mask or a slice selects."""
        return Rows(**{f.name: getattr(self, f.name)[which] for f in fields(self)})

    @property
    def cell(self) -> NDArray[np.int64]:
        """[N] the row of `weights`: 2 x (has a query) + (has a history)."""
        return 2 * (self.query >= 0) + self.past.any(1)


@dataclass(frozen=True)
class RowFile:
    """A training file: its rows, the texts of its queries, and the model and vector space in its metadata."""

    rows: Rows
    queries: list[str]
    model: str
    space: str


def read(path: str | Path, catalog: Catalog, names: Sequence[str]) -> RowFile:
    """Reads a training file whose features have these `names`, in this order.

    Raises ValueError for a file of another kind, with other features, or without an item of the catalogue.
    """
    file = pq.ParquetFile(path, read_dictionary=["user", "situation", "item", "action"])
    facts = file.schema_arrow.metadata or {}
    found = facts.get(b"onelist.features", b"").decode().split(",")
    if found != list(names):
        raise ValueError(f"{path}: expected a training file with the features {list(names)}, found {found}")
    known = pa.array(catalog.ids)
    texts: dict[str, int] = {}
    parts = [_group(table, catalog, known, names, texts) for table in _whole_requests(file)]
    if not parts:
        raise ValueError(f"{path}: expected past requests, found none; log positive events first")
    rows = join(parts, catalog.nothing)
    if not (rows.item[:, 0] < catalog.nothing).any():
        raise ValueError(
            f"{path}: expected targets from the catalogue, found none of the items there; are these the right items?"
        )
    order = np.argsort(rows.request, kind="stable")
    return RowFile(rows.take(order), list(texts), facts[b"onelist.model"].decode(), facts[b"onelist.space"].decode())


def _whole_requests(file: pq.ParquetFile) -> Iterator[pa.Table]:
    """Tables of one row group or more that never split a request."""
    rest: pa.Table | None = None
    for group in range(file.num_row_groups):
        table = file.read_row_group(group)
        table = table if rest is None else pa.concat_tables([rest, table]).unify_dictionaries()
        numbers = table.column("request").to_numpy()
        other = np.flatnonzero(numbers != numbers[-1])
        cut = int(other[-1]) + 1 if len(other) else 0
        if cut:
            yield table.slice(0, cut)
        rest = table.slice(cut)
    if rest is not None and rest.num_rows:
        yield rest


def gap_row(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    """The row of a gap: its base-2 logarithm, from 0 (now) to 31, as in the engine."""
    return np.minimum(np.floor(np.log2(1.0 + np.maximum(seconds, 0.0))), _GAP_ROWS - 1).astype(np.int64)


def _rows_of(column: pa.Array, known: pa.Array, nothing: int) -> NDArray[np.int64]:
    """The catalogue rows of a column of ids."""
    found = pc.index_in(column.cast(pa.string()), value_set=known)
    return np.asarray(pc.fill_null(found, nothing).to_numpy(zero_copy_only=False), np.int64)


def _action_rows(names: Sequence[str | None]) -> NDArray[np.int64]:
    return np.asarray([shape.ACTIONS.get(name or "", _CUSTOM) for name in names], np.int64)


def _histories(first: pa.Table, known: pa.Array, nothing: int) -> dict[str, NDArray[Any]]:
    """The four [N,L] history arrays, one row per request in `first`. The file has the newest event first."""
    n = first.num_rows
    items, actions, gaps = (first.column(name).combine_chunks() for name in _LISTS)
    lengths = np.asarray(pc.list_value_length(items).to_numpy(zero_copy_only=False), np.int64)
    row = np.repeat(np.arange(n), lengths)
    place = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    kept = place < HISTORY
    at = (row[kept], HISTORY - 1 - place[kept])
    out = {
        "history": np.full((n, HISTORY), nothing, np.int64), "action": np.zeros((n, HISTORY), np.int64),
        "gap": np.zeros((n, HISTORY), np.int64), "past": np.zeros((n, HISTORY), bool),
    }  # fmt: skip
    out["history"][at] = _rows_of(items.flatten(), known, nothing)[kept]
    named = actions.flatten().dictionary_encode()
    rows = _action_rows(named.dictionary.to_pylist())
    out["action"][at] = rows[named.indices.to_numpy()][kept] if len(rows) else 0
    out["gap"][at] = gap_row(gaps.flatten().to_numpy())[kept]
    out["past"][at] = True
    return out


def _group(table: pa.Table, catalog: Catalog, known: pa.Array, names: Sequence[str], texts: dict[str, int]) -> Rows:
    """The requests of a table that splits none."""
    numbers = table.column("request").to_numpy()
    starts = np.flatnonzero(np.concatenate([[True], numbers[1:] != numbers[:-1]]))
    counts = np.diff(np.append(starts, len(numbers)))
    if not table.column("label").to_numpy(zero_copy_only=False)[starts].all():
        raise ValueError(
            "expected the target as the first candidate of each request; is this a file from export_training?"
        )
    request = np.repeat(np.arange(len(starts)), counts)
    at = (request, np.arange(len(numbers)) - np.repeat(starts, counts))
    n, k = len(starts), int(counts.max())
    item = np.full((n, k), catalog.nothing, np.int64)
    item[at] = _rows_of(table.column("item").combine_chunks(), known, catalog.nothing)
    there = np.zeros((n, k), bool)
    there[at] = True
    features = np.zeros((n, k, len(names)), np.float32)
    features[at] = np.stack([table.column(name).to_numpy() for name in names], axis=1)
    first = table.take(pa.array(starts))
    asked = [-1 if q is None else texts.setdefault(q, len(texts)) for q in first.column("query").to_pylist()]
    return Rows(
        request=numbers[starts],
        time=first.column("time").cast(pa.int64()).to_numpy() / 1000.0,
        user=np.asarray(first.column("user").to_pylist(), np.str_),
        situation=np.asarray(first.column("situation").to_pylist(), np.str_),
        query=np.asarray(asked, np.int64),
        retrieved=first.column("retrieved").to_numpy(zero_copy_only=False),
        next_action=_action_rows(first.column("action").to_pylist()),
        item=item, there=there, features=features, source=np.zeros(n, np.int64),
        **_histories(first, known, catalog.nothing),
    )  # fmt: skip


def join(parts: Sequence[Rows], nothing: int) -> Rows:
    """The parts one after another, padded to the widest number of candidates."""
    widest = max(part.item.shape[1] for part in parts)
    joined: dict[str, NDArray[Any]] = {}
    for field in fields(Rows):
        arrays = [getattr(part, field.name) for part in parts]
        if field.name in ("item", "there", "features"):
            fill = nothing if field.name == "item" else 0
            arrays = [_widen(a, widest, fill) for a in arrays]
        joined[field.name] = np.concatenate(arrays)
    return Rows(**joined)


def _widen(x: NDArray[Any], width: int, fill: int) -> NDArray[Any]:
    """`x` [N,k,...] with its second axis padded to `width`."""
    return np.pad(x, [(0, 0), (0, width - x.shape[1])] + [(0, 0)] * (x.ndim - 2), constant_values=fill)
