"""The report of a training: `report.json`, and `report.html`, a page that loads nothing."""

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .loop import Curves
from .model_zero import shape
from .options import Options
from .outcome import Line

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2330; --soft: #5b6577; --line: #dfe3ea; --paper: #ffffff; --card: #f6f7f9;
  --rank: #2f6fde; --good: #1d8a52; --bad: #c23b3b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7eaf0; --soft: #9aa5b8; --line: #2f3744; --paper: #12161d;
  --card: #1a202a; --rank: #6ea1ff; --good: #4cc487; --bad: #ef7676; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; }
main { max-width: 1100px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: 26px; margin: 0 0 6px; } h2 { font-size: 20px; margin: 40px 0 8px; }
.soft { color: var(--soft); }
.conclusion { border-left: 4px solid var(--bad); background: var(--card); border-radius: 0 8px 8px 0; padding: 12px 16px;
  margin: 12px 0 20px; font-weight: 500; } .conclusion.better { border-color: var(--good); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(440px, 100%), 1fr)); gap: 16px; }
.card { background: var(--card); border-radius: 10px; padding: 16px; } .scroll { overflow-x: auto; }
svg { display: block; width: 100%; height: auto; font-size: 12px; } svg text { fill: var(--soft); }
svg .grid { stroke: var(--line); } svg .curve { fill: none; stroke: var(--rank); stroke-width: 2; }
svg circle { fill: var(--rank); }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 5px 8px; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 500; } th:first-child, td:first-child { text-align: left; }
"""
_WIDE, _HIGH, _LEFT, _TOP, _BOTTOM = 520, 240, 56, 12, 28


def write(folder: Path, name: str, lines: Sequence[Line], curves: Curves, options: Options, cells: Sequence[float],
          sizes: Mapping[str, int]) -> None:  # fmt: skip
    """Writes both files."""
    data: dict[str, Any] = {
        "name": name, "test": [line.as_json() for line in lines], "validation": curves.validation,
        "kept_epoch": curves.best, "losses": curves.losses, "cells": dict(zip(shape.CELLS, cells, strict=True)),
        "settings": options.as_json(), "bytes": dict(sizes),
    }  # fmt: skip
    (folder / "report.json").write_text(json.dumps(data, indent=1) + "\n")
    (folder / "report.html").write_text(_page(name, lines, curves, options, cells, sizes), encoding="utf-8")


def _page(name: str, lines: Sequence[Line], curves: Curves, options: Options, cells: Sequence[float],
          sizes: Mapping[str, int]) -> str:  # fmt: skip
    title = html.escape(name)
    weights = [f"{cell.replace('_', ' ')} ({on:g})" for cell, on in zip(shape.CELLS, cells, strict=True) if on]
    losses = [(float(point["step"]), point["listwise"]) for point in curves.losses]
    validation = [(float(epoch), value) for epoch, value in enumerate(curves.validation)]
    facts = {**options.as_json(), "kept epoch": curves.best, "cells with the network": ", ".join(weights) or "none",
             **{f"bytes of {file}": size for file, size in sizes.items()}}  # fmt: skip
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>
<body><main><h1>{title}</h1>
<p class="soft">NDCG@10 of the target among the engine's candidates, on the latest requests, which training and validation
never used. Intervals are 95 %, resampled over users.</p>
{_conclusion(lines)}
<div class="scroll">{_table(lines)}</div>
<h2>Training</h2><div class="cards">
<div class="card">Validation NDCG@10 by epoch{_plot(validation, dots=True)}</div>
<div class="card">Listwise loss by step{_plot(losses, dots=False)}</div></div>
<h2>Settings</h2><div class="scroll"><table>{_facts(facts)}</table></div>
</main></body></html>
"""


def _conclusion(lines: Sequence[Line]) -> str:
    if not lines:
        return '<p class="conclusion">No test requests, so nothing was measured.</p>'
    one = lines[0]
    gain = f"{one.gain:+.4f} [{one.low:+.4f}, {one.high:+.4f}]"
    if one.low > 0:
        return f'<p class="conclusion better">Better than the linear part by {gain}.</p>'
    return f'<p class="conclusion">Not significantly better than the linear part: {gain}. Keep your model.</p>'


def _table(lines: Sequence[Line]) -> str:
    head = "".join(f"<th>{one}</th>" for one in ("", "requests", "shipped", "linear", "trained", "gain", "95 %"))
    rows = "".join(
        f"<tr><td>{html.escape(line.what)}</td><td>{line.requests}</td><td>{line.shipped:.4f}</td>"
        f"<td>{line.linear:.4f}</td><td>{line.trained:.4f}</td><td>{line.gain:+.4f}</td>"
        f"<td>{line.low:+.4f} to {line.high:+.4f}</td></tr>"
        for line in lines
    )
    return f"<table><tr>{head}</tr>{rows}</table>"


def _facts(facts: Mapping[str, Any]) -> str:
    return "".join(f"<tr><td>{html.escape(str(k))}</td><td>{html.escape(str(v))}</td></tr>" for k, v in facts.items())


def _plot(points: Sequence[tuple[float, float]], dots: bool) -> str:
    """A line through points, labelled with its lowest and highest value."""
    if not points:
        return '<p class="soft">no data</p>'
    xs, ys = [x for x, _ in points], [y for _, y in points]
    low, high, first, last = min(ys), max(ys), min(xs), max(xs)

    def place(x: float, y: float) -> tuple[float, float]:
        right = (x - first) / (last - first or 1.0)
        up = (y - low) / (high - low or 1.0)
        return _LEFT + right * (_WIDE - _LEFT - 12), _HIGH - _BOTTOM - up * (_HIGH - _BOTTOM - _TOP)

    at = [place(x, y) for x, y in points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
    marks = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in at) if dots else ""
    scale = "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDE - 12}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.4f}</text>'
        for value, y in ((low, place(first, low)[1]), (high, place(first, high)[1]))
    )
    ends = (f'<text x="{_LEFT}" y="{_HIGH - 8}">{first:g}</text>'
            f'<text x="{_WIDE - 12}" y="{_HIGH - 8}" text-anchor="end">{last:g}</text>')  # fmt: skip
    return (f'<svg viewBox="0 0 {_WIDE} {_HIGH}" role="img">{scale}{ends}'
            f'<polyline class="curve" points="{line}"/>{marks}</svg>')  # fmt: skip
