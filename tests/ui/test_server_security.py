"""Who may not ask: the token, names and origins, and what every answer and every log says."""

from __future__ import annotations

import http.client
import logging
import socket
from collections.abc import Generator, Iterator
from functools import partial
from pathlib import Path

import pytest

from agent.session import Session
from tests.support.serving import Client, serving
from tests.ui.story import told
from ui.server import start_in_thread
from ui.service.security import MAX_BODY, POLICY

SECRET = "a task that is nobody's business"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    told(folder, SECRET)
    return folder


@pytest.fixture(scope="module")
def client(home: Path) -> Generator[Client]:
    with serving(home) as (_, found):
        yield found


def session_of(home: Path) -> Session:
    return Session(next((home / "sessions").iterdir()))


# ---- the token


@pytest.mark.parametrize(
    "path", ["/api/board", "/api/stream", "/openapi.json", "/api/sessions/x/live", "/nothing", "/api"]
)
def test_without_the_token_there_is_nothing_to_be_had(client: Client, path: str) -> None:
    token = client.token
    wrong: list[dict[str, str | None]] = [
        {"Authorization": None},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Bearer {token}x"},
        {"Authorization": f"Bearer {token[:-1]}"},
        {"Authorization": f"Basic {token}"},
        {"Authorization": token},
        {"Authorization": "Bearer \xff\xfe"},
        {"Authorization": None, "Cookie": f"token={token}; Authorization=Bearer {token}"},
        {"Authorization": None, "X-Token": token, "Proxy-Authorization": f"Bearer {token}"},
    ]
    for headers in wrong:
        for method in ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE"):
            found = client.ask(method, path, headers=headers)
            assert found.status == 401, headers
            assert found.headers["www-authenticate"] == "Bearer" and SECRET.encode() not in found.body
    asked = client.ask("GET", f"{path}?token={token}&access_token={token}", headers={"Authorization": None})
    assert asked.status == 401
    assert client.get("/api/board").status == 200


def test_the_token_twice_or_a_host_twice_is_once_too_often(client: Client) -> None:
    for lines in (
        f"Host: 127.0.0.1:{client.port}\r\nAuthorization: Bearer {client.token}\r\nAuthorization: Bearer x\r\n",
        f"Host: 127.0.0.1:{client.port}\r\nHost: evil.test\r\nAuthorization: Bearer {client.token}\r\n",
        f"Authorization: Bearer {client.token}\r\n",
    ):
        with socket.create_connection(("127.0.0.1", client.port), timeout=5) as connection:
            connection.sendall(f"GET /api/board HTTP/1.1\r\n{lines}Connection: close\r\n\r\n".encode())
            answer = b"".join(iter(partial(connection.recv, 65536), b""))
        assert answer.split()[1] in (b"400", b"401", b"421") and SECRET.encode() not in answer


# ---- names and origins


@pytest.mark.parametrize("path", ["/", "/overlay", "/assets/page.js", "/api/board"])
def test_another_host_name_is_refused(client: Client, path: str) -> None:
    """DNS rebinding: a page of evil.test whose name was made to point here is of the same origin, for a browser."""
    for host in (
        f"evil.test:{client.port}",
        "127.0.0.1",
        f"127.0.0.1:{client.port + 1}",
        f"[::1]:{client.port}",
        "",
        "x",
    ):
        assert client.ask("GET", path, headers={"Host": host}).status in (400, 421), host
    for host in (f"127.0.0.1:{client.port}", f"localhost:{client.port}"):
        assert client.ask("GET", path, headers={"Host": host}).status == 200


def test_another_origin_is_refused(client: Client) -> None:
    own = f"http://127.0.0.1:{client.port}"
    for origin in (
        "null",
        "http://evil.test",
        f"https://127.0.0.1:{client.port}",
        "http://127.0.0.1",
        f"{own}0",
        f"{own}/",
    ):
        for path in ("/api/board", "/"):
            assert client.get(path, Origin=origin).status == 403, origin
    for origin in (own, f"http://localhost:{client.port}"):
        assert client.get("/api/board", Origin=origin).status == 200


def test_another_site_is_refused_but_may_link_to_the_page(client: Client) -> None:
    for site in ("cross-site", "same-site", "strange"):
        assert client.get("/api/board", **{"Sec-Fetch-Site": site}).status == 403
        assert client.get("/assets/page.js", **{"Sec-Fetch-Site": site}).status == 403
        opened = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        assert client.get("/", **opened).status == 200
        assert client.get("/api/board", **opened).status == 403
        assert client.get("/", **(opened | {"Sec-Fetch-Dest": "iframe"})).status == 403
        assert client.ask("POST", "/", headers=opened).status == 403
    for site in ("same-origin", "none"):
        assert client.get("/api/board", **{"Sec-Fetch-Site": site}).status == 200


# ---- every answer


def test_every_answer_has_the_headers_that_keep_it_in(client: Client, home: Path) -> None:
    name = session_of(home).id
    paths = ["/", "/overlay", "/assets/page.js", "/assets/none", "/api/board", f"/api/sessions/{name}", "/api/none"]
    paths += [f"/api/sessions/{name}/files/7", f"/api/sessions/{name}/live", "/api/sessions?limit=x", "/openapi.json"]
    answers = [client.get(path) for path in paths]
    answers += [client.post("/api/board", {}), client.ask("GET", "/api/board", headers={"Authorization": None})]
    answers += [client.ask("GET", "/", headers={"Host": "evil.test"}), client.ask("POST", "/api/sessions", b"{")]
    assert {200, 401, 404, 405, 409, 421, 422} <= {found.status for found in answers}
    for found in answers:
        assert found.headers["content-security-policy"] == POLICY
        assert found.headers["x-content-type-options"] == "nosniff" and found.headers["x-frame-options"] == "DENY"
        assert found.headers["referrer-policy"] == "no-referrer"
        assert found.headers["cross-origin-resource-policy"] == "same-origin"
        assert found.headers["cache-control"] in ("no-store", "no-cache")
        assert "access-control-allow-origin" not in found.headers and "server" not in found.headers
        assert "set-cookie" not in found.headers
    assert "unsafe" not in POLICY and "http:" not in POLICY and "data:" not in POLICY


def test_a_request_is_no_larger_than_it_must_be(client: Client) -> None:
    big = b'{"kind": "steer", "text": "' + b"x" * MAX_BODY + b'"}'
    assert _status(client, big) in (413, None)
    assert _status(client, iter([b"x" * 65536] * (2 * MAX_BODY // 65536))) in (413, None)
    assert _status(client, b'{"kind": "steer"}') == 422
    for length in ("-1", "1e9", "99999999999999999999"):
        status = client.ask("POST", "/api/sessions", b"{}", {"Content-Length": length}).status
        assert status in (400, 413)
    assert client.get("/api/board").status == 200


def _status(client: Client, body: bytes | Iterator[bytes]) -> int | None:
    """What a request is answered with; None where the server hangs up in the middle, which is as good a refusal."""
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=10)
    headers = {"Authorization": f"Bearer {client.token}", "Content-Type": "application/json"}
    try:
        connection.request("POST", "/api/sessions", body, headers, encode_chunked=not isinstance(body, bytes))
        return connection.getresponse().status
    except (BrokenPipeError, ConnectionResetError):
        return None
    finally:
        connection.close()


def test_nothing_about_requests_is_logged(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server = start_in_thread(home)
    client = Client(server.port, server.token)
    client.get("/api/board")
    client.get(f"/api/board?token={server.token}")
    client.ask("GET", "/api/board", headers={"Authorization": "Bearer wrong"})
    server.close()
    assert server.token not in caplog.text and "board" not in caplog.text
