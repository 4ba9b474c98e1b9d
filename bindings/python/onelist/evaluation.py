"""What ``Engine.evaluate`` answers, and estimates from logged decisions."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from onelist import _native
from onelist.errors import InvalidArgumentError

Column: TypeAlias = NDArray[Any] | Sequence[float]
"""One number for each decision."""


class Report:
    """A report in three forms: ``text`` for a terminal, ``json`` for programs (``data`` is the same, parsed), ``html``
    for people. Printing it prints the text; a notebook shows the page."""

    def __init__(self, text: str, json: str, html: str) -> None:
        """Made by ``Engine.evaluate``."""
        self.text = text
        self.json = json
        self.html = html

    @cached_property
    def data(self) -> dict[str, Any]:
        """The JSON, parsed: ``tasks``, ``warnings``, ``log``, ``targets_hash``, ``point_in_time``."""
        return cast(dict[str, Any], json.loads(self.json))

    def score(self, system: str = "rank", measure: str = "ndcg", *, task: int = 0, k: int | None = None) -> float:
        """The mean of a measure (ndcg, hit, recall, mrr, map) of a system; ``KeyError`` for one that was not run."""
        for found in self.data["tasks"][task]["systems"]:
            if found["name"] == system:
                for one in found["measures"]:
                    if one["name"] == measure and k in (None, one["k"]):
                        return cast(float, one["value"]["mean"])
        raise KeyError((system, measure, k))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the page, or for a name that ends with .json or .txt that form."""
        form = {".json": self.json, ".txt": self.text}.get(Path(path).suffix, self.html)
        Path(path).write_text(form, encoding="utf-8")

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<onelist.Report: {'; '.join(task['verdict']['line'] for task in self.data['tasks'])}>"

    def _repr_html_(self) -> str:
        # A frame of its own: the page's style must not reach the notebook's.
        page = html.escape(self.html)
        return f'<iframe srcdoc="{page}" style="width:100%;height:900px;border:0" title="Evaluation"></iframe>'


def counterfactual(
    *,
    reward: Column,
    logged: Column,
    target: Column,
    q_logged: Column | None = None,
    q_target: Column | None = None,
    clip: float | None = None,
    min_effective: float = 100.0,
    resamples: int = 1000,
    seed: int = 1,
) -> dict[str, Any]:
    """What another policy would have earned, from logged decisions: IPS, SNIPS and, with a model's estimates, DR.

    - ``reward``: what came of each decision; ``logged``: the probability with which it was taken (the propensity)
    - ``target``: the probability with which the other policy would take the same action
    - ``q_logged``, ``q_target``: a model's estimate for the logged action, and its expectation under the other policy
    - ``clip``: cut weights above this, as a second set of estimates with the bias that it brings
    - ``min_effective``: the least effective sample size; below it ``InvalidArgumentError``

    The answer has ``estimates`` (``estimator``, ``value`` with ``mean``, ``low`` and ``high``, ``clipping_bias``),
    ``effective``, ``mean_weight``, ``largest_fraction``, ``clipped_fraction``, ``logged_value`` and ``warnings``.
    """
    named = {"reward": reward, "logged": logged, "target": target, "q_logged": q_logged, "q_target": q_target}
    columns = [_list(name, column) for name, column in named.items()]
    text = _native.counterfactual(columns, (clip, min_effective, resamples, seed))
    return cast(dict[str, Any], json.loads(text))


def _list(name: str, column: Column | None) -> list[float]:
    """The numbers of a column; none where there is no column."""
    try:
        array = np.asarray([] if column is None else column, dtype=np.float64)
    except (TypeError, ValueError) as failed:
        raise InvalidArgumentError(f"{name}: expected numbers: {failed}") from failed
    if array.ndim != 1:
        raise InvalidArgumentError(f"{name}: expected one dimension, found {array.ndim}")
    return cast(list[float], array.tolist())
