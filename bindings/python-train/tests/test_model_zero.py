"""The exported model against its NumPy reference, in ONNX Runtime.

A model with a small random table has the same graph as the shipped one, so nothing here needs
the encoder. `test_shipped_*` read the files in `engine/model`.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from sentence_folder import tokenizer

from onelist_train.model_zero import cases, export, graph, manifest, reference, shape, space, table
from onelist_train.model_zero.constants import Constants, Scorer
from onelist_train.model_zero.table import TokenTable
from onelist_train.model_zero.texts import TokenReader

SHIPPED = Path(__file__).parents[3] / "engine" / "model"
WEIGHTS = Path(export.__file__).with_name("weights.json")
DE, D, V = 16, 8, 7000
WIDTH = len(shape.FEATURES) + len(shape.GRAPH_FEATURES)


def small_constants() -> Constants:
    random = np.random.default_rng(5)
    rows, scales = table.quantise(random.standard_normal((V, DE)).astype(np.float32))
    weights = random.random(V).astype(np.float32)
    weights[0] = 0.0
    tokens = TokenTable(rows, scales, weights)
    vectors = tokens.embed_all([[i] for i in range(1, V)])
    mean, projection = space.fit_whitening([vectors], D, 0.5)
    items = space.item_vectors(vectors, mean, projection)
    book = space.fit_codebook(items, shape.LEVELS, shape.CODES, rounds=2)
    return Constants(tokens, mean, projection, book, Scorer.read(WEIGHTS))


class Session:
    """The graph of some constants in ONNX Runtime, called like the reference."""

    def __init__(self, model: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        # Every overridable default is a warning otherwise.
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def __call__(self, **feeds: np.ndarray) -> dict[str, np.ndarray]:
        names = [o.name for o in self.session.get_outputs()]
        return dict(zip(names, self.session.run(names, feeds), strict=True))


@pytest.fixture(scope="module")
def constants() -> Constants:
    return small_constants()


@pytest.fixture(scope="module")
def session(constants: Constants) -> Session:
    return Session(graph.build(constants, "small").SerializeToString())


def random_feeds(random: np.random.Generator, b: int, length: int, k: int, d: int = D) -> dict[str, np.ndarray]:
    mask = (random.random((b, length)) < 0.7).astype(np.float32)
    return {
        "text_ids": random.integers(0, V, (b, 4)),
        "text_mask": (random.random((b, 4)) < 0.8).astype(np.float32),
        "query_text": (random.random(b) < 0.5).astype(np.float32),
        "query_vec": random.standard_normal((b, d)).astype(np.float32),
        "query_mask": (random.random(b) < 0.7).astype(np.float32),
        "history_vec": table.unit(random.standard_normal((b, length, d)).astype(np.float32)),
        "history_action": random.integers(1, 12, (b, length)),
        "history_gap": random.integers(0, 32, (b, length)),
        "history_mask": mask,
        "cand_vec": table.unit(random.standard_normal((b, k, d)).astype(np.float32)),
        "cand_feat": random.random((b, k, len(shape.FEATURES))).astype(np.float32),
        "weights": random.standard_normal((4, WIDTH)).astype(np.float32),
        "content": random.standard_normal((5, DE)).astype(np.float32),
    }


def assert_same(got: dict[str, np.ndarray], want: dict[str, np.ndarray], tolerance: float = 1e-5) -> None:
    for name, value in want.items():
        assert got[name].shape == value.shape, name
        assert np.isfinite(got[name]).all(), name
        np.testing.assert_allclose(got[name], value, atol=tolerance, rtol=0, err_msg=name)


@pytest.mark.parametrize("b", [1, 3])
@pytest.mark.parametrize("length", [1, 7, 50])
@pytest.mark.parametrize("k", [1, 5, 200])
def test_graph_equals_reference(session: Session, constants: Constants, b: int, length: int, k: int) -> None:
    feeds = random_feeds(np.random.default_rng(b * 1000 + length * 10 + k), b, length, k)
    assert_same(session(**feeds), reference.run(constants, feeds))


def test_every_group_of_inputs_may_be_left_out(session: Session, constants: Constants) -> None:
    """Inputs that share T or L come together; any other part may be absent while B is four."""
    feeds = random_feeds(np.random.default_rng(1), 4, 6, 9)
    assert_same(session(), reference.run(constants, {}))
    groups = [[n for n in feeds if n.startswith("text") or n == "query_text"], [n for n in feeds if n[:4] == "hist"],
              ["query_vec"], ["query_mask"], ["cand_vec"], ["cand_feat"], ["weights"], ["content"]]  # fmt: skip
    assert sorted(name for group in groups for name in group) == sorted(feeds)
    for group in groups:
        only = {name: feeds[name] for name in group}
        assert_same(session(**only), reference.run(constants, only))
        rest = {name: value for name, value in feeds.items() if name not in group}
        assert_same(session(**rest), reference.run(constants, rest))


def test_bulk_texts_do_not_change_the_request_part(session: Session) -> None:
    random = np.random.default_rng(2)
    texts = {"text_ids": random.integers(0, V, (300, 6)), "text_mask": np.ones((300, 6), np.float32)}
    got = session(**texts)
    assert got["text_emb"].shape == (300, DE)
    assert got["context_vec"].shape == (1, 2, D) and got["scores"].shape == (1, 1)


def test_candidates_do_not_see_one_another(session: Session) -> None:
    feeds = random_feeds(np.random.default_rng(3), 2, 5, 200)
    whole = session(**feeds)["scores"]
    part = session(**{**feeds, "cand_vec": feeds["cand_vec"][:, :3], "cand_feat": feeds["cand_feat"][:, :3]})["scores"]
    np.testing.assert_allclose(whole[:, :3], part, atol=2e-6, rtol=0)
    order = np.random.default_rng(4).permutation(200)
    mixed = session(**{**feeds, "cand_vec": feeds["cand_vec"][:, order], "cand_feat": feeds["cand_feat"][:, order]})
    np.testing.assert_allclose(mixed["scores"], whole[:, order], atol=2e-6, rtol=0)


def test_left_padding_changes_nothing(session: Session) -> None:
    feeds = random_feeds(np.random.default_rng(5), 3, 6, 10)
    padded = dict(feeds)
    for name in ("history_vec", "history_action", "history_gap", "history_mask"):
        value = feeds[name]
        # Padding that is not zero must not be read either.
        junk = np.full((3, 11, *value.shape[2:]), 0 if name == "history_mask" else 3, value.dtype)
        padded[name] = np.concatenate([junk, value], axis=1)
    assert_same(session(**padded), session(**feeds), 2e-6)


def test_masked_query_is_bit_independent_of_its_inputs(session: Session) -> None:
    feeds = random_feeds(np.random.default_rng(6), 2, 4, 6)
    feeds["query_mask"] = np.zeros(2, np.float32)
    want = session(**feeds)
    for query in (feeds["query_vec"] * 7, np.full((2, D), np.nan, np.float32)):
        for flag in (0.0, 1.0):
            got = session(**{**feeds, "query_vec": query, "query_text": np.full(2, flag, np.float32)})
            for name in ("context_vec", "contributions", "scores"):
                assert got[name].tobytes() == want[name].tobytes(), name


def test_text_goes_straight_into_the_query(session: Session, constants: Constants) -> None:
    random = np.random.default_rng(7)
    feeds = random_feeds(random, 3, 2, 4)
    feeds.update(query_mask=np.ones(3, np.float32), query_text=np.ones(3, np.float32))
    text = session(text_ids=feeds["text_ids"], text_mask=feeds["text_mask"])["text_emb"]
    vectors = session(content=text)["item_vec"]
    direct = session(**feeds)
    fed = session(**{**feeds, "query_text": np.zeros(3, np.float32), "query_vec": vectors})
    np.testing.assert_allclose(direct["context_vec"], fed["context_vec"], atol=1e-6)
    np.testing.assert_allclose(direct["scores"], fed["scores"], atol=1e-5)


def test_zero_and_tiny_inputs_give_zero_and_never_nan(session: Session) -> None:
    ones = np.ones((1, 2), np.float32)
    out = session(text_ids=np.zeros((1, 2), np.int64), text_mask=ones, query_text=ones[0, :1], query_mask=ones[0, :1],
                  content=np.zeros((2, DE), np.float32))  # fmt: skip
    assert not out["text_emb"].any() and not out["item_vec"].any() and not out["context_vec"].any()
    assert np.isfinite(session(query_vec=np.full((1, D), 1e-30, np.float32), query_mask=ones[0, :1])["scores"]).all()


def test_the_cell_chooses_the_weight_row(session: Session) -> None:
    rows = np.repeat(np.arange(4, dtype=np.float32)[:, None], WIDTH, axis=1)
    feat = np.zeros((4, 1, len(shape.FEATURES)), np.float32)
    feat[:, :, 0] = 1.0
    out = session(weights=rows, cand_feat=feat, query_mask=np.asarray([0, 0, 1, 1], np.float32),
                  history_mask=np.asarray([[0], [1], [0], [1]], np.float32))  # fmt: skip
    assert out["scores"][:, 0].tolist() == [0, 1, 2, 3]


def test_a_dislike_pushes_away_and_is_never_the_nearest(session: Session) -> None:
    vector = np.zeros((1, 1, D), np.float32)
    vector[0, 0, 0] = 1.0
    out = session(history_vec=vector, history_action=np.asarray([[shape.ACTIONS["dislike"]]]),
                  history_mask=np.ones((1, 1), np.float32), cand_vec=vector, weights=np.ones((4, WIDTH), np.float32))  # fmt: skip
    got = dict(zip([*shape.FEATURES, *shape.GRAPH_FEATURES], out["contributions"][0, 0], strict=True))
    assert got["cos_history"] == pytest.approx(-1.0) and got["cos_last"] == 0.0 and got["cos_nearest"] == 0.0
    assert got["cos_disliked"] == pytest.approx(1.0)


def test_semantic_ids_are_the_nearest_codes(constants: Constants, session: Session) -> None:
    content = np.random.default_rng(8).standard_normal((40, DE)).astype(np.float32)
    out = session(content=content)
    residual = out["item_vec"].astype(np.float64)
    for level in range(shape.LEVELS):
        distance = ((residual[:, None, :] - constants.codebook[level][None]) ** 2).sum(2)
        chosen = out["item_sid"][:, level]
        np.testing.assert_allclose(distance[np.arange(40), chosen], distance.min(1), atol=1e-5)
        residual -= constants.codebook[level][chosen]


def test_graph_keeps_to_its_contract(constants: Constants) -> None:
    model = graph.build(constants, "small")
    assert model.ir_version <= 10 and [(o.domain, o.version) for o in model.opset_import] == [("", graph.OPSET)]
    assert {node.domain for node in model.graph.node} == {""}
    inputs = {i.name for i in model.graph.input}
    assert inputs == {name for name, _, _ in shape.INPUTS} and inputs <= {t.name for t in model.graph.initializer}
    assert not any(onnx.external_data_helper.uses_external_data(t) for t in model.graph.initializer)
    symbols = [d.dim_param for i in model.graph.input for d in i.type.tensor_type.shape.dim if d.dim_param]
    assert len(symbols) == len(set(symbols)), "inputs must not share dimension symbols"


def test_export_is_deterministic() -> None:
    first, second = (graph.build(small_constants(), "small").SerializeToString(deterministic=True) for _ in range(2))
    assert first == second


def test_wordpiece_splits_longest_first_and_strips() -> None:
    names = ["[PAD]", "[UNK]", "cafe", "play", "##ing", "##s", "!", "un", "##play", "東", "[CLS]", "[SEP]", "[MASK]"]
    reader = TokenReader(json.dumps(tokenizer({name: i for i, name in enumerate(names)})).encode())
    assert reader.ids("Café\tPlaying!", 99) == [2, 3, 4, 6]
    assert reader.ids("unplays 東東", 99) == [7, 8, 5, 9, 9]
    assert reader.ids("zzz " + "play" * 30, 99) == [1, 1] and reader.ids("", 99) == []
    assert reader.ids("play " * 9, 4) == [3] * 4


def test_weights_file_refuses_a_renamed_feature(tmp_path: Path) -> None:
    data = json.loads(WEIGHTS.read_text())
    data["weights"]["query"]["bm26"] = data["weights"]["query"].pop("bm25")
    (tmp_path / "w.json").write_text(json.dumps(data))
    with pytest.raises(ValueError, match="cell query"):
        Scorer.read(tmp_path / "w.json")


def shipped() -> dict:
    return json.loads((SHIPPED / "manifest.json").read_text())


def test_shipped_hashes_and_sizes() -> None:
    data = shipped()
    for name, want in (("base.onnx", data["sha256"]), ("tokenizer.json", data["tokenizer"]["sha256"])):
        assert hashlib.sha256((SHIPPED / name).read_bytes()).hexdigest() == want
    assert sum(f.stat().st_size for f in SHIPPED.rglob("*") if f.is_file()) < 10_000_000
    assert data["features"] == list(shape.FEATURES) and data["graph_features"] == list(shape.GRAPH_FEATURES)
    assert (SHIPPED / "fixtures" / "scoring.json").stat().st_size < 60_000


def as_feeds(inputs: dict) -> dict[str, np.ndarray]:
    kinds = {name: np.int64 if kind == "i64" else np.float32 for name, kind, _ in shape.INPUTS}
    return {name: np.asarray(value, kinds[name]) for name, value in inputs.items()}


def test_shipped_probe_and_fixture_hold_in_onnx_runtime() -> None:
    session = Session((SHIPPED / "base.onnx").read_bytes())
    data = shipped()
    fixture = json.loads((SHIPPED / "fixtures" / "scoring.json").read_text())
    assert fixture["space_id"] == data["space_id"]
    for case in (data["probe"], *fixture["cases"]):
        got = session(**as_feeds(case["inputs"]))
        assert_same(got, {n: np.asarray(v) for n, v in case["outputs"].items()}, manifest.TOLERANCE)
    listed = {i["name"]: i for i in data["inputs"]}
    for value in session.session.get_overridable_initializers():
        assert len(value.shape) == len(listed[value.name]["shape"])
    assert session.session.get_inputs() == [] and len(listed) == len(session.session.get_overridable_initializers())


def test_probe_would_notice_a_swapped_feature_order(constants: Constants) -> None:
    feeds = cases.probe_feeds(constants)
    swapped = {**feeds, "cand_feat": feeds["cand_feat"][:, :, [1, 0, *range(2, len(shape.FEATURES))]]}
    right, wrong = (reference.run(constants, f)["scores"] for f in (feeds, swapped))
    assert np.abs(right - wrong).max() > 100 * manifest.TOLERANCE
