"""`python -m onelist_train`: the command line of the trainer."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import MISSING, fields

from onelist.errors import Error

from . import commands, models
from .options import Options
from .search_log import Searches, queries
from .teacher import PER_GRADE, teach

_KINDS: dict[str, Callable[[str], object]] = {"int": int, "float": float, "int | None": int, "float | None": float,
          "str": str, "str | None": str}  # fmt: skip


def _settings(parser: argparse.ArgumentParser, settings: type[Options] | type[Searches]) -> None:
    """Adds a flag for each setting that is a number or a word."""
    group = parser.add_argument_group("settings")
    for one in fields(settings):
        if one.type == "bool" or one.type is bool:
            group.add_argument(f"--{one.name}", action="store_true")
        elif one.default is not MISSING:
            kind = _KINDS[one.type if isinstance(one.type, str) else getattr(one.type, "__name__", str(one.type))]
            group.add_argument(f"--{one.name}", type=kind, default=one.default, help=f"(default {one.default})")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m onelist_train",
                                     description="Trains ranking models on the log of an Onelist store.")  # fmt: skip
    add = parser.add_subparsers(dest="command", required=True).add_parser
    trained = {
        "fit": "train a model on a log",
        "distill": "train a model on a log and a teacher's scores",
        "adapt": "train an adapter for a trained model",
    }
    for name, about in trained.items():
        one = add(name, help=about)
        several = {"nargs": "+"} if name == "fit" else {}
        one.add_argument("data", **several, help="folder of a store, or file from export_training")  # type: ignore[arg-type]
        one.add_argument("out", help="folder to write to")
        one.add_argument("--items", **several,  # type: ignore[arg-type]
                         help="items of a training file: JSON lines with an id and the texts")  # fmt: skip
        one.add_argument("--skip", nargs="*", default=[], help="item fields that the store does not embed")
        one.add_argument("--name", default=None, help="name of the model or the adapter")
        model = "--model" if name == "adapt" else "--base"
        one.add_argument(model, required=True, help="model folder to build on")
        if name == "distill":
            one.add_argument("--teacher", required=True, help="Parquet file with request, item and score")
        _settings(one, Options)
    one = add("queries", help="write a training file of synthetic searches for a catalogue")
    one.add_argument("items", help="JSON lines with an id and the texts")
    one.add_argument("out", help="training file to write")
    one.add_argument("--base", required=True, help="model folder that computes the features")
    one.add_argument("--events", help="the catalogue's log: JSON lines with user, item, action and time")
    one.add_argument("--judged", help="known queries: JSON lines with query and relevant (ids)")
    one.add_argument("--skip", nargs="*", default=[], help="text fields to make no query from")
    one.add_argument("--date_field", help="item field with the date, in seconds since 1970")
    _settings(one, Searches)
    one = add("teach", help="write a teacher for distill, from a trained model or from labels")
    one.add_argument("rows", help="file from export_training")
    one.add_argument("out", help="Parquet file to write")
    one.add_argument("--model", help="folder of a trained model that scores every candidate")
    one.add_argument("--items", help="items of the rows, with --model: JSON lines with an id and the texts")
    one.add_argument("--labels", help="instead of --model, judgments: JSON lines with query, item and grade")
    one.add_argument("--skip", nargs="*", default=[], help="item fields that the store does not embed")
    one.add_argument("--per_grade", type=float, default=PER_GRADE, help=f"logits per grade (default {PER_GRADE})")
    one = add("export", help="write the model of a finished fit again, under another name or on another base")
    one.add_argument("checkpoint", help="folder of the fit")
    one.add_argument("out", help="folder to write to")
    one.add_argument("--base", default=None, help="model folder with the same vector space")
    one.add_argument("--name", default=None, help="name of the model")
    one = add("merge", help="fold an adapter into a new model")
    for place in ("model", "adapter", "out"):
        one.add_argument(place)
    one.add_argument("--name", default=None)
    one = add("probe", help="check a model against the outputs in its manifest")
    one.add_argument("model", help="model folder")
    one.add_argument("--adapter", default=None, help="folder of an adapter: print the differences that it makes")
    return parser


def _train(args: argparse.Namespace) -> int:
    chosen = {one.name: getattr(args, one.name) for one in fields(Options) if hasattr(args, one.name)}
    named = {} if args.name is None else {"name": args.name}
    shared = {"items": args.items, "skip": args.skip, "options": Options(**chosen), **named}
    if args.command == "fit":
        one = len(args.data) == 1
        shared["items"] = args.items[0] if one and args.items else args.items
        commands.fit(args.data[0] if one else args.data, args.out, base=args.base, **shared)
    elif args.command == "distill":
        commands.distill(args.data, args.teacher, args.out, base=args.base, **shared)
    else:
        commands.adapt(args.data, args.out, model=args.model, **shared)
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns the exit status. An invalid input is reported in one line on stderr, with status 2."""
    args = _parser().parse_args(arguments)
    try:
        if args.command in ("fit", "adapt", "distill"):
            return _train(args)
        if args.command == "queries":
            chosen = {one.name: getattr(args, one.name) for one in fields(Searches)}
            made = queries(args.items, args.out, base=args.base, events=args.events, judged=args.judged, skip=args.skip,
                           date_field=args.date_field, options=Searches(**chosen))  # fmt: skip
            print("\n".join(f"{name:<24}{count:>12,}" for name, count in made.items()))
            return 0
        if args.command == "teach":
            made = teach(args.rows, args.out, model=args.model, items=args.items, labels=args.labels, skip=args.skip,
                         per_grade=args.per_grade)  # fmt: skip
            print("\n".join(f"{name:<24}{count:>12,}" for name, count in made.items()))
            return 0
        if args.command == "probe":
            for name, value in models.probe(args.model, adapted=args.adapter).items():
                print(f"{name:<16}{value:.3g}")
            return 0
        if args.command == "export":
            sizes = models.export(args.checkpoint, args.out, base=args.base, name=args.name)
        else:
            sizes = models.merge(args.model, args.adapter, args.out, name=args.name)
        print("\n".join(f"{name:<24}{size:>12,} bytes" for name, size in sizes.items()))
        return 0
    except (Error, ValueError, OSError) as error:
        print(f"{args.command}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
