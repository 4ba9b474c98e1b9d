"""Finds the ONNX Runtime that pip installed."""

import importlib.util
import os
from pathlib import Path


def installed_runtime() -> str | None:
    """The shared library of the installed package ``onnxruntime``, or None.

    None as well when ``ORT_DYLIB_PATH`` is set: the environment's word comes first, and the engine reads it itself. The
    package is looked up, not imported: importing it loads a second copy of the runtime, and costs a second.
    """
    if os.environ.get("ORT_DYLIB_PATH"):
        return None
    try:
        package = importlib.util.find_spec("onnxruntime")
    except (ImportError, ValueError):
        return None
    for folder in (package.submodule_search_locations or ()) if package else ():
        # The wheel names it libonnxruntime.so.1.28.0; beside it lie libonnxruntime_providers_*.so, which are not it.
        found = sorted((Path(folder) / "capi").glob("libonnxruntime.so*"))
        if found:
            return str(found[-1])
    return None
