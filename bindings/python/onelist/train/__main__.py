"""`python -m onelist.train`: the commands of the package on the command line."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import MISSING, fields

from onelist.errors import Error

from . import commands
from .options import Options

_KINDS: dict[str, Callable[[str], object]] = {"int": int, "float": float, "int | None": int, "str | None": str}


def _settings(parser: argparse.ArgumentParser) -> None:
    """A flag for each setting that is a number or a word."""
    group = parser.add_argument_group("settings")
    for one in fields(Options):
        if one.type == "bool" or one.type is bool:
            group.add_argument(f"--{one.name}", action="store_true")
        elif one.default is not MISSING:
            kind = _KINDS[one.type if isinstance(one.type, str) else getattr(one.type, "__name__", str(one.type))]
            group.add_argument(f"--{one.name}", type=kind, default=one.default, help=f"(default {one.default})")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m onelist.train", description=__doc__)
    add = parser.add_subparsers(dest="command", required=True).add_parser
    trained = {
        "fit": "train a model on a log",
        "distill": "train one with a teacher's scores beside the log",
        "adapt": "train an adapter of a trained model",
    }
    for name, about in trained.items():
        one = add(name, help=about)
        one.add_argument("data", help="folder of a store, or a file of export_training")
        one.add_argument("out", help="folder to write to")
        one.add_argument("--items", help="items of a training file: JSON lines with an id and the texts")
        one.add_argument("--skip", nargs="*", default=[], help="fields of items that the store does not embed")
        one.add_argument("--name", default=None)
        model = "--model" if name == "adapt" else "--base"
        one.add_argument(model, required=True, help="model folder to build on")
        if name == "distill":
            one.add_argument("--teacher", required=True, help="Parquet file with request, item and score")
        _settings(one)
    one = add("export", help="write the model of a finished fit once more")
    one.add_argument("checkpoint", help="folder of the fit")
    one.add_argument("out")
    one.add_argument("--base", default=None)
    one.add_argument("--name", default=None)
    one = add("merge", help="fold an adapter into a model of its own")
    for place in ("model", "adapter", "out"):
        one.add_argument(place)
    one.add_argument("--name", default=None)
    one = add("probe", help="run a model on its own probe")
    one.add_argument("model")
    one.add_argument("--adapter", default=None)
    return parser


def _train(args: argparse.Namespace) -> int:
    chosen = {one.name: getattr(args, one.name) for one in fields(Options) if hasattr(args, one.name)}
    named = {} if args.name is None else {"name": args.name}
    shared = {"items": args.items, "skip": args.skip, "options": Options(**chosen), **named}
    if args.command == "fit":
        commands.fit(args.data, args.out, base=args.base, **shared)
    elif args.command == "distill":
        commands.distill(args.data, args.teacher, args.out, base=args.base, **shared)
    else:
        commands.adapt(args.data, args.out, model=args.model, **shared)
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit status. What cannot be is one line on stderr and status 2."""
    args = _parser().parse_args(arguments)
    try:
        if args.command in ("fit", "adapt", "distill"):
            return _train(args)
        if args.command == "probe":
            for name, value in commands.probe(args.model, adapted=args.adapter).items():
                print(f"{name:<16}{value:.3g}")
            return 0
        if args.command == "export":
            sizes = commands.export(args.checkpoint, args.out, base=args.base, name=args.name)
        else:
            sizes = commands.merge(args.model, args.adapter, args.out, name=args.name)
        print("\n".join(f"{name:<24}{size:>12,} bytes" for name, size in sizes.items()))
        return 0
    except (Error, ValueError, OSError) as error:
        print(f"{args.command}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
