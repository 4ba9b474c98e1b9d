"""`python -m onelist_train.model_zero.figures`: the command line of the figures."""

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from .. import table
from ..encoder import Encoder
from . import personal, recommend, search
from .setup import Setup

PARTS: dict[str, tuple[Callable[[Setup], None], ...]] = {
    "space": (search.widths,),
    "search": (search.mixes,),
    "recommend": (recommend.weights,),
    "personal": (personal.weights,),
    "test": (search.test, recommend.test, personal.test),
}


def main() -> None:
    """Loads the data once and prints the requested parts."""
    parser = argparse.ArgumentParser(prog="python -m onelist_train.model_zero.figures",
                                     description="Prints the tables behind the shipped constants.")  # fmt: skip
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which tables (all)")
    parser.add_argument("--encoder", type=Path, required=True, help="folder with model.safetensors and tokenizer.json")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("ONELIST_DATA", "../shared/data")),
                        help="folder with scifact, retail and movies (%(default)s)")  # fmt: skip
    parser.add_argument("--rows", type=Path, help="the encoder's vocabulary rows, as the exporter's --rows writes them")
    args = parser.parse_args()
    if not (args.data / "scifact").is_dir():
        parser.error(f"expected a folder scifact in {args.data}, found none; set --data or ONELIST_DATA")
    if args.rows:
        rows = np.load(args.rows)
    else:
        vocabulary: dict[str, int] = json.loads((args.encoder / "tokenizer.json").read_text())["model"]["vocab"]
        rows = table.distil_vocabulary(Encoder.read(args.encoder), len(vocabulary), vocabulary["[CLS]"],
                                       vocabulary["[SEP]"], progress=True)  # fmt: skip
    setup = Setup.read(args.data, args.encoder, rows, Path(__file__).parents[1] / "weights.json")
    for part in args.parts or PARTS:
        for run in PARTS[part]:
            run(setup)


if __name__ == "__main__":
    main()
