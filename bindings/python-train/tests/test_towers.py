"""A sentence encoder inside the graph: against PyTorch, in a store, and what is refused."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onelist
import onnxruntime
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch_file
from sentence_folder import HEADS, INNER, LAYERS, PLACES, WIDTH, tensors, tokenizer, vocabulary, write_folder

from onelist_train.model_zero import bulk, export, texts
from onelist_train.model_zero.constants import Constants, Scorer
from onelist_train.model_zero.encoder import Encoder, read_tensors
from onelist_train.model_zero.folder import EncoderRefusedError, SentenceEncoder
from onelist_train.model_zero.texts import TokenReader, pad
from onelist_train.model_zero.transformer import Transformer

WEIGHTS = Path(export.__file__).with_name("weights.json")
TITLES = ["red running shoes", "blue running shoes", "green leather bag", "hiking boots for the mountain", "trail shoes",
          "electric kettle", "red kettle", "desk lamp", "leather chair", "a chair for the desk", "lamp", "hiking bag"]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "encoder")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> SentenceEncoder:
    return SentenceEncoder.read(write_folder(tmp_path_factory.mktemp("towers") / "encoder"))


def in_runtime(tower: Transformer, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return bulk._session(tower).run(["text_emb"], {"text_ids": ids, "text_mask": mask})[0]


def by_torch(lists: list[list[int]], first: bool = False) -> np.ndarray:
    """The same encoder out of PyTorch's own layers, one text at a time, as sentence-transformers would run it."""
    given, ids = {name: torch.tensor(value) for name, value in tensors().items()}, vocabulary()
    out = []
    for tokens in lists:
        whole = [ids["[CLS]"], *tokens, ids["[SEP]"]]
        x = given["embeddings.word_embeddings.weight"][whole] + given["embeddings.position_embeddings.weight"][: len(whole)]
        x = x + given["embeddings.token_type_embeddings.weight"][0]
        norm = "embeddings.LayerNorm"
        x = torch.nn.functional.layer_norm(x, (WIDTH,), given[f"{norm}.weight"], given[f"{norm}.bias"], 1e-6)[None]
        for layer in range(LAYERS):
            x = torch_layer(given, f"encoder.layer.{layer}")(x)
        pooled = x[0, 0] if first else x[0].mean(0)
        out.append((pooled / pooled.norm()).detach().numpy())
    return np.stack(out)


def torch_layer(given: dict[str, torch.Tensor], name: str) -> torch.nn.Module:
    layer = torch.nn.TransformerEncoderLayer(WIDTH, HEADS, INNER, 0.0, "gelu", 1e-6, batch_first=True)
    parts = {"self_attn.out_proj": "attention.output.dense", "linear1": "intermediate.dense", "linear2": "output.dense",
             "norm1": "attention.output.LayerNorm", "norm2": "output.LayerNorm"}  # fmt: skip
    state = {f"{own}.{kind}": given[f"{name}.{their}.{kind}"] for own, their in parts.items() for kind in ("weight", "bias")}
    for kind in ("weight", "bias"):
        qkv = [given[f"{name}.attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
        state[f"self_attn.in_proj_{kind}"] = torch.cat(qkv)
    layer.load_state_dict(state)
    return layer.eval()


def some_texts() -> list[list[int]]:
    random = np.random.default_rng(2)
    return [random.integers(5, len(vocabulary()), length).tolist() for length in (1, 3, 7, 18, 2)]


@pytest.mark.parametrize("first", [False, True])
def test_the_graph_gives_the_vectors_of_pytorch(source: SentenceEncoder, first: bool) -> None:
    source = SentenceEncoder(source.encoder, source.tokenizer, source.specials, first, source.max_tokens)
    tower = source.tower(None, small=False)
    ids, mask = pad(some_texts())
    want = by_torch(some_texts(), first)
    np.testing.assert_allclose(in_runtime(tower, ids, mask), want, atol=1e-5)
    np.testing.assert_allclose(tower.embed(ids, mask, tower.weights), want, atol=1e-5)


def test_int8_matrices_follow_their_scales_and_stay_close(source: SentenceEncoder) -> None:
    small = source.tower(None, small=True)
    ids, mask = pad(some_texts())
    got = in_runtime(small, ids, mask)
    np.testing.assert_allclose(got, small.embed(ids, mask, small.weights), atol=1e-5)
    assert (got * by_torch(some_texts())).sum(1).min() > 0.99
    assert {value.dtype for name, value in small.tensors.items() if name.endswith("dense.weight")} == {np.dtype(np.int8)}


def test_a_text_is_the_same_alone_in_a_batch_and_padded_anywhere(source: SentenceEncoder) -> None:
    tower = source.tower(None, small=False)
    ids, mask = pad(some_texts())
    whole = in_runtime(tower, ids, mask)
    for row, tokens in enumerate(some_texts()):
        alone = in_runtime(tower, *pad([tokens]))
        np.testing.assert_allclose(alone[0], whole[row], atol=1e-5)
    # Two columns of padding in front, one inside, with real ids.
    spread = np.full((1, 6), 9, np.int64)
    spread[0, [2, 3, 5]] = some_texts()[1]
    gaps = np.asarray([[0, 0, 1, 1, 0, 1]], np.float32)
    np.testing.assert_allclose(in_runtime(tower, spread, gaps)[0], whole[1], atol=1e-5)


def test_no_text_is_a_zero_vector_and_a_long_one_does_not_fail(source: SentenceEncoder) -> None:
    tower = source.tower(None, small=True)
    ids, mask = pad([[5, 6], [7]])
    mask[1] = 0
    got = in_runtime(tower, ids, mask)
    assert not got[1].any() and np.linalg.norm(got[0]) == pytest.approx(1, abs=1e-5)
    assert not in_runtime(tower, ids, 0 * mask).any() and in_runtime(tower, ids, 0 * mask).shape == got.shape
    assert np.isfinite(in_runtime(tower, *pad([[5] * (PLACES + 10)]))).all()


def test_texts_are_cut_where_the_encoder_cuts_them(source: SentenceEncoder, folder: Path) -> None:
    # 20 of sentence_bert_config.json, including the two special tokens.
    assert source.max_tokens == 18 and source.tower(5, small=True).max_tokens == 5
    assert source.tower(500, small=True).max_tokens == 18
    (folder / "sentence_bert_config.json").unlink()
    assert SentenceEncoder.read(folder).max_tokens == PLACES - 2


def change(name: str, **settings: Any) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        (folder / name).write_text(json.dumps({**json.loads((folder / name).read_text()), **settings}))

    return edit


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def with_tensors(edit: Callable[[dict[str, np.ndarray]], object]) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        values = tensors()
        edit(values)
        save_file(values, folder / "model.safetensors")

    return write


def with_dense(folder: Path) -> None:
    modules = json.loads((folder / "modules.json").read_text())
    modules.append({"idx": 3, "name": "3", "path": "3_Dense", "type": "sentence_transformers.models.Dense"})
    (folder / "modules.json").write_text(json.dumps(modules))


def with_old_weights(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


@pytest.mark.parametrize(("edit", "words"), [
    (without("config.json"), ["config.json", "none"]),
    (without("tokenizer.json"), ["tokenizer.json", "none"]),
    (without("model.safetensors"), ["model.safetensors", "none"]),
    (with_old_weights, ["model.safetensors", "pytorch_model.bin", "save it again"]),
    (change("config.json", model_type="mpnet"), ["model_type `bert`", "`mpnet`"]),
    (change("config.json", hidden_act="relu"), ["hidden_act `gelu`", "`relu`"]),
    (change("config.json", position_embedding_type="relative_key"), ["absolute", "relative_key"]),
    (change("config.json", num_attention_heads=5), ["whole heads"]),
    (change("config.json", num_attention_heads=None), ["num_attention_heads", "None"]),
    (change("config.json", num_hidden_layers=1), ["1 layers of width 32", "2 of 32"]),
    (change("config.json", num_hidden_layers=3), ["encoder.layer.2.attention.self.query.weight"]),
    (change("1_Pooling/config.json", pooling_mode_max_tokens=True), ["pooling_mode_mean_tokens", "pooling_mode_max_tokens"]),
    (change("tokenizer.json", post_processor={"type": "ByteLevel"}), ["special token"]),
    (with_dense, ["Transformer, Pooling", "Dense"]),
    (with_tensors(lambda values: values.pop("encoder.layer.1.output.dense.bias")), ["encoder.layer.1.output.dense.bias"]),
    (lambda folder: (folder / "model.safetensors").write_bytes(b"\xff" * 64), ["model.safetensors in the safetensors format", "header too large"]),
])  # fmt: skip
def test_a_folder_that_cannot_be_exported_is_refused_in_one_line(
    folder: Path, edit: Callable[[Path], None], words: list[str]
) -> None:
    edit(folder)
    with pytest.raises(EncoderRefusedError) as caught:
        SentenceEncoder.read(folder)
    message = str(caught.value)
    assert message.startswith(f"{folder}: expected ") and "\n" not in message
    assert all(word in message for word in words), message


def test_specials_are_read_from_the_tokenizer() -> None:
    ids = vocabulary()
    assert texts.specials_of(tokenizer()) == (ids["[CLS]"], ids["[SEP]"])
    bert = {**tokenizer(), "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 9], "cls": ["[CLS]", 8]}}
    assert texts.specials_of(bert) == (8, 9)
    assert texts.specials_of({**tokenizer(), "post_processor": None}) == (ids["[CLS]"], ids["[SEP]"])
    unigram = {"model": {"type": "Unigram", "vocab": [["<s>", 0.0], ["</s>", 0.0]]}, "post_processor": None}
    assert texts.specials_of(unigram) is None and texts.vocabulary_of(unigram) == {"<s>": 0, "</s>": 1}


def test_unknown_words_are_dropped_as_in_the_engine() -> None:
    ids = vocabulary()
    reader = TokenReader(json.dumps(tokenizer()).encode())
    assert reader.known("Red zqx SHOES!", 3) == [ids["red"], ids["shoes"]]
    assert reader.known("lamp " * 9, 3) == [ids["lamp"]] * 3
    assert reader.ids("Red zqx SHOES!", 3) == [ids["red"], ids["[UNK]"], ids["shoes"]]


def test_special_tokens_in_a_text_are_ordinary_words() -> None:
    ids = vocabulary()
    reader = TokenReader(json.dumps(tokenizer()).encode())
    assert reader.known("red [SEP] lamp [MASK]", 9) == [ids["red"], ids["lamp"]]


def test_tensors_in_half_precision_are_widened(tmp_path: Path) -> None:
    values = {name: torch.tensor([1.0, -2.5, 3.25]).to(kind) for name, kind in
              (("whole", torch.float32), ("half", torch.float16), ("brain", torch.bfloat16))}  # fmt: skip
    save_torch_file(values, tmp_path / "model.safetensors")
    found = read_tensors(tmp_path / "model.safetensors")
    assert set(found) == set(values) and all(value.dtype == np.float32 for value in found.values())
    assert all(value.tolist() == [1.0, -2.5, 3.25] for value in found.values())


def exported(folder: Path, out: Path, *options: str) -> Path:
    """The folder through the command, with a catalogue of a few titles."""
    catalogue = out.parent / "items.jsonl"
    catalogue.write_text("\n".join(json.dumps({"id": str(n), "title": title}) for n, title in enumerate(TITLES)))
    command = [sys.executable, "-m", "onelist_train.model_zero", "--tower", "transformer", "--encoder", str(folder), "--texts",
               str(catalogue), "--width", "8", "--out", str(out), *options]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return out


def test_a_store_lives_in_the_space_of_an_encoder(folder: Path, tmp_path: Path, path: Path) -> None:
    model = exported(folder, tmp_path / "model")
    manifest = json.loads((model / "manifest.json").read_text())
    assert manifest["text_tower"]["kind"] == "transformer" and manifest["licence"] == "mit" and manifest["name"] == "encoder"
    assert manifest["tokenizer"]["max_tokens"] == 18
    assert manifest["tokenizer"]["run_tokens"] == 512
    with onelist.open(path, model=model) as db:
        db.put([{"id": str(n), "title": title} for n, title in enumerate(TITLES)])
        assert db.stats()["model"]["space_id"] == manifest["space_id"]
        first = db.rank("red running shoes", explain=True)
        assert first.ids[0] == "0" and first[0].contributions["cos_query"] > 0
        assert len(db.rank("blue", filter={"title": {"match": "lamp"}}).ids) == 2
    with onelist.open(path, model=model) as db:
        again = db.rank("red running shoes", explain=True)
        db.log(user="ada", item="5", action="like")
        assert db.rank(user="ada").ids[0] == "5"
        assert again.ids == first.ids and again[0].contributions["cos_query"] == first[0].contributions["cos_query"]
    with pytest.raises(onelist.errors.Error, match="space"):
        onelist.open(path)


def test_the_engine_reads_a_text_as_the_graph_does(folder: Path, tmp_path: Path, path: Path) -> None:
    """The cosine of a query with a title, by the engine, is that of PyTorch's vectors in the fitted space."""
    model = exported(folder, tmp_path / "model", "--full")
    constants = Constants.read(model / "base.onnx", Scorer.read(WEIGHTS))
    reader = TokenReader((model / "tokenizer.json").read_bytes())
    content = by_torch([reader.known("trail shoes", 18), reader.known("leather bag", 18)])
    item = (content - constants.mean) @ constants.projection
    item /= np.linalg.norm(item, axis=1, keepdims=True)
    weight = json.loads(WEIGHTS.read_text())["weights"]["query"]["cos_query"]
    with onelist.open(path, model=model) as db:
        db.put([{"id": "bag", "title": "leather bag"}])
        found = db.rank("trail shoes", explain=True)[0].contributions["cos_query"]
    assert found == pytest.approx(weight * float(item[0] @ item[1]), abs=2e-3)


def test_a_file_with_an_encoder_is_read_back(folder: Path, tmp_path: Path) -> None:
    model = exported(folder, tmp_path / "model")
    constants = Constants.read(model / "base.onnx", Scorer.read(WEIGHTS))
    ids, mask = pad(some_texts())
    got = onnx_session(model).run(["text_emb"], {"text_ids": ids, "text_mask": mask})[0]
    np.testing.assert_allclose(constants.tower.embed(ids, mask, constants.tower.weights), got, atol=1e-5)
    command = [sys.executable, "-m", "onelist_train.model_zero", "--base", str(model), "--out", str(tmp_path / "again")]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    for name in ("base.onnx", "manifest.json", "tokenizer.json"):
        assert (tmp_path / "again" / name).read_bytes() == (model / name).read_bytes(), name


def onnx_session(model: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(model / "base.onnx"), options, providers=["CPUExecutionProvider"])


def test_the_command_reports_in_one_line_what_a_folder_lacks(folder: Path, tmp_path: Path) -> None:
    change("config.json", model_type="roberta")(folder)
    command = [sys.executable, "-m", "onelist_train.model_zero", "--tower", "transformer", "--encoder", str(folder), "--texts",
               str(folder / "config.json"), "--out", str(tmp_path / "model")]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1 and not (tmp_path / "model").exists()
    assert done.stderr.strip() == f"error: {folder}: expected model_type `bert` in config.json, found `roberta`"


def test_an_encoder_of_other_heads_gives_other_vectors(source: SentenceEncoder) -> None:
    ids = np.asarray([[2, 7, 9, 3]])
    whole, mask = Encoder(source.encoder.tensors, HEADS, 1e-6), np.ones((1, 4), np.float32)
    assert np.abs(whole.encode(ids, mask) - Encoder(source.encoder.tensors, 2, 1e-6).encode(ids, mask)).max() > 1e-3
