"""`docs/api.md`: the routes of the page's service, from what it tells of itself."""

from __future__ import annotations

import json
from typing import Any, cast

_ABOUT = """\
`deskhand serve` serves this on 127.0.0.1, on a port of its own choice; `deskhand serve --json` prints `url`, `token`
and `pid`. Every request needs the header `Authorization: Bearer TOKEN`. The whole description, with all bodies and
answers, is at `/openapi.json`. `deskhand tell`, `pause`, `resume`, `stop`, `approve`, `deny`, `answer` and `take` use
it where the service runs.
"""


def api_rows() -> tuple[str, list[tuple[str, str, str]]]:
    """What to say of the interface, and for each route: method and path, what it does, the fields of its body."""
    from fastapi import FastAPI

    from ui.service.api import Service, make_router

    app = FastAPI(title="Deskhand")
    app.include_router(make_router(cast("Service", None)))  # routes are described here, not called
    told: dict[str, Any] = app.openapi()
    rows = [
        (f"`{method.upper()} {path}`", _line(route["description"]), _body(route, told))
        for path, methods in told["paths"].items()
        for method, route in methods.items()
    ]
    return _ABOUT, rows


def _line(description: str) -> str:
    return " ".join(description.split())


def _body(route: dict[str, Any], told: dict[str, Any]) -> str:
    """Names of the fields, those that must be there without a question mark."""
    if "requestBody" not in route:
        query = [one["name"] for one in route.get("parameters", ()) if one["in"] == "query"]
        return f"`?{'&'.join(query)}`" if query else ""
    schema = route["requestBody"]["content"]["application/json"]["schema"]
    name = json.dumps(schema).rpartition("/")[2].strip('"}')
    body = told["components"]["schemas"][name]
    required = set(body.get("required", ()))
    return ", ".join(f"`{field}`{'' if field in required else '?'}" for field in body["properties"])
