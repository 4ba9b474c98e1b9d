"""Reads a sentence-transformers folder, or says in one line why it cannot be exported.

A folder that is read wrongly still yields vectors, only worse ones. Whatever the graph of `transformer.py` does not
compute is therefore refused: another architecture, activation or pooling, or a layer after the pooling.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError

from .encoder import Array, Encoder, read_tensors
from .texts import specials_of
from .transformer import Transformer

_WEIGHTS, _TOKENIZER, _CONFIG = "model.safetensors", "tokenizer.json", "config.json"
_LAYER = ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
          "attention.output.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm")  # fmt: skip


class EncoderRefusedError(ValueError):
    """The folder does not hold a sentence encoder of the kind that can be exported."""

    def __init__(self, folder: Path, expected: str, found: str, remedy: str = "") -> None:
        """Names the folder, what was expected and what was found; `remedy` says how to fix it."""
        super().__init__(f"{folder}: expected {expected}, found {found}{'; ' if remedy else ''}{remedy}")
        self.folder, self.expected, self.found = folder, expected, found


@dataclass(frozen=True)
class SentenceEncoder:
    """The content of a folder: the encoder, its tokenizer file, the special tokens around a text, and the pooling."""

    encoder: Encoder
    tokenizer: bytes
    specials: tuple[int, int]
    by_first: bool
    """whether the vector is that of the first special token instead of the mean of all tokens"""
    max_tokens: int
    """tokens of a text, without the special ones"""

    @classmethod
    def read(cls, folder: Path) -> "SentenceEncoder":
        """Reads a folder with `config.json`, `model.safetensors`, `tokenizer.json` and the files of sentence-transformers.

        Raises EncoderRefusedError.
        """
        if not folder.is_dir():
            raise EncoderRefusedError(folder, "a folder of a sentence encoder", "none")
        config = _config(folder)
        encoder = Encoder(_tensors(folder), config["num_attention_heads"], config["layer_norm_eps"])
        _check_tensors(folder, encoder, config)
        tokenizer = _file(folder, _TOKENIZER).read_bytes()
        specials = specials_of(json.loads(tokenizer))
        if specials is None:
            raise EncoderRefusedError(folder, "a tokenizer with one special token before and one after a text", "another")
        most = len(encoder.tensors["embeddings.position_embeddings.weight"])
        limit = _json(folder, "sentence_bert_config.json").get("max_seq_length") or most
        return cls(encoder, tokenizer, specials, _pools_by_first(folder), min(int(limit), most) - len(specials))

    def tower(self, max_tokens: int | None, small: bool) -> Transformer:
        """The text tower. `max_tokens` truncates texts earlier than the encoder does; `small` stores int8 matrices."""
        size = len(self.encoder.tensors["embeddings.word_embeddings.weight"])
        weights = np.full(size, not self.by_first, np.float32)
        weights[self.specials[0]] = 1.0
        limit = min(max_tokens or self.max_tokens, self.max_tokens)
        return Transformer.pack(self.encoder, weights, self.specials, limit, small)


def licence_of(folder: Path) -> str:
    """The licence named at the top of the folder's README.md, where sentence-transformers keeps it."""
    card = folder / "README.md"
    head = card.read_text(encoding="utf-8", errors="replace").splitlines()[:60] if card.is_file() else []
    named = (line.partition(":")[2].strip() for line in head if line.startswith("license:"))
    return next(named, "") or "that of the encoder, which its folder does not name"


def _file(folder: Path, name: str) -> Path:
    """The path of a required file."""
    path = folder / name
    if path.is_file():
        return path
    others = {p.name for p in folder.iterdir()}
    if name == _WEIGHTS and "pytorch_model.bin" in others:
        raise EncoderRefusedError(folder, name, "pytorch_model.bin",
                                  "save it again with sentence-transformers, which writes safetensors")  # fmt: skip
    raise EncoderRefusedError(folder, f"a file {name}", "none")


def _json(folder: Path, name: str) -> dict[str, Any]:
    """The JSON object in a file; empty when the file is missing."""
    path = folder / name
    return dict(json.loads(path.read_bytes())) if path.is_file() else {}


def _config(folder: Path) -> dict[str, Any]:
    """The settings of the encoder, checked against what the graph computes."""
    _file(folder, _CONFIG)
    config = {"layer_norm_eps": 1e-12, "position_embedding_type": "absolute", **_json(folder, _CONFIG)}
    for name, wanted in (("model_type", "bert"), ("hidden_act", "gelu"), ("position_embedding_type", "absolute")):
        if config.get(name) != wanted:
            raise EncoderRefusedError(folder, f"{name} `{wanted}` in {_CONFIG}", f"`{config.get(name)}`")
    for name in ("num_attention_heads", "hidden_size", "num_hidden_layers"):
        if not isinstance(config.get(name), int) or config[name] < 1:
            raise EncoderRefusedError(folder, f"a number {name} in {_CONFIG}", f"{config.get(name)!r}")
    if config["hidden_size"] % config["num_attention_heads"]:
        raise EncoderRefusedError(folder, "a hidden_size of whole heads", str(config["hidden_size"]))
    return config


def _tensors(folder: Path) -> Mapping[str, Array]:
    """The encoder's tensors by name, without a prefix."""
    path = _file(folder, _WEIGHTS)
    try:
        stored = read_tensors(path)
    except SafetensorError as error:
        raise EncoderRefusedError(folder, f"{_WEIGHTS} in the safetensors format", str(error)) from error
    return {name.removeprefix("bert."): value for name, value in stored.items()}


def _check_tensors(folder: Path, encoder: Encoder, config: Mapping[str, Any]) -> None:
    """Checks that every tensor of the forward pass is present, and that layers and width match the settings."""
    places = [f"embeddings.{kind}_embeddings.weight" for kind in ("word", "position", "token_type")]
    layers = [f"encoder.layer.{n}.{part}.{kind}" for n in range(config["num_hidden_layers"]) for part in _LAYER
              for kind in ("weight", "bias")]  # fmt: skip
    for name in (*places, "embeddings.LayerNorm.weight", "embeddings.LayerNorm.bias", *layers):
        if name not in encoder.tensors:
            raise EncoderRefusedError(folder, f"a tensor {name} in {_WEIGHTS}", "none")
    found = (encoder.layers, encoder.width)
    if found != (config["num_hidden_layers"], config["hidden_size"]):
        wanted = f"{config['num_hidden_layers']} layers of width {config['hidden_size']}"
        raise EncoderRefusedError(folder, f"{wanted} in {_WEIGHTS}", f"{found[0]} of {found[1]}")


def _pools_by_first(folder: Path) -> bool:
    """Whether the folder pools by the first token. A folder without modules pools by the mean."""
    path = folder / "modules.json"
    modules = json.loads(path.read_bytes()) if path.is_file() else []
    kinds = [str(module["type"]).rsplit(".", 1)[-1] for module in modules]
    # Normalize changes nothing: the engine compares directions, and the graph always returns vectors of length one.
    if kinds and [kind for kind in kinds if kind != "Normalize"] != ["Transformer", "Pooling"]:
        raise EncoderRefusedError(folder, "modules Transformer, Pooling and perhaps Normalize", ", ".join(kinds))
    pooling = next((m["path"] for m, kind in zip(modules, kinds, strict=True) if kind == "Pooling"), "1_Pooling")
    settings = _json(folder, f"{pooling}/config.json")
    modes = sorted(name for name, on in settings.items() if name.startswith("pooling_mode_") and on is True)
    if modes not in ([], ["pooling_mode_mean_tokens"], ["pooling_mode_cls_token"]):
        raise EncoderRefusedError(folder, "pooling by pooling_mode_mean_tokens or pooling_mode_cls_token", ", ".join(modes))
    return modes == ["pooling_mode_cls_token"]
