"""Who may not ask, and tries: a web page in a real browser, and another user of the machine."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from agent.inbox import FileInbox
from agent.session import Session
from tests.support.command import Deskhand, wait_until
from tests.support.serving import Client, serving
from tests.ui.story import told

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


# ---- a web page in the user's browser


class _Evil(http.server.BaseHTTPRequestHandler):
    """A site of somebody else's, which hears what its page found out."""

    page = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.page)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def evil_site() -> Generator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Evil)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def browser_page(tmp_path_factory: pytest.TempPathFactory) -> Generator[Page]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium, "chromium is among the packages of the tests"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--host-resolver-rules=MAP evil.test 127.0.0.1"],
        )
        yield browser.new_page()
        browser.close()


ATTACK = """async ({ url, token, name }) => {
  const found = {};
  const attempt = async (what, act) => {
    try { found[what] = await act(); } catch (error) { found[what] = "refused"; }
  };
  const read = async (path, options) => {
    const answer = await fetch(url + path, options);
    return `${answer.type} ${answer.status} ${await answer.text()}`;
  };
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const words = `api/sessions/${name}/words`, stop = { method: "POST", body: '{"kind":"stop"}' };
  await attempt("fetch", () => read("api/board"));
  await attempt("fetch with the token", () => read("api/board", { headers }));
  await attempt("fetch without cors", () => read("api/board", { mode: "no-cors", credentials: "include" }));
  await attempt("page", () => read(""));
  await attempt("post", () => read(words, { ...stop, mode: "no-cors" }));
  await attempt("post with the token", () => read(words, { ...stop, headers }));
  const element = (tag, set) => new Promise((resolve) => {
    const node = Object.assign(document.createElement(tag), set);
    node.onload = () => resolve("loaded");
    node.onerror = () => resolve("refused");
    document.body.append(node);
  });
  await attempt("image", () => element("img", { src: `${url}assets/icon.png` }));
  await attempt("script", () => element("script", { src: `${url}assets/page.js`, type: "module" }));
  await attempt("classic script", () => element("script", { src: `${url}api/board` }));
  await attempt("websocket", () => new Promise((resolve) => {
    const socket = new WebSocket(url.replace("http", "ws") + "api/stream");
    socket.onopen = () => resolve("open");
    socket.onerror = () => resolve("refused");
  }));
  await attempt("events", () => new Promise((resolve) => {
    const source = new EventSource(url + "api/stream", { withCredentials: true });
    source.onopen = () => resolve("open");
    source.onerror = () => { source.close(); resolve("refused"); };
  }));
  return found;
}"""
FORM = """({ url, name }) => {
  const form = document.createElement("form");
  Object.assign(form, { method: "POST", action: `${url}api/sessions/${name}/words`, enctype: "text/plain" });
  const field = { name: '{"kind":"stop","text":"', value: '"}' };
  form.append(Object.assign(document.createElement("input"), field));
  document.body.append(form);
  form.submit();
}"""


def test_a_page_of_another_origin_can_neither_read_nor_steer(client: Client, home: Path, browser_page: Page) -> None:
    """It is given even the token, which it could not know."""
    session = session_of(home)
    url, given = f"http://127.0.0.1:{client.port}/", {"token": client.token, "name": session.id}
    with evil_site() as port:
        for host in ("127.0.0.1", "localhost", "evil.test"):
            browser_page.goto(f"http://{host}:{port}/")
            found = browser_page.evaluate(ATTACK, {"url": url} | given)
            opaque = {what for what, answer in found.items() if answer == "opaque 0 "}  # blind, and refused (below)
            assert opaque <= {"fetch without cors", "post"}
            assert {answer for what, answer in found.items() if what not in opaque} == {"refused"}, found
    assert FileInbox(session.inbox).take() == []


def test_a_page_of_another_origin_cannot_frame_the_page_or_post_a_form_to_it(
    client: Client, home: Path, browser_page: Page
) -> None:
    url, session = f"http://127.0.0.1:{client.port}/", session_of(home)
    with evil_site() as port:
        browser_page.goto(f"http://evil.test:{port}/")
        with browser_page.expect_event("framenavigated", lambda frame: frame.url.startswith("chrome-error:")):
            browser_page.evaluate(
                "(url) => document.body.append(Object.assign(document.createElement('iframe'), { src: url }))", url
            )
        with browser_page.expect_navigation():
            browser_page.evaluate(FORM, {"url": url, "name": session.id})
        assert "another" in browser_page.content()
    assert FileInbox(session.inbox).take() == []


def test_a_name_that_is_made_to_point_here_gets_nothing(client: Client, browser_page: Page) -> None:
    answer = browser_page.goto(f"http://evil.test:{client.port}/")
    assert answer and answer.status == 421
    status = browser_page.evaluate(
        "async (token) => (await fetch('/api/board', { headers: { Authorization: `Bearer ${token}` } })).status",
        client.token,
    )
    assert status == 421


def test_our_own_page_may_ask(client: Client, browser_page: Page) -> None:
    browser_page.goto(f"http://127.0.0.1:{client.port}/")
    answer = browser_page.evaluate(
        "async (token) => (await fetch('/api/board', { headers: { Authorization: `Bearer ${token}` } })).json()",
        client.token,
    )
    assert answer["sessions"][0]["task"] == SECRET


# ---- another user of the machine

_SPY = """
import http.client, json, os, sys
home, port, pid, name = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
found = {"user": os.getuid()}
def attempt(what, act):
    try:
        found[what] = act()
    except OSError as error:
        found[what] = error.strerror or "OSError"
def ask(path, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    return [answer.status, answer.read().decode()]
attempt("service.json", lambda: open(f"{home}/service.json").read())
attempt("open.html", lambda: open(f"{home}/open.html").read())
attempt("sessions", lambda: os.listdir(f"{home}/sessions"))
attempt("journal", lambda: open(f"{home}/sessions/{name}/events.jsonl").read())
attempt("plant", lambda: open(f"{home}/sessions/{name}/inbox/0-x.json", "w").write("{}"))
attempt("home", lambda: os.listdir(home))
attempt("board", lambda: ask("/api/board"))
attempt("arguments", lambda: open(f"/proc/{pid}/cmdline").read())
attempt("environment", lambda: open(f"/proc/{pid}/environ").read())
attempt("memory", lambda: open(f"/proc/{pid}/maps").read())
attempt("files", lambda: os.listdir(f"/proc/{pid}/fd"))
print(json.dumps(found))
"""


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="NOT TESTED: only root can try it as another user")
def test_another_user_of_the_machine_can_neither_read_nor_steer() -> None:
    with tempfile.TemporaryDirectory(prefix="dh-open-") as folder:
        Path(folder).chmod(0o755)  # nothing but the home itself keeps others out
        deskhand = Deskhand(Path(folder) / "user")
        (Path(folder) / "user").chmod(0o755)
        session = told(Path(deskhand.environment["DESKHAND_HOME"]), SECRET)
        browser = Path(folder) / "browser"
        browser.write_text("#!/bin/sh\nexit 0\n")
        browser.chmod(0o755)
        environment = {"BROWSER": str(browser)}
        with deskhand.start("serve", "--json", "--open", environment=environment) as command:
            wait_until(lambda: bool(command.lines), "the address")
            line = command.lines[0]
            home = deskhand.environment["DESKHAND_HOME"]
            wait_until(lambda: Path(home, "open.html").exists(), "the file for the browser")
            port = int(line["url"].rstrip("/").rpartition(":")[2])
            found = _spy(home, str(port), str(line["pid"]), session.id)
            private = (
                "service.json",
                "open.html",
                "sessions",
                "journal",
                "plant",
                "home",
                "environment",
                "memory",
                "files",
            )
            assert {found[what] for what in private} == {"Permission denied"}
            assert found["user"] == 65534 and found["board"][0] == 401
            assert SECRET not in json.dumps(found) and line["token"] not in json.dumps(found)
            assert "serve" in found["arguments"]
            assert Client(port, line["token"]).get("/api/board").data["sessions"][0]["task"] == SECRET
        assert line["token"] not in command.errors
        assert not [path for path in Path(home).iterdir() if path.name.endswith((".json", ".html"))]


def _spy(*arguments: str) -> dict[str, Any]:
    """What a process of the user `nobody` finds out."""
    done = subprocess.run(
        ["/usr/bin/python3", "-I", "-c", _SPY, *arguments],
        user=65534,
        group=65534,
        extra_groups=[],
        cwd="/",
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return json.loads(done.stdout)
