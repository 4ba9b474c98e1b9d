"""Sources of training rows: a training file with its items, a store on disk, or an open engine."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onelist
import pyarrow.parquet as pq

from . import rows
from .base import Base
from .batches import Requests, join
from .catalog import Catalog, TextTower, read_items
from .size import fed_features

_CHECKED = 2000
_TOLERANCE = 0.01


def gather(source: Any, items: Any, base: Base, folder: Path, requests: int, negatives: int,
           skip: Iterable[str] = ()) -> tuple[Requests, str]:  # fmt: skip
    """The requests of a source, and the SHA-256 of the model that proposed their candidates.

    `source` is an open engine, the folder of a store (opened with default settings), or a file from `export_training`;
    the latter needs `items`: item dicts, or a file of JSON lines. Rows of a store are written to `folder`.
    """
    path, found = _rows_and_items(source, items, folder, requests, negatives)
    tower = TextTower(base)
    catalog = Catalog.embed(tower, found, skip)
    file = rows.read(path, catalog, fed_features())
    if file.space != base.manifest["space_id"]:
        raise ValueError(f"{path}: expected rows of the vector space {base.manifest['space_id']}, found {file.space}: "
                         "use the model that the store was opened with as the base")  # fmt: skip
    _check_vectors(file.rows, catalog, str(path))
    none = np.zeros((1, catalog.vectors.shape[1]), np.float32)
    queries = np.concatenate([tower.embed(file.queries)[0], none]) if file.queries else none
    return Requests(file.rows, catalog, queries), file.model


def gather_all(source: Any, items: Any, base: Base, folder: Path, requests: int, negatives: int,
               skip: Iterable[str] = ()) -> tuple[Requests, str]:  # fmt: skip
    """`gather` for one source or a list of sources, whose items are then a list too."""
    if not isinstance(source, (list, tuple)):
        return gather(source, items, base, folder, requests, negatives, skip)
    found = [None] * len(source) if items is None else list(items)
    if not source or len(found) != len(source):
        raise ValueError(f"expected the items of each of {len(source)} sources, found {len(found)} lists of items")
    parts = [gather(one, its, base, folder / f"rows-of-{number}", requests, negatives, skip)
             for number, (one, its) in enumerate(zip(source, found, strict=True))]  # fmt: skip
    models = {model for _, model in parts}
    if len(models) > 1:
        raise ValueError(f"expected rows of one model, found rows of {', '.join(sorted(models))}")
    return join([part for part, _ in parts]), models.pop()


def _rows_and_items(source: Any, items: Any, folder: Path, requests: int,
                    negatives: int) -> tuple[Path, Iterable[Mapping[str, Any]]]:  # fmt: skip
    if isinstance(source, (str, os.PathLike)) and Path(source).is_file():
        if items is None:
            raise ValueError(f"{source}: a training file has no texts; pass its items too (dicts, or JSON lines)")
        return Path(source), read_items(items) if isinstance(items, (str, os.PathLike)) else items
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(source, onelist.Engine):
        return _export(source, folder, requests, negatives)
    if not (Path(source) / "data.mdb").is_file():
        raise ValueError(f"{source}: expected an engine, a store or a training file, found neither")
    # A single thread builds the graph of the replay in a fixed order, so the same log and seed give the same rows.
    with onelist.open(source, index_threads=1) as engine:
        return _export(engine, folder, requests, negatives)


def _export(engine: onelist.Engine, folder: Path, requests: int, negatives: int) -> tuple[Path, list[dict[str, Any]]]:
    """A stratified sample of the whole log. A run that resumes reads the file of the run that was killed, and so the same
    rows; see `delete_exported_rows`."""
    path = folder / f"rows-{requests}-{negatives}.parquet"
    if not path.is_file():
        engine.export_training(path, requests=requests, spread=True, negatives=negatives)
    return path, list(engine.items())


def delete_exported_rows(folder: Path) -> None:
    """Deletes the exported rows of a finished training, so that the next one reads the log again."""
    for path in [*folder.glob("rows-*-*.parquet"), *folder.glob("rows-of-*/rows-*-*.parquet")]:
        path.unlink()
    for path in folder.glob("rows-of-*"):
        path.rmdir()


def _check_vectors(found: rows.Rows, catalog: Catalog, path: str) -> None:
    """Compares the vectors with a cosine that the engine logged. Items whose texts differ from the store's would otherwise
    go unnoticed."""
    some = np.flatnonzero(found.past[:, -1])[:_CHECKED]
    if not len(some):
        return
    last, items = catalog.vectors[found.history[some, -1]], catalog.vectors[found.item[some]]
    logged = found.features[some, :, fed_features().index("cos_last")]
    counted = found.there[some] & (logged != 0)
    off = np.abs(np.matmul(items, last[:, :, None])[..., 0] - logged)[counted]
    if len(off) and float(np.median(off)) > _TOLERANCE:
        off_by = f"cosines differ by {float(np.median(off)):.3f}"
        raise ValueError(
            f"{path}: expected the items' texts as in the store, found other vectors ({off_by}); "
            "use the store's field names, which determine the order of the text, and `skip` fields that it does not embed"
        )


def teacher(path: str | os.PathLike[str], requests: Requests) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A teacher's scores [N,K], NaN where it has none, from a Parquet file with the columns `request`, `item` and `score`."""
    table = pq.read_table(path, columns=["request", "item", "score"])
    ids = {one: row for row, one in enumerate(requests.catalog.ids)}
    numbers, scores = table.column("request").to_numpy(), table.column("score").to_numpy()
    known = {
        (int(n), ids.get(i, -1)): s for n, i, s in zip(numbers, table.column("item").to_pylist(), scores, strict=True)
    }
    found = np.full(requests.rows.item.shape, np.nan, np.float32)
    for row, number in enumerate(requests.rows.request.tolist()):
        for place in np.flatnonzero(requests.rows.there[row]):
            found[row, place] = known.get((number, int(requests.rows.item[row, place])), np.nan)
    if np.isnan(found).all():
        raise ValueError(f"{path}: expected scores of these requests and items, found none of them")
    return found
