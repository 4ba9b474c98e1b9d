"""The one verb: the four cells of the grid, and every keyword."""

import datetime as dt
from typing import Any

import numpy as np
import pytest
from shop import IDS, NOW, PARIS, SHOP

import onelist
from onelist import errors
from onelist.types import Request


def test_the_four_cells_answer(shop: onelist.Engine) -> None:
    search = shop.rank("red shoes", now=NOW)
    personal = shop.rank("leather", user="runner", now=NOW)
    recommended = shop.rank(user="runner", exclude_seen=True, now=NOW)
    first_visit = shop.rank(now=NOW)
    assert search.ids[0] == "shoe-red"
    assert set(personal.ids[:2]) == {"boot", "bag-red"}
    assert recommended.ids[0] == "shoe-blue"
    assert set(first_visit.ids) == set(IDS)
    assert "lexical" in search[0].sources and "lexical" not in recommended[0].sources
    for ranking in (search, personal, recommended, first_visit):
        scores = [hit.score for hit in ranking]
        assert scores == sorted(scores, reverse=True) and np.isfinite(scores).all()
        assert len(set(ranking.ids)) == len(ranking) <= ranking.candidates


def test_an_unknown_user_and_an_empty_store_are_normal(db: onelist.Engine, shop: onelist.Engine) -> None:
    assert shop.rank(user="nobody", now=NOW).ids == shop.rank(now=NOW).ids
    assert shop.rank(history=["gone", "never-was"], now=NOW).ids
    db.delete(IDS)
    assert len(db.rank("red shoes")) == len(db.rank()) == len(db.rank(user="runner")) == 0


QUERIES = ["", " ", "the of and", "((((*:^~!", "\0", "x" * 1_000_000, "😀 " * 800, "AND OR NOT"]


@pytest.mark.parametrize("query", QUERIES)
def test_any_query_is_a_normal_input(shop: onelist.Engine, query: str) -> None:
    ranking = shop.rank(query, now=NOW)
    assert len(ranking) > 0
    assert any("first 4096 bytes" in reason for reason in ranking.warnings) == (len(query.encode()) > 4096)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"tags": "red"}, {"shoe-red", "bag-red"}),
        ({"price": {"<": 59}}, {"bag-blue", "lamp"}),
        ({"price": {"<=": 59}}, {"bag-blue", "lamp", "shoe-red"}),
        ({"price": {">": 59, "<": 100}}, {"shoe-blue", "bag-red"}),
        ({"price": np.float64(120)}, {"boot"}),
        ({"price": {"!=": 120}}, set(IDS) - {"boot"}),
        ({"sold_out": False, "tags": "shoes"}, {"shoe-red", "boot"}),
        ({"tags": {"in": ["home", "brown"]}}, {"lamp", "boot"}),
        ({"tags": {"in": {"home", "brown"}}}, {"lamp", "boot"}),
        ({"tags": {"in": []}}, set()),
        ({"title": {"match": "shoe running"}}, {"shoe-red", "shoe-blue"}),
        ({"title": "Brass desk lamp"}, {"lamp"}),
        ({"store": {"exists": True}}, set(IDS) - {"bag-blue", "lamp"}),
        ({"store": {"near": {**PARIS, "meters": 1000}}}, {"shoe-red", "shoe-blue"}),
        ({"released": {">=": dt.datetime(2026, 1, 5)}}, {"bag-blue", "lamp"}),
        ({"released": {"<": dt.date(2026, 1, 2)}}, {"shoe-red"}),
        ({"or": [{"tags": "home"}, {"and": [{"tags": "bags"}, {"price": {"<": 50}}]}]}, {"lamp", "bag-blue"}),
        ({"not": {"tags": "shoes"}}, {"bag-red", "bag-blue", "lamp"}),
        ({}, set(IDS)),
        ('{"tags": "home"}', {"lamp"}),
    ],
)
def test_filters_mean_what_they_say(shop: onelist.Engine, condition: Any, expected: set[str]) -> None:
    assert set(shop.rank(among=IDS, filter=condition).ids) == expected
    assert set(shop.rank("red leather shoes", filter=condition, limit=100).ids) <= expected
    assert set(shop.rank(filter=condition, limit=100).ids) == expected


def test_among_ranks_these_and_no_others(shop: onelist.Engine) -> None:
    assert set(shop.rank("red shoes", among=["lamp", "boot", "nothing"]).ids) == {"lamp", "boot"}
    assert shop.rank(among=[]).ids == []
    assert shop.rerank(["bag-red", "shoe-red"], "running shoes").ids[0] == "shoe-red"


def test_like_finds_neighbours_and_leaves_the_seeds_out(shop: onelist.Engine) -> None:
    ranking = shop.rank(like=["shoe-red"], limit=100)
    assert "shoe-red" not in ranking.ids and ranking.ids[0] == "shoe-blue"
    assert "similar" in ranking[0].sources
    assert shop.similar("shoe-red", limit=100).ids == ranking.ids


def test_exclude_and_exclude_seen(shop: onelist.Engine) -> None:
    assert set(shop.rank(exclude=["lamp", "boot"], limit=100).ids) == set(IDS) - {"lamp", "boot"}
    seen = {"shoe-red", "boot"}
    assert set(shop.rank(user="runner", exclude_seen=True, limit=100).ids) == set(IDS) - seen
    assert seen <= set(shop.rank("shoes", user="runner", limit=100).ids)
    seen_now = np.bool_(True)
    assert "lamp" not in shop.rank(history=["lamp"], exclude_seen=seen_now, limit=100).ids  # type: ignore[arg-type]


def test_a_stateless_history_recommends_and_is_not_stored(shop: onelist.Engine) -> None:
    before = shop.stats()
    liked = {"item": "bag-blue", "action": "like", "value": 1.0, "time": dt.datetime(2026, 1, 30)}
    history: list[Any] = ["bag-red", liked]
    ranking = shop.rank(history=history, exclude_seen=True, now=NOW)
    assert not {"bag-red", "bag-blue"} & set(ranking.ids) and len(ranking) == 4
    assert shop.stats()["events"] == before["events"] and shop.stats()["users"] == before["users"]


def test_vectors_of_the_callers_own_find_their_neighbours(shop: onelist.Engine) -> None:
    for given in (SHOP[5]["image"], SHOP[5]["image"].astype("float64"), SHOP[5]["image"].tolist()):
        hits = {hit.id: hit for hit in shop.rank(vectors={"image": given}, limit=100)}
        rank, score = hits["lamp"].sources["vector"]
        assert rank == 1 and score == pytest.approx(1.0, abs=0.01)


def test_limit_and_offset_cut_one_list(shop: onelist.Engine) -> None:
    whole = shop.rank("leather shoes", limit=100, now=NOW).ids
    assert shop.rank("leather shoes", limit=2, now=NOW).ids == whole[:2]
    assert shop.rank("leather shoes", limit=2, offset=2, now=NOW).ids == whole[2:4]
    assert shop.rank("leather shoes", limit=0, now=NOW).ids == []
    assert shop.rank("leather shoes", limit=np.int64(1), candidates=50, now=NOW).ids == whole[:1]


def test_fields_are_those_that_were_asked_for(shop: onelist.Engine) -> None:
    hit = shop.rank(among=["lamp"])[0]
    assert hit.fields["title"] == "Brass desk lamp" and hit.fields["tags"] == ["home"]
    assert hit.fields["image"].dtype == np.float32 and hit.fields["released"] == dt.datetime(
        2026, 1, 6, tzinfo=dt.timezone.utc
    )
    assert set(hit.fields) == set(SHOP[5]) - {"id"}
    assert shop.rank(among=["lamp"], fields=["price"])[0].fields == {"price": 35.0}
    assert shop.rank(among=["lamp"], fields=[])[0].fields == {}


def test_explanations_add_up_to_the_score(shop: onelist.Engine) -> None:
    plain = shop.rank("red shoes", user="runner", now=NOW)[0]
    assert plain.why is None and plain.contributions == {}
    for hit in shop.rank("red shoes", user="runner", explain=True, now=NOW):
        assert hit.why
        assert sum(hit.contributions.values()) == pytest.approx(hit.score, abs=1e-3)
        sizes = [abs(amount) for amount in hit.contributions.values()]
        assert sizes == sorted(sizes, reverse=True)


def test_rank_many_equals_rank_one_by_one(shop: onelist.Engine) -> None:
    requests: list[Request] = [
        {"query": "red shoes", "now": NOW},
        {"query": "leather", "user": "runner", "filter": {"price": {"<": 100}}, "now": NOW},
        {"user": "runner", "exclude_seen": True, "now": NOW},
        {"like": "bag-red", "limit": 2, "now": NOW},
        {"history": ["lamp"], "offset": 1, "now": NOW},
        {"now": NOW, "explain": True, "query": None},
    ]
    together = shop.rank_many(requests)
    assert len(together) == len(requests)
    for request, ranking in zip(requests, together, strict=True):
        alone = shop.rank(**request)
        assert ranking.ids == alone.ids
        assert [hit.score for hit in ranking] == pytest.approx([hit.score for hit in alone], abs=1e-4)
        assert [hit.why is None for hit in ranking] == [hit.why is None for hit in alone]
    assert shop.rank_many([]) == []


def test_aliases_are_the_same_call(shop: onelist.Engine) -> None:
    assert shop.search("red", limit=3, now=NOW).ids == shop.rank("red", limit=3, now=NOW).ids
    assert shop.recommend("runner", now=NOW).ids == shop.rank(user="runner", now=NOW).ids
    assert shop.recommend(user="runner", now=NOW).ids == shop.rank(user="runner", now=NOW).ids
    with pytest.raises(TypeError, match="like"):
        shop.similar("lamp", like="boot")


def test_a_ranking_reads_like_a_tuple(shop: onelist.Engine) -> None:
    ranking = shop.rank("red shoes", now=NOW)
    assert len(ranking) == len(ranking.hits) == len(list(ranking)) == len(ranking.ids)
    assert ranking[0] is ranking.hits[0] and ranking[-1] is ranking.hits[-1]
    assert ranking[:2] == ranking.hits[:2]
    assert ranking[0] in ranking
    with pytest.raises(IndexError):
        ranking[len(ranking)]
    assert ranking.rank_id and ranking.rank_id != shop.rank("red shoes", now=NOW).rank_id
    assert set(ranking.took) == {"context_us", "retrieve_us", "rank_us", "features_us", "respond_us", "total_us"}
    assert 0 < ranking.took["total_us"] < 60_000_000
    assert ranking.warnings == ()


def test_rankings_and_hits_are_frozen(shop: onelist.Engine) -> None:
    ranking: Any = shop.rank()
    for target, name in ((ranking, "rank_id"), (ranking, "hits"), (ranking[0], "score"), (ranking[0], "other")):
        with pytest.raises(AttributeError):
            setattr(target, name, 1)


def test_a_ranking_prints_as_an_aligned_table(shop: onelist.Engine) -> None:
    shop.put({"id": "<b>&\n\x1b[31m", "title": "line\nbreak " + "long " * 50})
    text = repr(shop.rank(limit=100))
    lines = text.splitlines()
    assert len(lines) == 2 + len(IDS) + 1
    assert "candidates" in lines[0] and lines[1].split() == ["#", "id", "score", "sources", "fields"]
    assert all(line.isprintable() for line in lines)
    column = lines[1].index("sources")
    assert all(line[column - 1] == " " and line[column] != " " for line in lines[2:])
    assert repr(shop.rank(among=["lamp"])[0]).startswith("Hit(id='lamp', score=")
    html = shop.rank(limit=100)._repr_html_()
    assert html.startswith("<table>") and "&lt;b&gt;&amp;" in html and "<b>" not in html


def test_a_long_ranking_prints_its_beginning(db: onelist.Engine) -> None:
    db.put({"id": f"i{n}", "n": n} for n in range(30))
    assert repr(db.rank(limit=30)).splitlines()[-1] == "… and 10 more"


def test_the_time_of_the_request_hides_what_came_later(shop: onelist.Engine) -> None:
    early = dt.datetime(2026, 1, 10)
    assert shop.rank(user="runner", exclude_seen=True, now=early, limit=100).ids
    assert {"shoe-red", "boot"} <= set(shop.rank(user="runner", exclude_seen=True, now=early, limit=100).ids)
    assert shop.rank(now=early.timestamp()).ids and shop.rank(now=early.date()).ids


def test_a_misspelt_field_in_a_filter_is_an_error(shop: onelist.Engine) -> None:
    with pytest.raises(errors.UnknownFieldError, match="prise.*price"):
        shop.rank(filter={"prise": {"<": 10}})
