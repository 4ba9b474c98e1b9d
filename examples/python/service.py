"""A web service on one store: search, recommendations, new items, and what people do.

Start it with either of these, in the folder of this file, after `pip install fastapi uvicorn gunicorn`:

    uvicorn --workers 4 service:app
    gunicorn --preload --workers 4 --worker-class asgi service:app

Every worker opens the same directory and calls everything. One of them writes for all; when it ends, another takes over.
"""

import os
from typing import Any

import onelist
from fastapi import FastAPI
from fastapi.responses import JSONResponse

# With --preload this runs once, before the workers are forked: each opens the store for itself at its first call.
db = onelist.open(os.environ.get("SHOP", "shop.onelist"))
app = FastAPI()


@app.exception_handler(onelist.InputError)
async def refused(_request: object, error: Exception) -> JSONResponse:
    """What the engine refuses is the caller's to correct."""
    return JSONResponse({"detail": str(error)}, 422)


@app.get("/search")
def search(q: str | None = None, user: str | None = None, limit: int = 10) -> list[dict[str, Any]]:
    """A search, a recommendation, both, or a first visit."""
    return [{"id": hit.id, "score": hit.score, **hit.fields} for hit in db.rank(q, user=user, limit=limit)]


@app.put("/items")
def put(items: list[dict[str, Any]]) -> dict[str, int]:
    """New and changed items. Any worker finds them from now on; the token lets other programs wait for them."""
    return {"token": db.put(items)}


@app.post("/events")
def log(user: str, item: str, action: str = "click") -> dict[str, int]:
    """What somebody did; felt by the next answer of any worker."""
    return {"token": db.log(user=user, item=item, action=action)}


@app.get("/stats")
def stats() -> dict[str, Any]:
    """How the store is, and which worker answered."""
    return {"pid": os.getpid(), **db.stats()}
