"""What the page's server tells: every route, on sessions as the loop leaves them."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Generator
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi.openapi.models import OpenAPI
from fastapi.routing import APIRoute
from PIL import Image
from pydantic import TypeAdapter

from agent.events import FileMade, TurnStarted
from agent.session import Session
from tests.support.at_work import started, working
from tests.support.homes import make_home, make_session
from tests.support.serving import Client, serving
from tests.ui.story import Story, draw, eventful
from ui.service import files
from ui.service.api import make_router
from ui.service.bodies import Blocks, Board, Fault, Found, Lines, Posted
from ui.service.cards import Detail


def fits(shape: Any, data: Any) -> None:
    """An answer is what `/openapi.json` says that it is, no field more or less."""
    adapter = TypeAdapter[Any](shape)
    assert adapter.dump_python(adapter.validate_python(data), mode="json", by_alias=True, exclude_unset=True) == data


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[Client, Session]]:
    """A server for what changes nothing, on one session that was begun and does not run."""
    home = tmp_path_factory.mktemp("home")
    session = started(home)
    (home / "events.jsonl").write_text("{}")
    with serving(home) as (_, client):
        yield client, session


# ---- the whole


def test_an_empty_home_has_an_empty_board(tmp_path: Path) -> None:
    with serving(tmp_path / "none") as (_, client):
        found = client.get("/api/board")
        assert found.status == 200 and found.data["sessions"] == []
        fits(Board, found.data)
        assert client.get("/api/sessions").data == {"sessions": [], "more": False}


def test_every_answer_is_as_it_is_documented(tmp_path: Path) -> None:
    session = eventful(tmp_path)
    with serving(tmp_path) as (_, client):
        one = f"/api/sessions/{session.id}"
        fits(Board, client.get("/api/board").data)
        fits(Found, client.get("/api/sessions").data)
        fits(Detail, client.get(one).data)
        fits(Blocks, client.get(f"{one}/blocks").data)
        fits(Lines, client.get(f"{one}/journal").data)
        fits(Posted, client.post(f"{one}/words", {"kind": "steer", "text": "go on"}).data)
        fits(Fault, client.get("/api/sessions/none").data)


def test_the_openapi_document_is_valid_and_lists_every_route(tmp_path: Path) -> None:
    with serving(tmp_path) as (server, client):
        document = client.get("/openapi.json").data
        routes = [route for route in make_router(server.service).routes if isinstance(route, APIRoute)]
    OpenAPI.model_validate(document)
    listed = {(path, method) for path, item in document["paths"].items() for method in item}
    assert listed == {(r.path, method.lower()) for r in routes for method in r.methods or ()}
    assert len(listed) >= 13
    for name in set(_references(document)):
        assert name.removeprefix("#/components/schemas/") in document["components"]["schemas"]
    for item in document["paths"].values():
        for about in item.values():
            assert about["security"] and about["description"] and {"401", "404"} <= set(about["responses"])
    assert document["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"


def _references(data: Any) -> Generator[str]:
    if isinstance(data, dict):
        found: dict[str, Any] = cast("dict[str, Any]", data)
        if "$ref" in found:
            yield found["$ref"]
        data = list(found.values())
    for value in cast("list[Any]", data) if isinstance(data, list) else ():
        yield from _references(value)


def test_the_board_has_all_that_live_and_the_newest_others(tmp_path: Path) -> None:
    for number in range(70):
        make_session(tmp_path, f"20261101-{number:06}-abcdef", 1)
    oldest = make_session(tmp_path, "20260101-000000-abcdef", 1, ended=False)
    with working(oldest, TurnStarted(2, 2)), serving(tmp_path) as (_, client):
        cards = client.get("/api/board").data["sessions"]
        names = [card["id"] for card in cards]
        assert len(names) == 61 and names == sorted(names, reverse=True) and names[-1] == oldest.id
        assert cards[-1]["live"] and cards[-1]["state"] == "thinking"


# ---- one session


def test_detail_and_stretches_of_the_journal(tmp_path: Path) -> None:
    session = make_session(tmp_path, "20261101-000000-abcdef", 100)
    with serving(tmp_path) as (_, client):
        one = f"/api/sessions/{session.id}"
        detail = client.get(one).data
        assert (detail["chunks"], detail["turns"], detail["state"]) == (101, 100, "done")
        assert detail["files"] == [{"path": "/home/me/files/budget.xlsx", "name": "budget.xlsx", "bytes": 9216}]
        assert [receipt["state"] for receipt in detail["receipts"]] == ["applied"]
        for query, first, to in (
            ("", 81, 100),
            ("?from=-3", 98, 100),
            ("?from=0&to=2", 0, 2),
            ("?from=5&to=5", 5, 5),
            ("?from=10", 10, 69),
            ("?from=90&to=4000", 90, 100),
            ("?from=-400&to=1", 0, 1),
        ):
            found = client.get(f"{one}/blocks{query}").data
            assert (found["from"], found["to"], found["chunks"]) == (first, to, 101)
            assert {block["chunk"] for block in found["blocks"]} == set(range(first, to + 1))
        assert client.get(f"{one}/blocks?from=700").data["blocks"] == []
        raw = session.events.read_bytes().splitlines()
        found = client.get(f"{one}/journal?after=700&limit=20").data
        assert [entry["seq"] for entry in found["entries"]] == list(range(701, 721)) and found["last"] == 720
        assert found["entries"][0] == TypeAdapter(dict[str, Any]).validate_json(raw[700])
        assert client.get(f"{one}/journal?after=99999").data == {"entries": [], "last": 99999}


@pytest.mark.parametrize("name", ["none", "..", "%2e%2e", "{}x", "last", "%2e%2e%2fsessions%2f{}", "{}%00", ""])
def test_a_session_is_named_by_its_whole_id_and_nothing_else(shared: tuple[Client, Session], name: str) -> None:
    client, session = shared
    for path in ("", "/blocks", "/journal", f"/images/{'a' * 64}", "/files/0", "/live"):
        found = client.get(f"/api/sessions/{name.format(session.id)}{path}")
        assert found.status == 404, path
        assert list(found.data) == ["error"] and "\n" not in found.data["error"]
    assert client.get(f"/api/sessions/{session.id[:-1]}").status == 404
    assert client.get(f"/api/sessions/{session.id}").status == 200


def test_pictures_are_given_out_by_their_content_only(tmp_path: Path) -> None:
    story = Story(tmp_path)
    image = story.look(draw(1))
    session = story.end()
    (session.images / ("b" * 64 + ".png")).write_bytes(b"not what the name says")
    (session.images / ("c" * 64 + ".png")).symlink_to(session.events)
    os.mkfifo(session.images / ("d" * 64 + ".png"))
    (session.images / "secret").write_text("x")
    with serving(tmp_path) as (_, client):
        one = f"/api/sessions/{session.id}/images"
        found = client.get(f"{one}/{image.sha256}")
        assert hashlib.sha256(found.body).hexdigest() == image.sha256
        assert found.headers["content-type"] == "image/png" and "immutable" in found.headers["cache-control"]
        small = client.get(f"{one}/{image.sha256}?width=320")
        assert Image.open(BytesIO(small.body)).size == (320, 200) and small.headers["content-type"] == "image/jpeg"
        assert Image.open(BytesIO(client.get(f"{one}/{image.sha256}?width=2000").body)).size == (1280, 800)
        for name in ("b" * 64, "c" * 64, "d" * 64, "e" * 64, "secret", "..", f"{image.sha256}.png", "A" * 64):
            assert client.get(f"{one}/{name}").status == 404, name
            assert client.get(f"{one}/{name}?width=320").status == 404
        assert client.get(f"{one}/{image.sha256}?width=0").status == 422


def test_files_are_those_that_the_journal_names_and_saved_not_shown(tmp_path: Path) -> None:
    workspace, secret = tmp_path / "work", tmp_path / "secret.txt"
    (workspace / "in").mkdir(parents=True)
    (workspace / "in" / 'Bü"dget\n.html').write_text("<script>alert(1)</script>")
    secret.write_text("secret")
    (workspace / "link.txt").symlink_to(secret)
    (workspace / "out").symlink_to(tmp_path)
    os.mkfifo(workspace / "pipe")
    session = started(tmp_path / "home", workspace=workspace)
    names = ['in/Bü"dget\n.html', "link.txt", "out/secret.txt", "pipe", "in", "gone.txt", "in/../../secret.txt"]
    made = [FileMade(str(workspace / name), 25) for name in names] + [FileMade(str(secret), 6), FileMade("rel.txt", 1)]
    with working(session, *made), serving(tmp_path / "home") as (_, client):
        one = f"/api/sessions/{session.id}/files"
        found = client.get(f"{one}/0")
        assert found.body == b"<script>alert(1)</script>" and found.headers["content-length"] == "25"
        assert found.headers["content-type"] == "application/octet-stream"
        assert found.headers["x-content-type-options"] == "nosniff"
        disposition = found.headers["content-disposition"]
        assert disposition.startswith('attachment; filename="B__dget_.html"') and "%0A" in disposition
        for number in (*range(1, len(made)), 99, -1):
            refused = client.get(f"{one}/{number}")
            assert refused.status == 404 and b"secret\n" not in refused.body, number


def test_a_session_whose_folder_or_journal_is_gone_is_no_failure_of_the_server(tmp_path: Path) -> None:
    one, two, three = (make_session(tmp_path, f"20261101-00000{n}-abcdef", 3) for n in range(3))
    with serving(tmp_path) as (_, client):
        assert len(client.get("/api/board").data["sessions"]) == 3
        shutil.rmtree(one.folder)
        two.events.unlink()
        three.events.write_bytes(b"\x00\xff{\n" * 50)
        cards = {card["id"]: card for card in client.get("/api/board").data["sessions"]}
        assert {card["state"] for card in cards.values()} == {"damaged"} and one.id not in cards
        assert "missing" in cards[two.id]["reason"] and "line 1" in cards[three.id]["reason"]
        for session in (one, two, three):
            for path in ("", "/blocks", "/journal", "/live"):
                assert client.get(f"/api/sessions/{session.id}{path}").status in (200, 404, 409)
        assert client.get(f"/api/sessions/{two.id}/blocks").status == 404
        damages = client.get(f"/api/sessions/{three.id}").data["damages"]
        assert len(damages) == 50 and damages[0]["line"] == 1
        shutil.rmtree(tmp_path / "sessions")
        assert client.get("/api/board").data["sessions"] == []


def test_words_that_have_no_utf8_go_over_the_wire(tmp_path: Path) -> None:
    story = Story(tmp_path, "half a pair: \ud83d")
    session = story.end(reason="and \udc00 here")
    with serving(tmp_path) as (_, client), client.listen(f"/api/stream?session={session.id}") as stream:
        assert client.get(f"/api/sessions/{session.id}").data["task"] == "half a pair: \ud83d"
        assert client.get("/api/sessions?q=here").data["sessions"][0]["reason"] == "and \udc00 here"
        assert stream.wait_for("blocks")["blocks"]


# ---- searching


def test_past_sessions_are_found_by_what_they_were_about(tmp_path: Path) -> None:
    names = [f"20261101-00000{n}-abcdef" for n in range(8)]
    for number, name in enumerate(names):
        make_session(tmp_path, name, 2, task=f"Task Number {number} about {'Bananas' if number % 2 else 'apples'}")
    with serving(tmp_path) as (_, client):

        def ids(query: str) -> list[str]:
            return [card["id"] for card in client.get(f"/api/sessions{query}").data["sessions"]]

        assert ids("") == names[::-1]
        assert ids("?q=BANANAS") == names[::-2]
        assert ids("?q=bananas+number+3") == [names[3]]
        assert ids("?q=euros+budget.xlsx+saved+done") == names[::-1]  # correction, file, last words, outcome
        assert ids("?q=pears") == []
        assert ids(f"?before={names[5]}&limit=2") == [names[4], names[3]]
        assert client.get("/api/sessions?limit=3").data["more"] is True
        assert client.get("/api/sessions?limit=8").data["more"] is False
        assert ids("?q=%00%ff%27+OR+1") == []


# ---- the page's own files


def test_the_page_is_served_with_its_types_and_told_when_it_is_the_same(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, client):
        for path, name in (("/", "index.html"), ("/overlay", "overlay.html")):
            found = client.ask("GET", path, headers={"Authorization": None})
            assert found.status == 200 and found.headers["content-type"] == "text/html; charset=utf-8"
            assert found.body == (files.PAGE / name).read_bytes() and found.headers["cache-control"] == "no-cache"
        names = [path.name for path in files.PAGE.iterdir() if path.suffix in (".js", ".css", ".png", ".svg")]
        assert names
        for name in names:
            found = client.get(f"/assets/{name}")
            assert found.status == 200 and found.headers["content-type"].split(";")[0] in {
                "text/javascript",
                "text/css",
                "image/png",
                "image/svg+xml",
            }
            again = client.get(f"/assets/{name}", **{"If-None-Match": found.headers["etag"]})
            assert again.status == 304 and again.body == b""


@pytest.mark.parametrize(
    "name",
    ["none.js", "../server.py", "..%2fserver.py", "%2e%2e/server.py", "/etc/passwd", "", ".", "a%00.js", "__init__.py"],
)
def test_nothing_but_the_page_is_among_its_files(shared: tuple[Client, Session], name: str) -> None:
    assert shared[0].get(f"/assets/{name}").status == 404


# ---- size


def test_a_long_session_and_many_others_are_quick(tmp_path: Path) -> None:
    """Rough bounds, four times what is to be reached; the benchmark has the figures."""
    *_, long = make_home(tmp_path, sessions=50, turns=10_000)
    with serving(tmp_path) as (_, client):
        assert len(client.get("/api/board").data["sessions"]) == 50
        for path, bound in (("/api/board", 0.08), (f"/api/sessions/{long.id}/blocks", 0.4)):
            best = min(_timed(client, path) for _ in range(5))
            assert best < bound, path


def _timed(client: Client, path: str) -> float:
    began = time.perf_counter()
    assert client.get(path).status == 200
    return time.perf_counter() - began
