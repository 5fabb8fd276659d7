"""docs/guest.md lists the routes that there are, no more and no fewer."""

from __future__ import annotations

import re
from pathlib import Path

from vm.guest.routes import ROUTES

DOCS = Path(__file__).resolve().parents[3] / "docs/guest.md"


def test_every_route_is_described_once() -> None:
    told = re.findall(r"^\| `([A-Z]+) (/\S+)` \|", DOCS.read_text(), re.MULTILINE)
    assert sorted(told) == sorted((route.method, route.path) for route in ROUTES)
    assert sum(route.plain for route in ROUTES) == 26
