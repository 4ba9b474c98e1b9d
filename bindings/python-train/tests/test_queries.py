"""Synthetic searches: their queries, their rows, and training on several catalogues at once."""

import dataclasses
import datetime as dt
import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import onelist_train as train
from onelist_train import batches, source
from onelist_train.__main__ import main
from onelist_train.base import Base
from onelist_train.search_log import ACTION
from onelist_train.wording import KINDS, Maker
from onelist_train.words import Neighbours, words_of

MODEL = Path(__file__).parents[3] / "engine" / "model"
COLOURS, THINGS = ("red", "blue", "green", "white"), ("shoes", "lamp", "teapot", "bag", "chair", "scarf")
SHOP = [{"id": f"{c}-{t}", "title": f"{c} {t}", "about": f"a {t} for people who like the colour {c} very much indeed",
         "released": 1.6e9 + 86400 * n} for n, (c, t) in enumerate((c, t) for c in COLOURS for t in THINGS)]  # fmt: skip
CITIES = [{"id": name, "title": f"{name} guide", "text": f"streets, rivers and museums of {name}, a city by the {what}"}
          for name, what in (("london", "river"), ("paris", "seine"), ("rome", "sea"), ("berlin", "lakes"),
                             ("madrid", "hills"), ("vienna", "danube"), ("oslo", "fjord"), ("cairo", "desert"))]  # fmt: skip
QUICK = train.Options(epochs=1, batch=32, candidates=16, width=16, blocks=1, validation=0.25, test=0.25, quiet=True)
NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.timezone.utc).timestamp()


@pytest.fixture(scope="module")
def near() -> Neighbours:
    return Neighbours(Base.read(MODEL))


def taken(path: Path) -> list[dict]:
    return [row for row in pq.read_table(path).to_pylist() if row["label"]]


def test_queries_are_of_all_kinds_and_never_have_the_title(near: Neighbours) -> None:
    maker, random = Maker(SHOP, near), np.random.default_rng(1)
    made = [maker.make(item["id"], random) for item in SHOP for _ in range(40)]
    assert all(made) and {query.kind for query in made} == set(KINDS)
    assert len({query.text for query in made}) > len(made) / 3, "a kind that repeats itself teaches little"
    for query in made:
        words, title = query.text.split(), words_of(next(i["title"] for i in SHOP if i["id"] == query.item))
        assert not any(words[at : at + 2] == title for at in range(len(words))), query
    texts = {item["id"]: set(words_of(item["title"] + " " + item["about"])) for item in SHOP}
    other = [query.kind for query in made if not set(query.text.split()) <= texts[query.item]]
    assert set(other) == {"paraphrase", "synonyms", "prefix"}, "the other kinds use the item's own words"


def test_an_item_with_a_single_word_yields_no_query(near: Neighbours) -> None:
    maker = Maker([{"id": "a", "title": "Teapot"}, {"id": "b"}, {"id": "c", "title": "Big Teapot", "price": 3}], near)
    random = np.random.default_rng(1)
    assert maker.make("b", random) is None and maker.make("no such", random) is None
    texts = {query.text for query in (maker.make("a", random) for _ in range(50)) if query}
    assert not any("teapot" == word for text in texts for word in text.split()), texts
    assert all("big teapot" not in query.text for query in (maker.make("c", random) for _ in range(50)) if query)


def test_neighbours_are_words_of_similar_meaning(near: Neighbours) -> None:
    assert "doctors" in near.of("doctor") and "doctor" not in near.of("doctor") and near.of("qzxv") == []


def test_searches_of_a_catalogue_without_a_log(tmp_path: Path) -> None:
    options = train.Searches(per_item=5, negatives=10)
    judged = [{"query": "capital of france", "relevant": ["paris"]}]
    made = train.queries(CITIES, tmp_path / "a.parquet", base=MODEL, judged=judged, options=options)
    assert made["requests"] == sum(made[kind] for kind in (*KINDS, "judged") if kind in made) > 30
    rows = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert {row["query"] for row in rows if row["label"] and row["item"] == "paris"} >= {"capital of france"}
    for row in rows:
        assert row["query"] and not row["history_items"] and row["action"] in (ACTION, None)
        popular = [row[name] for name in row if name.startswith("popular") or name in ("next", "together", "seen")]
        assert popular and max(popular) < 1e-4, "what was made up must not look like what people did"
    assert any(row["bm25"] > 0 for row in rows) and any(row["cos_query"] != 0 for row in rows)
    train.queries(CITIES, tmp_path / "b.parquet", base=MODEL, judged=judged, options=options)
    assert pq.read_table(tmp_path / "b.parquet").equals(pq.read_table(tmp_path / "a.parquet"))
    other = dataclasses.replace(options, seed=2)
    train.queries(CITIES, tmp_path / "c.parquet", base=MODEL, judged=judged, options=other)
    assert [r["query"] for r in taken(tmp_path / "c.parquet")] != [r["query"] for r in taken(tmp_path / "a.parquet")]


def log_of_the_shop() -> list[dict]:
    random, events = np.random.default_rng(1), []
    for person in range(60):
        colour = COLOURS[person % len(COLOURS)]
        for step, thing in enumerate(random.permutation(THINGS)[:5]):
            events.append({"user": f"p{person}", "item": f"{colour}-{thing}", "action": ("click", "buy")[step % 2],
                           "time": NOON + 3600 * person + 180 * step, "country": "UK"})  # fmt: skip
    return events


@pytest.fixture(scope="module")
def shop_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shop") / "rows.parquet"
    options = train.Searches(share=0.5, anonymous=0.4, until=NOON + 3600 * 50)
    train.queries(SHOP, path, base=MODEL, events=log_of_the_shop(), date_field="released", options=options)
    return path


def test_searches_within_a_log_keep_its_histories(shop_rows: Path) -> None:
    found = taken(shop_rows)
    real = [row for row in found if row["action"] != ACTION]
    assert len(real) == 250 and [row["item"] for row in real] == [e["item"] for e in log_of_the_shop()[:250]]
    asked, unknown = [row for row in real if row["query"]], [row for row in found if row["action"] == ACTION]
    assert 50 < len(asked) < 120 and 25 < len(unknown) < 80
    assert all(row["query"] and not row["history_items"] for row in unknown)
    assert any(len(row["history_items"]) == 4 for row in asked), "a search with its user's history"
    assert max(row["time"].timestamp() for row in found) < NOON + 3600 * 50


def test_several_catalogues_are_trained_on_at_once(shop_rows: Path, tmp_path: Path) -> None:
    cities = tmp_path / "cities.parquet"
    train.queries(CITIES, cities, base=MODEL, options=train.Searches(per_item=20))
    base, both = Base.read(MODEL), [shop_rows, cities]
    found, _ = source.gather_all(both, [SHOP, CITIES], base, tmp_path, 10, 10)
    for number, (path, items) in enumerate(zip(both, (SHOP, CITIES), strict=True)):
        own, (alone, _) = found.take(found.rows.source == number), source.gather(path, items, base, tmp_path, 10, 10)
        for name, old, new in (("item", alone.rows.item, own.rows.item), ("history", alone.rows.history, own.rows.history)):
            np.testing.assert_array_equal(alone.catalog.vectors[old], found.catalog.vectors[new][:, : old.shape[1]], name)
        np.testing.assert_array_equal(alone.queries[alone.rows.query], found.queries[own.rows.query])
    random = np.random.default_rng(1)
    for which in batches.epoch(found.rows.source, 16, random):
        of = set(found.rows.source[which].tolist())
        assert len(of) == 1, "a batch is of one catalogue"
        batch = found.batch(which, train.commands.torch.device("cpu"), random)
        first, behind = found.catalog.span(of.pop())
        drawn = batch.items[batch.negatives]
        assert first <= int(drawn.min()) and int(drawn.max()) < behind, "and so are the wrong answers that are drawn"
    result = train.fit(both, tmp_path / "out", base=MODEL, items=[SHOP, CITIES], options=QUICK)
    assert max(train.probe(tmp_path / "out").values()) < 1e-4
    saved = json.loads((tmp_path / "out" / "manifest.json").read_text())["training"]
    assert saved["items"] == len(SHOP) + len(CITIES) and len({line.what for line in result.lines}) > 2
    with pytest.raises(ValueError, match="items of each of 2"):
        train.fit(both, tmp_path / "x", base=MODEL, items=[SHOP], options=QUICK)


def test_a_task_alone_and_weights_that_stay(shop_rows: Path, tmp_path: Path) -> None:
    counts = {}
    for tasks in ("both", "search", "recommendation"):
        options = dataclasses.replace(QUICK, tasks=tasks, keep_weights=True)
        train.fit(shop_rows, tmp_path / tasks, base=MODEL, items=SHOP, options=options)
        counts[tasks] = json.loads((tmp_path / tasks / "manifest.json").read_text())["training"]["requests"]
        weights = Base.read(tmp_path / tasks).tensors["weights"]
        np.testing.assert_array_equal(weights[:, :-1], Base.read(MODEL).tensors["weights"])
    assert counts["both"] == counts["search"] + counts["recommendation"] and 0 < counts["search"] < counts["both"]
    with pytest.raises(ValueError, match="tasks"):
        train.Options(tasks="searching")


def test_queries_and_several_files_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {"cities": CITIES, "shop": [{k: v for k, v in item.items() if k != "released"} for item in SHOP]}
    for name, items in files.items():
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt") as lines:
            lines.writelines(json.dumps(item) + "\n" for item in items)
        made = ["queries", str(tmp_path / f"{name}.jsonl.gz"), str(tmp_path / f"{name}.parquet"), "--base", str(MODEL)]
        assert main([*made, "--per_item", "6"]) == 0 and "requests" in capsys.readouterr().out
    quick = ["--epochs", "1", "--width", "16", "--blocks", "1", "--quiet", "--base", str(MODEL)]
    rows, items = ([str(tmp_path / f"{name}.{ending}") for name in files] for ending in ("parquet", "jsonl.gz"))
    assert main(["fit", *rows, str(tmp_path / "out"), "--items", *items, *quick]) == 0
    assert (tmp_path / "out" / "model.onnx").is_file()
    assert main(["queries", str(tmp_path / "no.jsonl"), str(tmp_path / "x"), "--base", str(MODEL)]) == 2
    assert main(["queries", items[0], str(tmp_path / "x"), "--base", str(MODEL), "--share", "2"]) == 2
    assert "share" in capsys.readouterr().err
