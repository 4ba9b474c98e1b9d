"""A first list: three items, one user, and the four questions that one call answers.

Run it with `python examples/python/first.py`, after `pip install ./bindings/python`.
"""

import sys
from pathlib import Path

import onelist

# A store is a directory; open creates it. Leaving the block closes it, and what was written stays.
path = Path(sys.argv[1] if len(sys.argv) > 1 else "first.onelist")
with onelist.open(path) as db:
    # Put items. Only the id is required; the other fields are yours, and their types are inferred.
    db.put(
        [
            {"id": "shoe-red", "title": "Red running shoes", "price": 59},
            {"id": "shoe-trail", "title": "Trail shoes for mountains", "price": 89},
            {"id": "bag", "title": "Leather bag", "price": 120},
        ]
    )

    # Log what people do. The next ranking knows it.
    db.log(user="ada", item="shoe-trail", action="click")

    # One verb, four questions: which keywords are given decides which.
    print("search", db.rank("red shoes", fields=["title"]), sep="\n")
    print("search, for ada", db.rank("shoes", user="ada", fields=["title"]), sep="\n")
    print("recommendation for ada", db.rank(user="ada", exclude_seen=True, fields=["title"]), sep="\n")
    print("first visit", db.rank(fields=["title"]), sep="\n")

    # A ranking is a sequence of hits, and each says why it stands where it stands when it is asked to.
    best = db.rank("red shoes", explain=True)[0]
    print(best.id, best.score, best.fields, best.why, sep="\n")
