"""One list for search and recommendation.

::

    import onelist

    with onelist.open("shop.onelist") as db:
        db.put([{"id": "sku-9", "title": "Red shoes", "price": 59.0, "tags": ["shoes", "red"]}])
        db.log(user="u7", item="sku-9", action="click")
        db.rank("red shoes", user="u7")     # search, personalised
        db.rank(user="u7")                  # recommendation
        db.rank(like=["sku-9"])             # more like this
        db.rank()                           # first visit: what is popular and fresh

The store is a directory; the engine runs in this process and needs no network. Calls release the GIL, and one engine
may be used from any number of threads.
"""

from onelist import errors, types
from onelist._native import Hit, Ranking, __version__
from onelist.tuning import Tuning
from onelist.engine import Engine, open  # noqa: A004 (onelist.open reads as what it is)
from onelist.errors import BusyError, DamagedError, Error, InputError, InternalError, SetupError
from onelist.evaluation import Report, counterfactual

__all__ = [
    "BusyError",
    "Tuning",
    "DamagedError",
    "Engine",
    "Error",
    "Hit",
    "InputError",
    "InternalError",
    "Ranking",
    "Report",
    "SetupError",
    "__version__",
    "counterfactual",
    "errors",
    "open",
    "types",
]
