"""Names, order and sizes that the graph, the reference and the manifest share.

The engine reads features and rows by position: a new format version may append an entry to a list, but never reorder one.
"""

FEATURES = (
    "bm25",  # BM25 divided by the query's upper bound, the sum of idf * (k1 + 1)
    "popular_1d",  # log1p(decayed count) / log1p(largest count in the catalogue), half-life 1 day
    "popular_7d",  # the same, half-life 7 days
    "popular_90d",  # the same, half-life 90 days
    "popular_ever",  # the same, without decay
    "trend",  # rate over 7 days against rate over 90 days, squashed to [0,1]; 0.5 is neutral
    "fresh",  # exp(-age in days / 30)
    "next",  # co-visits: items that follow the user's last events, square root over the best, 0 to 1
    "together",  # co-occurrence with the user's history, square root over the best, 0 to 1
    "basket",  # baskets shared with the user's last events, square root over the best, 0 to 1
    "chosen",  # smoothed click-through rate relative to that of the store, -1 to 1
    "seen",  # 1: the user has interacted with the item
    "had",  # number of interactions: log1p(events) / log(21), at most 1
    "had_lately",  # 1 / (1 + days since the last interaction / 30), 0 without one
    "shown",  # impressions to this user since their last event on the item: 1 - 0.8 ^ impressions
    "disliked",  # strength of the user's latest event on the item if it was negative, 0 to 1
    "vector",  # cosine with user-supplied vectors
    "content_missing",  # 1: the item has no content vector
    "vector_missing",  # 1: the item has no user-supplied vector
    "before",  # co-visits in reverse: items that precede the user's last events, 0 to 1 like `next`
    "popular_segment",  # popularity in the segments of the request and its user, half-life 90 days, 0 to 1
)
GRAPH_FEATURES = (
    "cos_query",  # query vector . candidate
    "cos_history",  # history vector . candidate
    "cos_last",  # newest event of positive weight . candidate
    "cos_nearest",  # largest (event of positive weight . candidate)
    "cos_disliked",  # largest (event of negative weight . candidate), at least 0
)
# Row of `weights` is 2 * has_query + has_history.
CELLS = ("neither", "history", "query", "query_and_history")
ACTIONS = {
    "pad": 0, "view": 1, "click": 2, "cart": 3, "buy": 4, "like": 5, "dislike": 6, "skip": 7, "hide": 8,
    "rate": 9, "share": 10, "search": 11, "custom": 12, "custom_2": 13, "custom_3": 14, "custom_4": 15,
}  # fmt: skip
Tensor = tuple[str, str, tuple[str | int, ...]]
"""Name, type and shape of an input or output."""
ACTION_ROWS = 16
GAP_ROWS = 32
LEVELS = 3
CODES = 256
MAX_TOKENS = 256

# Symbolic shapes as the manifest prints them. In the graph file each input has symbols of its own (see `graph.py`),
# because a call may leave any of them at size one.
INPUTS: tuple[Tensor, ...] = (
    ("text_ids", "i64", ("N", "T")),
    ("text_mask", "f32", ("N", "T")),
    ("token_weights", "f32", ("V",)),
    ("content", "f32", ("I", "De")),
    ("content_mean", "f32", ("De",)),
    ("projection", "f32", ("De", "D")),
    ("codebook", "f32", (LEVELS, CODES, "D")),
    ("query_text", "f32", ("B",)),
    ("query_vec", "f32", ("B", "D")),
    ("query_mask", "f32", ("B",)),
    ("history_vec", "f32", ("B", "L", "D")),
    ("history_action", "i64", ("B", "L")),
    ("history_gap", "i64", ("B", "L")),
    ("history_mask", "f32", ("B", "L")),
    ("action_gain", "f32", (ACTION_ROWS,)),
    ("gap_gain", "f32", (GAP_ROWS,)),
    ("cand_vec", "f32", ("B", "K", "D")),
    ("cand_feat", "f32", ("B", "K", len(FEATURES))),
    ("weights", "f32", (len(CELLS), len(FEATURES) + len(GRAPH_FEATURES))),
)
OUTPUTS: tuple[Tensor, ...] = (
    ("text_emb", "f32", ("N", "De")),
    ("item_vec", "f32", ("I", "D")),
    ("item_sid", "i64", ("I", LEVELS)),
    ("context_vec", "f32", ("B", 2, "D")),
    ("contributions", "f32", ("B", "K", len(FEATURES) + len(GRAPH_FEATURES))),
    ("scores", "f32", ("B", "K")),
)
