"""`python -m onelist.model_zero`: make the shipped model. The same inputs give the same bytes."""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from . import export, manifest, table
from .constants import Constants, Scorer
from .encoder import Encoder


def _progress(message: str) -> None:
    """One line, rewritten in place on a terminal."""
    print(f"\r{message:<70}", end="" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    recipe = export.Recipe()
    parser = argparse.ArgumentParser(prog="python -m onelist.model_zero", description=__doc__)
    parser.add_argument("--encoder", type=Path, help="folder with model.safetensors and tokenizer.json")
    parser.add_argument("--texts", type=Path, nargs="+", help="catalogues, gzipped JSON lines")
    parser.add_argument("--base", type=Path,
                        help="folder of a model made before: only the scorer is made anew, in place of both above")  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--width", type=int, default=recipe.item, help="width D of item vectors (%(default)s)")
    parser.add_argument("--power", type=float, default=recipe.power, help="whitening power (%(default)s)")
    parser.add_argument("--weights", type=Path, default=Path(__file__).with_name("weights.json"),
                        help="the scorer's constants (the shipped ones)")  # fmt: skip
    parser.add_argument("--metrics", type=Path, default=Path(__file__).with_name("metrics.json"),
                        help="figures for the manifest (the shipped ones); measure again after a change")  # fmt: skip
    parser.add_argument("--rows", type=Path, help="cache of the encoder's vocabulary rows (.npy), made when absent")
    args = parser.parse_args()
    if (args.base is None) == (args.encoder is None or args.texts is None):
        parser.error("expected either --base, or --encoder and --texts")
    return args


def _rescore(base: Path, out: Path, scorer: Scorer, metrics: dict[str, object]) -> dict[str, int]:
    """A model with the table and the space of `base` and another scorer."""
    constants = Constants.read(base / "base.onnx", scorer)
    training = json.loads((base / "manifest.json").read_text())["training"]
    return export.write(out, constants, (base / "tokenizer.json").read_bytes(), training, metrics)


def main() -> None:
    """Read, distil, fit, write."""
    args = _arguments()
    metrics, scorer = json.loads(args.metrics.read_text()), Scorer.read(args.weights)
    sizes = _rescore(args.base, args.out, scorer, metrics) if args.base else _distil(args, scorer, metrics)
    print("\n".join(f"{name:<24}{size:>12,} bytes" for name, size in sizes.items()))


def _distil(args: argparse.Namespace, scorer: Scorer, metrics: dict[str, object]) -> dict[str, int]:
    """A model from the encoder and the catalogues."""
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
    constants = export.build_constants(tokens, groups, recipe, scorer, _progress)
    training = {
        "encoder": "all-MiniLM-L6-v2 (Apache-2.0), vocabulary distilled token by token",
        "encoder_sha256": manifest.sha256((args.encoder / "model.safetensors").read_bytes()),
        "data": [{"file": f"{p.parent.name}/{p.name}", "sha256": manifest.sha256(p.read_bytes())} for p in args.texts],
        "licence": "retail: CC BY 4.0 (UCI Online Retail II); scifact: abstracts ODC-By 1.0",
        "power": recipe.power,
    }
    return export.write(args.out, constants, tokenizer, training, metrics)


if __name__ == "__main__":
    main()
