"""Training: the network in PyTorch against ONNX Runtime, and every command on a small store of its own."""

import dataclasses
import datetime as dt
import json
import re
from pathlib import Path

import numpy as np
import onelist
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

import onelist_train as train
from onelist_train import adapter, file, linear, loop, metrics, outcome, pack, rows, size, source, verify
from onelist_train.__main__ import main
from onelist_train.base import Base
from onelist_train.catalog import Catalog, TextTower, quiet_session
from onelist_train.graph import Trained
from onelist_train.model_zero import graph, shape
from onelist_train.network import Network
from onelist_train.size import Size

MODEL = Path(__file__).parents[3] / "engine" / "model"
COLOURS, THINGS = ("red", "blue", "green", "white", "black"), ("shoes", "lamp", "teapot", "bag", "chair", "scarf")
ITEMS = [{"id": f"{c}-{t}", "title": f"{c} {t}", "tags": [t]} for c in COLOURS for t in THINGS]
START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
QUICK = train.Options(epochs=2, batch=32, candidates=16, width=16, blocks=1, validation=0.25, test=0.25, quiet=True)


@pytest.fixture(scope="module")
def base() -> Base:
    return Base.read(MODEL)


@pytest.fixture(scope="module")
def rows_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """People who stay with a colour, and now and then search for a thing."""
    folder, random = tmp_path_factory.mktemp("rows"), np.random.default_rng(1)
    with onelist.open(folder / "store") as db:
        db.put(ITEMS)
        for person in range(60):
            colour, time = COLOURS[person % len(COLOURS)], START + dt.timedelta(hours=person)
            for step, thing in enumerate(random.permutation(THINGS)[:5]):
                query = str(thing) if step % 2 else None
                db.log(user=f"p{person}", item=f"{colour}-{thing}", action=("click", "buy")[step % 2], query=query,
                       time=time + dt.timedelta(minutes=3 * step))  # fmt: skip
        db.export_training(folder / "rows.parquet")
    return folder / "rows.parquet"


@pytest.fixture(scope="module")
def fitted(base: Base, rows_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, train.Outcome]:
    out = tmp_path_factory.mktemp("fitted")
    return out, train.fit(rows_file, out, base=MODEL, items=ITEMS, options=QUICK)


# The graph


def shaken(base: Base, blocks: int = 2, **widths: int) -> Network:
    """A network in which nothing is zero, set to what its file holds."""
    torch.manual_seed(3)
    network = Network(Size(item=192, features=len(size.fed_features()), blocks=blocks, **widths))
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if not name.endswith((".a", ".b")):
                parameter += 0.05 * torch.randn_like(parameter)
    network.feature_mean.uniform_()
    network.feature_scale.uniform_(0.5, 1.5)
    return network.eval()


class Model:
    """A trained file in both of its forms."""

    def __init__(self, base: Base) -> None:
        self.constants, self.network = base.constants(), shaken(base)
        packed = file.quantise(self.network)
        columns = len(size.fed_features()) + 1
        self.weights = np.random.default_rng(4).standard_normal((4, columns)).astype(np.float32)
        self.extension = Trained(self.network.size, packed, self.weights)
        self.proto = graph.build(self.constants, "small", self.extension)
        self.session = quiet_session(self.proto.SerializeToString())
        self.names = [o.name for o in self.session.get_outputs()]

    def __call__(self, **feeds: np.ndarray) -> dict[str, np.ndarray]:
        return dict(zip(self.names, self.session.run(self.names, feeds), strict=True))


@pytest.fixture(scope="module")
def model(base: Base) -> Model:
    return Model(base)


def feeds_of(seed: int, b: int, length: int, k: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)

    def vectors(*dims: int) -> np.ndarray:
        x = random.standard_normal((*dims, 192)).astype(np.float32)
        return x / np.linalg.norm(x, axis=-1, keepdims=True)

    def codes(*dims: int) -> np.ndarray:
        found = random.integers(0, shape.CODES, (*dims, shape.LEVELS))
        found[random.random(dims) < 0.2] = -1
        return found

    return {
        "query_text": np.zeros(b, np.float32), "query_vec": vectors(b),
        "query_mask": (random.random(b) < 0.6).astype(np.float32), "history_vec": vectors(b, length),
        "history_action": random.integers(1, 12, (b, length)), "history_gap": random.integers(0, 32, (b, length)),
        "history_mask": (random.random((b, length)) < 0.7).astype(np.float32), "history_sid": codes(b, length),
        "cand_vec": vectors(b, k), "cand_sid": codes(b, k),
        "cand_feat": random.random((b, k, len(shape.FEATURES))).astype(np.float32),
    }  # fmt: skip


@pytest.mark.parametrize("b", [1, 3])
@pytest.mark.parametrize("length", [1, 7, 50])
@pytest.mark.parametrize("k", [1, 5, 200])
def test_onnx_runtime_answers_as_pytorch_does(model: Model, b: int, length: int, k: int) -> None:
    feeds = feeds_of(b * 1000 + length * 10 + k, b, length, k)
    want, got = verify.run(model.network, model.constants, model.weights, feeds), model(**feeds)
    for name in ("context_vec", "contributions", "scores", "sid_logits"):
        assert got[name].shape == want[name].shape and np.isfinite(got[name]).all(), name
        np.testing.assert_allclose(got[name], want[name], atol=1e-4, rtol=0, err_msg=name)


def test_candidates_do_not_see_one_another(model: Model) -> None:
    feeds = feeds_of(1, 2, 6, 200)
    whole = model(**feeds)["contributions"]
    few = {name: value[:, :3] if name.startswith("cand") else value for name, value in feeds.items()}
    np.testing.assert_allclose(model(**few)["contributions"], whole[:, :3], atol=1e-5, rtol=0)
    order = np.random.default_rng(2).permutation(200)
    mixed = {name: value[:, order] if name.startswith("cand") else value for name, value in feeds.items()}
    np.testing.assert_allclose(model(**mixed)["contributions"], whole[:, order], atol=1e-5, rtol=0)
    assert np.ptp(whole[:, :, -1]) > 0.1, "a network of zeros would pass every test here"


def test_padding_changes_nothing(model: Model) -> None:
    feeds = feeds_of(2, 3, 6, 10)
    padded = dict(feeds)
    for name in [n for n in feeds if n.startswith("history")]:
        value = feeds[name]
        junk = np.full((3, 9, *value.shape[2:]), 0 if name == "history_mask" else 3, value.dtype)
        padded[name] = np.concatenate([junk, value], axis=1)
    want, got = model(**feeds), model(**padded)
    for name in ("context_vec", "contributions", "scores", "sid_logits"):
        np.testing.assert_allclose(got[name], want[name], atol=1e-5, rtol=0, err_msg=name)


def test_what_is_masked_is_not_read(model: Model) -> None:
    feeds = feeds_of(3, 2, 4, 6)
    feeds |= {"query_mask": np.zeros(2, np.float32), "history_mask": np.zeros((2, 4), np.float32)}
    want = model(**feeds)
    other = feeds_of(4, 2, 4, 6)
    junk = {name: other[name] for name in ("history_vec", "history_sid", "history_action", "history_gap")}
    got = model(**{**feeds, **junk, "query_vec": np.full((2, 192), np.nan, np.float32)})
    for name in ("context_vec", "contributions", "sid_logits"):
        np.testing.assert_array_equal(got[name], want[name], err_msg=name)
    assert not want["context_vec"].any(), "without query and history there is nothing to search with"


def test_learned_contexts_have_length_one(model: Model) -> None:
    feeds = feeds_of(5, 3, 5, 2)
    feeds |= {"query_mask": np.asarray([1, 0, 0], np.float32)}
    feeds["history_mask"][:] = [[0] * 5, [1] * 5, [0] * 5]
    lengths = np.linalg.norm(model(**feeds)["context_vec"][:, 2:], axis=-1)
    np.testing.assert_allclose(lengths, [[1, 1], [1, 1], [0, 0]], atol=1e-5)


def test_every_group_of_inputs_may_be_left_out(model: Model) -> None:
    feeds = feeds_of(6, 4, 6, 9)
    groups = [[n for n in feeds if n.startswith("query")], [n for n in feeds if n.startswith("history")],
              ["history_sid"], ["cand_vec"], ["cand_sid"], ["cand_feat"]]  # fmt: skip
    for group in groups:
        rest = {name: value for name, value in feeds.items() if name not in group}
        assert model(**rest)["scores"].shape == (4, 9), group
    for name in ("history_sid", "cand_sid"):
        none = np.full_like(feeds[name], -1)
        rest = {n: v for n, v in feeds.items() if n != name}
        np.testing.assert_allclose(model(**rest)["scores"], model(**{**feeds, name: none})["scores"], atol=1e-6)
    assert model()["scores"].shape == (1, 1) and np.isfinite(model()["scores"]).all()


def test_the_network_stays_within_its_bound_and_the_graph_within_its_contract(model: Model) -> None:
    feeds = feeds_of(7, 2, 3, 50)
    feeds["cand_feat"] = feeds["cand_feat"] * 1e3
    own = model(**feeds, weights=np.ones_like(model.weights))["contributions"][:, :, -1]
    assert np.abs(own).max() <= model.network.size.bound + 1e-5
    inputs = {i.name for i in model.proto.graph.input}
    assert inputs == {name for name, _, _ in graph.inputs_of(model.extension)}
    assert inputs <= {t.name for t in model.proto.graph.initializer} and {n.domain for n in model.proto.graph.node} == {
        ""
    }
    symbols = [d.dim_param for i in model.proto.graph.input for d in i.type.tensor_type.shape.dim if d.dim_param]
    assert len(symbols) == len(set(symbols)), "inputs must not share dimension symbols"


# Rows and figures


def test_rows_are_what_the_engine_logged(base: Base, rows_file: Path) -> None:
    catalog = Catalog.embed(TextTower(base), ITEMS)
    found = rows.read(rows_file, catalog, size.fed_features())
    table = pq.read_table(rows_file).to_pylist()
    assert len(found.rows) == len({row["request"] for row in table}) == 300
    assert found.rows.there.sum() == len(table) and found.space == base.manifest["space_id"]
    place = next(i for i, row in enumerate(table) if row["label"] and len(row["history_items"]) == 4)
    row = int(np.flatnonzero(found.rows.request == table[place]["request"])[0])
    assert [catalog.ids[i] for i in found.rows.history[row, -4:]] == table[place]["history_items"][::-1]
    assert found.rows.gap[row, -1] == 7 and found.rows.action[row, -1] == shape.ACTIONS["buy"]
    assert catalog.ids[found.rows.item[row, 0]] == table[place]["item"]
    assert found.rows.features[row, 0].tolist() == pytest.approx([table[place][n] for n in size.fed_features()])
    assert {found.queries[q] for q in found.rows.query if q >= 0} <= set(THINGS) and (found.rows.query < 0).any()


def test_other_items_or_features_are_refused(base: Base, rows_file: Path, tmp_path: Path) -> None:
    wrong = [{"id": item["id"], "title": f"{n} bolts and nuts"} for n, item in enumerate(ITEMS)]
    with pytest.raises(ValueError, match="other vectors"):
        source.gather(rows_file, wrong, base, tmp_path, 10, 10)
    with pytest.raises(ValueError, match="none of the items"):
        source.gather(rows_file, [{"id": "x", "title": "y"}], base, tmp_path, 10, 10)
    with pytest.raises(ValueError, match="has no texts"):
        source.gather(rows_file, None, base, tmp_path, 10, 10)
    with pytest.raises(ValueError, match="with the features"):
        rows.read(rows_file, Catalog.embed(TextTower(base), ITEMS), size.fed_features()[1:])


def test_ndcg_gives_ties_their_mean_rank() -> None:
    there = np.ones((3, 4), bool)
    there[2, 1:] = False
    scores = np.asarray([[1, 2, 0, 0], [1, 1, 1, 0], [0, 9, 9, 9]], np.float32)
    np.testing.assert_allclose(metrics.ndcg(scores, there), [1 / np.log2(3), 1 / np.log2(3), 1.0])


def test_known_weights_are_found_again() -> None:
    random, truth = np.random.default_rng(1), np.asarray([2.0, -1.0, 0.5])
    features = random.uniform(-1, 1, (4000, 20, 3)).astype(np.float32)
    noisy = features @ truth + random.gumbel(size=(4000, 20))
    taken = noisy.argmax(1)
    for row, place in enumerate(taken):
        features[row, [0, place]] = features[row, [place, 0]]
    found = linear.fit(features, np.ones((4000, 20), bool), np.zeros(3))
    np.testing.assert_allclose(found, truth, atol=0.12)


def test_int8_columns_come_back_within_half_a_step() -> None:
    values = np.random.default_rng(1).standard_normal((64, 32)).astype(np.float32)
    packed = pack.quantise(values)
    assert packed.values.dtype == np.int8 and packed.scale is not None
    assert (np.abs(packed.full - values) <= packed.scale / 2 + 1e-6).all()


# Commands


def read(folder: Path, name: str) -> dict:
    return json.loads((folder / name).read_text())


def test_fit_makes_a_model_that_passes_its_probe(fitted: tuple[Path, train.Outcome], base: Base) -> None:
    out, result = fitted
    saved, report = read(out, "manifest.json"), read(out, "report.json")
    assert (
        saved["graph_features"] == [*shape.GRAPH_FEATURES, "network"] and saved["space_id"] == base.manifest["space_id"]
    )
    assert (
        saved["dims"]["contexts"] == 4
        and saved["dims"]["graph_features"] == 6
        and "sid_logits" in saved["probe"]["outputs"]
    )
    assert {p["name"] for p in saved["lora"]["params"]} == set(size.adapter_names(Size.of_json(saved["network"])))
    assert max(train.probe(out).values()) < 1e-4
    assert sum((out / name).stat().st_size for name in ("model.onnx", "manifest.json", "tokenizer.json")) < 10_000_000
    assert result.lines[0].what == "all" and len(report["validation"]) == len(result.curves.validation)
    assert report["validation"][result.curves.best] == max(report["validation"])
    page = (out / "report.html").read_text()
    assert page.count("<svg") == 2 and "http" not in page and "NDCG@10" in str(result) + page


def test_the_item_tower_is_that_of_the_base(fitted: tuple[Path, train.Outcome], base: Base) -> None:
    texts = [item["title"] for item in ITEMS]
    for got, want in zip(TextTower(Base.read(fitted[0])).embed(texts), TextTower(base).embed(texts), strict=True):
        np.testing.assert_array_equal(got, want)


def test_a_seed_gives_the_same_model_and_another_seed_another(fitted: tuple[Path, train.Outcome], rows_file: Path,
                                                              tmp_path: Path) -> None:  # fmt: skip
    again = train.fit(rows_file, tmp_path / "again", base=MODEL, items=ITEMS, options=QUICK)
    assert again.curves.validation == fitted[1].curves.validation and again.lines == fitted[1].lines
    assert (tmp_path / "again" / "model.onnx").read_bytes() == (fitted[0] / "model.onnx").read_bytes()
    other = train.fit(
        rows_file, tmp_path / "other", base=MODEL, items=ITEMS, options=dataclasses.replace(QUICK, seed=2)
    )
    assert other.curves.losses != again.curves.losses


def test_a_killed_run_resumes_to_the_same_model(fitted: tuple[Path, train.Outcome], rows_file: Path, tmp_path: Path,
                                                monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    whole, begun = loop.Loop._epoch, []

    def killed(self: loop.Loop, number: int) -> None:
        begun.append(number)
        if begun == [0, 1]:
            raise KeyboardInterrupt
        whole(self, number)

    monkeypatch.setattr(loop.Loop, "_epoch", killed)
    with pytest.raises(KeyboardInterrupt):
        train.fit(rows_file, tmp_path, base=MODEL, items=ITEMS, options=QUICK)
    result = train.fit(rows_file, tmp_path, base=MODEL, items=ITEMS, options=QUICK)
    assert begun == [0, 1, 1], "the first epoch is not trained again"
    assert result.curves == fitted[1].curves
    assert (tmp_path / "model.onnx").read_bytes() == (fitted[0] / "model.onnx").read_bytes()


def test_training_learns_what_the_linear_part_cannot(base: Base, tmp_path: Path) -> None:
    """What is taken has two features that are both high or both low: no weighting finds it."""
    random, names, n, k = np.random.default_rng(1), size.fed_features(), 800, 12
    catalog = Catalog.embed(TextTower(base), ITEMS)
    features = np.zeros((n, k, len(names)), np.float32)
    pair = random.random((n, k, 2)) < 0.5
    pair[:, 0, 1] = pair[:, 0, 0]
    pair[:, 1:, 1] = ~pair[:, 1:, 0]
    features[:, :, [names.index("covisit_next"), names.index("popular_7d")]] = pair
    zeros = np.zeros((n, 1), np.int64)
    made = rows.Rows(
        request=np.arange(n), time=np.arange(n) * 60.0, user=np.arange(n).astype(str), request_context=np.full(n, "s"),
        query=np.full(n, -1), retrieved=np.ones(n, bool), history=random.integers(0, 30, (n, 1)), action=zeros + 1,
        gap=zeros, past=zeros == 0, next_action=zeros[:, 0] + 1, item=random.integers(0, 30, (n, k)),
        there=np.ones((n, k), bool), features=features, source=np.zeros(n, np.int64),
    )  # fmt: skip
    requests = train.commands.Requests(made, catalog, np.zeros((1, 192), np.float32))
    options = dataclasses.replace(QUICK, epochs=6, patience=6, dropout=train.Dropout(0, 0), rate=1e-2)
    parts = train.commands.split(requests, options)
    with loop.deterministic(options):
        weights, temperature, known = linear.tune(parts.train.rows, base.constants().scorer.weights)
        torch.manual_seed(1)
        network = Network(Size(item=192, features=len(names), width=16, blocks=1))
        ready = loop.Linear(weights, temperature)
        loop.Loop(network, parts.train, parts.valid, ready, options, tmp_path / "c.pt").run()
    plain = linear.scores(parts.test.rows, weights)
    trained = loop.score(network, parts.test, ready, torch.device("cpu"))
    assert known == [False, True, False, False]
    lines = outcome.compare(parts.test.rows, plain, plain, trained)
    assert lines[0].linear < 0.6 and lines[0].trained > 0.9 and lines[0].low > 0.2, outcome.table(lines)
    strengths = outcome.strengths(parts.test.rows, plain, trained, known)
    assert strengths[1] in outcome.STRENGTHS and strengths[0] == strengths[2] == strengths[3] == 0.0
    assert outcome.strengths(parts.test.rows, plain, 2 * plain - trained, known) == [0.0] * 4, "what loses is silent"


def test_adapt_changes_the_adapter_alone_and_merge_folds_it(fitted: tuple[Path, train.Outcome], rows_file: Path,
                                                            tmp_path: Path) -> None:  # fmt: skip
    model, out = fitted[0], tmp_path / "adapter"
    before = (model / "model.onnx").read_bytes()
    options = dataclasses.replace(QUICK, rate=0.01, patience=9)
    result = train.adapt(rows_file, out, model=model, items=ITEMS, options=options)
    torch.manual_seed(99)
    again = train.adapt(rows_file, tmp_path / "same", model=model, items=ITEMS, options=options)
    assert again.curves == result.curves, "a seed gives the same adapter, whatever the state of PyTorch"
    saved = read(out, "adapter.json")
    assert (model / "model.onnx").read_bytes() == before and saved["model"]["sha256"] == read(model, "manifest.json")[
        "sha256"
    ]
    start = Base.read(model)
    values = adapter.read(out, start)
    if not any(np.abs(v).max() > 0 for n, v in values.items() if n.endswith("_b")):
        values = {n: np.full_like(v, 0.05) for n, v in values.items()}
        adapter.write(out, "made", start, values, {}, {})
    moved = train.probe(model, adapted=out)
    assert moved["scores"] + moved["context_vec"] + moved["sid_logits"] > 1e-5 and moved["item_vec"] < 1e-6
    train.merge(model, out, tmp_path / "merged")
    merged, feeds = quiet_session(Base.read(tmp_path / "merged").graph), feeds_of(9, 2, 5, 20)
    names = ["context_vec", "scores", "sid_logits"]
    for got, want in zip(
        merged.run(names, feeds), quiet_session(start.graph).run(names, {**feeds, **values}), strict=True
    ):
        np.testing.assert_allclose(got, want, atol=1e-4)
    with pytest.raises(ValueError, match="adapter of the model"):
        adapter.read(out, Base.read(tmp_path / "merged"))


def test_distil_follows_a_teacher(base: Base, rows_file: Path, tmp_path: Path) -> None:
    table = pq.read_table(rows_file, columns=["request", "item"])
    liked = pa.array([3.0 if item.startswith("red") else 0.0 for item in table.column("item").to_pylist()])
    pq.write_table(table.append_column("score", liked), tmp_path / "teacher.parquet")
    alone = train.Weights(listwise=0, next_item=0, align=0, next_code=0, next_action=0)
    options = dataclasses.replace(QUICK, losses=alone, epochs=4, patience=4, rate=0.01)
    result = train.distill(
        rows_file, tmp_path / "teacher.parquet", tmp_path / "d", base=MODEL, items=ITEMS, options=options
    )
    taught = [point["teacher"] for point in result.curves.losses]
    assert np.mean(taught[-5:]) < 0.95 * np.mean(taught[:5]), taught
    with pytest.raises(ValueError, match="none of them"):
        pq.write_table(table.slice(0, 0).append_column("score", pa.array([], pa.float64())), tmp_path / "empty.parquet")
        train.distill(rows_file, tmp_path / "empty.parquet", tmp_path / "e", base=MODEL, items=ITEMS, options=options)


def test_a_trained_model_teaches_a_smaller_one(fitted: tuple[Path, train.Outcome], rows_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "teacher.parquet"
    made = train.teach(rows_file, out, model=fitted[0], items=ITEMS)
    rows_of = pq.read_table(rows_file, columns=["request", "item"])
    assert made == {"requests": len(rows_of.column("request").unique()), "candidates": len(rows_of)}
    alone = train.Weights(listwise=0, next_item=0, align=0, next_code=0, next_action=0)
    small = dataclasses.replace(QUICK, losses=alone, width=8, blocks=0, epochs=3, patience=3, rate=0.01)
    result = train.distill(rows_file, out, tmp_path / "small", base=MODEL, items=ITEMS, options=small)
    taught = [point["teacher"] for point in result.curves.losses]
    assert np.mean(taught[-5:]) < np.mean(taught[:5]), taught


def test_labels_teach_the_candidates_of_their_query(rows_file: Path, tmp_path: Path) -> None:
    table = pq.read_table(rows_file, columns=["request", "query", "item"]).to_pylist()
    labels = [{"query": "lamp", "item": "red-lamp", "grade": 3}, {"query": "lamp", "item": "red-bag", "grade": 0},
              {"query": "another query", "item": "red-bag", "grade": 3}]  # fmt: skip
    lines = tmp_path / "labels.jsonl"
    lines.write_text("".join(json.dumps(one) + "\n" for one in labels), encoding="utf-8")
    out = tmp_path / "teacher.parquet"
    assert main(["teach", str(rows_file), str(out), "--labels", str(lines), "--per_grade", "2"]) == 0
    scored = {(one["request"], one["item"]): one["score"] for one in pq.read_table(out).to_pylist()}
    grades = {"red-lamp": 6.0, "red-bag": 0.0}
    expected = {(one["request"], one["item"]): grades[one["item"]] for one in table
             if one["query"] == "lamp" and one["item"] in grades}  # fmt: skip
    assert scored == expected and set(scored.values()) == {6.0, 0.0}
    with pytest.raises(ValueError, match="either a model or labels"):
        train.teach(rows_file, out)
    with pytest.raises(ValueError, match="found none"):
        train.teach(rows_file, out, labels=labels[2:])
    with pytest.raises(ValueError, match="label 1: expected a query"):
        train.teach(rows_file, out, labels=[{"query": "lamp", "item": "red-lamp", "grade": float("nan")}])


def test_a_store_is_trained_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with onelist.open(tmp_path / "store") as db:
        db.put(ITEMS)
        for person in range(20):
            for step in range(4):
                item = ITEMS[(7 * person + step) % len(ITEMS)]["id"]
                db.log(user=f"p{person}", item=item, time=START + dt.timedelta(hours=person, minutes=step))
    quick = ["--epochs", "1", "--width", "16", "--blocks", "1", "--base", str(MODEL)]
    assert main(["fit", str(tmp_path / "store"), str(tmp_path / "out"), *quick]) == 0
    assert re.search(r"epoch 1/1: loss [\d.]+, validation NDCG@10 [\d.]+", capsys.readouterr().err)
    assert not list((tmp_path / "out").glob("*.parquet")), "rows of a finished run would be stale in the next"
    assert main(["export", str(tmp_path / "out"), str(tmp_path / "copy")]) == 0
    assert (tmp_path / "copy" / "model.onnx").read_bytes() == (tmp_path / "out" / "model.onnx").read_bytes()
    assert main(["probe", str(tmp_path / "copy")]) == 0 and "scores" in capsys.readouterr().out
    assert main(["fit", str(tmp_path / "nowhere"), str(tmp_path / "x"), *quick]) == 2
    assert "expected an engine, a store or a training file" in capsys.readouterr().err


def test_invalid_settings_are_refused() -> None:
    for wrong in ({"epochs": 0}, {"validation": 0.0}, {"validation": 0.6, "test": 0.5}, {"drop": 1.0}, {"width": 30}):
        with pytest.raises(ValueError, match="expected"):
            train.Options(**wrong)
