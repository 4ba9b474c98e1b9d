"""Widths of the network, and the names of its features and adapters."""

from dataclasses import asdict, dataclass
from typing import Any

from .model_zero import shape


@dataclass(frozen=True)
class Size:
    """The sizes that determine the shapes of a network's tensors; the manifest keeps them under `network`."""

    item: int
    """width D of item vectors"""
    features: int
    """columns that the scorer reads: those that are fed and those that the graph computes"""
    width: int = 96
    heads: int = 4
    blocks: int = 2
    inner: int = 128
    """width inside the gated feed-forward layers"""
    contexts: int = 2
    """learned context vectors, besides those of query and history"""
    hidden: tuple[int, int] = (128, 64)
    """widths of the scorer's layers"""
    code_rows: tuple[int, int, int] = (256, 1024, 3072)
    """rows of the table of semantic ids: level 1, pairs of levels 1 and 2, whole ids; the latter two are hashed"""
    code_width: int = 24
    code_limit: float = 4.0
    """largest norm of an item's sum of rows, so that its content dominates"""
    places: int = 16
    """rows for the position of an event, counted from the newest; the last row is for all older events"""
    bound: float = 2.0
    """the network's score lies between -bound and bound"""
    rank: int = 8
    """rank of adapters"""

    def as_json(self) -> dict[str, Any]:
        """The entry of the manifest."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    @classmethod
    def of_json(cls, data: dict[str, Any]) -> "Size":
        """Reads the entry of a manifest."""
        read: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in data.items()}
        return cls(**read)


HASHES = ((1, 0, 0), (257, 8191, 0), (524287, 65537, 4099))
"""Factors of the codes in an n-gram's hash, which is taken modulo its number of rows."""
PERSONAL = ("next", "before", "together", "basket", "seen", "had", "had_lately", "shown", "disliked",
            "cos_history", "cos_last", "cos_nearest", "cos_disliked")  # fmt: skip
"""Features that need a history."""
ASKED = ("bm25", "cos_query")
"""Features that need a query."""
NETWORK = "network"
"""Name of the feature that the network adds to those of model zero."""


def adapted(size: Size) -> dict[str, tuple[int, int]]:
    """The matrices that an adapter may change, with their shapes: in the context blocks and the scorer, not in the towers."""
    d, both = size.width, {}
    for block in range(size.blocks):
        both[f"blocks.{block}.qkv"] = (d, 3 * d)
        both[f"blocks.{block}.wide"] = (d, 2 * size.inner)
    both |= {"look": (d, d), "seen": (d, 2 * d), "from_item": (d, size.hidden[0]), "from_cross": (d, size.hidden[0])}
    both["from_features"] = (size.features, size.hidden[0])
    return both


def adapter_names(size: Size) -> dict[str, tuple[int, int]]:
    """The inputs of the graph that an adapter feeds, with their shapes."""
    shapes = {}
    for name, (into, out) in adapted(size).items():
        shapes[f"lora_{name.replace('.', '_')}_a"] = (into, size.rank)
        shapes[f"lora_{name.replace('.', '_')}_b"] = (size.rank, out)
    return shapes


def fed_features() -> tuple[str, ...]:
    """The columns that the scorer reads, in order."""
    return (*shape.FEATURES, *shape.GRAPH_FEATURES)
