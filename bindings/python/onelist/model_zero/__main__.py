"""`python -m onelist.model_zero`: make the shipped model. The same inputs give the same bytes."""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from . import export, manifest, table
from .constants import Scorer
from .encoder import Encoder


def _progress(message: str) -> None:
    """One line, rewritten in place on a terminal."""
    print(f"\r{message:<70}", end="" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    recipe = export.Recipe()
    parser = argparse.ArgumentParser(prog="python -m onelist.model_zero", description=__doc__)
    parser.add_argument("--encoder", type=Path, required=True, help="folder with model.safetensors and tokenizer.json")
    parser.add_argument("--texts", type=Path, nargs="+", required=True, help="catalogues, gzipped JSON lines")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--width", type=int, default=recipe.item, help="width D of item vectors (%(default)s)")
    parser.add_argument("--power", type=float, default=recipe.power, help="whitening power (%(default)s)")
    parser.add_argument("--weights", type=Path, default=Path(__file__).with_name("weights.json"),
                        help="the scorer's constants (the shipped ones)")  # fmt: skip
    parser.add_argument("--metrics", type=Path, default=Path(__file__).with_name("metrics.json"),
                        help="figures for the manifest (the shipped ones); measure again after a change")  # fmt: skip
    parser.add_argument("--rows", type=Path, help="cache of the encoder's vocabulary rows (.npy), made when absent")
    return parser.parse_args()


def main() -> None:
    """Read, distil, fit, write."""
    args = _arguments()
    tokenizer = (args.encoder / "tokenizer.json").read_bytes()
    vocabulary: dict[str, int] = json.loads(tokenizer)["model"]["vocab"]
    if args.rows and args.rows.exists():
        rows = np.load(args.rows)
    else:
        encoder = Encoder.read(args.encoder)
        rows = table.distil_vocabulary(encoder, len(vocabulary), vocabulary["[CLS]"], vocabulary["[SEP]"], _progress)
        if args.rows:
            np.save(args.rows, rows)
    recipe = export.Recipe(item=args.width, power=args.power)
    groups = export.group_ids([export.read_texts(path) for path in args.texts], vocabulary)
    tokens = export.build_table(rows, vocabulary, groups, recipe)
    constants = export.build_constants(tokens, groups, recipe, Scorer.read(args.weights), _progress)
    training = {
        "encoder": "all-MiniLM-L6-v2 (Apache-2.0), vocabulary distilled token by token",
        "encoder_sha256": manifest.sha256((args.encoder / "model.safetensors").read_bytes()),
        "data": [{"file": f"{p.parent.name}/{p.name}", "sha256": manifest.sha256(p.read_bytes())} for p in args.texts],
        "licence": "retail: CC BY 4.0 (UCI Online Retail II); scifact: abstracts ODC-By 1.0",
        "power": recipe.power,
    }
    sizes = export.write(args.out, constants, tokenizer, training, json.loads(args.metrics.read_text()))
    print("\n".join(f"{name:<24}{size:>12,} bytes" for name, size in sizes.items()))


if __name__ == "__main__":
    main()
