"""The tree of exceptions."""

import pickle

import pytest

import onelist
from onelist import errors

# The engine's names, by kind, written out here so that a class that goes missing is noticed.
NAMES = {
    "input": "InvalidId LimitExceeded NonFinite ZeroNorm DimMismatch FieldType UnknownField UnknownItem UnknownScenario "
    "UnknownAdapter InvalidType BadRows InvalidArgument InvalidUtf8",
    "busy": "AlreadyOpen Forked Closed",
    "environment": "NotADatabase NewerFormat Io RuntimeMissing Provider ModelRefused",
    "damaged": "Damaged Poisoned Storage Index",
    "internal": "ModelFailed Internal",
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in NAMES.items() for name in names.split()])
def test_every_error_of_the_engine_has_a_class(kind: str, name: str) -> None:
    error = errors.from_engine(name, kind, "what went wrong")
    assert isinstance(error, errors.GROUPS[kind]) and isinstance(error, onelist.Error)
    assert (error.name, error.kind, str(error)) == (name, kind, "what went wrong")
    assert type(error) is errors.CLASSES[name]
    assert type(error) is errors.InternalError or type(error) is not errors.GROUPS[kind]
    assert type(error).__doc__


def test_an_error_of_a_later_version_comes_as_its_kind() -> None:
    error = errors.from_engine("TooNew", "busy", "text")
    assert type(error) is errors.BusyError and error.name == "TooNew"
    assert type(errors.from_engine("TooNew", "strange", "text")) is errors.InternalError


def test_errors_are_also_what_python_calls_them() -> None:
    assert issubclass(errors.InputError, ValueError)
    assert issubclass(errors.InvalidTypeError, TypeError)
    assert issubclass(errors.InvalidUtf8Error, UnicodeError)


def test_errors_travel_between_processes() -> None:
    error = pickle.loads(pickle.dumps(errors.from_engine("Closed", "busy", "the engine is closed")))
    assert type(error) is errors.ClosedError and str(error) == "the engine is closed" and error.name == "Closed"
