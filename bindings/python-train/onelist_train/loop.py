"""The training loop: epochs, validation, early stopping, and checkpoints to resume from."""

import hashlib
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from . import losses
from .batches import Requests, batches_of, epoch
from .losses import Catalogue
from .metrics import mean_ndcg
from .network import Network
from .options import Options
from .progress import Progress

_WARM_UP = 0.05
"""Fraction of all steps over which the learning rate rises."""
_CLIP = 1.0
_SCORED_AT_ONCE = 64
_POINTS = 40
"""Points of the loss curve per epoch."""


@dataclass
class Curves:
    """The course of a training."""

    losses: list[dict[str, float]] = field(default_factory=list)
    """`step`, and the mean of each loss since the previous point"""
    validation: list[float] = field(default_factory=list)
    """NDCG@10 before training and after each epoch"""
    best: int = 0
    """the epoch that was kept; 0 is before training"""


@dataclass(frozen=True)
class Linear:
    """The linear part: the weights [4,F] of its scores, and the temperature that turns scores into logits."""

    weights: NDArray[np.float32]
    temperature: float


def device_of(options: Options) -> torch.device:
    """The device of the options; by default CUDA if available."""
    return torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))


@contextmanager
def deterministic(options: Options) -> Iterator[None]:
    """Deterministic algorithms and the number of threads of the options; restores PyTorch's state afterwards."""
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    state = torch.get_rng_state()
    torch.set_num_threads(options.threads or 1)
    # cuBLAS is deterministic only with a fixed workspace.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict)
        torch.set_rng_state(state)


def score(network: Network, requests: Requests, linear: Linear, device: torch.device) -> NDArray[np.float32]:
    """The scores [N,K] of every candidate, with queries and histories as logged."""
    catalogue, weights = _on(device, requests, linear)
    found = np.zeros(requests.rows.item.shape, np.float32)
    network.eval()
    with torch.no_grad():
        for start in range(0, len(requests), _SCORED_AT_ONCE):
            batch = requests.batch(np.arange(start, min(start + _SCORED_AT_ONCE, len(requests))), device)
            own = losses.forward(network, catalogue, batch, 0.0)[1]
            found[start : start + _SCORED_AT_ONCE] = (losses.linear(batch, weights) + own).cpu().numpy()
    return found


def _on(device: torch.device, requests: Requests, linear: Linear) -> tuple[Catalogue, Tensor]:
    catalog = requests.catalog
    found = Catalogue(torch.from_numpy(catalog.vectors).to(device), torch.from_numpy(catalog.codes).to(device))
    return found, torch.from_numpy(linear.weights).to(device)


class Loop:
    """Trains the parameters of a network that require a gradient, and restores its best epoch."""

    def __init__(self, network: Network, train: Requests, valid: Requests, linear: Linear, options: Options,
                 checkpoint: Path) -> None:  # fmt: skip
        """Resumes from `checkpoint` if that has the same settings and rows."""
        self._network, self._train, self._valid, self._linear, self._options = network, train, valid, linear, options
        self._device, self._path = device_of(options), checkpoint
        self._progress = Progress(not options.quiet)
        self._parameters = [p for p in network.parameters() if p.requires_grad]
        self._optimiser = torch.optim.AdamW(self._parameters, lr=options.rate, weight_decay=options.decay)
        self._batches = batches_of(train.rows.source, options.batch)
        self._curves, self._done = Curves(), 0
        self._best = _copy(network)

    def _identity(self) -> str:
        """A hash of the settings and rows. A checkpoint with another one is not resumed."""
        rows, settings = self._train.rows, json.dumps(self._options.as_json(), sort_keys=True)
        parts = (rows.request, rows.item, rows.features, self._linear.weights, self._valid.rows.request)
        digest = hashlib.sha256(settings.encode())
        for part in parts:
            digest.update(np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()

    def run(self) -> Curves:
        """Trains until the last epoch, or until validation stops improving; the network then has its best parameters."""
        identity = self._identity()
        self._network.to(self._device)
        self._resume(identity)
        if not self._curves.validation:
            self._curves.validation.append(self._validate())
            self._progress.line(f"before training: validation NDCG@10 {self._curves.validation[0]:.4f}")
            self._best = _copy(self._network)
        while self._done < self._options.epochs and self._done - self._curves.best < self._options.patience:
            self._epoch(self._done)
            self._done += 1
            self._end_epoch()
            self._save(identity)
        self._network.load_state_dict(self._best)
        self._network.to("cpu").eval()
        return self._curves

    def _end_epoch(self) -> None:
        """Measures the epoch, and keeps its parameters if they are the best so far."""
        found = self._validate()
        best = found > max(self._curves.validation)
        self._curves.validation.append(found)
        if best:
            self._curves.best, self._best = self._done, _copy(self._network)
        last = self._curves.losses[-1]
        mark = "  best so far" if best else ""
        self._progress.line(f"epoch {self._done}/{self._options.epochs}: loss {last['listwise']:.4f}, "
                            f"validation NDCG@10 {found:.4f}{mark}")  # fmt: skip

    def _validate(self) -> float:
        return mean_ndcg(score(self._network, self._valid, self._linear, self._device), self._valid.rows)

    def _epoch(self, number: int) -> None:
        """One pass over the rows. The seed and the epoch's number determine all random draws."""
        options, random = self._options, np.random.default_rng([self._options.seed, number])
        torch.manual_seed(options.seed * 1_000_003 + number)
        catalogue, weights = _on(self._device, self._train, self._linear)
        self._network.train()
        sums: dict[str, float] = {}
        counted, every = 0, max(1, self._batches // _POINTS)
        with self._progress.bar(f"epoch {number + 1}", self._batches) as bar:
            for step, which in enumerate(epoch(self._train.rows.source, options.batch, random), 1):
                at = number * self._batches + step
                parts = self._step(at, which, random, catalogue, weights)
                counted += 1
                for name, value in parts.items():
                    sums[name] = sums.get(name, 0.0) + value
                if step % every == 0 or step == self._batches:
                    self._curves.losses.append({"step": at, **{name: value / counted for name, value in sums.items()}})
                    sums, counted = {}, 0
                    bar.set_postfix_str(f"loss {self._curves.losses[-1]['listwise']:.4f}", refresh=False)
                bar.update()

    def _step(self, at: int, which: NDArray[np.int64], random: np.random.Generator, catalogue: Catalogue,
              weights: Tensor) -> dict[str, float]:  # fmt: skip
        options = self._options
        batch = self._train.batch(which, self._device, random, options.dropout, options.candidates)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._device.type == "cuda"):
            loss, parts = losses.total(self._network, catalogue, batch, weights, self._linear.temperature,
                                       options.losses, options.drop)  # fmt: skip
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate(at)
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._parameters, _CLIP)
        self._optimiser.step()
        if not math.isfinite(sum(parts.values())):
            raise FloatingPointError(f"step {at}: expected a finite loss, found {parts}; try a lower rate")
        return parts

    def _rate(self, at: int) -> float:
        """The learning rate: a short warm-up, then half a cosine down to zero at the last step of the last epoch."""
        fraction = at / (self._options.epochs * self._batches)
        return self._options.rate * min(1.0, fraction / _WARM_UP) * 0.5 * (1.0 + math.cos(math.pi * fraction))

    def _save(self, identity: str) -> None:
        """Writes the checkpoint atomically: after a kill, the previous one is still there."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        state = {"identity": identity, "done": self._done, "network": _copy(self._network), "best": self._best,
                 "optimiser": self._optimiser.state_dict(), "curves": vars(self._curves)}  # fmt: skip
        beside = self._path.with_suffix(".tmp")
        torch.save(state, beside)
        os.replace(beside, self._path)

    def _resume(self, identity: str) -> None:
        if not self._path.is_file():
            return
        state: dict[str, Any] = torch.load(self._path, map_location=self._device, weights_only=True)
        if state["identity"] != identity:
            return
        self._network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._best, self._done, self._curves = state["best"], state["done"], Curves(**state["curves"])
        self._progress.line(f"resuming after epoch {self._done} of {self._path}")


def _copy(network: Network) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}
