"""The settings of a training."""

from dataclasses import asdict, dataclass, field
from typing import Any

from .batches import Dropout
from .losses import Weights


TASKS = ("both", "search", "recommendation")


@dataclass(frozen=True)
class Options:
    """Settings of `fit`, `adapt` and `distill`. The same settings, rows and machine give the same model."""

    epochs: int = 4
    """at most so many passes over the rows"""
    batch: int = 128
    """requests of one step"""
    rate: float = 2e-3
    """AdamW's largest learning rate; it rises over the first steps and falls by a cosine"""
    decay: float = 0.05
    """AdamW's weight decay"""
    drop: float = 0.1
    """dropout inside the network"""
    dropout: Dropout = field(default_factory=Dropout)
    """requests trained without their query or history"""
    losses: Weights = field(default_factory=Weights)
    candidates: int = 32
    """candidates of a request in one step, drawn anew in each epoch; all are ranked in validation"""
    validation: float = 0.15
    """share of the requests, late in time, that choices are made on: when to stop, and where the network speaks"""
    test: float = 0.1
    """share of the requests, the latest of all, that nothing is chosen on and the report's figures are from"""
    patience: int = 2
    """epochs without a better validation before it stops"""
    seed: int = 1
    device: str | None = None
    """`cpu`, `cuda`, or None for CUDA when there is one"""
    threads: int | None = None
    """threads of PyTorch on the CPU; None for one, which is the fastest for a model of this size on a shared machine"""
    tasks: str = "both"
    """`search` trains on the requests with a query alone, `recommendation` on those without; `both` is all"""
    keep_weights: bool = False
    """the linear part stays as in the base, and the network alone is trained; for a model that others start from"""
    requests: int = 40_000
    """requests that are exported from a store, of each kind from the whole log (`spread` of `export_training`)"""
    negatives: int = 80
    """candidates of each of them that were not taken"""
    width: int = 96
    blocks: int = 2
    contexts: int = 2
    """width and depth of the network, and its learned context vectors; `fit` and `distill` only"""
    quiet: bool = False

    def __post_init__(self) -> None:
        """Refuses what cannot be."""
        whole = {"epochs": 1, "batch": 1, "candidates": 2, "patience": 1, "requests": 1, "negatives": 1,
                 "width": 8, "blocks": 0, "contexts": 1}  # fmt: skip
        for name, least in whole.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name}: expected at least {least}, found {getattr(self, name)}")
        if self.tasks not in TASKS:
            raise ValueError(f"tasks: expected one of {', '.join(TASKS)}, found {self.tasks}")
        shares = {"validation": self.validation, "test": self.test, "drop": self.drop,
                  "dropout.query": self.dropout.query, "dropout.history": self.dropout.history}  # fmt: skip
        for name, value in shares.items():
            if not 0.0 <= value < 1.0:
                raise ValueError(f"{name}: expected a share from 0 to below 1, found {value}")
        if self.validation == 0.0 or self.validation + self.test >= 1.0:
            found = f"{self.validation} and {self.test}"
            raise ValueError(f"validation and test: expected shares that leave rows to train on, found {found}")
        if self.width % 4:
            raise ValueError(f"width: expected a multiple of the 4 heads, found {self.width}")

    def as_json(self) -> dict[str, Any]:
        """What decides the outcome, for the report and the checkpoint."""
        return {name: value for name, value in asdict(self).items() if name not in ("quiet", "threads")}
