"""`fit`, `adapt`, `distill`, `export`, `merge` and `probe`."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


from . import adapter, file, linear, outcome, pack, report, source
from .base import Base
from .batches import Requests
from .bar import Bar
from .catalog import quiet_session
from .loop import Curves, Linear, Loop, score, settled
from .network import Network
from .options import Options
from .outcome import Line
from .size import Size, fed_features

Path_ = str | os.PathLike[str]
CHECKPOINT, SETTINGS = "checkpoint.pt", "settings.pt"
VERSION = "0.1.0"
_JUDGED = 4000
"""Requests of the later part, evenly spread, that an epoch is judged by: more would cost as much as training."""


@dataclass(frozen=True)
class Outcome:
    """What a training made and reached; `print` it for the table."""

    folder: Path
    """where the files are"""
    lines: list[Line]
    """NDCG@10 on the latest requests: all of them first, then by situation"""
    curves: Curves
    cells: list[float]
    """how loudly the network speaks in each cell of the grid: the weight of its feature, 0 where it is silent"""

    @property
    def better(self) -> bool:
        """Whether the interval of the gain over the calibrated linear part is above zero."""
        return bool(self.lines) and self.lines[0].low > 0

    def __str__(self) -> str:
        """The table, and a verdict."""
        if not self.lines:
            return "no requests were kept to report on\n"
        verdict = (
            "better than the linear part" if self.better else "NOT better than the linear part: keep what you have"
        )
        return f"{outcome.table(self.lines)}{verdict}\n"


@dataclass(frozen=True)
class Parts:
    """Requests by time: to train on, to choose on, and to report on."""

    train: Requests
    valid: Requests
    test: Requests


def split(requests: Requests, options: Options) -> Parts:
    """The earliest, the later and the latest requests of each file."""
    files = np.unique(requests.rows.source)
    train, valid, test = [], [], []
    for number in files:
        own = np.flatnonzero(requests.rows.source == number)
        n = len(own)
        first, second = int(n * (1 - options.validation - options.test)), int(n * (1 - options.test))
        if first < 1 or second <= first:
            raise ValueError(f"expected enough requests to train and validate on, found {n}")
        judged = np.linspace(first, second - 1, min(_JUDGED // len(files), second - first)).astype(np.int64)
        train.append(own[:first])
        valid.append(own[np.unique(judged)])
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
    """Trains a network on the log of a store, and writes a model folder to `out` with a report.

    - `data`: an open engine, the folder of a store, or a file of `Engine.export_training`, which needs `items`; or a list
      of these, each with a catalogue of its own, and then `items` is a list as long
    - `base`: the model folder that the store was opened with; towers and vector space are taken from it as they are
    - `skip`: fields of items that the store does not embed

    A run that was killed goes on after its last epoch when it is started again with the same settings. Raises
    ValueError for what cannot be trained on.
    """
    return _train(data, None, Path(out), base, items, skip, name, options)


def distill(data: Any, teacher: Path_, out: Path_, *, base: Path_, items: Any = None, skip: Iterable[str] = (),
            name: str = "onelist-distilled", options: Options = Options()) -> Outcome:  # fmt: skip
    """`fit` with a teacher: a Parquet file with the columns `request`, `item` and `score`, of a larger model, say. What
    the teacher does not score is learned from the log alone."""
    return _train(data, teacher, Path(out), base, items, skip, name, options)


def _train(data: Any, teacher: Path_ | None, out: Path, base: Path_, items: Any, skip: Iterable[str], name: str,
           options: Options) -> Outcome:  # fmt: skip
    with settled(options):
        start = Base.read(base)
        requests, rows_of = source.gather_all(data, items, start, out, options.requests, options.negatives, skip)
        requests = _of_task(requests, options.tasks)
        if teacher is not None:
            if len(requests.catalog.starts) > 1:
                raise ValueError("expected one source of requests beside a teacher, found several")
            requests = replace(requests, teacher=source.teacher(teacher, requests))
        parts = split(requests, options)
        shipped = start.constants().scorer.weights
        start_from = linear.keep if options.keep_weights else linear.calibrate
        weights, temperature, fitted = start_from(parts.train.rows, shipped)
        ready = Linear(weights, temperature)
        torch.manual_seed(options.seed)
        network = Network(Size(item=requests.catalog.vectors.shape[1], features=len(fed_features()),
                               width=options.width, blocks=options.blocks, contexts=options.contexts))  # fmt: skip
        _measure_features(network, parts.train)
        curves = Loop(network, parts.train, parts.valid, ready, options, out / CHECKPOINT).run()
        packed = file.settle(network)
        cells = _speaking(network, parts.valid, ready, fitted)
        found = _outcome(out, network, parts.test, shipped, ready, cells, curves)
        training = _story(options, requests, rows_of, start, curves, temperature)
        with_network = _with_network(weights, cells)
        metrics = {"test": [line.as_json() for line in found.lines]}
        story = file.Story(name, VERSION, training, metrics)
        sizes = file.write(out, start, network, packed, with_network, story)
        torch.save({"base": str(Path(base)), "weights": torch.from_numpy(with_network), "size": network.size.as_json(),
                    "network": network.state_dict(), "name": name, "training": training, "metrics": metrics},
                   out / SETTINGS)  # fmt: skip
        report.write(out, name, found.lines, curves, options, cells, sizes)
        source.finished(out)
        _tell(found, options)
        return found


def _tell(found: Outcome, options: Options) -> None:
    bar = Bar(not options.quiet)
    for line in str(found).splitlines():
        bar.end(line)


def _measure_features(network: Network, train: Requests) -> None:
    """Sets mean and scale of each feature; one that never differs says nothing, and keeps saying nothing."""
    values = train.rows.features[train.rows.there].astype(np.float64)
    spread = values.std(0)
    scale = np.where(spread > 1e-4, 1.0 / np.maximum(spread, 1e-4), 0.0)
    network.feature_mean.copy_(torch.from_numpy(values.mean(0)))
    network.feature_scale.copy_(torch.from_numpy(scale))


def _speaking(network: Network, valid: Requests, ready: Linear, fitted: list[bool]) -> list[float]:
    """How loudly the network speaks in each cell: not at all where it is no better than the linear part alone."""
    trained = score(network, valid, ready, torch.device("cpu"))
    return outcome.strengths(valid.rows, outcome.plain(valid.rows, ready.weights), trained, fitted)


def _outcome(out: Path, network: Network, test: Requests, shipped: NDArray[np.float32], ready: Linear,
             cells: list[float], curves: Curves) -> Outcome:  # fmt: skip
    """What is reached on the latest requests, with the network silent where it does not gain."""
    if not len(test):
        return Outcome(out, [], curves, cells)
    plain = outcome.plain(test.rows, ready.weights)
    trained = score(network, test, ready, torch.device("cpu"))
    trained = _as_loud(test, plain, trained, cells)
    lines = outcome.compare(test.rows, outcome.plain(test.rows, shipped), plain, trained)
    return Outcome(out, lines, curves, cells)


def _as_loud(requests: Requests, plain: NDArray[np.float32], trained: NDArray[np.float32],
             cells: list[float]) -> NDArray[np.float32]:  # fmt: skip
    """Scores [N,K] with the network as loud as it is in each request's cell."""
    return plain + np.asarray(cells, np.float32)[requests.rows.cell][:, None] * (trained - plain)


def _with_network(weights: NDArray[np.float32], cells: list[float]) -> NDArray[np.float32]:
    """The weights [4,F+G] with a column for the network."""
    return np.concatenate([weights, np.asarray(cells, np.float32)[:, None]], axis=1)


def _story(options: Options, requests: Requests, rows_of: str, base: Base, curves: Curves,
           temperature: float) -> dict[str, Any]:  # fmt: skip
    """What the manifest says of the training."""
    time = requests.rows.time
    return {
        "base": {"name": base.manifest["name"], "sha256": base.manifest["sha256"]}, "rows_of_model": rows_of,
        "requests": len(requests), "items": len(requests.catalog.ids), "from": float(time.min()),
        "until": float(time.max()), "epochs": len(curves.validation) - 1, "kept_epoch": curves.best,
        "temperature": temperature, "settings": options.as_json(), "base_training": base.manifest["training"],
    }  # fmt: skip


def adapt(data: Any, out: Path_, *, model: Path_, items: Any = None, skip: Iterable[str] = (), name: str = "adapter",
          options: Options = Options()) -> Outcome:  # fmt: skip
    """Trains an adapter of a trained model on the rows of one domain, and writes it to `out`; the model stays as it is.

    `model` is the folder of a trained model; everything else is as in `fit`. The report compares with the model without
    the adapter, under the name `linear`.
    """
    with settled(options):
        out, start = Path(out), Base.read(model)
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
            before, after = (_as_loud(parts.test, plain, one, cells) for one in (before, after))
            lines = outcome.compare(parts.test.rows, plain, before, after)
        found = Outcome(out, lines, curves, cells)
        metrics = {"test": [line.as_json() for line in lines]}
        training = _story(options, requests, rows_of, start, curves, temperature)
        adapter.write(out, name, start, adapter.tensors(network), training, metrics)
        report.write(out, name, lines, curves, options, cells, {})
        source.finished(out)
        _tell(found, options)
        return found


def export(checkpoint: Path_, out: Path_, *, base: Path_ | None = None, name: str | None = None) -> dict[str, int]:
    """Writes the model of a finished `fit` once more, from the folder with its `settings.pt`: on another base of the
    same vector space, say, or under another name. Returns the sizes of the files."""
    state = torch.load(Path(checkpoint) / SETTINGS, weights_only=True)
    start = Base.read(base if base is not None else state["base"])
    size = Size.of_json(state["size"])
    if size.item != start.manifest["dims"]["item"]:
        raise ValueError(
            f"{start.folder}: expected item vectors of width {size.item}, found {start.manifest['dims']['item']}"
        )
    network = Network(size)
    network.load_state_dict(state["network"])
    packed = file.settle(network.eval())
    story = file.Story(name or state["name"], VERSION, state["training"], state["metrics"])
    return file.write(Path(out), start, network, packed, state["weights"].numpy(), story)


def merge(model: Path_, adapted: Path_, out: Path_, *, name: str | None = None) -> dict[str, int]:
    """Writes a model of its own that answers as `model` does with an adapter. Returns the sizes of the files."""
    start = Base.read(model)
    network, weights = file.read(start)
    whole = adapter.fold(network, adapter.read(adapted, start))
    packed = pack.pack(network, whole)
    pack.unpack(packed, network)
    training = {**start.manifest["training"], "merged": str(Path(adapted).name)}
    story = file.Story(name or f"{start.manifest['name']}-merged", VERSION, training, {})
    return file.write(Path(out), start, network, packed, weights, story)


def probe(model: Path_, *, adapted: Path_ | None = None) -> dict[str, float]:
    """Runs a model on its own probe: the largest difference in each output from what the manifest says.

    With an adapter, the differences that it makes; `item_vec` must then not move. Raises ValueError when an output of
    the model alone is off by more than the probe's tolerance.
    """
    start = Base.read(model)
    told = start.manifest["probe"]
    kinds = {one["name"]: np.int64 if one["dtype"] == "i64" else np.float32 for one in start.manifest["inputs"]}
    feeds = {key: np.asarray(value, kinds[key]) for key, value in told["inputs"].items()}
    if adapted is not None:
        feeds |= adapter.read(adapted, start)
    names = list(told["outputs"])
    found = dict(zip(names, quiet_session(start.graph).run(names, feeds), strict=True))
    off = {key: float(np.abs(found[key] - np.asarray(told["outputs"][key])).max()) for key in names}
    checked = off if adapted is None else {key: off[key] for key in ("text_emb", "item_vec", "item_sid")}
    wrong = {key: value for key, value in checked.items() if not value <= told["tolerance"]}
    if wrong:
        raise ValueError(f"{start.folder}: expected the outputs of the manifest's probe, found differences {wrong}")
    return off
