"""Writes a model folder: the graph with the network, its manifest, and a probe on which PyTorch and the graph agree."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import MANIFEST_FILE, Base
from .catalog import quiet_session
from .graph import Trained
from .model_zero import cases, graph, manifest, shape
from .network import Network
from .pack import Packed, pack, stored, unpack
from .size import NETWORK, Size, adapter_names
from .verify import difference, feeds_with_codes

GRAPH_FILE, TOKENIZER_FILE = "model.onnx", "tokenizer.json"
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Origin:
    """The manifest's entries on the origin of a file."""

    name: str
    version: str
    training: Mapping[str, Any]
    metrics: Mapping[str, Any]


def write(folder: Path, base: Base, network: Network, packed: Mapping[str, Packed], weights: NDArray[np.float32],
          origin: Origin) -> dict[str, int]:  # fmt: skip
    """Writes a model folder; returns the sizes of its files in bytes.

    `network` has the parameters of `packed`, and `weights` [4,F+G+1] end with a column for it. Raises ValueError, and
    writes nothing, when the graph in ONNX Runtime and the network in PyTorch differ by more than 1e-4.
    """
    constants, extension = base.constants(), Trained(network.size, packed, weights)
    model = graph.build(constants, origin.name, extension).SerializeToString(deterministic=True)
    session, feeds = quiet_session(model), feeds_with_codes(constants)
    names = [name for name, _, _ in graph.outputs_of(extension)]
    outputs = dict(zip(names, session.run(names, feeds), strict=True))
    worst = difference(network, constants, weights, feeds, outputs)
    if worst > TOLERANCE:
        raise ValueError(f"expected the graph and the network to agree within {TOLERANCE}, found {worst:.2g}")
    probe = {
        "inputs": {name: cases.nested(value) for name, value in feeds.items()},
        "outputs": {name: cases.nested(value) for name, value in outputs.items()},
        "tolerance": TOLERANCE,
    }
    about = _manifest(base, extension, network.size, model, origin) | {"probe": probe}
    files = {GRAPH_FILE: model, TOKENIZER_FILE: base.tokenizer, MANIFEST_FILE: manifest.to_json(about)}
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return {name: len(data) for name, data in files.items()}


def _manifest(base: Base, extension: Trained, size: Size, model: bytes, origin: Origin) -> dict[str, Any]:
    """The manifest without its probe: that of the base with what differs."""
    about, constants = dict(base.manifest), base.constants()
    features = [*shape.GRAPH_FEATURES, NETWORK]
    about["dims"] = {**base.manifest["dims"], "graph_features": len(features), "contexts": 2 + extension.contexts}
    about["tokenizer"] = {**base.manifest["tokenizer"], "file": TOKENIZER_FILE}
    about["lora"] = {"rank": size.rank, "params": [{"name": name, "shape": list(dims)}
                                                   for name, dims in adapter_names(size).items()]}  # fmt: skip
    return about | {
        "name": origin.name, "version": origin.version, "onnx": GRAPH_FILE, "sha256": manifest.sha256(model),
        "graph_features": features,
        "inputs": manifest.values(graph.inputs_of(extension), constants),
        "outputs": manifest.values(graph.outputs_of(extension), constants),
        "network": size.as_json(), "training": dict(origin.training), "metrics": dict(origin.metrics),
    }  # fmt: skip


def read(base: Base) -> tuple[Network, NDArray[np.float32]]:
    """The network of a trained file, and its weights [4,F+G+1]."""
    if not base.trained:
        raise ValueError(f"{base.folder}: expected a trained model, found one without a network; run `fit` first")
    network = Network(Size.of_json(base.manifest["network"]))
    unpack(stored(base.tensors), network)
    return network.eval(), base.tensors["weights"]


def quantise(network: Network) -> dict[str, Packed]:
    """Packs a network, and sets its parameters to the rounded values that the file will hold."""
    packed = pack(network)
    unpack(packed, network)
    return packed
