"""The manifest beside the model file, against which the engine checks the file before it uses it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import cases, graph, shape
from .constants import Constants

FORMAT = 1
NAME = "onelist-zero"
VERSION = "0.2.1"
TOLERANCE = 1e-4


@dataclass(frozen=True)
class About:
    """The model's name, and the licence of its file."""

    name: str = NAME
    licence: str = "Apache-2.0"


def sha256(data: bytes) -> str:
    """Lowercase hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def space_id(constants: Constants) -> str:
    """The identity of a vector space: two files with the same id can read each other's vectors."""
    parts = (*constants.tower.identity(), constants.mean, constants.projection)
    return sha256(b"".join(part.tobytes() for part in parts))


def tidy_tokenizer(raw: bytes) -> bytes:
    """The tokenizer file without truncation, padding and special tokens, minified.

    The engine truncates and pads itself, and the text tower does not read [CLS] and [SEP].
    """
    data: dict[str, Any] = json.loads(raw)
    data.update({"truncation": None, "padding": None, "post_processor": None})
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def _kind(tokenizer: Mapping[str, Any]) -> dict[str, Any]:
    """What the manifest says about the tokenizer, for readers."""
    lowercase = bool((tokenizer.get("normalizer") or {}).get("lowercase"))
    return {"kind": str(tokenizer["model"]["type"]).lower(), "lowercase": lowercase}


def values(entries: tuple[shape.Tensor, ...], constants: Constants) -> list[dict[str, Any]]:
    """Names, types and shapes. N, T, I, B, L and K stay symbols; the model's own widths are numbers."""
    sizes = {"V": constants.tower.vocabulary, "De": constants.content, "D": constants.item}
    return [
        {"name": name, "dtype": kind, "shape": [sizes.get(d, d) if isinstance(d, str) else d for d in dims]}
        for name, kind, dims in entries
    ]


def manifest(constants: Constants, onnx: bytes, tokenizer: bytes, training: Mapping[str, Any],
             metrics: Mapping[str, Any], about: About = About()) -> dict[str, Any]:  # fmt: skip
    """The manifest of a model file `onnx` with its `tokenizer`.

    `training` describes its data and settings, `metrics` its quality on held-out data.
    """
    settings = constants.tower.settings()
    return {
        "format": FORMAT,
        "name": about.name,
        "version": VERSION,
        "onnx": "base.onnx",
        "sha256": sha256(onnx),
        "opset": graph.OPSET,
        "dims": {
            "content": constants.content, "item": constants.item, "vocab": constants.tower.vocabulary,
            "features": len(shape.FEATURES), "graph_features": len(shape.GRAPH_FEATURES),
            "actions": shape.ACTION_ROWS, "gaps": shape.GAP_ROWS, "levels": shape.LEVELS, "codes": shape.CODES,
        },
        "tokenizer": {
            "file": "tokenizer.json", "sha256": sha256(tokenizer), **_kind(json.loads(tokenizer)),
            "max_tokens": constants.tower.max_tokens, "special_tokens": False,
            **({"run_tokens": constants.tower.run_tokens} if constants.tower.run_tokens else {}),
        },
        **({"text_tower": settings} if settings else {}),
        "codebook_sha256": sha256(constants.codebook.tobytes()),
        "space_id": space_id(constants),
        "features": list(shape.FEATURES),
        "graph_features": list(shape.GRAPH_FEATURES),
        "cells": list(shape.CELLS),
        "actions": shape.ACTIONS,
        "gap_buckets": "log2s_32",
        "positional_decay": constants.scorer.decay,
        "inputs": values(shape.INPUTS, constants),
        "outputs": values(shape.OUTPUTS, constants),
        "lora": {"rank": 0, "params": []},
        "training": dict(training),
        "metrics": dict(metrics),
        "licence": about.licence,
        "probe": {**cases.as_json(constants, cases.probe_feeds(constants)), "tolerance": TOLERANCE},
    }  # fmt: skip


def scoring_fixture(constants: Constants) -> dict[str, Any]:
    """Inputs with the outputs of the NumPy reference, for the engine's scoring tests."""
    wanted = ("context_vec", "contributions", "scores")
    listed = [
        {"name": name, **cases.as_json(constants, feeds, wanted)} for name, feeds in cases.scoring_cases(constants)
    ]
    return {"tolerance": TOLERANCE, "space_id": space_id(constants), "cases": listed}


def to_json(data: Mapping[str, Any]) -> bytes:
    """JSON with one line per top-level entry: small, and readable in a diff."""
    lines = [f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in data.items()]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()
