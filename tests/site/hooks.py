"""A receiver of webhooks: keeps what it gets under a name, so that a test outside the cluster can read it."""

import asyncio
from collections import defaultdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Deliveries = dict[str, list[dict[str, Any]]]


def new_deliveries() -> Deliveries:
    """No deliveries yet, by name."""
    return defaultdict(list)


async def receive(request: Request) -> Response:
    """Keep the delivery; `?refuse=N` answers 503 to the first N, `?slow=S` takes S seconds to answer."""
    kept: Deliveries = request.app.state.deliveries
    deliveries = kept[request.path_params["name"]]
    body = (await request.body()).decode()
    refused = len(deliveries) < int(request.query_params.get("refuse", "0"))
    status = 503 if refused else 200
    deliveries.append({"headers": dict(request.headers), "body": body, "answered": status})
    await asyncio.sleep(min(30.0, float(request.query_params.get("slow", "0"))))
    return JSONResponse({"received": len(deliveries)}, status_code=status)


async def deliveries_of(request: Request) -> Response:
    """List what came in under a name, oldest first."""
    kept: Deliveries = request.app.state.deliveries
    return JSONResponse(kept.get(request.path_params["name"], []))


def routes() -> list[Route]:
    """Return the routes of the receiver."""
    return [
        Route("/hooks/{name}", receive, methods=["POST"]),
        Route("/hooks/{name}", deliveries_of, methods=["GET"]),
    ]
