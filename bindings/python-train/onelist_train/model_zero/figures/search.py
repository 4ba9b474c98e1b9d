"""Search: width and whitening power of the space, and the mix of BM25 and cosine."""

import numpy as np
from numpy.typing import NDArray

from . import behaviour, measures, report
from .data import Queries
from .requests import event_weights, excluded, history_features, rank_of
from .setup import Setup
from .world import World

Array = NDArray[np.float32]
Scores = NDArray[np.float64]


def judged(scores: Array, queries: Queries) -> tuple[Scores, Scores]:
    """nDCG@10 and recall@100 of each query."""
    pairs = list(zip(scores, queries.grades, strict=True))
    return np.asarray([measures.ndcg(*p) for p in pairs]), np.asarray([measures.recall(*p) for p in pairs])


def _content_next(setup: Setup, name: str, world: World) -> float:
    """nDCG@10 of the next item ranked by cos_history alone, on targets with a history."""
    events, items = setup.events[name], world.items()
    targets = [t for t in setup.targets(name, True) if len(t.history)]
    ranks = [
        rank_of(history_features(items, *event_weights(events, t, setup.scorer))[:, 0], t.item,
                excluded(events, t, setup.born_of(name)))
        for t in targets
    ]  # fmt: skip
    return float(measures.target_ndcg(np.asarray(ranks)).mean())


def widths(setup: Setup) -> None:
    """Width and power: the shipped space, the space fitted to the catalogue itself, and one fitted without scifact."""
    rows = []
    halves = {name: queries.half(True) for name, queries in setup.queries.items()}
    for power in (0.0, 0.5, 0.75):
        for width in (96, 128, 192, 256):
            shared = setup.fitted(width, power)
            cells = [f"{width} / {power:g}", str(2 * width)]
            for name in ("scifact", "movies"):
                world = setup.worlds[name]
                for fitted in (world.into(shared), world.refitted(width, power)):
                    vectors = fitted.queries(halves[name].texts) @ fitted.items().T
                    ndcg, recall = judged(vectors, halves[name])
                    cells.append(f"{ndcg.mean():.3f} / {recall.mean():.3f}")
            blind = setup.worlds["scifact"].into(setup.fitted(width, power, without="scifact"))
            ndcg, _ = judged(blind.queries(halves["scifact"].texts) @ blind.items().T, halves["scifact"])
            cells.append(f"{ndcg.mean():.3f}")
            following = [_content_next(setup, n, setup.worlds[n].into(shared)) for n in ("retail", "movies")]
            cells += [f"{value:.4f}" for value in following]
            rows.append(cells)
    head = ["D / power", "f16 bytes", "scifact shipped", "scifact own fit", "movies shipped", "movies own fit",
            "scifact, fit without it", "retail next", "movies next"]  # fmt: skip
    report.table("Width and whitening power, validation: vector only, nDCG@10 / recall@100; next item by content, "
                 "nDCG@10", head, rows)  # fmt: skip


def popular_now(setup: Setup) -> Array:
    """popular_90d of all movies after the last rating."""
    events = setup.events["movies"]
    end = behaviour.Target(int(events.time[-1]) + 1, 0, np.zeros(0, np.int64))
    return next(behaviour.popularity(events, [end], len(setup.worlds["movies"].content)))[1]


def mixes(setup: Setup) -> None:
    """The weight of the cosine, with BM25 at one, in both spaces; and the weight of popularity."""
    rows, halves = [], {name: queries.half(True) for name, queries in setup.queries.items()}
    for weight in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 2.0, np.inf):
        cells = [f"{weight:g}"]
        for name, queries in halves.items():
            for world in (setup.worlds[name], setup.worlds[name].refitted(setup.recipe.item, setup.recipe.power)):
                close = world.queries(queries.texts) @ world.items().T
                mixed = close if np.isinf(weight) else world.bm25(queries.texts) + np.float32(weight) * close
                ndcg, recall = judged(mixed, queries)
                cells.append(f"{ndcg.mean():.4f} / {recall.mean():.3f}")
        rows.append(cells)
    head = ["cos_query", "scifact shipped", "scifact own fit", "movies shipped", "movies own fit"]
    report.table("Query cell, validation: BM25 + w x cosine, nDCG@10 / recall@100", head, rows)
    world, queries = setup.worlds["movies"], halves["movies"]
    base = world.bm25(queries.texts) + np.float32(0.4) * (world.queries(queries.texts) @ world.items().T)
    popular = popular_now(setup)
    found = []
    for weight in (0.0, 0.05, 0.1, 0.2):
        ndcg, _ = judged(base + np.float32(weight) * popular, queries)
        found.append([f"{weight:g}", f"{ndcg.mean():.4f}"])
    title = "Query cell, validation: popular_90d beside BM25 + 0.4 x cosine, movies nDCG@10"
    report.table(title, ["w", "nDCG@10"], found)


def test(setup: Setup) -> None:
    """The chosen query cell on the test halves, in the shipped space."""
    rows = []
    for name, queries in ((n, q.half(False)) for n, q in setup.queries.items()):
        world = setup.worlds[name]
        lexical, close = world.bm25(queries.texts), world.queries(queries.texts) @ world.items().T
        chosen = lexical + np.float32(0.4) * close
        if name == "movies":
            chosen = chosen + np.float32(0.1) * popular_now(setup)
        for label, scores in (("BM25", lexical), ("vector", close), ("model zero", chosen)):
            ndcg, recall = judged(scores, queries)
            rows.append([f"{name}: {label}", str(len(ndcg)), measures.shown(ndcg), measures.shown(recall)])
        gain = judged(chosen, queries)[0] - judged(lexical, queries)[0]
        rows.append([f"{name}: model zero - BM25", str(len(gain)), measures.shown(gain), ""])
    report.table("Search, test halves, 95 % bootstrap intervals", ["", "queries", "nDCG@10", "recall@100"], rows)
