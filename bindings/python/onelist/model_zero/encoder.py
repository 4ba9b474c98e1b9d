"""The forward pass of a MiniLM (BERT-shaped) sentence encoder in NumPy.

The exporter runs it once over the vocabulary, so plain matrix products are fast enough and no
deep-learning framework is needed.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import safetensors

Array = NDArray[np.float32]
_LAYER_NORM_EPSILON = 1e-12
_HEAD_WIDTH = 32


def _erf(x: Array) -> Array:
    """The error function within 1.5e-7 (Abramowitz and Stegun, formula 7.1.26)."""
    t = 1.0 / (1.0 + 0.3275911 * np.abs(x))
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return np.asarray(np.sign(x) * (1.0 - poly * np.exp(-x * x)), np.float32)


def _gelu(x: Array) -> Array:
    return np.asarray(0.5 * x * (1.0 + _erf(np.asarray(x * np.float32(0.5**0.5)))), np.float32)


class Encoder:
    """A sentence encoder read from `model.safetensors`: token ids in, mean-pooled vectors out."""

    def __init__(self, tensors: dict[str, NDArray[np.generic]]) -> None:
        """Take the tensors of a BERT-shaped encoder by their usual names; all are converted to f32."""
        self._weights = {name: np.asarray(value, np.float32) for name, value in tensors.items()
                         if not name.endswith("position_ids")}  # fmt: skip
        self.width: int = self._weights["embeddings.word_embeddings.weight"].shape[1]
        self._layers = len({name.split(".")[2] for name in self._weights if name.startswith("encoder.layer.")})

    @classmethod
    def read(cls, folder: Path) -> "Encoder":
        """Read the encoder from `folder/model.safetensors`."""
        return cls(safetensors.read(folder / "model.safetensors"))

    def _linear(self, x: Array, name: str) -> Array:
        return np.asarray(x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"], np.float32)

    def _norm(self, x: Array, name: str) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred * centred).mean(-1, keepdims=True) + _LAYER_NORM_EPSILON)
        return np.asarray(scaled * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"], np.float32)

    def _attention(self, x: Array, bias: Array, layer: str) -> Array:
        n, t, d = x.shape

        def heads(part: str) -> Array:
            flat = self._linear(x, f"{layer}.attention.self.{part}")
            return flat.reshape(n, t, d // _HEAD_WIDTH, _HEAD_WIDTH).transpose(0, 2, 1, 3)

        logits = heads("query") @ heads("key").transpose(0, 1, 3, 2) * np.float32(_HEAD_WIDTH**-0.5) + bias
        weights = np.exp(logits - logits.max(-1, keepdims=True))
        mixed = (weights / weights.sum(-1, keepdims=True)) @ heads("value")
        return self._linear(mixed.transpose(0, 2, 1, 3).reshape(n, t, d), f"{layer}.attention.output.dense")

    def encode(self, ids: NDArray[np.int64], mask: Array) -> Array:
        """Mean-pooled sentence vectors [N, width] of token ids [N,T] that carry their special tokens."""
        words = self._weights["embeddings.word_embeddings.weight"][ids]
        places = self._weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        kinds = self._weights["embeddings.token_type_embeddings.weight"][0]
        x = self._norm(np.asarray(words + places + kinds), "embeddings.LayerNorm")
        bias = np.asarray((1.0 - mask[:, None, None, :]) * -1e9, np.float32)
        for index in range(self._layers):
            layer = f"encoder.layer.{index}"
            x = self._norm(x + self._attention(x, bias, layer), f"{layer}.attention.output.LayerNorm")
            inner = _gelu(self._linear(x, f"{layer}.intermediate.dense"))
            x = self._norm(x + self._linear(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
        total = (x * mask[:, :, None]).sum(1)
        return np.asarray(total / np.maximum(mask.sum(1, keepdims=True), 1.0), np.float32)
