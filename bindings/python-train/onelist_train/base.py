"""Reads a model folder: the file, its manifest, and what the trainer takes from them."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from .model_zero import shape
from .model_zero.constants import Constants, Scorer
from .model_zero.manifest import sha256

GRAPH_FILE, MANIFEST_FILE = "base.onnx", "manifest.json"


@dataclass(frozen=True)
class Base:
    """A model folder: its path, its manifest, its tensors by name, and the bytes of its tokenizer."""

    folder: Path
    manifest: dict[str, Any]
    tensors: dict[str, NDArray[Any]]
    tokenizer: bytes

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> "Base":
        """Reads a folder with `manifest.json`, the graph and the tokenizer.

        Raises ValueError when a hash differs from the manifest's, or the features differ from those of this package.
        """
        folder = Path(folder)
        if not (folder / MANIFEST_FILE).is_file():
            raise ValueError(f"{folder}: expected a model folder with a {MANIFEST_FILE}, found none")
        manifest: dict[str, Any] = json.loads((folder / MANIFEST_FILE).read_bytes())
        graph = (folder / manifest["onnx"]).read_bytes()
        tokenizer = (folder / manifest["tokenizer"]["file"]).read_bytes()
        for name, data, want in ((manifest["onnx"], graph, manifest["sha256"]),
                                 ("tokenizer", tokenizer, manifest["tokenizer"]["sha256"])):  # fmt: skip
            if sha256(data) != want:
                raise ValueError(f"{folder}: {name}: expected the SHA-256 {want} of the manifest, found {sha256(data)}")
        own = [*shape.FEATURES, *shape.GRAPH_FEATURES]
        found = [*manifest["features"], *manifest["graph_features"]]
        if found[: len(own)] != own:
            raise ValueError(f"{folder}: expected the features {own}, found {found}; use the model of this version")
        stored = onnx.load_from_string(graph).graph.initializer
        return cls(folder, manifest, {t.name: numpy_helper.to_array(t) for t in stored}, tokenizer)

    @property
    def graph(self) -> bytes:
        """The bytes of the ONNX file."""
        return (self.folder / str(self.manifest["onnx"])).read_bytes()

    @property
    def trained(self) -> bool:
        """Whether the file has a network; model zero has none."""
        return "network" in self.manifest

    def constants(self) -> Constants:
        """Text tower, vector space and scorer, in the form that the graph builder takes."""
        t = self.tensors
        weights = t["weights"][:, : len(shape.FEATURES) + len(shape.GRAPH_FEATURES)]
        scorer = Scorer(weights, t["action_gain"], t["gap_gain"], float(self.manifest["positional_decay"]))
        return Constants.of(t, self.manifest, scorer)
