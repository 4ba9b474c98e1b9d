"""`python -m onelist_train.model_zero`: the command line of the exporter."""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from . import export, lesson, manifest, passages, table
from .constants import Constants, Scorer
from .encoder import Encoder
from .folder import EncoderRefusedError, SentenceEncoder, licence_of
from .passages import TooFewTextsError
from .transformer import KIND as TRANSFORMER

# Chosen on the validation halves of scifact and the movie judgments: see docs/MODEL.md.
TRANSFORMER_WIDTH, TRANSFORMER_POWER = 192, 0.25



def _arguments() -> argparse.Namespace:
    recipe = export.Recipe()
    parser = argparse.ArgumentParser(prog="python -m onelist_train.model_zero",
                                     description="Makes a base model. The same inputs give the same bytes.")  # fmt: skip
    parser.add_argument("--encoder", type=Path, help="folder with config.json, model.safetensors and tokenizer.json")
    parser.add_argument("--tower", choices=["table", TRANSFORMER], default="table",
                        help="text tower: a token table distilled from the encoder (the default), or the encoder itself")  # fmt: skip
    parser.add_argument("--texts", type=Path, nargs="+", help="catalogues as JSON lines, gzipped or not")
    parser.add_argument("--base", type=Path,
                        help="folder of an existing model: replaces its scorer only; instead of --encoder and --texts")  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--width", type=int, help=f"width of item vectors ({recipe.item}; transformer {TRANSFORMER_WIDTH})")
    parser.add_argument("--power", type=float, help=f"whitening power ({recipe.power}; transformer {TRANSFORMER_POWER})")
    parser.add_argument("--weights", type=Path, default=Path(__file__).with_name("weights.json"),
                        help="constants of the scorer (the shipped ones)")  # fmt: skip
    parser.add_argument("--metrics", type=Path,
                        help="JSON file with metrics for the manifest (none; with --base those of the base)")  # fmt: skip
    parser.add_argument("--rows", type=Path, help="table: cache of the encoder's vocabulary rows (.npy), written when missing")
    parser.add_argument("--learn-table", type=Path, nargs="*", metavar="FILE",
                        help="table: train its rows to reproduce the encoder's vectors of passages from --texts and from "
                             "these files, which serve for nothing else")  # fmt: skip
    parser.add_argument("--passages", type=int, default=10_000, help="maximum passages per file for --learn-table (10000)")
    parser.add_argument("--max-tokens", type=int, help="transformer: truncate texts earlier than the encoder does")
    parser.add_argument("--full", action="store_true", help="transformer: store f32 matrices, four times the bytes of int8")
    parser.add_argument("--name", help="the model's name (transformer: the encoder's folder; learned table: learned-table)")
    args = parser.parse_args()
    if (args.base is None) == (args.encoder is None or args.texts is None):
        parser.error("expected either --base, or --encoder and --texts")
    if args.max_tokens is not None and args.max_tokens < 1:
        parser.error(f"expected --max-tokens of 1 or more, found {args.max_tokens}")
    if args.passages < 1:
        parser.error(f"expected --passages of 1 or more, found {args.passages}")
    if args.learn_table is not None and (args.base or args.tower == TRANSFORMER):
        parser.error("expected --learn-table with --tower table and an encoder, found --base or --tower transformer")
    return args


def _rescore(base: Path, out: Path, scorer: Scorer, metrics: dict[str, object] | None) -> dict[str, int]:
    """Writes a model with the text tower and the vector space of `base` and another scorer."""
    constants = Constants.read(base / "base.onnx", scorer)
    old = json.loads((base / "manifest.json").read_text())
    about = manifest.About(old["name"], old["licence"])
    tokenizer = (base / "tokenizer.json").read_bytes()
    return export.write(out, constants, tokenizer, old["training"], old["metrics"] if metrics is None else metrics, about)


def main() -> None:
    """Runs the command."""
    args = _arguments()
    metrics, scorer = json.loads(args.metrics.read_text()) if args.metrics else None, Scorer.read(args.weights)
    try:
        if args.base:
            sizes = _rescore(args.base, args.out, scorer, metrics)
        elif args.tower == TRANSFORMER:
            sizes = _convert(args, scorer)
        else:
            sizes = _distil(args, scorer, metrics or {})
    except (EncoderRefusedError, TooFewTextsError) as error:
        sys.exit(f"error: {error}")
    print("\n".join(f"{name:<24}{size:>12,} bytes" for name, size in sizes.items()))


def _data(paths: list[Path]) -> list[dict[str, str]]:
    return [{"file": f"{p.parent.name}/{p.name}", "sha256": manifest.sha256(p.read_bytes())} for p in paths]


def _convert(args: argparse.Namespace, scorer: Scorer) -> dict[str, int]:
    """Writes a model with the encoder itself as text tower. The catalogues only fit its vector space."""
    source = SentenceEncoder.read(args.encoder)
    tower = source.tower(args.max_tokens, small=not args.full)
    recipe = export.Recipe(content=source.encoder.width, item=min(args.width or TRANSFORMER_WIDTH, source.encoder.width),
                           power=TRANSFORMER_POWER if args.power is None else args.power)  # fmt: skip
    texts = [export.read_texts(path) for path in args.texts]
    vectors = export.transformer_vectors(tower, source.tokenizer, texts, recipe, progress=True)
    constants = export.build_constants(tower, vectors, recipe, scorer, progress=True)
    name, licence = args.name or args.encoder.resolve().name, licence_of(args.encoder)
    training = {
        # The words of these entries are part of the file; changing one changes its bytes.
        "encoder": f"{name}, as it is, in {'f32' if args.full else 'int8'}",
        "encoder_sha256": manifest.sha256((args.encoder / "model.safetensors").read_bytes()),
        "data": _data(args.texts),
        "licence": f"encoder: {licence}; of the data mean, whitening and codebook were taken",
        "power": recipe.power,
    }
    return export.write(args.out, constants, source.tokenizer, training, {}, manifest.About(name, licence))


def _distil(args: argparse.Namespace, scorer: Scorer, metrics: dict[str, object]) -> dict[str, int]:
    """Writes a model with a token table, distilled from the encoder's vocabulary."""
    tokenizer = (args.encoder / "tokenizer.json").read_bytes()
    vocabulary: dict[str, int] = json.loads(tokenizer)["model"]["vocab"]
    if args.rows and args.rows.exists():
        rows = np.load(args.rows)
    else:
        encoder = Encoder.read(args.encoder)
        rows = table.distil_vocabulary(encoder, len(vocabulary), vocabulary["[CLS]"], vocabulary["[SEP]"], progress=True)
        if args.rows:
            np.save(args.rows, rows)
    shipped = export.Recipe()
    recipe = export.Recipe(item=args.width or shipped.item, power=shipped.power if args.power is None else args.power)
    groups = export.group_ids([export.read_texts(path) for path in args.texts], tokenizer)
    learned: dict[str, object] = {}
    if args.learn_table is None:
        tokens = export.build_table(rows, vocabulary, groups, recipe)
    else:
        tokens, learned = _learn(args, rows, export.token_weights(groups, vocabulary, recipe), recipe)
    constants = export.build_constants(tokens, export.table_vectors(tokens, groups), recipe, scorer, progress=True)
    training = {
        "encoder": "all-MiniLM-L6-v2 (Apache-2.0), vocabulary distilled token by token"
                   + (", then trained on its vectors of passages" if learned else ""),
        "encoder_sha256": manifest.sha256((args.encoder / "model.safetensors").read_bytes()),
        "data": _data(args.texts),
        "licence": "retail: CC BY 4.0 (UCI Online Retail II); scifact: abstracts ODC-By 1.0",
        "power": recipe.power,
        **learned,
    }  # fmt: skip
    about = manifest.About(args.name or ("learned-table" if learned else manifest.NAME))
    return export.write(args.out, constants, tokenizer, training, metrics, about)


def _learn(args: argparse.Namespace, rows: table.Array, weights: table.Array,
           recipe: export.Recipe) -> tuple[table.TokenTable, dict[str, object]]:  # fmt: skip
    """A table whose rows are trained on passages of the catalogues and of further files, and its entry in the manifest."""
    files = [*args.texts, *args.learn_table]
    texts = [text for path in files for text in passages.read(path, args.passages)]
    source = SentenceEncoder.read(args.encoder)
    taught = lesson.teach(source, rows, weights, texts, recipe.content, progress=True)
    entry = {"passages": taught.texts, "pull": taught.learned.pull, "epochs": taught.learned.epochs,
             "miss": [round(taught.learned.before, 4), round(taught.learned.after, 4)],
             "further_data": _data(args.learn_table)}  # fmt: skip
    return table.packed(taught.learned.rows, weights), {"learned": entry}


if __name__ == "__main__":
    main()
