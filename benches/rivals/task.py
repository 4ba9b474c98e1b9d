"""What a rival learns from and is asked: the files that ``quality TASK --questions FOLDER`` writes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

Items = NDArray[np.int64]

DISLIKE = 2.5
"""Ratings below count against an item, for the engine and here: they are no targets, and nobody learns from them."""


class Task:
    """The training log as sequences of item numbers, and the questions as histories."""

    def __init__(self, folder: Path, name: str) -> None:
        asked = json.loads((folder / f"{name}.questions.json").read_text(encoding="utf-8"))
        rows = [json.loads(line) for line in (folder / f"{name}.log.jsonl").open(encoding="utf-8")]
        with (folder / f"{name}.items.jsonl").open(encoding="utf-8") as lines:
            self.ids: list[str] = [json.loads(line)["id"] for line in lines]
        self.number = {item: number for number, item in enumerate(self.ids)}
        self.targets_hash: str = asked["targets_hash"]
        self.questions = asked["questions"]
        of_user: dict[str, list[dict[str, object]]] = {}
        for row in rows:
            of_user.setdefault(row["user"], []).append(row)
        self.seen = [self._items(q["history"], likes=False) for q in self.questions]
        self.histories = [self._items(q["history"]) for q in self.questions]
        self.sequences = [sequence for sequence in self._training(of_user, asked["split"]) if len(sequence)]
        self._of_user = of_user

    def _items(self, events: list[dict[str, object]], likes: bool = True) -> Items:
        """Numbers of the items, oldest first; without the dislikes."""
        kept = [e for e in events if not (likes and e["action"] == "rate" and float(str(e["value"])) < DISLIKE)]
        return np.array([self.number[str(event["item"])] for event in kept], dtype=np.int64)

    def _training(self, of_user: dict[str, list[dict[str, object]]], split: float | None) -> list[Items]:
        """Before the moment of a time split; else all but what comes after each user's question."""
        if split is not None:
            return [self._items([e for e in events if float(str(e["time"])) < split]) for events in of_user.values()]
        asked = {question["user"]: len(question["history"]) for question in self.questions}
        return [self._items(events[: asked.get(user, len(events))]) for user, events in of_user.items()]

    def targets(self) -> Items:
        """The answers, out of the log: each question's next event. For choosing settings on validation halves alone."""
        answers = [self._of_user[q["user"]][len(q["history"])]["item"] for q in self.questions]
        return np.array([self.number[str(item)] for item in answers])

    def matrix(self, sequences: list[Items]) -> csr_matrix:
        """How often each sequence has each item."""
        rows = np.repeat(np.arange(len(sequences)), [len(sequence) for sequence in sequences])
        columns = np.concatenate(sequences) if sequences else np.zeros(0, dtype=np.int64)
        shape = (len(sequences), len(self.ids))
        return csr_matrix((np.ones(len(columns), dtype=np.float32), (rows, columns)), shape=shape)

    def masked(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores (questions x items) without what the questions exclude."""
        for row, (question, seen) in enumerate(zip(self.questions, self.seen, strict=True)):
            if question["exclude_seen"]:
                scores[row, seen] = -np.inf
        return scores

    def ndcg(self, scores: NDArray[np.float32], k: int = 10) -> float:
        """Mean NDCG@k of masked scores; a tie counts against the target. For choosing: figures are the engine's."""
        targets = self.targets()
        own = scores[np.arange(len(targets)), targets]
        rank = (scores >= own[:, None]).sum(axis=1)
        return float(np.where((rank <= k) & np.isfinite(own), 1 / np.log2(rank + 1), 0).mean())

    def write(self, path: Path, name: str, scores: NDArray[np.float32], kept: int = 300) -> None:
        """The answers file of masked scores: the best items of each question with their scores."""
        answers = {}
        for row, question in enumerate(self.questions):
            best = np.argsort(-scores[row], kind="stable")[:kept]
            answers[question["id"]] = {self.ids[i]: float(scores[row, i]) for i in best if np.isfinite(scores[row, i])}
        text = json.dumps({"name": name, "targets_hash": self.targets_hash, "answers": answers})
        path.write_text(text, encoding="utf-8")
