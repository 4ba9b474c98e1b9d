"""The fields of a store: the part of ``onelist.Engine`` that shows the schema and changes it."""

from __future__ import annotations

from typing import Literal, cast

from onelist import _native as native
from onelist._json import call
from onelist.types import FieldChanged, FieldInfo, FieldKind


class FieldCalls:
    """The schema. ``onelist.Engine`` has these methods.

    A change works through the items in portions while other writes go on. A call that was interrupted is finished by calling
    it again.
    """

    __slots__ = ()

    _native: native.Engine

    def schema(self) -> dict[str, FieldInfo]:
        """The fields of the store, by name: type, options, since when they are there, and how many items have them."""
        return cast(dict[str, FieldInfo], call(self._native, "schema"))

    def rename_field(self, name: str, to: str) -> FieldChanged:
        """Gives a field another name, in every item and with its options (which take effect at the next ``open``). Raises
        ``InputError`` when a field has the new name already."""
        return cast(FieldChanged, call(self._native, "rename_field", name=name, to=to))

    def drop_field(self, name: str) -> FieldChanged:
        """Removes a field from every item and from the schema."""
        return cast(FieldChanged, call(self._native, "drop_field", name=name))

    def retype_field(
        self, name: str, kind: FieldKind, on_unfit: Literal["refuse", "drop"] = "refuse"
    ) -> FieldChanged:
        """Gives a field another type and converts the value of every item: ``"11"`` to 11, ISO 8601 or seconds to dates, one
        value to a list, a list of numbers to a vector, and back.

        When values have no form in the new type, nothing is changed, and the error names up to twenty of those items
        (``BadRowsError.rows``; ``row`` is the item's number in the order of ``items()``). With ``on_unfit="drop"`` those items
        lose the field, and the answer names them.
        """
        return cast(FieldChanged, call(self._native, "retype_field", name=name, kind=kind, on_unfit=on_unfit))
