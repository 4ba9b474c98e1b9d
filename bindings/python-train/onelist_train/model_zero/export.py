"""From encoder rows and texts to the files of a model folder."""

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import bulk, graph, manifest, shape, space, table
from .constants import Constants, Scorer
from .table import TokenTable
from .texts import TokenReader
from .tower import Tower

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Recipe:
    """The choices of an export.

    `content` and `item` are the widths De and D; `power` is the whitening power. The Zipf prior of the token weights
    counts as much as `prior_texts` texts. Catalogues with fewer than `prose` tokens per text on average (lists of
    titles) do not enter the document frequencies. A transformer reads at most `sample` texts per catalogue to fit its
    space.
    """

    content: int = 256
    item: int = 192
    power: float = 0.75
    prior_texts: float = 1000.0
    prose: float = 50.0
    sample: int = 2000


def read_texts(path: Path) -> list[str]:
    """The text of each line of a JSON-lines catalogue, gzipped or not; see `fields_of`."""
    return [" ".join(fields_of(row)) for row in read_rows(path)]


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The lines of a JSON-lines catalogue, gzipped or not."""
    read = gzip.open if path.suffix == ".gz" else open
    with read(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def fields_of(row: Mapping[str, Any]) -> list[str]:
    """The texts of an item: its title and body, or without these all its texts, ordered by field name."""
    named = [str(row[key]) for key in ("title", "text", "overview") if row.get(key)]
    return named or [row[key] for key in sorted(row) if key != "id" and isinstance(row[key], str)]


def token_weights(groups: Sequence[Sequence[list[int]]], vocabulary: dict[str, int], recipe: Recipe) -> Array:
    """The default weight of each token: idf over the prose among `groups`, smoothed by a Zipf prior.

    Special tokens weigh zero, so a text of unknown words alone counts as empty.
    """
    prose = [g for g in groups if g and sum(map(len, g)) / len(g) >= recipe.prose]
    texts = [ids for group in prose for ids in group]
    weights = table.smoothed_idf(texts, table.zipf_chance(vocabulary), recipe.prior_texts)
    weights[table.silent_tokens(vocabulary)] = 0.0
    return weights


def build_table(rows: Array, vocabulary: dict[str, int], groups: Sequence[Sequence[list[int]]],
                recipe: Recipe) -> TokenTable:  # fmt: skip
    """The int8 token table of encoder rows [V,width] with its default weights."""
    reduced = table.reduce(rows, recipe.content, table.silent_tokens(vocabulary))
    return table.packed(reduced, token_weights(groups, vocabulary, recipe))


def table_vectors(tokens: TokenTable, groups: Sequence[Sequence[list[int]]]) -> list[Array]:
    """The vectors that the shipped space is fitted on: those of the catalogues and of the vocabulary itself."""
    words = [[i] for i in np.flatnonzero(tokens.weights > 0).tolist()]
    return [tokens.embed_all(lists) for lists in (*groups, words)]


def build_constants(tower: Tower, vectors: Sequence[Array], recipe: Recipe, scorer: Scorer,
                    progress: bool = False) -> Constants:  # fmt: skip
    """Fits vector space and codebook on the content vectors of catalogues, which all count the same."""
    mean, projection = space.fit_whitening(vectors, recipe.item, recipe.power)
    smallest = min(map(len, vectors))
    picks = [v[np.linspace(0, len(v) - 1, smallest).astype(np.int64)] for v in vectors]
    items = space.item_vectors(np.concatenate(picks), mean, projection)
    book = space.fit_codebook(items, shape.LEVELS, shape.CODES, progress)
    return Constants(tower, mean, projection, book, scorer)


def group_ids(groups: Sequence[Sequence[str]], tokenizer: bytes) -> list[list[list[int]]]:
    """The token ids of each text of each group, without texts that have none."""
    reader = TokenReader(tokenizer)
    return [[ids for text in texts if (ids := reader.ids(text, shape.MAX_TOKENS))] for texts in groups]


def transformer_vectors(tower: Tower, tokenizer: bytes, texts: Sequence[Sequence[str]], recipe: Recipe,
                        progress: bool = False) -> list[Array]:  # fmt: skip
    """The vectors of up to `recipe.sample` texts per catalogue, evenly spread over it, without texts that have no token."""
    reader = TokenReader(tokenizer)
    vectors = []
    for group in texts:
        sampled = np.unique(np.linspace(0, len(group) - 1, min(recipe.sample, len(group))).astype(np.int64))
        lists = [ids for i in sampled if (ids := reader.known(group[i], tower.max_tokens))]
        vectors.append(bulk.embed(tower, lists, progress))
    return vectors


def write(out: Path, constants: Constants, tokenizer: bytes, training: Mapping[str, Any],
          metrics: Mapping[str, Any], about: manifest.About = manifest.About()) -> dict[str, int]:  # fmt: skip
    """Writes base.onnx, manifest.json, tokenizer.json and the scoring fixture; returns their sizes in bytes."""
    tokenizer = manifest.tidy_tokenizer(tokenizer)
    onnx = graph.build(constants, about.name).SerializeToString(deterministic=True)
    files = {
        "base.onnx": onnx,
        "tokenizer.json": tokenizer,
        "manifest.json": manifest.to_json(manifest.manifest(constants, onnx, tokenizer, training, metrics, about)),
        "fixtures/scoring.json": manifest.to_json(manifest.scoring_fixture(constants)),
    }
    for name, data in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(data)
    return {name: len(data) for name, data in files.items()}
