"""What this package lists by hand is what the engine declares: keywords, their types, and what help() shows."""

import inspect

import onelist
from onelist import _native, types

# It is for tools that know what they do: a lock on a network file system may not hold.
NOT_IN_PYTHON = {"force_network_fs"}


def test_a_request_has_the_keys_of_the_engine() -> None:
    declared = set(_native.KEYS["request"])
    assert len(declared) > 20 and set(types.Request.__annotations__) == declared
    shown = inspect.signature(onelist.Engine.rank)
    assert set(shown.parameters) - {"self"} == declared
    text = onelist.Engine.rank.__doc__ or ""
    assert [name for name in sorted(declared) if f"``{name}``" not in text] == []


def test_an_event_has_the_keys_of_the_engine() -> None:
    declared = set(_native.KEYS["event"])
    assert set(types.Event.__annotations__) == declared
    assert set(inspect.signature(onelist.Engine.log).parameters) - {"self", "events"} == declared


def test_the_settings_are_those_of_the_engine() -> None:
    declared = set(_native.KEYS["config"])
    assert set(inspect.signature(onelist.open).parameters) - {"path"} == declared - NOT_IN_PYTHON
