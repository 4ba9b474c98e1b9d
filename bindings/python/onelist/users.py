"""Records of users: what is known about them beside their events."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any, cast

from onelist import _native
from onelist._json import call
from onelist.types import UserDict


def _stored(record: dict[str, Any] | None) -> dict[str, Any] | None:
    """A record with its dates as datetimes in UTC."""
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    if record is None:
        return None
    dates = {name: value["date"] for name, value in record.items() if isinstance(value, dict)}
    return record | {name: epoch + datetime.timedelta(seconds=date) for name, date in dates.items()}


class UserCalls:
    """The calls of ``Engine`` that have to do with records of users."""

    __slots__ = ()

    _native: _native.Engine

    def put_users(self, users: UserDict | Iterable[UserDict], /) -> None:
        """Stores what is known about users: dicts with an ``id`` and attributes (text, number, bool, date, list of str).

        New ids are added, the attributes of known ones replaced as a whole. A text attribute, such as ``country`` or
        ``plan``, is a segment: events of the user that are logged from now on count in it, and ``rank(user=...)`` reads
        what is popular there. An attribute keeps the type of its first value.
        """
        batch = [users] if isinstance(users, Mapping) else list(users)
        call(self._native, "put_users", users=batch)

    def get_user(self, id: str, /) -> dict[str, Any] | None:  # noqa: A002 (the name that items have it by)
        """The record of a user, or None."""
        return self.get_users([id])[0]

    def get_users(self, ids: Iterable[str], /) -> list[dict[str, Any] | None]:
        """The records of users, in the order of ``ids``; None for users without one."""
        found = cast(list[dict[str, Any] | None], call(self._native, "get_users", ids=list(ids)))
        return [_stored(record) for record in found]

    def delete_users(self, ids: str | Iterable[str], /) -> int:
        """Removes records of users and returns how many there were. Their events stay; ``forget`` removes both."""
        return cast(int, call(self._native, "delete_users", ids=[ids] if isinstance(ids, str) else list(ids)))
