"""Reads the three catalogues and splits them."""

import gzip
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import shape

Array = NDArray[np.float32]
Index = NDArray[np.int64]


def lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a gzipped JSON-lines file, in file order."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def is_validation(text: str) -> bool:
    """Whether a text is in the validation half. A hash decides, the same in every run and on every machine."""
    return hashlib.sha256(text.encode()).digest()[0] % 2 == 0


@dataclass(frozen=True)
class Catalogue:
    """Items in file order: their texts, and the row of each id."""

    texts: list[str]
    rows: dict[str, int]

    @classmethod
    def read(cls, path: Path) -> "Catalogue":
        """Reads an `items.jsonl.gz`."""
        items = lines(path)
        texts = [" ".join(str(i[key]) for key in ("title", "text", "overview") if i.get(key)) for i in items]
        return cls(texts, {item["id"]: row for row, item in enumerate(items)})


@dataclass(frozen=True)
class Queries:
    """Query texts with the grade of each relevant item row; items without a judgment count as grade 0."""

    texts: list[str]
    grades: list[dict[int, float]]

    def half(self, validation: bool) -> "Queries":
        """The validation or the test half."""
        keep = [i for i, text in enumerate(self.texts) if is_validation(text) == validation]
        return Queries([self.texts[i] for i in keep], [self.grades[i] for i in keep])


def scifact_queries(folder: Path, catalogue: Catalogue) -> Queries:
    """Claims and the abstracts relevant to them."""
    rows = lines(folder / "queries.jsonl.gz")
    return Queries([r["query"] for r in rows], [{catalogue.rows[i]: 1.0 for i in r["relevant"]} for r in rows])


def movie_judgments(folder: Path, catalogue: Catalogue) -> Queries:
    """Judged title searches. Queries without a positive grade are left out, since no ranking can answer them."""
    found: dict[str, dict[int, float]] = {}
    for row in lines(folder / "judgments.jsonl.gz"):
        found.setdefault(row["query"], {})[catalogue.rows[row["item"]]] = float(row["grade"])
    kept = {query: grades for query, grades in found.items() if max(grades.values()) > 0}
    return Queries(list(kept), list(kept.values()))


def action_row(name: str, value: float) -> int:
    """The model's row of an event, as in the engine: a high or low rating on 0.5-5 is a like or a dislike."""
    if name == "rate":
        fraction = (value - 0.5) / 4.5
        name = "like" if fraction >= 0.75 else "dislike" if fraction <= 0.375 else "rate"
    return shape.ACTIONS["buy" if name == "purchase" else name]


@dataclass(frozen=True)
class Events:
    """Events in time order (stable): user, item, Unix seconds and action row of each; and the users' numbers."""

    user: Index
    item: Index
    time: Index
    action: Index
    users: dict[str, int]

    @classmethod
    def read(cls, path: Path, catalogue: Catalogue) -> "Events":
        """Reads an `events.jsonl.gz` whose items are all in `catalogue`."""
        rows = lines(path)
        names = {name: number for number, name in enumerate(sorted({r["user"] for r in rows}))}
        time = np.asarray([r["time"] for r in rows], np.int64)
        order = np.argsort(time, kind="stable")
        user = np.asarray([names[r["user"]] for r in rows], np.int64)
        item = np.asarray([catalogue.rows[r["item"]] for r in rows], np.int64)
        action = np.asarray([action_row(r["action"], r["value"]) for r in rows], np.int64)
        return cls(user[order], item[order], time[order], action[order], names)

    def of_users(self) -> list[Index]:
        """The rows of each user's events, in time order."""
        order = np.argsort(self.user, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.user, minlength=len(self.users)))[:-1])
