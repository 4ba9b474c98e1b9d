"""The types of arguments and answers, for type checkers and for reading."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Literal, SupportsIndex, TypeAlias, TypedDict

import numpy as np
from numpy.typing import NDArray

Time: TypeAlias = datetime.datetime | datetime.date | float | str
"""A point in time: a datetime (without a time zone: UTC), a date (its midnight in UTC), Unix seconds, or text in ISO 8601.
Where None means "now", a mark of a missing time (``NaT``) is an error, since it names no time."""

Vector: TypeAlias = NDArray[Any] | Sequence[float]
"""A 1-D array of floats, or in a field that is a vector a list of numbers as well. Stored as float32."""

FieldValue: TypeAlias = (
    str
    | float
    | bool
    | datetime.datetime
    | datetime.date
    | Sequence[str]
    | AbstractSet[str]
    | Mapping[str, float]
    | Vector
    | np.generic
    | None
)
"""What a field takes: text, a number (an int of 64 bits stays exact), a bool, a date (in a date field also text in ISO 8601),
tags (a list or set of str), a list of numbers (also an array of ints), a place ``{"lat": ..., "lon": ...}`` in degrees, or a
vector (an array of floats, ``{"vector": [...]}``, or a list of numbers in a field that is a vector). An empty list fixes no
type. None, NaN, ``NaT``, ``NA`` and masked values are the same as leaving the field out."""

ItemDict: TypeAlias = Mapping[str, object]
"""An item: the key ``id`` (a str of 1 to 512 bytes of UTF-8), and its fields (``FieldValue``) under any other key. The
values are typed as objects, because a checker infers no more for a dict of text and numbers."""

UserDict: TypeAlias = Mapping[str, object]
"""A record of a user: the key ``id``, and attributes under any other key: a str, a number, a bool, a date or a list of str."""

StoredItem: TypeAlias = dict[str, Any]
"""An item as it is read back: whole numbers as int, dates as datetimes in UTC, lists as lists, vectors as float32 arrays."""

Filter: TypeAlias = Mapping[str, Any]
"""A condition on fields, such as ``{"price": {"<": 50}, "tags": "red"}``. All keys must hold. A plain value means
equal; otherwise one of ``=  !=  <  <=  >  >=  in  exists  match  near``. ``and`` and ``or`` (lists) and ``not`` combine
conditions. Dates are datetimes or dates; ``near`` takes ``{"lat": ..., "lon": ..., "meters": ...}``."""


Rule: TypeAlias = Mapping[str, Any]
"""One rule, by the word under ``rule``; ``ids`` or ``filter`` say which items:

- ``{"rule": "pin", "item": id, "position": n}``: the item stands there, from 1
- ``{"rule": "boost", "ids": [...], "amount": x}`` and ``bury``: x (0 to 1000) is added to the score, or taken from it
- ``{"rule": "require", "filter": {...}}``: only what matches
- ``{"rule": "exclude", "filter": {...}}``: not these
- ``{"rule": "cap", "field": name, "max": n}``: at most n hits of one value of the field"""


class SeenWhen(TypedDict, total=False):
    """Which events make an item one that was had: those of these ``actions`` (any, when left out), in the last
    ``within_days`` (ever)."""

    actions: str | Iterable[str] | None
    within_days: float | None


class Cap(TypedDict):
    """At most so many hits of one value of a field; ``semantic_id:1`` and ``semantic_id:2`` stand for what an item is about."""

    field: str
    max: int


class Mix(TypedDict):
    """The field whose mix in the list follows the history's; strength from 0 to 1."""

    field: str
    strength: float


class Exploration(TypedDict, total=False):
    """Lists whose order is drawn at random: ``fraction`` (0 to 1) of requests by Plackett-Luce over the scores at a
    ``temperature`` (0.1); on ``swaps`` (0 to 1) of them one pair of neighbours changes places with probability 1/2."""

    fraction: float
    temperature: float
    swaps: float


class NewItems(TypedDict, total=False):
    """A ``fraction`` (0 to 1) of the places of a list for items that are younger than ``days`` or were shown fewer than
    ``shown_below`` times, or have fewer than ``events_below`` events. With ``min_fit`` (a cosine, -1 to 1) only to those
    whose content fits the request so well, and the fraction is the most that is given."""

    fraction: float
    days: float | None
    shown_below: float | None
    events_below: float | None
    min_fit: float | None


class ImpressionOptions(TypedDict, total=False):
    """Which rankings are remembered: a ``fraction`` of them (1), of which the newest ``max`` (100,000) are kept."""

    enabled: bool
    fraction: float
    max: int


class Impression(TypedDict):
    """A ranking as it is remembered. ``chosen`` and ``new`` are places of the slate, from 0; ``slate`` has None for what
    was deleted since, ``propensities`` where nothing was drawn."""

    rank_id: str
    time: float
    user: str | None
    query: str | None
    offset: int
    slate: list[str | None]
    explored: bool
    propensities: list[float | None]
    new: list[int] | None
    chosen: list[int]
    features: str
    model: str
    weights: int


class NewItemExposure(TypedDict):
    """How many places of what was shown new items had, over the impressions that say what was new."""

    impressions: int
    places: int
    new_places: int
    fraction: float


class HistoryEvent(TypedDict, total=False):
    """An event of a stateless history. ``item`` is needed; ``action`` is ``view`` when it is left out."""

    item: str
    action: str
    value: float | None
    time: Time | None


class Event(TypedDict, total=False):
    """What somebody did. ``user``, ``action``, and an ``item`` or a ``query`` are needed."""

    user: str
    action: str
    item: str | None
    query: str | None
    value: float | None
    time: Time | None
    rank_id: str | None
    basket: str | None
    segments: Mapping[str, str] | None
    batch: str | None


class StoredEvent(TypedDict):
    """An event as it is stored. ``time`` is in seconds since 1970; ``arrived`` says when it was logged, where it is dated
    later than that."""

    user: str
    action: str
    item: str | None
    query: str | None
    value: float | None
    time: float
    rank_id: str | None
    basket: str | None
    segments: dict[str, str]
    batch: str | None
    arrived: float | None


class EventPage(TypedDict):
    """A page of events, and what ``after`` takes for the next one (None on the last)."""

    events: list[StoredEvent]
    next: str | None


class UserSummary(TypedDict):
    """A user, how many events are stored, and the times of the first and the last in seconds since 1970."""

    user: str
    events: int
    first: float | None
    last: float | None


class Forgotten(TypedDict):
    """What was forgotten: whether the id was known, events, histories of users and items, impressions, scenarios."""

    found: bool
    events: int
    pairs: int
    impressions: int
    scenarios: int


class Merged(TypedDict):
    """What one user gave to another: events, those that both had, impressions."""

    events: int
    duplicates: int
    impressions: int


class Transferred(TypedDict):
    """What was exported or imported, and the bytes of its files."""

    items: int
    users: int
    events: int
    impressions: int
    scenarios: int
    bytes: int


class ActionConfig(TypedDict, total=False):
    """What one action says of its item: ``meaning`` positive (the default), neutral or negative; ``weight`` above 0 to
    100 (1, which is a click)."""

    meaning: str
    weight: float


class RetentionOptions(TypedDict, total=False):
    """Which events are kept: the newest ``per_user`` of one user, the newest ``total`` in all, those of the last ``days``;
    None for no bound."""

    per_user: int | None
    total: int | None
    days: float | None


class JudgedQuery(TypedDict, total=False):
    """A query with its relevant items, for ``evaluate``: grades (0 to 10) by id, or a list of ids of grade 1. With a
    ``user`` it is asked at ``time``, with the history so far."""

    query: str
    grades: Mapping[str, float] | Sequence[str]
    user: str | None
    time: Time | None


class External(TypedDict):
    """A system from elsewhere, for ``evaluate``: its answers by the ``id`` of each question that ``Engine.questions`` lists;
    an answer is a list of item ids, best first, or a score for each item id."""

    name: str
    targets_hash: str
    answers: Mapping[int, Sequence[str] | Mapping[str, float]] | Mapping[str, Sequence[str] | Mapping[str, float]]


class PastEvent(TypedDict):
    """An event of a question's history; ``time`` in seconds since 1970, UTC."""

    item: str
    action: str
    value: float | None
    time: float


class OpenQuestion(TypedDict):
    """One question without its answer. ``task`` is ``next item``, ``query`` or ``query and history``; ``history`` has the
    user's events before it, oldest first, whose items are not asked for where ``exclude_seen`` is True."""

    id: int
    task: str
    user: str | None
    time: float
    query: str | None
    exclude_seen: bool
    history: list[PastEvent]


class Questions(TypedDict):
    """What ``Engine.questions`` lists. ``split`` is the moment of a time split, from which on nothing is to be learned;
    the events of hidden items and users are not to be learned from either."""

    targets_hash: str
    split: float | None
    hidden_items: list[str]
    hidden_users: list[str]
    questions: list[OpenQuestion]


class Options(TypedDict, total=False):
    """- ``history``: item ids or event dicts that count for this request only, oldest first
    - ``like``: seeds of "more like this"; they are not in the answer
    - ``unlike``: items that the list moves away from; they are not in the answer
    - ``among``: rank only these ids; ``exclude``: leave these out
    - ``segments``: which segments the user is in, by name, in place of what events said last
    - ``vectors``: vectors of your own to search with, by the name of the field
    - ``filter``: only items that match (``onelist.types.Filter``), or the same as JSON text
    - ``exclude_seen``: leave out what the user has had: all of it (True), or by action and age
      (``onelist.types.SeenWhen``)
    - ``personalization``: how much the history counts: off, low, medium (as without it) or high
    - ``diversity``: how unlike each other the hits are to be, from 0 (as without it) to 1
    - ``caps``: at most so many hits of one value of a field; what is over it moves behind
    - ``match_history_mix``: let the mix of a field in the list follow that of the history
    - ``rules``: pins, boosts and the like (``onelist.types.Rule``); ``scenario``: stored ones, by name
    - ``adapter``: that of the request's domain, by the name of ``load_adapter``
    - ``explore``: draw the order at random on a fraction of requests; ``new_items``: keep places for new items
    - ``log_impression``: whether the ranking is remembered (True); say False when nobody is shown it
    - ``limit`` (10, at most 10,000) and ``offset`` (0): which part of the list
    - ``page_token``: the page after the ranking that gave this; nothing of the pages before comes again
    - ``candidates``: how many to score; ``fields``: only these fields in the hits; ``explain``: say why
    - ``now``: the time of the request; events after it are not seen
    - ``timeout``: seconds that the answer may take; ``DeadlineExceededError`` after them (no limit)"""

    history: Iterable[str | Mapping[str, object]] | None
    like: str | Iterable[str] | None
    unlike: str | Iterable[str] | None
    among: Iterable[str] | None
    segments: Mapping[str, str] | None
    vectors: Mapping[str, Vector] | None
    filter: Filter | str | None
    exclude: Iterable[str] | None
    exclude_seen: bool | SeenWhen | None
    personalization: Literal["off", "low", "medium", "high"] | None
    diversity: float | None
    caps: Sequence[Cap] | None
    match_history_mix: Mix | None
    rules: Sequence[Rule] | None
    scenario: str | None
    adapter: str | None
    explore: Exploration | None
    new_items: NewItems | None
    log_impression: bool | None
    limit: SupportsIndex | None
    offset: SupportsIndex | None
    page_token: str | None
    candidates: SupportsIndex | None
    fields: Iterable[str] | None
    explain: bool | None
    now: Time | None
    timeout: float | None


class UserOptions(Options, total=False):
    """- ``user``: whose stored history counts (an unknown user has none)"""

    user: str | None


class Request(UserOptions, total=False):
    """One request of ``rank_many``, and the keywords of ``rank``:

    - ``query``: what is searched for"""

    query: str | None


FieldKind: TypeAlias = str
"""The type of a field: text, number, bool, date, tags, geo, vector or numbers. ``number`` holds whole numbers and others,
``numbers`` lists of them."""


class FieldInfo(TypedDict):
    """One field of ``Engine.schema``: its type, how many ``items`` have it, its options (None where it has none),
    ``dimensions`` of a vector, and ``since`` when it is there (Unix seconds; None when that was not recorded)."""

    kind: FieldKind
    items: int
    boost: float | None
    embed: bool | None
    dimensions: int | None
    since: float | None


class FieldChanged(TypedDict):
    """What a change of a field did: items that were ``changed``; of these, how many lost the field because the value did not
    fit, and the ids of the first twenty."""

    changed: int
    dropped: int
    dropped_ids: list[str]


class FieldOptions(TypedDict, total=False):
    """What is fixed about one field. It is kept with the store; what is given at a later ``open`` replaces it.

    ``kind`` is a ``FieldKind``, and stays (see ``Engine.retype_field``); ``boost`` (0 to 1000) the weight of a match in the field,
    0 leaves it out of search; ``embed`` whether the model reads it.
    """

    kind: FieldKind
    boost: float
    embed: bool


class ModelVersion(TypedDict):
    """One model of a store. Version 0 is that of ``open``, or the one that ships; ``loaded`` is in Unix seconds."""

    version: int
    name: str
    sha256: str
    space_id: str
    loaded: float | None
    active: bool


class AdapterVersion(TypedDict):
    """One adapter of a store; ``usable`` when it was made (``base``) for the model that answers."""

    name: str
    sha256: str
    base: str
    bytes: int
    loaded: float | None
    usable: bool


class Models(TypedDict):
    """The models and adapters of a store. ``before`` is what ``roll_back_model`` goes back to."""

    active: int
    before: int | None
    versions: list[ModelVersion]
    adapters: list[AdapterVersion]


class Shadow(TypedDict):
    """How a model differs from the one that answers, on the same requests: the mean fraction of the first ten hits in common,
    the mean rank correlation (Spearman) of their scores, mean microseconds of each, and what failed under it alone."""

    active: int
    shadow: int
    requests: int
    common_top_10: float
    rank_correlation: float
    active_us: float
    shadow_us: float
    errors: list[str]
    failed: int
    skipped: int


class Backup(TypedDict):
    """What ``backup`` wrote."""

    bytes: int


class Compacted(TypedDict):
    """What ``compact`` did: bytes on disk before and after."""

    before: int
    after: int


class TrainingSummary(TypedDict):
    """What ``export_training`` wrote. ``not_retrieved`` requests took an item that no source proposed."""

    requests: int
    rows: int
    not_retrieved: int
    bytes: int


class VectorStats(TypedDict):
    """One vector index."""

    name: str
    dimensions: int
    indexed: int
    tail: int
    lag: int
    deleted: int
    memory_bytes: int
    checkpoint_seq: int


class ModelStats(TypedDict):
    """The active model."""

    name: str
    sha256: str
    space_id: str
    provider: str
    fallback: str | None
    onnxruntime: str


class SpaceStats(TypedDict):
    """The vector space of items: ``fits`` is 0 until it was fitted to the catalog, to ``fitted_items`` items; ``drift`` is how
    badly new items fit (1: as well as those)."""

    id: str
    fits: int
    fitted_items: int
    drift: float | None


class ImpressionStats(TypedDict):
    """Impressions in the store; those logged, and those dropped because too many came, since the engine was opened."""

    kept: int
    logged: int
    dropped: int


class HungProcess(TypedDict):
    """A process that says nothing although it lives, and since how many seconds."""

    pid: int
    seconds: int


class ProcessStats(TypedDict):
    """What this process does for the directory: ``writer``, ``follower`` or ``reader``; which process writes (0: not known),
    how many follow it, and which of them hang (known to the writer)."""

    role: Literal["writer", "follower", "reader"]
    writer: int
    followers: int
    hung: list[HungProcess]


class DiskStats(TypedDict):
    """Bytes on disk, part by part; ``catalog_free`` are those of the catalog that are free pages."""

    catalog: int
    catalog_free: int
    text: int
    vector: int
    models: int
    scratch: int
    quarantine: int


class Stats(TypedDict):
    """The state of an engine, in numbers of one moment."""

    items: int
    users: int
    events: int
    events_removed: int
    seq: int
    oplog: int
    disk_bytes: int
    disk: DiskStats
    queue: int
    journal: int
    readers: int
    last_backup: float | None
    last_compact: float | None
    text_seq: int
    text_tail: int
    vectors: list[VectorStats]
    model: ModelStats
    space: SpaceStats
    impressions: ImpressionStats
    poisoned: str | None
    background_error: str | None
    weights_version: int
    tuning_error: str | None
    process: ProcessStats
