"""A sentence-transformers folder with a small random encoder, for tests."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

WORDS = ("red blue green shoe shoes boot bag kettle lamp leather running hiking electric trail mountain desk chair "
         "##s ##ing a the of for in").split()  # fmt: skip
SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WIDTH, HEADS, INNER, LAYERS, PLACES = 32, 4, 48, 2, 24


def vocabulary() -> dict[str, int]:
    """Ids of the specials and the words."""
    return {token: place for place, token in enumerate((*SPECIALS, *WORDS))}


def tokenizer(ids: dict[str, int] | None = None) -> dict[str, Any]:
    """An uncased WordPiece that puts [CLS] before and [SEP] after a text."""
    ids = vocabulary() if ids is None else ids
    special = [{"SpecialToken": {"id": token, "type_id": 0}} for token in ("[CLS]", "[SEP]")]
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": ids[token], "content": token, "special": True, "single_word": False, "lstrip": False,
                          "rstrip": False, "normalized": False} for token in SPECIALS],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing", "single": [special[0], {"Sequence": {"id": "A", "type_id": 0}},
                                                                    special[1]], "pair": [],
                           "special_tokens": {t: {"id": t, "ids": [ids[t]], "tokens": [t]} for t in ("[CLS]", "[SEP]")}},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": ids},
    }  # fmt: skip


def tensors(seed: int = 3) -> dict[str, np.ndarray]:
    """Random weights, large enough for every part to show in the result."""
    random = np.random.default_rng(seed)

    def matrix(*shape: int) -> np.ndarray:
        return (random.standard_normal(shape) * 0.3).astype(np.float32)

    found = {f"embeddings.{kind}_embeddings.weight": matrix(rows, WIDTH)
             for kind, rows in (("word", len(vocabulary())), ("position", PLACES), ("token_type", 2))}  # fmt: skip
    shapes = {"attention.self.query": (WIDTH, WIDTH), "attention.self.key": (WIDTH, WIDTH), "attention.self.value": (WIDTH, WIDTH),
              "attention.output.dense": (WIDTH, WIDTH), "intermediate.dense": (INNER, WIDTH), "output.dense": (WIDTH, INNER)}  # fmt: skip
    norms = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        for name, size in shapes.items():
            found[f"encoder.layer.{layer}.{name}.weight"] = matrix(*size)
            found[f"encoder.layer.{layer}.{name}.bias"] = matrix(size[0])
        norms += [f"encoder.layer.{layer}.{part}.LayerNorm" for part in ("attention.output", "output")]
    for name in norms:
        found[f"{name}.weight"], found[f"{name}.bias"] = 1 + matrix(WIDTH), matrix(WIDTH)
    return found


def write_folder(folder: Path) -> Path:
    """Writes a folder that can be exported."""
    (folder / "1_Pooling").mkdir(parents=True)
    config = {"model_type": "bert", "hidden_act": "gelu", "hidden_size": WIDTH, "num_attention_heads": HEADS,
              "num_hidden_layers": LAYERS, "layer_norm_eps": 1e-6, "max_position_embeddings": PLACES}  # fmt: skip
    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
               {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
               {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}]  # fmt: skip
    pooling = {"word_embedding_dimension": WIDTH, "pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}
    for name, value in (("config.json", config), ("modules.json", modules), ("1_Pooling/config.json", pooling),
                        ("sentence_bert_config.json", {"max_seq_length": 20}), ("tokenizer.json", tokenizer())):  # fmt: skip
        (folder / name).write_text(json.dumps(value))
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# An encoder\n")
    save_file(tensors(), folder / "model.safetensors")
    return folder
