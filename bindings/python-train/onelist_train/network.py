"""The network in PyTorch: context blocks over the history and the query, learned context vectors, and the scorer.

`graph.py` builds the same network from ONNX operators, and tests compare the two. Attention is masked by adding -1e4, so
padding changes nothing. Candidates do not see one another.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from .model_zero import shape
from .size import HASHES, Size, adapted

NEVER = -1e4
SMALLEST = 1e-12
PACE = 4
"""Number of values that describe the timing of a history."""
VISIT_ROW = 11
"""Gap rows below this are shorter than about half an hour: the same visit."""


class Linear(nn.Module):
    """x @ weight + bias, and optionally an adapter: + x @ a @ b, initially zero."""

    def __init__(self, into: int, out: int, bias: bool = True, rank: int = 0, scale: float = 1.0) -> None:
        """Draws weights with standard deviation `scale` / sqrt(into). Rank 0 is for a layer that no adapter changes."""
        super().__init__()
        self.weight = nn.Parameter(torch.randn(into, out) * (scale / math.sqrt(into)))
        self.bias = nn.Parameter(torch.zeros(out)) if bias else None
        self.a = nn.Parameter(torch.zeros(into, rank), requires_grad=False) if rank else None
        self.b = nn.Parameter(torch.zeros(rank, out), requires_grad=False) if rank else None

    def forward(self, x: Tensor) -> Tensor:
        """[..., into] to [..., out]."""
        y = x @ self.weight
        if self.a is not None and self.b is not None and self.a.requires_grad:
            y = y + (x @ self.a) @ self.b
        return y if self.bias is None else y + self.bias


class Block(nn.Module):
    """A pre-norm transformer block with a gate on each of its two residual branches (LiGR, arXiv:2502.03417)."""

    def __init__(self, size: Size) -> None:
        """Attention and a SwiGLU layer of `size`."""
        super().__init__()
        d = size.width
        self.heads = size.heads
        self.norm, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv = Linear(d, 3 * d, rank=size.rank)
        self.out, self.gate = Linear(d, d), Linear(d, d)
        self.wide = Linear(d, 2 * size.inner, rank=size.rank)
        self.narrow, self.gate2 = Linear(size.inner, d), Linear(d, d)

    def forward(self, x: Tensor, mask: Tensor, drop: float) -> Tensor:
        """Tokens [B,T,d] under an additive mask [B,1,1,T]."""
        h = self.norm(x)
        q, k, v = (heads(part, self.heads) for part in self.qkv(h).chunk(3, -1))
        mixed = join(attention(q, k, mask) @ v)
        x = x + torch.sigmoid(self.gate(h)) * functional.dropout(self.out(mixed), drop, self.training)
        h = self.norm2(x)
        one, two = self.wide(h).chunk(2, -1)
        inner = self.narrow(functional.silu(one) * two)
        return x + torch.sigmoid(self.gate2(h)) * functional.dropout(inner, drop, self.training)


def heads(x: Tensor, count: int) -> Tensor:
    """[B,T,d] to [B,heads,T,d/heads]."""
    return x.reshape(*x.shape[:2], count, -1).transpose(1, 2)


def join(x: Tensor) -> Tensor:
    """[B,heads,T,d/heads] to [B,T,d]."""
    return x.transpose(1, 2).flatten(2)


def attention(q: Tensor, k: Tensor, mask: Tensor) -> Tensor:
    """Attention weights [B,heads,Q,T]."""
    return torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + mask, -1)


def unit(x: Tensor) -> Tensor:
    """L2-normalises the last axis; zero vectors stay zero."""
    return x / x.square().sum(-1, keepdim=True).clamp_min(SMALLEST**2).sqrt()


def pace(gap: Tensor, past: Tensor, later: Tensor) -> Tensor:
    """The timing of a history [B,4]: whether there is one, its newest gap, its length, and its length in this visit.

    Computed from gap rows, the mask of events, and the number of events after each one [B,L].
    """
    newest = (gap * (past & (later == 0))).sum(1) / VISIT_ROW
    long, lately = past.sum(1), (past & (gap < VISIT_ROW)).sum(1)
    return torch.stack([past.any(1).float(), newest, torch.log1p(long.float()) / 4, torch.log1p(lately.float()) / 4], 1)


class Context(NamedTuple):
    """The output of the blocks for a request."""

    tokens: Tensor
    """[B,T,d]: null, query, events"""
    mask: Tensor
    """[B,1,1,T], additive"""
    vectors: Tensor
    """[B,M,D]: the learned context vectors, length one"""
    codes: Tensor
    """[B,256]: logits of the first code of the next item"""
    actions: Tensor
    """[B,16]: logits of the next action; training only"""
    pace: Tensor
    """[B,4]: the timing of the history"""


class Network(nn.Module):
    """Everything that a trained file adds to model zero."""

    feature_mean: Tensor
    feature_scale: Tensor

    def __init__(self, size: Size) -> None:
        """Draws random parameters. The table of semantic ids, the scorer's last layer and the adapters start at zero."""
        super().__init__()
        d, (first, second) = size.width, size.hidden
        self.size = size
        self.project = Linear(size.item, d, bias=False, scale=math.sqrt(size.item))
        self.codes = nn.Parameter(torch.zeros(sum(size.code_rows), size.code_width))
        self.from_codes = Linear(size.code_width, d, bias=False)
        self.action = nn.Parameter(torch.randn(shape.ACTION_ROWS, d) * 0.1)
        self.gap = nn.Parameter(torch.randn(shape.GAP_ROWS, d) * 0.1)
        self.place = nn.Parameter(torch.randn(size.places, d) * 0.1)
        self.null, self.no_query, self.asked = (nn.Parameter(torch.randn(d) * 0.1) for _ in range(3))
        self.blocks = nn.ModuleList(Block(size) for _ in range(size.blocks))
        self.norm = nn.LayerNorm(d)
        self.slots = Linear(d, size.contexts, bias=False)
        self.to_item = Linear(d, size.item, bias=False, scale=0.0)
        self.next_code, self.next_action = Linear(d, shape.CODES), Linear(d, shape.ACTION_ROWS)
        self.item_norm = nn.LayerNorm(d)
        self.look = Linear(d, d, rank=size.rank)
        self.seen = Linear(d, 2 * d, rank=size.rank)
        self.from_item = Linear(d, first, bias=False, rank=size.rank)
        self.from_cross = Linear(d, first, bias=False, rank=size.rank)
        self.from_both = Linear(d, first, bias=False)
        self.from_features = Linear(size.features, first, bias=False, rank=size.rank)
        self.from_pace = Linear(PACE, first, bias=False)
        # These start at zero, so that the scorer first learns from features and only then from the identity of items.
        for layer in (self.from_item, self.from_cross, self.from_both):
            nn.init.zeros_(layer.weight)
        self.cell = nn.Parameter(torch.zeros(len(shape.CELLS), first))
        self.middle = Linear(first, second)
        self.last = Linear(second, 1, scale=0.0)
        self.register_buffer("feature_mean", torch.zeros(size.features))
        self.register_buffer("feature_scale", torch.ones(size.features))

    def code_rows(self, sid: Tensor) -> Tensor:
        """The sum of an item's n-gram rows, scaled down to the largest norm: [...,3] to [...,code_width]."""
        start, known, total = 0, sid.clamp_min(0), torch.zeros((), device=sid.device)
        for factors, rows in zip(HASHES, self.size.code_rows, strict=True):
            number = (known * torch.tensor(factors, device=sid.device)).sum(-1)
            total = total + self.codes[number % rows + start]
            start += rows
        # Clamped before the root, whose gradient at zero is infinite.
        length = total.square().sum(-1, keepdim=True).clamp_min(self.size.code_limit**2).sqrt()
        total = total * (self.size.code_limit / length)
        found: Tensor = total * (sid[..., :1] >= 0)
        return found

    def items(self, vectors: Tensor, sid: Tensor) -> Tensor:
        """Item tokens [...,d] of item vectors [...,D] and semantic ids [...,3]."""
        tokens: Tensor = self.project(vectors) + self.from_codes(self.code_rows(sid))
        return tokens

    def context(self, events: Tensor, vectors: Tensor, action: Tensor, gap: Tensor, past: Tensor,
                query: Tensor, asked: Tensor, drop: float = 0.0) -> Context:  # fmt: skip
        """The contexts of requests.

        Takes event tokens [B,L,d] (from `items`) and vectors [B,L,D], rows of actions and gaps [B,L], the mask of events
        [B,L], query vectors [B,D], and the mask of requests with a query [B].
        """
        later = torch.cumsum(past.flip(1).long(), 1).flip(1) - past.long()
        events = events + self.action[action] + self.gap[gap] + self.place[later.clamp_max(self.size.places - 1)]
        first = torch.where(asked[:, None], self.project(query) + self.asked, self.no_query)
        null = self.null.expand(len(events), 1, -1)
        x = torch.cat([null, first[:, None], events * past[..., None]], 1)
        always = torch.ones(len(events), 2, dtype=torch.bool, device=past.device)
        mask = (1.0 - torch.cat([always, past], 1).to(x.dtype))[:, None, None] * NEVER
        for block in self.blocks:
            x = block(x, mask, drop)
        x = self.norm(x)
        share = torch.softmax((self.slots(x) / math.sqrt(self.size.width)).transpose(1, 2) + mask[:, 0], -1)
        vectors = torch.cat([torch.zeros_like(query)[:, None], query[:, None], vectors * past[..., None]], 1)
        some = (asked | past.any(1))[:, None, None]
        found = unit((share @ vectors + self.to_item(share @ x)) * some)
        return Context(x, mask, found, self.next_code(x[:, 1]), self.next_action(x[:, 1]), pace(gap, past, later))

    def score(self, context: Context, items: Tensor, features: Tensor, cell: Tensor, drop: float = 0.0) -> Tensor:
        """The network's feature [B,K] for candidates with tokens [B,K,d] and features [B,K,F], in the requests' cells [B]."""
        c = self.item_norm(items)
        k, v = (heads(part, self.size.heads) for part in self.seen(context.tokens).chunk(2, -1))
        cross = join(attention(heads(self.look(c), self.size.heads), k, context.mask) @ v)
        x = (features - self.feature_mean) * self.feature_scale
        h = self.from_item(c) + self.from_cross(cross) + self.from_both(c * cross) + self.from_features(x)
        h = functional.silu(h + (self.cell[cell] + self.from_pace(context.pace))[:, None])
        h = functional.silu(self.middle(functional.dropout(h, drop, self.training)))
        raw = self.last(functional.dropout(h, drop, self.training)).squeeze(-1)
        return self.size.bound * torch.tanh(raw / self.size.bound)

    def adapters(self) -> dict[str, nn.Parameter]:
        """The adapter's parameters, named like the inputs of the graph."""
        found = {}
        for name in adapted(self.size):
            layer = self.get_submodule(name)
            for letter in "ab":
                found[f"lora_{name.replace('.', '_')}_{letter}"] = getattr(layer, letter)
        return found
