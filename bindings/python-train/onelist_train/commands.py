"""Commands that train: `fit`, `distill` and `adapt`."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from . import adapter, file, linear, outcome, report, source
from .base import Base
from .batches import Requests
from .loop import Curves, Linear, Loop, deterministic, score
from .network import Network
from .options import Options
from .outcome import Line
from .progress import Progress
from .size import Size, fed_features
from .version import VERSION

Path_ = str | os.PathLike[str]
CHECKPOINT, SETTINGS = "checkpoint.pt", "settings.pt"
_VALIDATED = 4000
"""Validation requests, evenly spread, that each epoch is measured on: more would cost as much as training."""


@dataclass(frozen=True)
class Outcome:
    """The result of a training; `print` shows it as a table."""

    folder: Path
    """where the files are"""
    lines: list[Line]
    """NDCG@10 on the test requests: first over all of them, then by request context"""
    curves: Curves
    cells: list[float]
    """the weight of the network's feature in each cell of the grid; 0 turns it off"""

    @property
    def better(self) -> bool:
        """Whether the interval of the gain over the linear part lies above zero."""
        return bool(self.lines) and self.lines[0].low > 0

    def __str__(self) -> str:
        """The table and its conclusion."""
        if not self.lines:
            return "no test requests, so nothing was measured\n"
        better = "better than the linear part" if self.better else "NOT better than the linear part: keep your model"
        return f"{outcome.table(self.lines)}{better}\n"


@dataclass(frozen=True)
class Parts:
    """Requests split by time: for training, validation and test."""

    train: Requests
    valid: Requests
    test: Requests


def split(requests: Requests, options: Options) -> Parts:
    """Splits the requests of each file by time: the earliest train, the latest test."""
    files = np.unique(requests.rows.source)
    train, valid, test = [], [], []
    for number in files:
        own = np.flatnonzero(requests.rows.source == number)
        n = len(own)
        first, second = int(n * (1 - options.validation - options.test)), int(n * (1 - options.test))
        if first < 1 or second <= first:
            raise ValueError(f"expected enough requests to train and validate on, found {n}")
        sampled = np.linspace(first, second - 1, min(_VALIDATED // len(files), second - first)).astype(np.int64)
        train.append(own[:first])
        valid.append(own[np.unique(sampled)])
        test.append(own[second:])
    return Parts(*(requests.take(np.concatenate(which)) for which in (train, valid, test)))


def _of_task(requests: Requests, tasks: str) -> Requests:
    """The requests of a task (`Options.tasks`)."""
    if tasks == "both":
        return requests
    found = requests.take((requests.rows.query >= 0) == (tasks == "search"))
    if not len(found):
        raise ValueError(f"expected requests for the task {tasks}, found none")
    return found


def fit(data: Any, out: Path_, *, base: Path_, items: Any = None, skip: Iterable[str] = (),
        name: str = "onelist-trained", options: Options = Options()) -> Outcome:  # fmt: skip
    """Trains a network on the log of a store, and writes a model folder with a report to `out`.

    - `data`: an open engine, the folder of a store, or a file from `Engine.export_training`, which needs `items`; or a
      list of these, each with its own catalogue, and then `items` is a list of the same length
    - `base`: the model folder that the store was opened with; its towers and vector space stay unchanged
    - `skip`: item fields that the store does not embed

    A run that was killed resumes after its last epoch when it is started again with the same settings. Raises
    ValueError for data that cannot be trained on.
    """
    return _train(data, None, Path(out), base, items, skip, name, options)


def distill(data: Any, teacher: Path_, out: Path_, *, base: Path_, items: Any = None, skip: Iterable[str] = (),
            name: str = "onelist-distilled", options: Options = Options()) -> Outcome:  # fmt: skip
    """`fit` with a teacher, such as a larger model: a Parquet file with the columns `request`, `item` and `score`.
    Candidates without a score are learned from the log alone."""
    return _train(data, teacher, Path(out), base, items, skip, name, options)


def _train(data: Any, teacher: Path_ | None, out: Path, base: Path_, items: Any, skip: Iterable[str], name: str,
           options: Options) -> Outcome:  # fmt: skip
    with deterministic(options):
        start = Base.read(base)
        requests, rows_of = source.gather_all(data, items, start, out, options.requests, options.negatives, skip)
        requests = _of_task(requests, options.tasks)
        if teacher is not None:
            if len(requests.catalog.starts) > 1:
                raise ValueError("expected one source of requests with a teacher, found several")
            requests = replace(requests, teacher=source.teacher(teacher, requests))
        parts = split(requests, options)
        shipped = start.constants().scorer.weights
        start_from = linear.keep if options.keep_weights else linear.calibrate
        weights, temperature, fitted = start_from(parts.train.rows, shipped)
        ready = Linear(weights, temperature)
        torch.manual_seed(options.seed)
        network = Network(Size(item=requests.catalog.vectors.shape[1], features=len(fed_features()),
                               width=options.width, blocks=options.blocks, contexts=options.contexts))  # fmt: skip
        _standardise_features(network, parts.train)
        curves = Loop(network, parts.train, parts.valid, ready, options, out / CHECKPOINT).run()
        packed = file.quantise(network)
        cells = _network_weights(network, parts.valid, ready, fitted)
        found = _outcome(out, network, parts.test, shipped, ready, cells, curves)
        training = _training(options, requests, rows_of, start, curves, temperature)
        with_network = _with_network(weights, cells)
        metrics = {"test": [line.as_json() for line in found.lines]}
        origin = file.Origin(name, VERSION, training, metrics)
        sizes = file.write(out, start, network, packed, with_network, origin)
        torch.save({"base": str(Path(base)), "weights": torch.from_numpy(with_network), "size": network.size.as_json(),
                    "network": network.state_dict(), "name": name, "training": training, "metrics": metrics},
                   out / SETTINGS)  # fmt: skip
        report.write(out, name, found.lines, curves, options, cells, sizes)
        source.delete_exported_rows(out)
        Progress(not options.quiet).line(str(found).rstrip("\n"))
        return found


def _standardise_features(network: Network, train: Requests) -> None:
    """Sets mean and scale of each feature. A feature that is constant in training gets scale 0, so it never counts."""
    values = train.rows.features[train.rows.there].astype(np.float64)
    spread = values.std(0)
    scale = np.where(spread > 1e-4, 1.0 / np.maximum(spread, 1e-4), 0.0)
    network.feature_mean.copy_(torch.from_numpy(values.mean(0)))
    network.feature_scale.copy_(torch.from_numpy(scale))


def _network_weights(network: Network, valid: Requests, ready: Linear, fitted: list[bool]) -> list[float]:
    """The weight of the network in each cell: 0 where it is no better than the linear part alone."""
    trained = score(network, valid, ready, torch.device("cpu"))
    return outcome.strengths(valid.rows, outcome.plain(valid.rows, ready.weights), trained, fitted)


def _outcome(out: Path, network: Network, test: Requests, shipped: NDArray[np.float32], ready: Linear,
             cells: list[float], curves: Curves) -> Outcome:  # fmt: skip
    """The quality on the test requests, with the network weighted by `cells`."""
    if not len(test):
        return Outcome(out, [], curves, cells)
    plain = outcome.plain(test.rows, ready.weights)
    trained = score(network, test, ready, torch.device("cpu"))
    trained = _weighted(test, plain, trained, cells)
    lines = outcome.compare(test.rows, outcome.plain(test.rows, shipped), plain, trained)
    return Outcome(out, lines, curves, cells)


def _weighted(requests: Requests, plain: NDArray[np.float32], trained: NDArray[np.float32],
              cells: list[float]) -> NDArray[np.float32]:  # fmt: skip
    """Scores [N,K] with the network weighted as in each request's cell."""
    return plain + np.asarray(cells, np.float32)[requests.rows.cell][:, None] * (trained - plain)


def _with_network(weights: NDArray[np.float32], cells: list[float]) -> NDArray[np.float32]:
    """The weights [4,F+G] with another column for the network."""
    return np.concatenate([weights, np.asarray(cells, np.float32)[:, None]], axis=1)


def _training(options: Options, requests: Requests, rows_of: str, base: Base, curves: Curves,
              temperature: float) -> dict[str, Any]:  # fmt: skip
    """The entry `training` of the manifest."""
    time = requests.rows.time
    return {
        "base": {"name": base.manifest["name"], "sha256": base.manifest["sha256"]}, "rows_of_model": rows_of,
        "requests": len(requests), "items": len(requests.catalog.ids), "from": float(time.min()),
        "until": float(time.max()), "epochs": len(curves.validation) - 1, "kept_epoch": curves.best,
        "temperature": temperature, "settings": options.as_json(), "base_training": base.manifest["training"],
    }  # fmt: skip


def adapt(data: Any, out: Path_, *, model: Path_, items: Any = None, skip: Iterable[str] = (), name: str = "adapter",
          options: Options = Options()) -> Outcome:  # fmt: skip
    """Trains an adapter for a trained model on the rows of one domain, and writes it to `out`. The model stays unchanged.

    `model` is the folder of a trained model; everything else is as in `fit`. The report compares with the model without
    the adapter, under the name `linear`.
    """
    with deterministic(options):
        out, start = Path(out), Base.read(model)
        # The file lacks the parameters that only training uses, so they are drawn.
        torch.manual_seed(options.seed)
        network, weights = file.read(start)
        requests, rows_of = source.gather(data, items, start, out, options.requests, options.negatives, skip)
        parts = split(requests, options)
        temperature = float(start.manifest["training"]["temperature"])
        ready = Linear(np.ascontiguousarray(weights[:, : len(fed_features())]), temperature)
        cpu = torch.device("cpu")
        cells = [float(one) for one in weights[:, -1]]
        before = score(network, parts.test, ready, cpu)
        adapter.begin(network, options.seed)
        curves = Loop(network, parts.train, parts.valid, ready, options, out / CHECKPOINT).run()
        lines = []
        if len(parts.test):
            after = score(network, parts.test, ready, cpu)
            plain = outcome.plain(parts.test.rows, ready.weights)
            before, after = (_weighted(parts.test, plain, one, cells) for one in (before, after))
            lines = outcome.compare(parts.test.rows, plain, before, after)
        found = Outcome(out, lines, curves, cells)
        metrics = {"test": [line.as_json() for line in lines]}
        training = _training(options, requests, rows_of, start, curves, temperature)
        adapter.write(out, name, start, adapter.tensors(network), training, metrics)
        report.write(out, name, lines, curves, options, cells, {})
        source.delete_exported_rows(out)
        Progress(not options.quiet).line(str(found).rstrip("\n"))
        return found
