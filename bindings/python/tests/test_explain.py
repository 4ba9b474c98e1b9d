"""What an explanation says, from Python."""

from shop import NOW

import onelist


def test_history_and_words_are_explained(shop: onelist.Engine) -> None:
    hits = shop.rank("red leather bag", user="runner", explain=True, now=NOW)
    bag = next(hit for hit in hits if hit.id == "bag-red")
    assert list(bag.terms) == ["red", "leather"] or list(bag.terms) == ["red", "leather", "bag"]
    assert abs(sum(bag.terms.values()) - bag.contributions["bm25"]) < 1e-5
    blue = next(hit for hit in hits if hit.id == "shoe-blue")
    assert set(blue.history) <= {"shoe-red", "boot"} and blue.history
    first = next(iter(blue.history))
    assert abs(blue.history[first]) == max(abs(amount) for amount in blue.history.values())
    assert blue.why is not None and "because you clicked" in blue.why
    others = [event for event in ("shoe-red", "boot") if event != first]
    assert others and all(hit.history == {} and hit.terms == {} for hit in shop.rank("red", user="runner", now=NOW))
