"""Adapters: ONNX Runtime files with the low-rank tensors of one domain, for one model file."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from .base import Base
from .model_zero import manifest
from .network import Network
from .size import adapted

ADAPTER_FILE, ADAPTER_MANIFEST = "adapter.onnx_adapter", "adapter.json"


def begin(network: Network, seed: int) -> None:
    """Makes the adapter the only trainable part. Its first matrices are random, its second ones zero: it has no effect yet."""
    drawn = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    for name, parameter in network.adapters().items():
        if name.endswith("_a"):
            parameter.data = torch.randn(parameter.shape, generator=drawn) / parameter.shape[0] ** 0.5
        parameter.requires_grad_(True)


def tensors(network: Network) -> dict[str, NDArray[np.float32]]:
    """The adapter's tensors, named like the inputs of the graph."""
    return {name: p.detach().cpu().numpy().astype(np.float32) for name, p in network.adapters().items()}


def write(folder: Path, name: str, base: Base, values: Mapping[str, NDArray[np.float32]],
          training: Mapping[str, Any], metrics: Mapping[str, Any]) -> None:  # fmt: skip
    """Writes the adapter and its manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    adapter = onnxruntime.AdapterFormat()
    adapter.set_adapter_version(1)
    adapter.set_model_version(1)
    adapter.set_parameters({key: onnxruntime.OrtValue.ortvalue_from_numpy(value) for key, value in values.items()})
    adapter.export_adapter(str(folder / ADAPTER_FILE))
    data = (folder / ADAPTER_FILE).read_bytes()
    made_for = {name: base.manifest[name] for name in ("name", "version", "sha256")}
    about = {
        "format": 1, "name": name, "adapter": ADAPTER_FILE, "sha256": manifest.sha256(data),
        "model": made_for,
        "rank": base.manifest["lora"]["rank"],
        "params": [{"name": key, "shape": list(value.shape)} for key, value in values.items()],
        "training": dict(training), "metrics": dict(metrics),
    }  # fmt: skip
    (folder / ADAPTER_MANIFEST).write_text(json.dumps(about, indent=1) + "\n")


def read(folder: str | os.PathLike[str], base: Base) -> dict[str, NDArray[np.float32]]:
    """The tensors of an adapter. Raises ValueError when it belongs to another model file, or is damaged."""
    folder = Path(folder)
    about = json.loads((folder / ADAPTER_MANIFEST).read_text())
    if about["model"]["sha256"] != base.manifest["sha256"]:
        raise ValueError(f"{folder}: expected an adapter of the model {base.manifest['sha256']}, "
                         f"found one of {about['model']['sha256']}")  # fmt: skip
    if manifest.sha256((folder / ADAPTER_FILE).read_bytes()) != about["sha256"]:
        raise ValueError(f"{folder}: expected {ADAPTER_FILE} with the SHA-256 in {ADAPTER_MANIFEST}, found another file")
    opened = onnxruntime.AdapterFormat.read_adapter(str(folder / ADAPTER_FILE))
    # The arrays are views into the opened file, so copy them before it goes.
    found = {name: np.array(value.numpy()) for name, value in opened.get_parameters().items()}
    del opened
    wanted = {one["name"]: tuple(one["shape"]) for one in base.manifest["lora"]["params"]}
    shapes = {name: value.shape for name, value in found.items()}
    if shapes != wanted:
        raise ValueError(f"{folder}: expected the tensors {wanted}, found {shapes}")
    return found


def fold(network: Network, values: Mapping[str, NDArray[np.float32]]) -> list[str]:
    """Adds an adapter to the matrices that it changes; returns their names in the network's state."""
    changed = []
    for name in adapted(network.size):
        layer, stem = network.get_submodule(name), f"lora_{name.replace('.', '_')}"
        weight = layer.weight
        assert isinstance(weight, torch.Tensor)
        with torch.no_grad():
            weight += torch.from_numpy(values[f"{stem}_a"] @ values[f"{stem}_b"])
        changed.append(f"{name}.weight")
    return changed
