"""The forward pass of a MiniLM (BERT-shaped) sentence encoder in NumPy.

The exporter runs it once over the vocabulary, and tests use it as the oracle of the transformer tower. Plain matrix
products are fast enough for both, and independent of what they check.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import load_file

Array = NDArray[np.float32]
_MINILM_EPSILON = 1e-12
_MINILM_HEAD_WIDTH = 32


def _erf(x: Array) -> Array:
    """The error function within 1.5e-7 (Abramowitz and Stegun, formula 7.1.26)."""
    t = 1.0 / (1.0 + 0.3275911 * np.abs(x))
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return np.asarray(np.sign(x) * (1.0 - poly * np.exp(-x * x)), np.float32)


def _gelu(x: Array) -> Array:
    return np.asarray(0.5 * x * (1.0 + _erf(np.asarray(x * np.float32(0.5**0.5)))), np.float32)


class Encoder:
    """A sentence encoder: token ids in, mean-pooled vectors out."""

    def __init__(self, tensors: Mapping[str, NDArray[np.generic]], heads: int = 0, epsilon: float = _MINILM_EPSILON) -> None:
        """Takes the tensors of a BERT-shaped encoder by their usual names and converts them to f32.

        Without `heads`, the attention heads are as wide as those of MiniLM.
        """
        self.tensors: dict[str, Array] = {name: np.asarray(value, np.float32) for name, value in tensors.items()
                                          if name.startswith(("embeddings.", "encoder."))
                                          and not name.endswith("position_ids")}  # fmt: skip
        self.width: int = self.tensors["embeddings.word_embeddings.weight"].shape[1]
        self.heads = heads or self.width // _MINILM_HEAD_WIDTH
        self.epsilon = epsilon
        self.layers = len({name.split(".")[2] for name in self.tensors if name.startswith("encoder.layer.")})

    @classmethod
    def read(cls, folder: Path) -> "Encoder":
        """Reads the encoder from `folder/model.safetensors`."""
        return cls(read_tensors(folder / "model.safetensors"))

    def _linear(self, x: Array, name: str) -> Array:
        return np.asarray(x @ self.tensors[f"{name}.weight"].T + self.tensors[f"{name}.bias"], np.float32)

    def _norm(self, x: Array, name: str) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred * centred).mean(-1, keepdims=True) + self.epsilon)
        return np.asarray(scaled * self.tensors[f"{name}.weight"] + self.tensors[f"{name}.bias"], np.float32)

    def _attention(self, x: Array, bias: Array, layer: str) -> Array:
        n, t, d = x.shape
        width = d // self.heads

        def heads(part: str) -> Array:
            flat = self._linear(x, f"{layer}.attention.self.{part}")
            return flat.reshape(n, t, self.heads, width).transpose(0, 2, 1, 3)

        logits = heads("query") @ heads("key").transpose(0, 1, 3, 2) * np.float32(width**-0.5) + bias
        weights = np.exp(logits - logits.max(-1, keepdims=True))
        mixed = (weights / weights.sum(-1, keepdims=True)) @ heads("value")
        return self._linear(mixed.transpose(0, 2, 1, 3).reshape(n, t, d), f"{layer}.attention.output.dense")

    def states(self, ids: NDArray[np.int64], places: NDArray[np.int64], mask: Array) -> Array:
        """The last layer's vectors [N,T,width] of token ids [N,T] at their positions ([N,T] or [T]) in the text."""
        words = self.tensors["embeddings.word_embeddings.weight"][ids]
        at = self.tensors["embeddings.position_embeddings.weight"][places]
        kinds = self.tensors["embeddings.token_type_embeddings.weight"][0]
        x = self._norm(np.asarray(words + at + kinds), "embeddings.LayerNorm")
        bias = np.asarray((1.0 - mask[:, None, None, :]) * -1e9, np.float32)
        for index in range(self.layers):
            layer = f"encoder.layer.{index}"
            x = self._norm(x + self._attention(x, bias, layer), f"{layer}.attention.output.LayerNorm")
            inner = _gelu(self._linear(x, f"{layer}.intermediate.dense"))
            x = self._norm(x + self._linear(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
        return x

    def encode(self, ids: NDArray[np.int64], mask: Array) -> Array:
        """Mean-pooled sentence vectors [N,width] of token ids [N,T] that include their special tokens."""
        x = self.states(ids, np.arange(ids.shape[1], dtype=np.int64), mask)
        total = (x * mask[:, :, None]).sum(1)
        return np.asarray(total / np.maximum(mask.sum(1, keepdims=True), 1.0), np.float32)


def read_tensors(path: Path) -> dict[str, Array]:
    """Every tensor of a `.safetensors` file by name, in f32. Half precision (f16, bf16) is widened.

    Raises SafetensorError for a damaged file.
    """
    # Through PyTorch, because NumPy has no bf16.
    return {name: tensor.float().numpy() for name, tensor in load_file(path).items()}
