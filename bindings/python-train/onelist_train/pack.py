"""Parameters in the form of the file: large matrices in int8 with a scale per column, everything else in f32."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .network import Network

SMALLEST = 1024
"""Parameters with fewer values stay in f32, since they are small anyway."""
_PREFIX, _SCALE = "net.", ".scale"


@dataclass(frozen=True)
class Packed:
    """One parameter: f32, or int8 with a scale per column."""

    values: NDArray[Any]
    scale: NDArray[np.float32] | None = None

    @property
    def full(self) -> NDArray[np.float32]:
        """The parameter in f32."""
        values = self.values.astype(np.float32)
        return values if self.scale is None else np.asarray(values * self.scale, np.float32)


def pack(network: Network, whole: Iterable[str] = ()) -> dict[str, Packed]:
    """The parameters of a network, without adapters and parts that only training uses; those in `whole` stay f32."""
    kept, packed = set(whole), {}
    for name, tensor in network.state_dict().items():
        last = name.rsplit(".", 1)[-1]
        if last in ("a", "b") or name.startswith("next_action"):
            continue
        values = tensor.detach().cpu().numpy().astype(np.float32)
        small = values.ndim < 2 or values.size < SMALLEST or name in kept
        packed[name] = Packed(values) if small else quantise(values)
    return packed


def quantise(values: NDArray[np.float32]) -> Packed:
    """Symmetric int8 with a scale per column."""
    scale = np.maximum(np.abs(values).max(0, keepdims=True), 1e-12) / np.float32(127.0)
    return Packed(np.rint(values / scale).astype(np.int8), scale.astype(np.float32))


def unpack(packed: Mapping[str, Packed], network: Network) -> None:
    """Sets the parameters of a network to the values of a file."""
    state = {name: torch.from_numpy(one.full.copy()) for name, one in packed.items()}
    missing, unknown = network.load_state_dict(state, strict=False)
    wrong = [
        name for name in missing if name.rsplit(".", 1)[-1] not in ("a", "b") and not name.startswith("next_action")
    ]
    if wrong or unknown:
        raise ValueError(
            f"expected the parameters of this version's network, found none for {wrong} and unknown ones {unknown}"
        )


def stored(tensors: Mapping[str, NDArray[Any]]) -> dict[str, Packed]:
    """The packed parameters among the tensors of a model file."""
    own = {name.removeprefix(_PREFIX): value for name, value in tensors.items() if name.startswith(_PREFIX)}
    return {name: Packed(value, own.get(name + _SCALE)) for name, value in own.items() if not name.endswith(_SCALE)}
