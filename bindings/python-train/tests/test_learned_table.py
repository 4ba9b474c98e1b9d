"""A token table that is trained to give a sentence encoder's vectors: on a small random encoder."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onelist
import pytest
from sentence_folder import vocabulary, write_folder

from onelist_train.model_zero import bulk, lesson, passages, table
from onelist_train.model_zero.folder import SentenceEncoder
from onelist_train.model_zero.learn import Learned, Plan, TooFewTextsError, learn

IDS = vocabulary()
ABSENT = ("lamp", "desk", "chair")
WORDS = [word for word, place in IDS.items() if word[0] not in "[#" and word not in ABSENT]


def some_texts(count: int) -> list[str]:
    random = np.random.default_rng(4)
    return [" ".join(random.choice(WORDS, random.integers(2, 9))) for _ in range(count)]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> SentenceEncoder:
    return SentenceEncoder.read(write_folder(tmp_path_factory.mktemp("learned") / "encoder"))


@pytest.fixture(scope="module")
def start(source: SentenceEncoder) -> np.ndarray:
    return bulk.embed(source.tower(None, small=False), [[place] for place in IDS.values()])


def weights() -> np.ndarray:
    found = np.ones(len(IDS), np.float32)
    found[table.silent_tokens(IDS)] = 0
    return found


def taught(source: SentenceEncoder, start: np.ndarray, plan: Plan) -> Learned:
    return lesson.teach(source, start, weights(), some_texts(600), 16, plan=plan).learned


def test_training_improves_held_out_texts(source: SentenceEncoder, start: np.ndarray) -> None:
    plan = Plan(pulls=(0.01,), epochs=5, batch=32, rate=0.02)
    learned = taught(source, start, plan)
    assert learned.epochs > 0 and learned.after < 0.9 * learned.before, learned
    again = taught(source, start, plan)
    assert (again.rows == learned.rows).all() and again.after == learned.after


def test_rows_of_absent_tokens_stay(source: SentenceEncoder, start: np.ndarray) -> None:
    learned = taught(source, start, Plan(pulls=(0.01,), epochs=2, batch=32, rate=0.02))
    mean, axes = table.reduction(start, 16, table.silent_tokens(IDS))
    moved = np.abs(learned.rows - ((start - mean) @ axes)).max(1)
    assert not moved[[IDS[word] for word in (*ABSENT, "[CLS]", "##s")]].any()
    assert moved[[IDS[word] for word in WORDS]].min() > 0


def test_a_strong_pull_keeps_rows_near_their_start(source: SentenceEncoder, start: np.ndarray) -> None:
    mean, axes = table.reduction(start, 16, table.silent_tokens(IDS))

    def moved(pull: float) -> float:
        rows = taught(source, start, Plan(pulls=(pull,), epochs=3, batch=32, rate=0.02)).rows
        return float(np.abs(rows - (start - mean) @ axes).mean())

    assert moved(1000.0) < 0.5 * moved(0.01)


def test_training_that_hurts_held_out_texts_is_discarded() -> None:
    random = np.random.default_rng(5)
    rows = random.standard_normal((20, 8)).astype(np.float32)
    lists = [random.integers(0, 20, 5).tolist() for _ in range(40)]
    wanted = table.unit(np.stack([rows[ids].sum(0) for ids in lists]))
    learned = learn(rows, np.ones(20, np.float32), lists, wanted, plan=Plan(pulls=(0.1,), epochs=2))
    assert (learned.rows == rows).all() and learned.epochs == 0 and learned.after == learned.before


def test_too_few_texts_are_refused(source: SentenceEncoder, start: np.ndarray) -> None:
    with pytest.raises(TooFewTextsError, match=r"expected at least 10 .* found 1; name more files"):
        lesson.teach(source, start, weights(), ["red shoe", "red shoe", "zqx"], 16)


def test_passages_are_titles_and_sentences_evenly_spread(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    rows = [{"id": "a", "title": "Red shoes", "text": "They run. In 2 of 3 e.g. cases? Yes."}, {"id": "b", "title": "Red shoes"}]
    path.write_text("\n".join(map(json.dumps, rows)))
    whole = ["Red shoes", "They run.", "In 2 of 3 e.g. cases?", "Yes."]
    assert passages.read(path, 9) == whole and passages.read(path, 2) == [whole[0], whole[-1]]


def exported(folder: Path, out: Path, texts: list[str]) -> subprocess.CompletedProcess[str]:
    catalogue, further = out.parent / "items.jsonl", out.parent / "queries.jsonl"
    catalogue.write_text("\n".join(json.dumps({"id": str(n), "title": text}) for n, text in enumerate(texts)))
    further.write_text(json.dumps({"query": "red hiking boot"}))
    command = [sys.executable, "-m", "onelist_train.model_zero", "--encoder", str(folder), "--texts", str(catalogue), "--width", "8",
               "--learn-table", str(further), "--out", str(out)]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_an_exported_learned_table_loads_and_documents_its_training(tmp_path: Path, path: Path) -> None:
    model = tmp_path / "model"
    done = exported(write_folder(tmp_path / "encoder"), model, some_texts(80))
    assert done.returncode == 0, done.stderr
    manifest = json.loads((model / "manifest.json").read_text())
    learned = manifest["training"]["learned"]
    assert learned["passages"] > 70 and learned["miss"][1] <= learned["miss"][0] and manifest["name"] == "learned-table"
    assert [Path(data["file"]).name for data in learned["further_data"]] == ["queries.jsonl"] and not manifest["metrics"]
    with onelist.open(path, model=model) as db:
        db.put([{"id": "boots", "title": "hiking boots"}, {"id": "kettle", "title": "electric kettle"}])
        assert db.rank("hiking", explain=True)[0].id == "boots"
        assert db.stats()["model"]["space_id"] == manifest["space_id"]
    # A store that began in the shipped model's space, of another width, moves into this one, at run time or while it opens.
    with onelist.open(tmp_path / "moved") as db:
        shipped = db.stats()["model"]["space_id"]
        db.put([{"id": "boots", "title": "hiking boots"}, {"id": "kettle", "title": "electric kettle"}])
        db.promote_model(db.load_model(model)["version"])
        assert db.stats()["space"]["id"] == manifest["space_id"] and db.rank("hiking")[0].id == "boots"
        assert db.roll_back_model() == 0 and db.stats()["space"]["id"] == shipped
    with pytest.raises(onelist.errors.ModelRefusedError, match="re_embed"):
        onelist.open(tmp_path / "moved", model=model)
    with onelist.open(tmp_path / "moved", model=model, re_embed=True) as db:
        assert db.stats()["space"]["id"] == manifest["space_id"] and db.rank("hiking")[0].id == "boots"


def test_the_command_reports_in_one_line_that_there_are_too_few_texts(tmp_path: Path) -> None:
    done = exported(write_folder(tmp_path / "encoder"), tmp_path / "model", ["red shoe"])
    assert done.returncode == 1 and not (tmp_path / "model").exists()
    assert done.stderr.strip().splitlines()[-1].startswith("error: expected at least 10 different texts"), done.stderr
