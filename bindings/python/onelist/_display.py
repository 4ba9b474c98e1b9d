"""Rankings as tables: text for a terminal, HTML for a notebook."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from onelist._native import Hit, Ranking

_ROWS = 20
_ID_WIDTH = 24
_FIELDS_WIDTH = 60
_HEADER = ("#", "id", "score", "sources", "fields")
_TO_THE_RIGHT = (True, False, True, False, False)


def _short(text: str, width: int) -> str:
    """One line of at most ``width`` characters; line breaks and control characters must not break the table."""
    line = "".join(c if c.isprintable() else " " for c in text[: width + 1])
    return line if len(line) <= width else line[: width - 1] + "…"


def _value(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"<{value.size} dimensions>"
    return value[: _FIELDS_WIDTH + 1] if isinstance(value, str) else str(value)


def _row(place: int, hit: Hit) -> tuple[str, ...]:
    fields = ", ".join(f"{name}={_value(value)}" for name, value in hit.fields.items())
    sources = "+".join(sorted(hit.sources))
    return str(place), _short(hit.id, _ID_WIDTH), f"{hit.score:.4f}", sources, _short(fields, _FIELDS_WIDTH)


def _rows(ranking: Ranking) -> list[tuple[str, ...]]:
    return [_row(place, hit) for place, hit in enumerate(ranking.hits[:_ROWS], start=1)]


def _title(ranking: Ranking) -> str:
    took = ranking.took["total_us"] / 1000
    title = f"Ranking {ranking.rank_id}: {len(ranking)} of {ranking.candidates} candidates in {took:.1f} ms"
    return title + "".join(f"\nwarning: {reason}" for reason in ranking.warnings)


def _rest(ranking: Ranking) -> str:
    more = len(ranking) - _ROWS
    return f"… and {more} more" if more > 0 else ""


def ranking_text(ranking: Ranking) -> str:
    """An aligned table of the first hits."""
    lines = [_title(ranking)]
    rows = _rows(ranking)
    if rows:
        widths = [max(len(row[column]) for row in [_HEADER, *rows]) for column in range(len(_HEADER))]
        for row in [_HEADER, *rows]:
            cells = zip(row, widths, _TO_THE_RIGHT, strict=True)
            lines.append("  ".join(c.rjust(w) if right else c.ljust(w) for c, w, right in cells).rstrip())
    if rest := _rest(ranking):
        lines.append(rest)
    return "\n".join(lines)


def ranking_html(ranking: Ranking) -> str:
    """The same as an HTML table. Everything is escaped: ids and fields are other people's text."""

    def cells(tag: str, row: tuple[str, ...]) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row) + "</tr>"

    body = "".join(cells("td", row) for row in _rows(ranking))
    title = html.escape(_title(ranking)).replace("\n", "<br>")
    return f"<table><caption>{title}</caption>{cells('th', _HEADER)}{body}</table>{_rest(ranking)}"


def hit_text(hit: Hit) -> str:
    """One line that says which item it is."""
    return f"Hit(id={hit.id!r}, score={hit.score:.4f}, sources={sorted(hit.sources)})"
