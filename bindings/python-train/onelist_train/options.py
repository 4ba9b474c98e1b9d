"""Settings of a training."""

from dataclasses import asdict, dataclass, field
from typing import Any

from .batches import Dropout
from .losses import Weights

TASKS = ("both", "search", "recommendation")


@dataclass(frozen=True)
class Options:
    """Settings of `fit`, `adapt` and `distill`. The same settings, rows and machine give the same model."""

    epochs: int = 4
    """maximum passes over the rows"""
    batch: int = 128
    """requests per step"""
    rate: float = 2e-3
    """AdamW's highest learning rate, after a short warm-up and before a cosine decay"""
    decay: float = 0.05
    """AdamW's weight decay"""
    drop: float = 0.1
    """dropout inside the network"""
    dropout: Dropout = field(default_factory=Dropout)
    """fraction of requests trained without their query or history"""
    losses: Weights = field(default_factory=Weights)
    candidates: int = 32
    """candidates per request and step, redrawn in each epoch; validation ranks all of them"""
    validation: float = 0.15
    """fraction of the requests, before the test set in time, that select the epoch and the cells with the network on"""
    test: float = 0.1
    """fraction of the requests, the latest ones, that only the report uses"""
    patience: int = 2
    """epochs without improvement before training stops"""
    seed: int = 1
    device: str | None = None
    """`cpu`, `cuda`, or None for CUDA when there is one"""
    threads: int | None = None
    """PyTorch threads on the CPU; None for one, the fastest for a model of this size on a shared machine"""
    tasks: str = "both"
    """`search` trains only on requests with a query, `recommendation` only on those without, `both` on all"""
    keep_weights: bool = False
    """keep the linear part of the base and train the network alone, for a model that others start from"""
    requests: int = 40_000
    """requests to export from a store: a stratified sample of the whole log (`spread` of `export_training`)"""
    negatives: int = 80
    """candidates per exported request besides the target"""
    width: int = 96
    blocks: int = 2
    contexts: int = 2
    """width and depth of the network, and number of its learned context vectors; `fit` and `distill` only"""
    quiet: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError for an invalid setting."""
        whole = {"epochs": 1, "batch": 1, "candidates": 2, "patience": 1, "requests": 1, "negatives": 1,
                 "width": 8, "blocks": 0, "contexts": 1}  # fmt: skip
        for name, least in whole.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name}: expected at least {least}, found {getattr(self, name)}")
        if self.tasks not in TASKS:
            raise ValueError(f"tasks: expected one of {', '.join(TASKS)}, found {self.tasks}")
        fractions = {"validation": self.validation, "test": self.test, "drop": self.drop,
                     "dropout.query": self.dropout.query, "dropout.history": self.dropout.history}  # fmt: skip
        for name, value in fractions.items():
            if not 0.0 <= value < 1.0:
                raise ValueError(f"{name}: expected a fraction from 0 to below 1, found {value}")
        if self.validation == 0.0 or self.validation + self.test >= 1.0:
            found = f"{self.validation} and {self.test}"
            raise ValueError(f"validation and test: expected fractions that leave rows to train on, found {found}")
        if self.width % 4:
            raise ValueError(f"width: expected a multiple of 4, the number of heads, found {self.width}")

    def as_json(self) -> dict[str, Any]:
        """The settings that determine the result, for the report and the checkpoint."""
        return {name: value for name, value in asdict(self).items() if name not in ("quiet", "threads")}
