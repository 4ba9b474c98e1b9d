"""Trains token rows to reproduce the encoder's sentence vectors, after tokenlearn (Tulkens and van Dongen, 2024).

A row that was distilled from a single word ignores the word's context. Training moves the weighted mean of a text's rows
towards the encoder's vector of the whole text. Rows of tokens that occur in no text stay unchanged; the others are
regularised towards their initial values, so that both kinds stay comparable.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from .passages import FEWEST, TooFewTextsError
from .progress import bar

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Plan:
    """How to train: one run per regularisation strength in `pulls`, of up to `epochs` epochs each.

    A held-out tenth of the texts selects the run and its number of epochs.
    """

    pulls: tuple[float, ...] = (0.03, 0.1, 0.3)
    epochs: int = 10
    batch: int = 512
    rate: float = 0.005
    seed: int = 7


@dataclass(frozen=True)
class Learned:
    """The rows [V,De], the pull and the epochs that were selected, and the mean held-out 1 - cosine before and after."""

    rows: Array
    pull: float
    epochs: int
    before: float
    after: float


class _Bags:
    """Texts as one flat array of tokens and their weights, split into bags."""

    def __init__(self, lists: Sequence[Sequence[int]], weights: Array, targets: Array) -> None:
        """Takes token lists, the weight of each token, and a target vector for each list."""
        flat = np.fromiter((token for ids in lists for token in ids), np.int64)
        self.lengths = np.asarray([len(ids) for ids in lists])
        self.starts = np.cumsum(self.lengths) - self.lengths
        self.flat, self.weights, self.targets = flat, weights[flat], torch.from_numpy(targets)

    def misses(self, rows: torch.Tensor, texts: NDArray[np.int64]) -> torch.Tensor:
        """1 - cosine of each of some texts with its target."""
        lengths = self.lengths[texts]
        offsets = np.cumsum(lengths) - lengths
        at = np.repeat(self.starts[texts] - offsets, lengths) + np.arange(lengths.sum())
        total = torch.nn.functional.embedding_bag(
            torch.from_numpy(self.flat[at]), rows, torch.from_numpy(offsets), mode="sum",
            per_sample_weights=torch.from_numpy(self.weights[at]))  # fmt: skip
        return 1.0 - (torch.nn.functional.normalize(total, dim=1) * self.targets[texts]).sum(1)


def learn(rows: Array, weights: Array, lists: Sequence[Sequence[int]], targets: Array, progress: bool = False,
          plan: Plan = Plan()) -> Learned:  # fmt: skip
    """Trains `rows` [V,De] until their means over `lists`, weighted by `weights` [V], approach `targets` [n,De].

    Targets have length one. Raises TooFewTextsError.
    """
    if len(lists) < FEWEST:
        raise TooFewTextsError(len(lists))
    # Tokens that occur in no text have no gradient.
    seen, flat = np.unique(np.concatenate([np.asarray(ids, np.int64) for ids in lists]), return_inverse=True)
    ends = np.cumsum([len(ids) for ids in lists])
    bags = _Bags([part.tolist() for part in np.split(flat, ends[:-1])], weights[seen], targets)
    order = np.random.default_rng(plan.seed).permutation(len(lists))
    held, taught = np.split(order, [len(lists) // 10])
    best = Learned(rows, 0.0, 0, *(float(bags.misses(torch.from_numpy(rows[seen]), held).mean()),) * 2)
    for pull in plan.pulls:
        found = _train(rows[seen], bags, taught, held, pull, plan, progress)
        if found.after < best.after:
            whole = rows.copy()
            whole[seen] = found.rows
            best = Learned(whole, pull, found.epochs, best.before, found.after)
    return best


def _train(start: Array, bags: _Bags, taught: NDArray[np.int64], held: NDArray[np.int64], pull: float, plan: Plan,
           progress: bool) -> Learned:  # fmt: skip
    """Trains with one pull until another epoch no longer improves the held-out texts."""
    random = np.random.default_rng(plan.seed)
    origin = torch.from_numpy(start)
    size = origin.pow(2).sum(1).mean()
    rows = origin.clone().requires_grad_()
    optimizer = torch.optim.Adam([rows], lr=plan.rate * float(size.sqrt()))
    before = after = float(bags.misses(origin, held).mean())
    best = Learned(start, pull, 0, before, before)
    with bar(f"epochs, pull {pull:g}", plan.epochs, progress) as steps:
        for epoch in range(1, plan.epochs + 1):
            mixed = random.permutation(taught)
            for batch in np.split(mixed, range(plan.batch, len(mixed), plan.batch)):
                moved = (rows - origin).pow(2).sum() / size
                loss = bags.misses(rows, batch).mean() + pull * moved / len(taught)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
            with torch.no_grad():
                after = float(bags.misses(rows, held).mean())
            steps.set_postfix_str(f"held-out 1 - cosine {after:.4f}, {before:.4f} before training", refresh=False)
            steps.update()
            if after >= best.after:
                break
            best = Learned(rows.detach().numpy().copy(), pull, epoch, before, after)
    return best
