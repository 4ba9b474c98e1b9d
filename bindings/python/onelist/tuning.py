"""What ``Engine.tune`` answers."""

from __future__ import annotations

import datetime
import html
import json
from functools import cached_property
from typing import Any, cast


class Tuning:
    """Weights that were fitted to a store's log: ``text`` for a terminal, ``json`` for programs (``data`` is the same,
    parsed). Printing it prints the text; a notebook shows it as a table."""

    def __init__(self, text: str, json: str) -> None:
        """Made by ``Engine.tune`` and ``Engine.tunings``."""
        self.text = text
        self.json = json

    @cached_property
    def data(self) -> dict[str, Any]:
        """The JSON, parsed: ``version``, ``time``, ``events``, ``model``, ``sets``."""
        return cast(dict[str, Any], json.loads(self.json))

    @property
    def version(self) -> int:
        """Its number, for ``use_tuning``. Without sets nothing was fitted: then the version that stays in force."""
        return cast(int, self.data["version"])

    @property
    def time(self) -> datetime.datetime:
        """When it was fitted, in UTC."""
        return datetime.datetime.fromtimestamp(self.data["time"], tz=datetime.timezone.utc)

    @property
    def sets(self) -> list[dict[str, Any]]:
        """One for each request context that the log has enough of: ``request_context``, ``samples``, ``held_out``, ``ndcg_before``,
        ``ndcg_after``, ``kept``, and ``weights`` by the name of the feature."""
        return cast(list[dict[str, Any]], self.data["sets"])

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        kept = sum(one["kept"] for one in self.sets)
        return f"<onelist.Tuning {self.version}: {kept} of {len(self.sets)} sets kept>"

    def _repr_html_(self) -> str:
        names = ("request context", "fitted to", "held out", "NDCG@10 before", "after", "used")
        rows = [
            (
                one["request_context"]["name"],
                one["samples"],
                one["held_out"],
                f"{one['ndcg_before']:.4f}",
                f"{one['ndcg_after']:.4f}",
                "yes" if one["kept"] else "no",
            )
            for one in self.sets
        ]
        head = "".join(f"<th>{name}</th>" for name in names)
        body = "".join("<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
        caption = html.escape(self.text.splitlines()[0])
        return f"<table><caption>{caption}</caption><tr>{head}</tr>{body}</table>"
