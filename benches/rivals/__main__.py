"""``python -m rivals retail movies ml100k``: trains the rivals on each task, and prints ``evaluate`` with them in it.

Settings and the number of epochs are chosen on the validation half, the rivals are then trained on what comes before the
reported questions. Options: ``--model TASK=FOLDER`` measures a trained model as ``rank``; ``--work FOLDER`` keeps the files;
``--no-evaluate`` stops when the answers are written.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from functools import partial
from pathlib import Path

import torch

from . import linear, sasrec
from .task import Task

ROOT = Path(__file__).resolve().parents[2]
say = partial(print, flush=True)


def quality(*arguments: str | Path) -> None:
    """Runs the evaluation of this repository."""
    command = ["cargo", "run", "--quiet", "--release", "-p", "onelist-benches", "--bin", "quality", "--"]
    subprocess.run([*command, *map(str, arguments)], cwd=ROOT, check=True)


def answers(name: str, work: Path, epochs: int) -> None:
    """Chooses on the validation half, trains, and writes the answers to the reported questions."""
    quality(name, "--validation", "--questions", work / "validation")
    quality(name, "--questions", work / "report")
    validation, report = Task(work / "validation", name), Task(work / "report", name)
    for place, (system, (fit, grid)) in enumerate(linear.GRID.items()):
        start = time.monotonic()
        tried = [(validation.ndcg(validation.masked(fit(validation, **settings))), settings) for settings in grid]
        best, settings = max(tried, key=lambda one: one[0])
        report.write(work / "report" / f"{name}.{place}.answers.json", system, report.masked(fit(report, **settings)))
        say(f"{name}: {system}, {settings}: validation NDCG@10 {best:.4f}, {time.monotonic() - start:.0f} s")
    start = time.monotonic()
    _, best_epoch = sasrec.train(validation, epochs=epochs, patience=10, say=say)
    scores, _ = sasrec.train(report, epochs=best_epoch)
    report.write(work / "report" / f"{name}.sasrec.answers.json", "SASRec", scores)
    say(f"{name}: SASRec, {best_epoch} epochs, {time.monotonic() - start:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(prog="rivals", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("tasks", nargs="+", choices=["retail", "rebuys", "movies", "ml100k"])
    parser.add_argument("--model", action="append", default=[], metavar="TASK=FOLDER")
    parser.add_argument("--work", type=Path, default=ROOT / ".cache" / "rivals")
    parser.add_argument("--epochs", type=int, default=100, help="at most so many of SASRec (100)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--no-evaluate", action="store_true")
    options = parser.parse_args()
    models = dict(one.split("=", 1) for one in options.model)
    torch.set_num_threads(options.threads)
    for task in options.tasks:
        answers(task, options.work.resolve(), options.epochs)
        if not options.no_evaluate:
            model = ["--model", str(Path(models[task]).resolve())] if task in models else []
            quality(task, "--check", "0", "--answers", options.work.resolve() / "report", *model)


if __name__ == "__main__":
    main()
