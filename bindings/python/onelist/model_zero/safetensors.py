"""Reading a `.safetensors` file with nothing but NumPy."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I8": "|i1", "U8": "|u1"}
_HEADER_LIMIT = 100_000_000


def read(path: Path) -> dict[str, NDArray[np.generic]]:
    """Return every tensor of `path` by name.

    The layout is a little-endian u64 header length, a JSON header with dtype, shape and byte
    range of each tensor, and the bytes. Raises `ValueError` when a header or range does not fit
    the file, or a dtype is one that this reader does not know.
    """
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    if len(raw) < 8 or length > min(len(raw) - 8, _HEADER_LIMIT):
        raise ValueError(f"{path}: the header claims {length} bytes, the file has {len(raw)}")
    body = memoryview(raw)[8 + length :]
    tensors: dict[str, NDArray[np.generic]] = {}
    for name, entry in json.loads(raw[8 : 8 + length]).items():
        if name == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        if entry["dtype"] not in _DTYPES or not 0 <= start <= end <= len(body):
            raise ValueError(f"{path}: tensor {name} is {entry['dtype']} at {start}..{end}, which cannot be read")
        flat = np.frombuffer(body[start:end], dtype=_DTYPES[entry["dtype"]])
        tensors[name] = flat.reshape(entry["shape"])
    return tensors
