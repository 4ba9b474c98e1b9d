"""The life cycle of a model, and adapters, from Python."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

import onelist
from onelist import errors, types

onnx = pytest.importorskip("onnx", reason="pip install onnx")
SHIPPED = Path(__file__).parents[3] / "engine/model"
RANK = 8


def copied(folder: Path, version: str) -> Path:
    """The shipped model under another version."""
    shutil.copytree(SHIPPED, folder, ignore=shutil.ignore_patterns("fixtures"))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["version"] = version
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def adaptable(folder: Path) -> Path:
    """The shipped model with a low-rank part in its scores: zero, unless an adapter says otherwise."""
    copied(folder, "adaptable")
    model = onnx.load(folder / "base.onnx")
    manifest = json.loads((folder / "manifest.json").read_text())
    width = manifest["dims"]["item"]
    graph, helper = model.graph, onnx.helper
    for node in graph.node:
        if node.output[0] == "scores":
            node.output[0] = "plain_scores"
    for name, shape in (("lora_down", [width, RANK]), ("lora_up", [RANK, 1])):
        graph.input.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape))
        graph.initializer.append(onnx.numpy_helper.from_array(np.zeros(shape, np.float32), name))
    graph.initializer.append(onnx.numpy_helper.from_array(np.asarray([2], np.int64), "lora_axis"))
    graph.node.extend(
        [
            helper.make_node("MatMul", ["cand_vec", "lora_down"], ["lora_low"]),
            helper.make_node("MatMul", ["lora_low", "lora_up"], ["lora_part"]),
            helper.make_node("Squeeze", ["lora_part", "lora_axis"], ["lora_scores"]),
            helper.make_node("Add", ["plain_scores", "lora_scores"], ["scores"]),
        ]
    )
    onnx.save(model, folder / "base.onnx")
    params = [{"name": "lora_down", "shape": [width, RANK]}, {"name": "lora_up", "shape": [RANK, 1]}]
    manifest |= {"sha256": sha256(folder / "base.onnx"), "lora": {"rank": RANK, "params": params}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def adapter(folder: Path, base: str, seed: int) -> Path:
    """An adapter as ONNX Runtime writes it, with the description beside it."""
    rng = np.random.default_rng(seed)
    shapes = {"lora_down": (192, RANK), "lora_up": (RANK, 1)}
    values = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    file = onnxruntime.AdapterFormat()
    file.set_adapter_version(1)
    file.set_model_version(1)
    file.set_parameters({n: onnxruntime.OrtValue.ortvalue_from_numpy(v) for n, v in values.items()})
    folder.mkdir()
    file.export_adapter(str(folder / "adapter.onnx_adapter"))
    description = {"format": 1, "model": {"sha256": base}, "sha256": sha256(folder / "adapter.onnx_adapter")}
    (folder / "adapter.json").write_text(json.dumps(description))
    return folder


def test_a_model_is_tried_promoted_and_rolled_back(shop: onelist.Engine, path: Path, tmp_path: Path) -> None:
    before = shop.models()
    assert set(before) == set(types.Models.__annotations__)
    assert (before["live"], before["before"], len(before["versions"])) == (0, None, 1)
    loaded = shop.load_model(copied(tmp_path / "two", "two"))
    assert set(loaded) == set(types.ModelVersion.__annotations__)
    assert (loaded["version"], loaded["name"], loaded["live"]) == (1, "onelist-zero two", False)
    shadow = shop.shadow_model(1, [{"query": "shoes", "filter": {"price": {"<": 500}}}, {"user": "runner"}])
    assert set(shadow) == set(types.Shadow.__annotations__)
    assert (shadow["requests"], shadow["common_top_10"], shadow["failed"]) == (2, 1.0, 0)
    shop.rank("shoes")
    assert shop.shadow_model(1, sample=5)["requests"] == 1
    with pytest.raises(errors.InvalidArgumentError, match="promote_model"):
        shop.roll_back_model()
    shop.promote_model(1)
    assert shop.stats()["model"]["name"] == "onelist-zero two"
    shop.close()
    with onelist.open(path) as again:
        assert again.models()["live"] == 1
        with pytest.raises(errors.InvalidArgumentError, match="neither active"):
            again.unload_model(1)
        assert again.roll_back_model() == 0
        again.promote_model(1)
        again.promote_model(0)
        assert not again.unload_model(9)


def test_what_does_not_fit_is_refused(shop: onelist.Engine, tmp_path: Path) -> None:
    folder = copied(tmp_path / "spoiled", "spoiled")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["features"][2:4] = reversed(manifest["features"][2:4])
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(errors.ModelRefusedError, match="features in the order"):
        shop.load_model(folder)
    with pytest.raises(errors.InvalidArgumentError, match="0 or one of the loaded versions"):
        shop.promote_model(1)
    with pytest.raises(errors.InvalidTypeError, match="version"):
        shop.promote_model("1")  # type: ignore[arg-type]


def test_adapters_of_onnx_runtime(shop: onelist.Engine, path: Path, tmp_path: Path) -> None:
    loaded = shop.load_model(adaptable(tmp_path / "adaptable"))
    base = loaded["sha256"]
    shoes = adapter(tmp_path / "shoes", base, 1)
    with pytest.raises(errors.ModelRefusedError, match="an adapter for the active model"):
        shop.load_adapter("shoes", shoes)
    shop.promote_model(loaded["version"])
    plain = shop.rank("shoes", user="runner")
    version = shop.load_adapter("shoes", shoes)
    assert set(version) == set(types.AdapterVersion.__annotations__) and version["usable"]
    adapted = shop.rank("shoes", user="runner", adapter="shoes")
    scores = {hit.id: hit.score for hit in adapted}
    assert any(abs(scores[hit.id] - hit.score) > 1e-3 for hit in plain)
    again = shop.rank_many([{"query": "shoes", "user": "runner"}, {"query": "shoes", "user": "runner", "adapter": "shoes"}])
    assert [ranking.ids for ranking in again] == [plain.ids, adapted.ids]
    with pytest.raises(errors.UnknownAdapterError, match="are shoes"):
        shop.rank(adapter="boots")
    shop.close()
    with onelist.open(path) as later:
        assert later.rank("shoes", user="runner", adapter="shoes").ids == adapted.ids
        assert later.unload_adapter("shoes") and not later.unload_adapter("shoes")
        assert later.models()["adapters"] == []
