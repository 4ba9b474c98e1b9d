"""The models and adapters of a store: the part of ``onelist.Engine`` that changes what answers."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import SupportsIndex, cast

from onelist import _native as native
from onelist._json import Listener, call, heard, whole
from onelist._request import prepared
from onelist.types import AdapterVersion, Models, ModelVersion, Shadow


class ModelCalls:
    """The life cycle of a model, and adapters. ``onelist.Engine`` has these methods."""

    __slots__ = ("_native",)

    _native: native.Engine

    def models(self) -> Models:
        """The models and adapters that the store keeps, and which model answers."""
        return cast(Models, call(self._native, "models"))

    def load_model(self, path: str | os.PathLike[str]) -> ModelVersion:
        """Checks the model in a folder and copies it into the store. It does not answer yet: see ``shadow_model`` and
        ``promote_model``. A model that was loaded before keeps its version. Raises ``ModelRefusedError``."""
        return cast(ModelVersion, call(self._native, "load_model", path=os.fsdecode(path)))

    def shadow_model(
        self,
        version: SupportsIndex,
        requests: Iterable[Mapping[str, object]] | None = None,
        *,
        sample: SupportsIndex = 200,
        progress: Listener | None = None,
    ) -> Shadow:
        """Asks a loaded model (or 0) and the one that answers the same requests, and says how their lists differ. Without
        ``requests`` it asks the newest ``sample`` impressions again, as of their time. Nothing is logged."""
        version = whole(version, "version")
        with heard(progress):
            if requests is None:
                past = call(self._native, "shadow_model_on_past", version=version, sample=whole(sample, "sample"))
                return cast(Shadow, past)
            given = [prepared(request) for request in requests]
            return cast(Shadow, json.loads(self._native.shadow_model(version, given)))

    def promote_model(self, version: SupportsIndex, *, progress: Listener | None = None) -> None:
        """Lets a loaded model answer from the next ``rank`` on, or with 0 that of ``open``; durable on return. For a model of
        another vector space every item is placed anew first, while the old model answers and writes go on."""
        with heard(progress):
            call(self._native, "promote_model", version=whole(version, "version"))

    def roll_back_model(self) -> int:
        """Lets the model answer that did before the last ``promote_model``, and returns its version."""
        return cast(int, call(self._native, "roll_back_model"))

    def unload_model(self, version: SupportsIndex) -> bool:
        """Removes a loaded model that neither answers nor is what ``roll_back_model`` goes back to; False when there is
        none of this version."""
        return cast(bool, call(self._native, "unload_model", version=whole(version, "version")))

    def load_adapter(self, name: str, path: str | os.PathLike[str]) -> AdapterVersion:
        """Checks the adapter in a folder (``adapter.onnx_adapter``, ``adapter.json``), copies it into the store, and lets
        requests name it: ``rank(adapter=name)``. What had the name is replaced. Raises ``ModelRefusedError``."""
        return cast(AdapterVersion, call(self._native, "load_adapter", name=name, path=os.fsdecode(path)))

    def unload_adapter(self, name: str) -> bool:
        """Removes an adapter; False when there is none of this name."""
        return cast(bool, call(self._native, "unload_adapter", name=name))
