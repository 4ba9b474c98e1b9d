"""Trains ranking models on the log of an Onelist store.

`fit`, `adapt`, `distill`, `export`, `merge` and `probe` make and check models, `queries` writes synthetic searches, and
`teach` writes the scores that `distill` learns from. The result is a model folder for ``onelist.open(model=...)``. See
docs/TRAINING.md; `python -m onelist_train --help` describes the command line.
"""

from .batches import Dropout
from .commands import Outcome, adapt, distill, fit
from .losses import Weights
from .models import export, merge, probe
from .options import Options
from .search_log import Searches, queries
from .teacher import teach
from .version import VERSION as __version__

__all__ = ["Dropout", "Options", "Outcome", "Searches", "Weights", "__version__", "adapt", "distill", "export", "fit",
           "merge", "probe", "queries", "teach"]  # fmt: skip
