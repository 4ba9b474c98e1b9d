"""What is stored, read back, corrected and taken elsewhere: the part of ``onelist.Engine`` about data that came in before."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Literal, SupportsIndex, cast

from onelist import _native as native
from onelist._json import call
from onelist.measure import seconds
from onelist.types import EventPage, Forgotten, Merged, StoredEvent, Time, Transferred, UserSummary


def _time(value: Time | None) -> float | str | None:
    return None if value is None else seconds(value)


class DataCalls:
    """Events and users read back, deletions, exports. ``onelist.Engine`` has these methods."""

    __slots__ = ()

    _native: native.Engine

    def events(
        self,
        user: str | None = None,
        *,
        item: str | None = None,
        since: Time | None = None,
        until: Time | None = None,
        action: str | None = None,
        batch: str | None = None,
        newest_first: bool = False,
        after: str | None = None,
        limit: SupportsIndex = 1000,
    ) -> EventPage:
        """A page of events for which all that is given holds: those of one ``user`` in order of time, all others in the
        order in which they were logged.

        - ``since`` is included, ``until`` is not; ``batch``: the import that they came with
        - ``newest_first``: the last ones first (False)
        - ``after``: ``next`` of the page before, which stays valid whatever is logged and deleted; ``limit``: most of a page
        """
        found = call(
            self._native,
            "events",
            user=user,
            item=item,
            since=_time(since),
            until=_time(until),
            action=action,
            batch=batch,
            newest_first=newest_first,
            after=after,
            limit=limit,
        )
        return cast(EventPage, found)

    def all_events(self, user: str | None = None, *, page: int = 10_000) -> Iterator[StoredEvent]:
        """Every event, of one user or of all, oldest first, read ``page`` at a time."""
        after = None
        while True:
            found = self.events(user, after=after, limit=page)
            yield from found["events"]
            if (after := found["next"]) is None:
                return

    def count_events(
        self,
        user: str | None = None,
        *,
        item: str | None = None,
        since: Time | None = None,
        until: Time | None = None,
        action: str | None = None,
        batch: str | None = None,
    ) -> int:
        """How many events there are for which all that is given holds."""
        times = {"since": _time(since), "until": _time(until)}
        return cast(int, call(self._native, "count_events", user=user, item=item, action=action, batch=batch, **times))

    def users(self, after: str | None = None, limit: SupportsIndex = 1000) -> list[UserSummary]:
        """Users in order of id with how many events they have, and when: at most ``limit`` after the id ``after``."""
        return cast(list[UserSummary], call(self._native, "users", after=after, limit=limit))

    def delete_events(
        self,
        user: str | None = None,
        *,
        item: str | None = None,
        since: Time | None = None,
        until: Time | None = None,
        action: str | None = None,
        batch: str | None = None,
        all: bool = False,  # noqa: A002 (it reads as what it is)
    ) -> int:
        """Deletes the events for which all that is given holds, and all that was counted of them; returns how many. Without
        a condition it is refused, unless ``all=True``. The rest is counted again, in seconds for each million events, while
        requests and writes go on."""
        times = {"since": _time(since), "until": _time(until)}
        given = {"user": user, "item": item, "action": action, "batch": batch, **times}
        return cast(int, call(self._native, "delete_events", all=all, **given))

    def forget(self, user: str) -> Forgotten:
        """Forgets a user: events, histories, segments, impressions with their queries, and the id. ``compact`` then removes
        the bytes."""
        return cast(Forgotten, call(self._native, "forget", user=user))

    def forget_item(self, id: str) -> Forgotten:  # noqa: A002 (it reads as what it is)
        """Forgets an item: deletes it, its events and histories, its places in impressions, rules of scenarios that name
        it, and the id. ``compact`` then removes the bytes. (After ``delete`` the events stay, and count again when the item
        is put again.)"""
        return cast(Forgotten, call(self._native, "forget_item", id=id))

    def merge_users(self, source: str, into: str) -> Merged:
        """Gives everything of the user ``source`` to ``into``, who may be new: a visitor without a name has signed in. An
        event that both have counts once."""
        return cast(Merged, call(self._native, "merge_users", **{"from": source, "into": into}))

    def export(
        self, path: str | os.PathLike[str], format: Literal["jsonl", "parquet"] = "jsonl"  # noqa: A002
    ) -> Transferred:
        """Writes all that is stored into a folder, as JSON lines or Parquet; it has its name once it is whole and on disk,
        in place of an earlier export. Equal stores have equal exports."""
        return cast(Transferred, call(self._native, "export", path=os.fspath(path), format=format))

    def import_from(self, path: str | os.PathLike[str]) -> Transferred:
        """Reads a folder that ``export`` wrote. An empty store becomes equal to the exported one; in a store with data, items
        replace those of their ids, and events that it has are not logged twice."""
        return cast(Transferred, call(self._native, "import_from", path=os.fspath(path)))
