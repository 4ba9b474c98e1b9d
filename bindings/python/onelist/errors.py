"""The exceptions of Onelist, in the groups that say what a caller can do.

::

    Error
      InputError (a ValueError)   correct the argument and call again; nothing was written
      BusyError                   the directory or the handle is in use elsewhere, or closed
      SetupError                  set up the machine: files, permissions, ONNX Runtime, provider, model
      DamagedError                stored data is damaged, or writes are refused: reopen, or restore a backup
      InternalError               a defect; please report it

Below each group there is one class for each error of the engine. ``error.name`` is the engine's own name of it, stable
across versions; an error that this version has no class for comes as its group, with its name.
"""

from collections.abc import Sequence
from typing import Any, TypedDict, cast


class BadRow(TypedDict):
    """Why a row of a batch was refused: its number from 0, the ``id`` of the item (or the user of the event), the field, what
    was expected, what was found, what to do, and the name of the error that the row alone would have raised."""

    row: int
    id: str | None
    field: str | None
    expected: str
    found: str
    advice: str
    error: str


class Error(Exception):
    """Every error of Onelist."""

    kind: str = "internal"
    """The group: ``input``, ``busy``, ``environment``, ``damaged`` or ``internal``."""

    name: str = "Error"
    """The engine's name of the error."""

    rows: "list[BadRow]" = []
    """The rows of a batch that were refused, at most twenty; empty unless several were (``BadRowsError``)."""


class InputError(Error, ValueError):
    """An argument breaks a rule. Correct it and call again; nothing was written."""

    kind = "input"


class BusyError(Error):
    """The directory or the handle is in use elsewhere, or closed."""

    kind = "busy"


class SetupError(Error):
    """The machine needs setting up: files, permissions, ONNX Runtime, the provider or the model."""

    kind = "environment"


class DamagedError(Error):
    """Stored data is damaged, or writes are refused: open the directory again, or restore a backup."""

    kind = "damaged"


class InternalError(Error):
    """A defect of Onelist itself. Please report it."""

    kind = "internal"
    name = "Internal"


class InvalidIdError(InputError):
    """An item's or user's id is empty or too long."""

    name = "InvalidId"


class InvalidTypeError(InputError, TypeError):
    """A value has a Python type that its place cannot take."""

    name = "InvalidType"


class LimitExceededError(InputError):
    """A count, length or depth passes its limit: split or shorten the input."""

    name = "LimitExceeded"


class NonFiniteError(InputError):
    """A number or a component of a vector is NaN or infinite."""

    name = "NonFinite"


class ZeroNormError(InputError):
    """A vector holds only zeros, so it has no direction and no cosine."""

    name = "ZeroNorm"


class DimMismatchError(InputError):
    """A vector has another number of dimensions than those stored under its name."""

    name = "DimMismatch"


class FieldTypeError(InputError):
    """A field has another type than its first value had."""

    name = "FieldType"


class UnknownFieldError(InputError):
    """A filter, or an item of a strict store, names a field that does not exist."""

    name = "UnknownField"


class UnknownItemError(InputError):
    """An update names an item that is not stored."""

    name = "UnknownItem"


class UnknownScenarioError(InputError):
    """A request names a scenario that is not stored."""

    name = "UnknownScenario"


class UnknownAdapterError(InputError):
    """A request names an adapter that is not loaded for the model that answers."""

    name = "UnknownAdapter"


class InvalidArgumentError(InputError):
    """An argument breaks a rule that has no class of its own."""

    name = "InvalidArgument"


class BadRowsError(InputError):
    """Several rows of a batch are refused; ``rows`` has the first twenty of them. Nothing of the batch was written."""

    name = "BadRows"


class InvalidUtf8Error(InputError, UnicodeError):
    """Text is not valid Unicode: a ``str`` with lone surrogates, or bytes that are not UTF-8."""

    name = "InvalidUtf8"


class AlreadyOpenError(BusyError):
    """Another handle of this process has the directory open, or a process that cannot be asked."""

    name = "AlreadyOpen"


class ForkedError(BusyError):
    """The handle was opened by another process, and could not be opened again after the fork: open it in the child."""

    name = "Forked"


class ClosedError(BusyError):
    """The engine was closed."""

    name = "Closed"


class CancelledError(BusyError):
    """The call was told to stop. Nothing was changed."""

    name = "Cancelled"


class DeadlineExceededError(BusyError, TimeoutError):
    """The call took longer than its ``timeout``."""

    name = "DeadlineExceeded"


class DiskFullError(SetupError, OSError):
    """The disk is full. What was stored is whole; writes succeed again, without reopening, once there is room."""

    name = "DiskFull"


class CatalogFullError(SetupError):
    """The catalog has reached ``max_bytes``."""

    name = "CatalogFull"


class ReadOnlyError(BusyError):
    """The store was opened with ``mode="read"``."""

    name = "ReadOnly"


class UnansweredError(BusyError):
    """The process that writes hangs, or died over a call that must not be made twice: whether the change was made is unknown."""

    name = "Unanswered"


class NotADatabaseError(SetupError):
    """The path holds something that is not an Onelist directory."""

    name = "NotADatabase"


class NewerFormatError(SetupError):
    """The directory was written by a newer version: upgrade the library."""

    name = "NewerFormat"


class IoError(SetupError):
    """The operating system refused a file operation."""

    name = "Io"


class RuntimeMissingError(SetupError):
    """ONNX Runtime was not found or could not be loaded."""

    name = "RuntimeMissing"


class ProviderError(SetupError):
    """The execution provider that was asked for could not start."""

    name = "Provider"


class ModelRefusedError(SetupError):
    """A model file was refused."""

    name = "ModelRefused"


class DamagedDataError(DamagedError):
    """Stored bytes do not decode, or fail their checksum."""

    name = "Damaged"


class PoisonedError(DamagedError):
    """A durable write failed earlier, so writes are refused until the directory is opened again."""

    name = "Poisoned"


class StorageError(DamagedError):
    """The catalog failed."""

    name = "Storage"


class SearchIndexError(DamagedError):
    """A text or vector index failed; it can be deleted and comes back by itself."""

    name = "Index"


class ModelFailedError(InternalError):
    """The model failed while it ran."""

    name = "ModelFailed"


GROUPS: dict[str, type[Error]] = {
    group.kind: group for group in (InputError, BusyError, SetupError, DamagedError, InternalError)
}
"""The class of each kind."""

CLASSES: dict[str, type[Error]] = {
    error.name: error
    for group in GROUPS.values()
    for error in (group, *group.__subclasses__())
    if error.name != Error.name
}
"""The class of each name."""


def from_engine(name: str, kind: str, message: str, rows: Sequence[tuple[Any, ...]] = ()) -> Error:
    """The exception of an engine error: the class of its name, else of its kind."""
    error = CLASSES.get(name, GROUPS.get(kind, InternalError))(message)
    error.name = name
    keys = BadRow.__annotations__
    error.rows = [cast(BadRow, dict(zip(keys, row, strict=True))) for row in rows]
    return error
