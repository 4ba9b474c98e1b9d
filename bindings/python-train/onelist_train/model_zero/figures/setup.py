"""What every figure needs: the three catalogues, the judged queries and the events."""

import datetime
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import export, space
from ..constants import Scorer
from ..table import TokenTable
from ..texts import TokenReader
from .behaviour import Target, first_new_items, leave_out
from .data import Catalogue, Events, Queries, lines, movie_judgments, scifact_queries
from .world import Space, World

Array = NDArray[np.float32]
CATALOGUES = ("scifact", "retail", "movies")
# Targets from the first day until the second, of the validation and of the test half.
RETAIL_PERIODS = {True: ("2010-09-01", "2010-10-01"), False: ("2010-11-01", "2010-12-01")}


@dataclass(frozen=True)
class Setup:
    """The loaded data. `fits` are the content vectors that the shipped space is fitted on, by name."""

    recipe: export.Recipe
    scorer: Scorer
    tokens: TokenTable
    fits: dict[str, Array]
    worlds: dict[str, World]
    queries: dict[str, Queries]
    events: dict[str, Events]
    born: NDArray[np.int64]
    folder: Path

    @classmethod
    def read(cls, folder: Path, encoder: Path, rows: Array, weights: Path) -> "Setup":
        """Reads three catalogues from `folder` and the tokenizer of `encoder`, whose vocabulary rows are `rows`."""
        recipe = export.Recipe()
        tokenizer = (encoder / "tokenizer.json").read_bytes()
        vocabulary: dict[str, int] = json.loads(tokenizer)["model"]["vocab"]
        catalogues = {name: Catalogue.read(folder / name / "items.jsonl.gz") for name in CATALOGUES}
        groups = export.group_ids([catalogues[name].texts for name in ("scifact", "retail")], tokenizer)
        tokens = export.build_table(rows, vocabulary, groups, recipe)
        words = [[i] for i in np.flatnonzero(tokens.weights > 0).tolist()]
        lists = dict(zip(("scifact", "retail", "words"), (*groups, words), strict=True))
        fits = {name: tokens.embed_all(ids) for name, ids in lists.items()}
        shipped = space.fit_whitening(list(fits.values()), recipe.item, recipe.power)
        reader = TokenReader(tokenizer)
        return cls(
            recipe, Scorer.read(weights), tokens, fits,
            {name: World.of(c, reader, tokens, shipped) for name, c in catalogues.items()},
            {"scifact": scifact_queries(folder / "scifact", catalogues["scifact"]),
             "movies": movie_judgments(folder / "movies", catalogues["movies"])},
            {name: Events.read(folder / name / "events.jsonl.gz", catalogues[name]) for name in ("retail", "movies")},
            np.asarray([item["first_sold"] for item in lines(folder / "retail" / "items.jsonl.gz")], np.int64),
            folder,
        )  # fmt: skip

    def fitted(self, width: int, power: float, without: str = "") -> Space:
        """The shared space with another width and power, optionally fitted without one of the sets."""
        return space.fit_whitening([v for name, v in self.fits.items() if name != without], width, power)

    def targets(self, name: str, validation: bool) -> list[Target]:
        """The next-item targets of one half of a catalogue."""
        if name == "movies":
            return leave_out(self.events[name], 2 if validation else 1)
        start, end = (
            int(datetime.datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp())
            for day in RETAIL_PERIODS[validation]
        )
        return first_new_items(self.events[name], start, end)

    def born_of(self, name: str) -> NDArray[np.int64] | None:
        """When the items of a catalogue were added, if known."""
        return self.born if name == "retail" else None
