"""Measuring: the report, and counterfactual estimates against the published formulas in NumPy."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shop import SHOP

import onelist
from onelist.errors import ModelRefusedError

DAY = 86_400.0
SHIPPED = Path(__file__).parents[3] / "engine/model"


@pytest.fixture
def history(db: onelist.Engine) -> onelist.Engine:
    """A shop where people who take shoes take shoes again."""
    db.put(SHOP)
    groups = [["shoe-red", "shoe-blue", "boot"], ["bag-red", "bag-blue", "lamp"]]
    events: list[dict[str, Any]] = []
    for user in range(30):
        group = groups[user % 2]
        for step in range(3):
            item = group[(step + user // 2) % 3]
            time = 1_770_000_000 + user * 60 + step * DAY
            events.append({"user": f"u{user}", "item": item, "action": "buy", "time": time})
    db.log(events)
    return db


def test_a_report_in_three_forms(history: onelist.Engine, tmp_path: Path) -> None:
    before = history.stats()
    report = history.evaluate(fraction=0.6, leave_out=True, resamples=100)
    assert report.data["tasks"][0]["questions"] > 10
    names = {system["name"] for system in report.data["tasks"][0]["systems"]}
    assert {"rank", "random", "item-kNN", "EASE", "co-visits", "content, recent mean", "popular, last 7 days"} <= names
    assert not any(name == "without feature vector" for name in names), "what makes no difference has no row"
    assert report.score("co-visits") > report.score("random")
    assert report.data["point_in_time"]["leaks"] == []
    assert str(report) == report.text and "NDCG@10" in report.text
    assert "<iframe" in report._repr_html_() and "rank" in repr(report)
    for name, form in {"a.html": report.html, "a.json": report.json, "a.txt": report.text}.items():
        report.save(tmp_path / name)
        assert (tmp_path / name).read_text(encoding="utf-8") == form
    after = history.stats()
    assert (before["seq"], before["events"]) == (after["seq"], after["events"]), "the store is only read"


def test_the_same_seed_is_the_same_report(history: onelist.Engine) -> None:
    def figures() -> Any:
        tasks = history.evaluate("leave_last_out", resamples=100).data["tasks"]
        return [(s["name"], s["measures"], s["beyond"], s["ranks"]) for t in tasks for s in t["systems"]]

    assert figures() == figures()


def test_searches_alone_and_with_a_history(history: onelist.Engine) -> None:
    queries: list[onelist.types.JudgedQuery] = [
        {"query": "red shoes", "grades": {"shoe-red": 3, "shoe-blue": 1}},
        {"query": "bags", "grades": ["bag-red", "bag-blue"]},
        {"query": "leather", "grades": ["boot"], "user": "u0", "time": 1_770_000_000 + 1.5 * DAY},
    ]
    report = history.evaluate(queries=queries, next_item=False, resamples=100)
    first, second = report.data["tasks"]
    assert (first["name"], first["questions"]) == ("query", 2)
    assert (second["name"], second["questions"]) == ("query and history", 1)
    assert {"BM25 alone", "vector alone", "RRF of BM25 and vector"} <= {s["name"] for s in first["systems"]}
    assert {"rank, query alone", "rank, history alone"} <= {s["name"] for s in second["systems"]}
    assert report.score("rank", "mrr") == 1.0


@pytest.mark.parametrize("protocol", ["item_cold", "user_cold"])
def test_cold_protocols(history: onelist.Engine, protocol: Any) -> None:
    report = history.evaluate(protocol, fraction=0.2, resamples=100, targets="every")
    assert report.data["tasks"][0]["questions"] > 0
    assert report.data["point_in_time"]["leaks"] == []


def test_variants_and_model_zero(history: onelist.Engine) -> None:
    nothing = [[0.0] * 26] * 4
    variants = {"no weights": nothing, "the same": SHIPPED}
    report = history.evaluate(variants=variants, resamples=100, check_targets=0)
    found = {s["name"] for s in report.data["tasks"][0]["systems"] if s["kind"] == "variant"}
    assert found == {"no weights", "the same"}
    assert report.score("the same", "ndcg") == report.score("rank", "ndcg")
    with pytest.raises(ModelRefusedError, match="nowhere"):
        history.evaluate(variants={"none": SHIPPED / "nowhere"}, resamples=100, check_targets=0)


def test_a_system_from_elsewhere_in_the_same_report(history: onelist.Engine, tmp_path: Path) -> None:
    asked = history.questions(fraction=0.6)
    assert asked["split"] is not None and asked["questions"][0]["history"][0]["action"] == "buy"
    items = [item["id"] for item in history.items()]
    answers = {question["id"]: items for question in asked["questions"]}
    listed: onelist.types.External = {"name": "in order", "targets_hash": asked["targets_hash"], "answers": answers}
    nothing = {str(question): dict.fromkeys(items, 0.5) for question in answers}
    (tmp_path / "level.json").write_text(json.dumps({**listed, "name": "all level", "answers": nothing}))
    report = history.evaluate(fraction=0.6, external=[listed, tmp_path / "level.json"], resamples=100)
    systems = {system["name"]: system for system in report.data["tasks"][0]["systems"]}
    assert report.data["targets_hash"] == asked["targets_hash"]
    assert systems["in order"]["kind"] == systems["all level"]["kind"] == "external"
    # One score for all is what chance gets: eight items, of which the user had one or two.
    assert 0.3 < report.score("all level", "ndcg") < 0.7
    assert "p50 ms" in report.text and "from elsewhere" in report.html

    with pytest.raises(onelist.InputError, match=r"targets .* of this plan"):
        history.evaluate(fraction=0.5, external=[{**listed, "targets_hash": "f" * 16}])
    with pytest.raises(onelist.InputError, match="`gone`"):
        history.evaluate(fraction=0.6, external=[{**listed, "answers": {**answers, 0: ["gone"]}}])
    with pytest.raises(onelist.InputError, match=r"external\[0\].answers"):
        history.evaluate(fraction=0.6, external=[{**listed, "answers": {"first": items}}])
    (tmp_path / "level.json").write_text("{")
    with pytest.raises(onelist.InputError, match="level.json"):
        history.evaluate(fraction=0.6, external=[tmp_path / "level.json"])


def test_wrong_plans_are_input_errors(db: onelist.Engine) -> None:
    with pytest.raises(onelist.InputError, match="at least one target"):
        db.evaluate()
    for wrong in [{"protocol": "tomorrow"}, {"fraction": 1.5}, {"ks": []}, {"ks": [0]}, {"resamples": 1}, {"targets": "all"}]:
        with pytest.raises(onelist.InputError):
            db.evaluate(**wrong)  # type: ignore[arg-type]
    with pytest.raises(onelist.InputError, match="max_targets|targets"):
        db.evaluate(max_targets=10**9)
    with pytest.raises(onelist.InputError):
        db.evaluate(queries=[{"query": "x", "grades": {"a": 99.0}}])


def test_nothing_is_left_behind(history: onelist.Engine, path: Path) -> None:
    history.evaluate(resamples=100)
    assert not list((path / "scratch").iterdir())
    (path / "scratch" / "0123456789abcdef").mkdir()
    (path / "scratch" / "mine").mkdir()
    history.close()
    with onelist.open(path):
        assert [left.name for left in (path / "scratch").iterdir()] == ["mine"], "a copy goes, what is no copy stays"
    (path / "scratch" / "mine").rmdir()
    with onelist.open(path):
        assert not (path / "scratch").exists()


def reference(reward: Any, logged: Any, target: Any, q_logged: Any, q_target: Any) -> dict[str, float]:
    """IPS (Horvitz and Thompson 1952), SNIPS (Swaminathan and Joachims 2015) and DR (Dudík et al. 2011)."""
    w = target / logged
    return {
        "ips": np.mean(w * reward),
        "snips": np.sum(w * reward) / np.sum(w),
        "dr": np.mean(q_target + w * (reward - q_logged)),
    }


def synthetic(n: int, seed: int) -> tuple[dict[str, Any], float]:
    """Decisions of a softmax logger over five actions in contexts, and the true value of a greedier policy."""
    rng = np.random.default_rng(seed)
    context = rng.normal(size=(n, 3))
    theta = rng.normal(size=(3, 5))
    q = 1 / (1 + np.exp(-(context @ theta)))

    def softmax(scores: Any) -> Any:
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    old, new = softmax(0.5 * (context @ theta)), softmax(1.5 * (context @ theta))
    action = (old.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    row = np.arange(n)
    model = np.clip(q + rng.normal(scale=0.1, size=q.shape), 0, 1)
    columns = {
        "reward": (rng.random(n) < q[row, action]).astype(float),
        "logged": old[row, action],
        "target": new[row, action],
        "q_logged": model[row, action],
        "q_target": (new * model).sum(axis=1),
    }
    return columns, float((new * q).sum(axis=1).mean())


@pytest.mark.parametrize("seed", range(5))
def test_estimates_are_those_of_the_published_formulas(seed: int) -> None:
    columns, truth = synthetic(5_000, seed)
    found = onelist.counterfactual(**columns, clip=2.0, resamples=500)
    values = {estimate["estimator"]: estimate for estimate in found["estimates"]}
    for name, expected in reference(**columns).items():
        assert values[name]["value"]["mean"] == pytest.approx(expected, abs=1e-6)
        assert values[name]["value"]["low"] - 0.02 < truth < values[name]["value"]["high"] + 0.02
    w = columns["target"] / columns["logged"]
    assert found["effective"] == pytest.approx(w.sum() ** 2 / (w**2).sum(), abs=1e-6)
    assert found["mean_weight"] == pytest.approx(w.mean(), abs=1e-6)
    assert found["largest_fraction"] == pytest.approx(w.max() / w.sum(), abs=1e-6)
    cut = {**columns, "target": np.minimum(w, 2.0) * columns["logged"]}
    for name, expected in reference(**cut).items():
        assert values[f"{name}_clipped"]["value"]["mean"] == pytest.approx(expected, abs=1e-6)
        bias = expected - reference(**columns)[name]
        assert values[f"{name}_clipped"]["clipping_bias"] == pytest.approx(bias, abs=1e-6)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    held = []
    for seed in range(100, 160):
        columns, truth = synthetic(1_000, seed)
        dr = onelist.counterfactual(**columns, resamples=300)["estimates"][2]["value"]
        held.append(dr["low"] <= truth <= dr["high"])
    assert np.mean(held) > 0.8


def test_what_cannot_be_estimated_is_refused() -> None:
    columns, _ = synthetic(500, 1)
    with pytest.raises(onelist.InputError, match="propensities"):
        onelist.counterfactual(**{**columns, "logged": np.zeros(500)})
    with pytest.raises(onelist.InputError, match="logged"):
        onelist.counterfactual(**{**columns, "logged": [0.5, None, *[0.5] * 498]})
    with pytest.raises(onelist.InputError, match="hardly overlap"):
        onelist.counterfactual(**columns, min_effective=499.0)
    with pytest.raises(onelist.InputError, match="one dimension"):
        onelist.counterfactual(**{**columns, "reward": np.zeros((500, 1))})
    with pytest.raises(onelist.InputError, match="reward"):
        onelist.counterfactual(reward=[], logged=[], target=[])
    assert json.dumps(onelist.counterfactual(**columns))
