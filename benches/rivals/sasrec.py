"""SASRec (Kang and McAuley, 2018): a causal transformer over the items of a history, trained by sampled softmax.

Two blocks of width 64; a position's loss is over the item that came next and 256 items drawn evenly (Klenitskiy and
Vasilev, 2023, show that softmax over many negatives makes it far better than the original's one).
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .task import Items, Task

WIDTH, BLOCKS, HEADS, LENGTH, NEGATIVES, BATCH = 64, 2, 2, 50, 256, 128


class SasRec(nn.Module):
    """Item numbers start at 1; 0 pads on the left."""

    def __init__(self, items: int, dropout: float) -> None:
        super().__init__()
        self.items = nn.Embedding(items + 1, WIDTH, padding_idx=0)
        self.places = nn.Embedding(LENGTH, WIDTH)
        for table in (self.items, self.places):
            nn.init.normal_(table.weight, std=0.02)
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, dropout, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, BLOCKS, nn.LayerNorm(WIDTH), enable_nested_tensor=False)
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("causal", torch.triu(torch.full((LENGTH, LENGTH), float("-inf")), 1))

    def forward(self, sequences: Tensor) -> Tensor:
        """Sequences (n x LENGTH) to what is expected after each place (n x LENGTH x WIDTH)."""
        x = self.items(sequences) * WIDTH**0.5 + self.places.weight
        # Padding may be attended to: it has its own vector, and masking it too would leave rows without any key.
        return self.blocks(self.dropout(x), mask=self.causal)  # type: ignore[no-any-return]


def _windows(sequences: list[Items], rng: np.random.Generator) -> NDArray[np.int64]:
    """Stretches of LENGTH + 1 items, cut at a place that changes from epoch to epoch."""
    rows = []
    for sequence in sequences:
        end = len(sequence)
        if end > LENGTH:
            end -= int(rng.integers(0, LENGTH // 2))
        ends = [len(sequence), *range(end, 1, -LENGTH)] if end < len(sequence) else range(end, 1, -LENGTH)
        for stop in ends:
            row = np.zeros(LENGTH + 1, dtype=np.int64)
            piece = sequence[max(0, stop - LENGTH - 1) : stop] + 1
            row[LENGTH + 1 - len(piece) :] = piece
            rows.append(row)
    return np.stack(rows)


def _loss(model: SasRec, batch: Tensor, items: int) -> Tensor:
    past, following = batch[:, :-1], batch[:, 1:]
    states = model(past)
    negatives = torch.randint(1, items + 1, (len(batch), NEGATIVES))
    own = (states * model.items(following)).sum(-1, keepdim=True)
    others = states @ model.items(negatives).transpose(1, 2)
    others = others.masked_fill(negatives[:, None, :] == following[:, :, None], float("-inf"))
    told = (past > 0) & (following > 0)
    logits = torch.cat([own, others], -1)[told]
    return nn.functional.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long))


@torch.no_grad()
def _scores(model: SasRec, task: Task) -> NDArray[np.float32]:
    model.eval()
    rows = np.zeros((len(task.histories), LENGTH), dtype=np.int64)
    for row, history in zip(rows, task.histories, strict=True):
        newest = history[-LENGTH:] + 1
        row[LENGTH - len(newest) :] = newest
    states = torch.cat([model(torch.from_numpy(part))[:, -1] for part in np.array_split(rows, 8)])
    return (states @ model.items.weight[1:].T).numpy()


def train(
    task: Task,
    *,
    epochs: int,
    dropout: float = 0.2,
    patience: int | None = None,
    say: Callable[[str], None] = print,
) -> tuple[NDArray[np.float32], int]:
    """Scores of all items (questions x items), masked, and the number of epochs behind them.

    With ``patience`` the task is a validation half: training stops when NDCG@10 has not risen for so many epochs, and the
    best epoch counts.
    """
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    items = len(task.ids)
    model = SasRec(items, dropout)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, betas=(0.9, 0.98))
    best, best_epoch, kept = -1.0, 0, model.state_dict()
    for epoch in range(1, epochs + 1):
        model.train()
        windows = torch.from_numpy(rng.permutation(_windows(task.sequences, rng)))
        total = 0.0
        for batch in windows.split(BATCH):
            loss = _loss(model, batch, items)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        if patience is None:
            continue
        found = task.ndcg(task.masked(_scores(model, task)))
        say(f"  SASRec, epoch {epoch}: loss {total / len(windows):.3f}, validation NDCG@10 {found:.4f}")
        if found > best:
            best, best_epoch, kept = found, epoch, copy.deepcopy(model.state_dict())
        elif epoch - best_epoch >= patience:
            break
    if patience is not None:
        model.load_state_dict(kept)
    return task.masked(_scores(model, task)), best_epoch if patience is not None else epochs
