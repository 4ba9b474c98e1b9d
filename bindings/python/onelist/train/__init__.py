"""Training a model on a store's own log: `fit`, `adapt`, `distill`, `export`, `merge`, `probe`, made-up `queries`, and
`teach`, which writes what `distill` learns from.

Needs the extra `train` (PyTorch, pyarrow and onnx). What is made is a model folder for ``onelist.open(model=...)``. See
docs/TRAINING.md; `python -m onelist.train --help` says the same on the command line.
"""

from .batches import Dropout
from .commands import Outcome, adapt, distill, export, fit, merge, probe
from .losses import Weights
from .options import Options
from .search_log import Searches, queries
from .teacher import teach

__all__ = ["Dropout", "Options", "Outcome", "Searches", "Weights", "adapt", "distill", "export", "fit", "merge", "probe",
           "queries", "teach"]  # fmt: skip
