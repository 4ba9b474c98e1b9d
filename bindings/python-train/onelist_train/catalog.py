"""Item vectors and semantic ids of texts, computed by the base model itself."""

import gzip
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from .base import Base
from .model_zero.texts import TokenReader, pad

Floats = NDArray[np.float32]
_TEXTS_PER_RUN = 256
# The engine reads only this many characters of a text per token (CHARS_PER_TOKEN).
_CHARACTERS_PER_TOKEN = 16


def quiet_session(model: bytes) -> onnxruntime.InferenceSession:
    """The model in ONNX Runtime on the CPU, without its warning for each input that has a default."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


class TextTower:
    """The text and item towers of a model file."""

    def __init__(self, base: Base) -> None:
        """Opens the graph of `base` in ONNX Runtime."""
        self._reader = TokenReader(base.tokenizer)
        self._most = int(base.manifest["tokenizer"]["max_tokens"])
        self._session = quiet_session(base.graph)

    def _ids(self, text: str) -> list[int]:
        return self._reader.known(text[: self._most * _CHARACTERS_PER_TOKEN], self._most)

    def embed(self, texts: Sequence[str]) -> tuple[Floats, NDArray[np.int64]]:
        """The item vectors [N,D] and semantic ids [N,3] of texts; zeros and -1 for a text without a known word.

        Vectors are rounded to half precision, as the engine stores them.
        """
        tokens = [self._ids(text) for text in texts]
        order = np.argsort([len(ids) for ids in tokens], kind="stable")
        vectors: list[Floats] = []
        codes: list[NDArray[np.int64]] = []
        for start in range(0, len(order), _TEXTS_PER_RUN):
            ids, mask = pad([tokens[i] for i in order[start : start + _TEXTS_PER_RUN]])
            [content] = self._session.run(["text_emb"], {"text_ids": ids, "text_mask": mask})
            vector, sid = self._session.run(["item_vec", "item_sid"], {"content": content})
            sid[np.abs(vector).max(1) == 0] = -1
            vectors.append(vector.astype(np.float16).astype(np.float32))
            codes.append(sid)
        back = np.argsort(order, kind="stable")
        return np.concatenate(vectors)[back], np.concatenate(codes)[back]


@dataclass(frozen=True)
class Catalog:
    """Items by row: ids, vectors [N+1,D], semantic ids [N+1,3]. The last row, of zeros and -1, stands for no item."""

    ids: list[str]
    vectors: Floats
    codes: NDArray[np.int64]
    starts: tuple[int, ...] = (0,)
    """the first row of each joined catalogue"""

    @property
    def nothing(self) -> int:
        """The row that stands for no item."""
        return len(self.ids)

    def span(self, number: int) -> tuple[int, int]:
        """The first row of a joined catalogue, and the row after its last."""
        return self.starts[number], (*self.starts[1:], self.nothing)[number]

    @classmethod
    def embed(cls, tower: TextTower, items: Iterable[Mapping[str, Any]], skip: Iterable[str] = ()) -> "Catalog":
        """The catalogue of item dicts. Texts and tags are embedded in order of field name, except the fields in `skip`."""
        left_out = {"id", *skip}
        ids, texts = [], []
        for item in items:
            ids.append(str(item["id"]))
            texts.append("".join(_text(item[name]) for name in sorted(item) if name not in left_out))
        if not ids:
            raise ValueError("expected at least one item, found none")
        return cls.of(ids, *tower.embed(texts))

    @classmethod
    def of(cls, ids: list[str], vectors: Floats, codes: NDArray[np.int64]) -> "Catalog":
        """A catalogue of N rows, to which the row for no item is added."""
        none = np.full((1, codes.shape[1]), -1, np.int64)
        return cls(ids, np.concatenate([vectors, np.zeros_like(vectors[:1])]), np.concatenate([codes, none]))


def join(catalogs: Sequence[Catalog]) -> Catalog:
    """Several catalogues one after another, with one row for no item at the end."""
    starts = np.cumsum([0, *(catalog.nothing for catalog in catalogs)]).tolist()
    ids = [one for catalog in catalogs for one in catalog.ids]
    vectors = np.concatenate([*(catalog.vectors[:-1] for catalog in catalogs), catalogs[0].vectors[-1:]])
    codes = np.concatenate([*(catalog.codes[:-1] for catalog in catalogs), catalogs[0].codes[-1:]])
    return Catalog(ids, vectors, codes, tuple(starts[:-1]))


def _text(value: Any) -> str:
    """A text or tags, one per line, as the engine joins them; empty for any other value."""
    if isinstance(value, str):
        return value + "\n"
    if isinstance(value, (list, tuple)) and all(isinstance(part, str) for part in value):
        return "".join(f"{part}\n" for part in value)
    return ""


def read_items(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """The items of a file of JSON lines, gzipped or not. Each is an object with an `id`."""
    items = []
    opened = gzip.open if str(path).endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            item = json.loads(line)
            if not isinstance(item, dict) or "id" not in item:
                raise ValueError(f"{path}, line {number}: expected an object with an id, found {line[:60]!r}")
            items.append(item)
    return items
