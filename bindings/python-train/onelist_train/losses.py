"""The losses: which candidate is the target, which catalogue item comes next, and auxiliary ones."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from .batches import Batch
from .network import NEVER, Context, Network

SHARPNESS = 16.0
"""Factor on cosines before the softmax: the inverse of its temperature."""

_MARGINS = 0.05
"""Weight of the squared margin errors relative to the listwise loss of a teacher."""


@dataclass(frozen=True)
class Weights:
    """The weight of each loss."""

    listwise: float = 1.0
    """softmax over the engine's own candidates, which are hard negatives"""
    next_item: float = 0.2
    """sampled softmax over uniformly drawn items, for the context vectors"""
    align: float = 0.02
    """agreement of queries with their target items"""
    next_code: float = 0.05
    """the first semantic code of the target"""
    next_action: float = 0.02
    """the action on the target"""
    teacher: float = 1.0
    """agreement with a teacher, listwise and by margins"""


class Catalogue:
    """Vectors and semantic codes of the catalogue, on the device."""

    def __init__(self, vectors: Tensor, codes: Tensor) -> None:
        """Vectors [N+1,D] and codes [N+1,3]."""
        self.vectors, self.codes = vectors, codes


def forward(network: Network, catalogue: Catalogue, batch: Batch, drop: float) -> tuple[Context, Tensor]:
    """The contexts of a batch and the network's score of each candidate [B,K]."""
    vectors, codes = catalogue.vectors[batch.items], catalogue.codes[batch.items]
    tokens = network.items(vectors, codes)
    context = network.context(tokens[batch.history], vectors[batch.history], batch.action, batch.gap, batch.past,
                              batch.query, batch.asked, drop)  # fmt: skip
    return context, network.score(context, tokens[batch.candidates], batch.features, batch.cell, drop)


def linear(batch: Batch, weights: Tensor) -> Tensor:
    """The scores [B,K] of the linear part with weights [4,F]."""
    return torch.einsum("bkf,bf->bk", batch.features, weights[batch.cell])


def total(network: Network, catalogue: Catalogue, batch: Batch, weights: Tensor, temperature: float,
          counts: Weights, drop: float) -> tuple[Tensor, dict[str, float]]:  # fmt: skip
    """The loss of a batch and its parts."""
    context, own = forward(network, catalogue, batch, drop)
    logits = (linear(batch, weights) + own).float() * temperature
    logits = logits.masked_fill(~batch.there, NEVER)
    parts = {"listwise": _mean(functional.cross_entropy(logits, torch.zeros_like(batch.cell), reduction="none"),
                               batch.ranked)}  # fmt: skip
    taken = batch.items[batch.candidates[:, 0]]
    if counts.next_item:
        parts["next_item"] = _next_item(context.vectors.float(), catalogue, batch, taken)
    code = catalogue.codes[taken, 0]
    parts["next_code"] = functional.cross_entropy(context.codes.float(), code.clamp_min(0)) if len(code) else own.sum()
    parts["next_action"] = functional.cross_entropy(context.actions.float(), batch.next_action)
    if counts.align and batch.asked.any():
        parts["align"] = _align(network, catalogue, batch, taken)
    if batch.teacher is not None:
        parts["teacher"] = _teacher(logits, batch)
    loss = sum((getattr(counts, name) * part for name, part in parts.items()), torch.zeros((), device=own.device))
    return loss, {name: float(part.detach()) for name, part in parts.items()}


def _mean(losses: Tensor, which: Tensor) -> Tensor:
    """The mean over the selected losses; 0 if there is none."""
    return (losses * which).sum() / which.sum().clamp_min(1)


def _next_item(vectors: Tensor, catalogue: Catalogue, batch: Batch, taken: Tensor) -> Tensor:
    """Sampled softmax: the target against uniformly drawn items, by the soft maximum over the context vectors.

    Only item vectors count, as in the retrieval that the context vectors are for. Draws of the target are masked.
    """
    drawn = batch.items[batch.negatives]
    own = (vectors * catalogue.vectors[taken][:, None]).sum(-1, keepdim=True)
    others = vectors @ catalogue.vectors[drawn].T
    logits = torch.logsumexp(SHARPNESS * torch.cat([own, others], -1), 1)
    same = functional.pad(taken[:, None] == drawn[None], (1, 0))
    losses = functional.cross_entropy(logits.masked_fill(same, NEVER), torch.zeros_like(taken), reduction="none")
    return _mean(losses, batch.asked | batch.past.any(1))


def _align(network: Network, catalogue: Catalogue, batch: Batch, taken: Tensor) -> Tensor:
    """Sampled softmax of query tokens: the target's token against those of drawn items."""
    query = functional.normalize(network.project(batch.query) + network.asked, dim=-1)
    rows = torch.cat([taken, batch.items[batch.negatives]])
    tokens = functional.normalize(network.items(catalogue.vectors[rows], catalogue.codes[rows]), dim=-1)
    own = (query * tokens[: len(taken)]).sum(-1, keepdim=True)
    logits = SHARPNESS * torch.cat([own, query @ tokens[len(taken) :].T], -1)
    return _mean(functional.cross_entropy(logits, torch.zeros_like(taken), reduction="none"), batch.asked)


def _teacher(logits: Tensor, batch: Batch) -> Tensor:
    """Agreement with a teacher over the candidates that it scored: cross-entropy of the two softmaxes, and squared error
    of the margins to the target (MarginMSE, Hofstätter and others 2020)."""
    assert batch.teacher is not None
    known = batch.there & ~batch.teacher.isnan()
    some = known.sum(1) > 1
    target = batch.teacher.nan_to_num().masked_fill(~known, NEVER)
    own = torch.log_softmax(logits.masked_fill(~known, NEVER), 1)
    listwise = _mean(-(torch.softmax(target, 1) * own * known).sum(1), some)
    margin = (logits[:, :1] - logits) - (batch.teacher[:, :1] - batch.teacher).nan_to_num()
    both = known & known[:, :1]
    return listwise + _MARGINS * (margin.square() * both).sum() / both.sum().clamp_min(1)
