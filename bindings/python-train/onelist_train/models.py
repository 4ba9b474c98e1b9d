"""Commands on finished models: `export`, `merge` and `probe`."""

from pathlib import Path

import numpy as np
import torch

from . import adapter, file, pack
from .base import Base
from .catalog import quiet_session
from .commands import SETTINGS, Path_
from .network import Network
from .size import Size
from .version import VERSION


def export(checkpoint: Path_, out: Path_, *, base: Path_ | None = None, name: str | None = None) -> dict[str, int]:
    """Writes the model of a finished `fit` again, from the folder with its `settings.pt`: under another name, or on
    another base with the same vector space. Returns the sizes of the files."""
    state = torch.load(Path(checkpoint) / SETTINGS, weights_only=True)
    start = Base.read(base if base is not None else state["base"])
    size = Size.of_json(state["size"])
    if size.item != start.manifest["dims"]["item"]:
        raise ValueError(
            f"{start.folder}: expected item vectors of width {size.item}, found {start.manifest['dims']['item']}"
        )
    network = Network(size)
    network.load_state_dict(state["network"])
    packed = file.quantise(network.eval())
    origin = file.Origin(name or state["name"], VERSION, state["training"], state["metrics"])
    return file.write(Path(out), start, network, packed, state["weights"].numpy(), origin)


def merge(model: Path_, adapted: Path_, out: Path_, *, name: str | None = None) -> dict[str, int]:
    """Writes a model that answers as `model` does with the adapter. Returns the sizes of the files."""
    start = Base.read(model)
    network, weights = file.read(start)
    whole = adapter.fold(network, adapter.read(adapted, start))
    packed = pack.pack(network, whole)
    pack.unpack(packed, network)
    training = {**start.manifest["training"], "merged": str(Path(adapted).name)}
    origin = file.Origin(name or f"{start.manifest['name']}-merged", VERSION, training, {})
    return file.write(Path(out), start, network, packed, weights, origin)


def probe(model: Path_, *, adapted: Path_ | None = None) -> dict[str, float]:
    """Runs a model on its own probe; returns the largest difference of each output from the manifest's.

    With an adapter, returns the differences that it makes; those of the towers must stay within the tolerance. Raises
    ValueError when a difference is larger than the probe's tolerance.
    """
    start = Base.read(model)
    expected = start.manifest["probe"]
    kinds = {one["name"]: np.int64 if one["dtype"] == "i64" else np.float32 for one in start.manifest["inputs"]}
    feeds = {key: np.asarray(value, kinds[key]) for key, value in expected["inputs"].items()}
    if adapted is not None:
        feeds |= adapter.read(adapted, start)
    names = list(expected["outputs"])
    found = dict(zip(names, quiet_session(start.graph).run(names, feeds), strict=True))
    off = {key: float(np.abs(found[key] - np.asarray(expected["outputs"][key])).max()) for key in names}
    checked = off if adapted is None else {key: off[key] for key in ("text_emb", "item_vec", "item_sid")}
    wrong = {key: value for key, value in checked.items() if not value <= expected["tolerance"]}
    if wrong:
        raise ValueError(f"{start.folder}: expected the outputs of the manifest's probe, found differences {wrong}")
    return off
