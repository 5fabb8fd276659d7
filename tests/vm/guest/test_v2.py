"""Every route of /v2, asked rightly and wrongly, on a real desktop."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.support.guest import Guest, until
from tests.support.textfield import TextField, text_field

EXACT = "Zoë said \"a < b\" & 'c' \\ 100 % – naïve Ελληνικά Русский עברית 日本語 한국어 😀👩‍👩‍👧 tab:\tend"


@pytest.fixture(scope="module")
def field(server: Guest) -> Generator[TextField]:
    with text_field(server.display, "gtk") as shown:
        yield shown


def post(server: Guest, path: str, **body: Any) -> Any:
    return server.ask("POST", f"/v2/{path}", body)


def test_health(server: Guest) -> None:
    told = server.ask("GET", "/v2/health").json
    assert (told["ok"], told["size"], told["desktop"]) == (True, [1000, 700], True)
    assert told["uptime"] > 0 and told["version"]


@pytest.mark.parametrize("token", [None, "wrong", "é", "0123456789abcdef0123456789abcdeF"])
def test_nothing_without_the_token(server: Guest, token: str | None) -> None:
    for method, path in (("GET", "/v2/health"), ("POST", "/v2/actions"), ("GET", "/screenshot"), ("POST", "/execute")):
        answer = server.ask(method, path, token=token)
        assert answer.status == 401
        assert server.token not in answer.text
    assert server.token not in server.log


def test_unknown_paths_and_methods(server: Guest) -> None:
    assert server.ask("GET", "/v2/nothing").status == 404
    assert server.ask("GET", "/v2/health/").error == "missing"
    assert server.ask("DELETE", "/v2/health").status == 405
    assert server.ask("POST", "/v2/actions", b"{]").error == "invalid"
    assert server.ask("POST", "/v2/actions", b"[1]").status == 400


def test_types_exactly_what_it_is_told(server: Guest, field: TextField) -> None:
    field.write("")
    done = server.act({"type": "click", "x": 500, "y": 350}, {"type": "type", "text": EXACT}, settle=1)
    assert done["done"] == 2 and done["error"] is None and done["seconds"] > 0
    assert field.read() == EXACT
    server.act({"type": "keypress", "keys": ["ctrl", "a"]}, {"type": "type", "text": "a\nb"})
    assert field.read() == "a\nb"


def test_a_bad_action_says_which_and_what(server: Guest, field: TextField) -> None:
    field.write("")
    done = server.act({"type": "type", "text": "x"}, {"type": "click", "x": 1})
    assert (done["done"], done["error"]["type"], done["error"]["index"]) == (0, "invalid", 1)
    assert "y: Field required" in done["error"]["message"]
    assert field.read() == ""  # a batch is checked before its first action
    done = server.act({"type": "wait"}, {"type": "click", "x": 5000, "y": 1})
    assert (done["done"], done["error"]["index"]) == (1, 1) and "outside every screen" in done["error"]["message"]
    done = server.act({"type": "type", "text": "\x07"})
    assert (done["error"]["type"], done["error"]["characters"]) == ("cannot_type", "\x07")
    for batch in ("x", [5], {"type": "click"}):
        answer = server.ask("POST", "/v2/actions", {"actions": batch})
        assert answer.status == 400 or answer.json["error"]["type"] == "invalid"
    assert post(server, "actions", actions=[], seconds=-1).error == "invalid"
    assert post(server, "actions", actions=[{"type": "wait"}] * 1001).status == 400


def test_the_same_batch_is_done_once(server: Guest, field: TextField) -> None:
    field.write("")
    answers = [server.act({"type": "type", "text": "once "}, id="batch-1") for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    server.act({"type": "type", "text": "again"}, id="batch-2")
    assert field.read() == "once again"


def test_the_same_batch_twice_at_a_time_is_done_once(server: Guest, field: TextField) -> None:
    field.write("")
    drag = {"type": "drag", "path": [[300, 300], [600, 400]]}
    answers: list[Any] = []

    def ask() -> None:
        answers.append(server.act(drag, {"type": "type", "text": "1"}, id="batch-3"))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 3 and answers[0] == answers[1] == answers[2]
    assert field.read() == "1"


def test_release_ends_a_batch_and_lets_go(server: Guest, field: TextField) -> None:
    field.write("")
    held: list[Any] = []

    def batch() -> None:
        held.append(server.act(*[{"type": "drag", "path": [[300, 300], [700, 400]]}] * 50))

    thread = threading.Thread(target=batch)
    thread.start()
    until(lambda: pressed(server.display))
    assert server.ask("POST", "/v2/actions", {"actions": []}).status == 409
    began = time.monotonic()
    assert post(server, "release").json == {"ok": True}
    thread.join(5)
    assert not thread.is_alive() and time.monotonic() - began < 3
    assert held[0]["error"]["type"] == "interrupted" and held[0]["done"] < 50
    assert not pressed(server.display)
    assert server.act({"type": "click", "x": 500, "y": 300})["done"] == 1


def test_a_batch_takes_no_longer_than_it_may(server: Guest) -> None:
    done = server.act(*[{"type": "drag", "path": [[300, 300], [700, 400]]}] * 50, seconds=0.4)
    assert done["error"]["type"] == "interrupted" and "0.4 s" in done["error"]["message"]
    assert 0.3 < done["seconds"] < 3
    assert not pressed(server.display)


def pressed(display: str) -> bool:
    """Whether a mouse button is down."""
    from actuators.xlibfix import open_display

    x = open_display(display)
    try:
        return bool(x.screen().root.query_pointer().mask & 0x1F00)
    finally:
        x.close()


def test_screenshot(server: Guest, field: TextField) -> None:
    field.write("")
    server.act({"type": "type", "text": "shown"})
    answer = server.ask("GET", "/v2/screenshot?settle=2")
    assert answer.headers["X-Settled"] == "true" and abs(float(answer.headers["X-Taken-At"]) - time.time()) < 60
    assert answer.headers["Content-Type"] == "image/png"
    assert Image.open(io.BytesIO(answer.body)).size == (1000, 700)
    again = server.ask("GET", "/v2/screenshot?settle=0")
    assert again.status == 200 and again.body[:4] == b"\x89PNG"
    for settle in ("x", "-1", "1e9", "nan"):
        assert server.ask("GET", f"/v2/screenshot?settle={settle}").error == "invalid"


def test_front_ping_layout_target(server: Guest, field: TextField) -> None:
    front = server.ask("GET", "/v2/front").json
    assert (front["program"], front["window"]) == ("Textfield.py", "text field")
    assert Path(f"/proc/{front['pid']}").exists()
    assert {"busy", "fresh", "cursor_busy"} <= front.keys()
    assert post(server, "ping", seconds=5).json == {"asked": True, "answered": True, "moved_on": False}
    layout = server.ask("GET", "/v2/layout").json
    assert layout["size"] == [1000, 700]
    assert [window[5] for window in layout["windows"]] == [True]
    left, top, width, height = layout["windows"][0][1:5]
    assert width >= 700 and height >= 500 and left >= 0 and top >= 0
    for asked in ({"front": True}, {"x": 500, "y": 350}):
        told = post(server, "target", **asked).json
        assert (told["window"], told["application"]) == ("text field", "Textfield.py")
    assert post(server, "target", x=5).error == "invalid"
    assert post(server, "target", x=1, y=1).json["window"] == ""
    assert post(server, "ping", seconds=1e9).error == "invalid"


def test_a_frozen_program_costs_bounded_time(server: Guest, field: TextField) -> None:
    pid = int(server.ask("GET", "/v2/front").json["pid"])
    os.kill(pid, 19)
    try:
        began = time.monotonic()
        assert post(server, "ping", seconds=0.3).json == {"asked": True, "answered": False, "moved_on": False}
        assert server.ask("GET", "/v2/front").json["window"] == "text field"
        assert server.ask("GET", "/v2/screenshot?settle=0").status == 200
        assert server.act({"type": "click", "x": 500, "y": 350})["done"] == 1
        assert post(server, "target", front=True, seconds=0.5).status == 200
        assert time.monotonic() - began < 5
    finally:
        os.kill(pid, 18)


def test_events(server: Guest) -> None:
    last = server.ask("GET", "/v2/events").json["last"]
    told: list[Any] = []
    waiting = threading.Thread(
        target=lambda: told.append(server.ask("GET", f"/v2/events?after={last}&seconds=20").json)
    )
    waiting.start()
    with text_field(server.display, "gtk-entry"):
        waiting.join(10)
        until(lambda: "window.focused" in kinds(server, last))
    until(lambda: "window.closed" in kinds(server, last))
    assert told[0]["last"] > last and all(event["n"] > last for event in told[0]["events"])
    assert {"window.opened", "window.focused", "screen.changed", "window.closed"} <= kinds(server, last)
    assert server.ask("GET", "/v2/events?after=x").error == "invalid"
    begun = time.monotonic()
    now = server.ask("GET", "/v2/events").json["last"]
    server.ask("GET", f"/v2/events?after={now + 10**6}&seconds=5")  # of an earlier life: all is told at once
    assert time.monotonic() - begun < 3


def kinds(server: Guest, after: int) -> set[str]:
    return {event["type"] for event in server.ask("GET", f"/v2/events?after={after}").json["events"]}


def test_tree_without_a_bus(server: Guest) -> None:
    answer = server.ask("GET", "/v2/tree?window=all&seconds=3")
    assert answer.status == 503 and "accessibility tree" in answer.json["error"]["message"]
    assert server.ask("GET", "/v2/tree?window=left").error == "invalid"


def test_execute(server: Guest) -> None:
    done = post(
        server, "execute", argv=["sh", "-c", "cat; echo $A >&2; pwd; exit 3"], env={"A": "é"}, input="in\n"
    ).json
    assert done == {"status": 3, "output": f"in\n{server.home}\n", "error": "é\n", "timed_out": False}
    done = post(server, "execute", command="echo $((6 * 7))", cwd="~/Documents").json
    assert done["output"] == "42\n"
    began = time.monotonic()
    done = post(server, "execute", command="echo begun; sleep 60 & sleep 60", seconds=0.5).json
    assert (done["status"], done["timed_out"], done["output"]) == (None, True, "begun\n")
    done = post(
        server, "execute", command="sleep 30 & echo there"
    ).json  # what stays in the background is not waited for
    assert (done["status"], done["output"]) == (0, "there\n") and time.monotonic() - began < 5
    done = post(server, "execute", command="yes | head -c 3000000").json
    assert len(done["output"]) < 1_100_000 and "left out" in done["output"][-100:]
    back = post(server, "execute", argv=["sleep", "30"], background=True).json
    assert back["status"] is None and Path(f"/proc/{back['pid']}").exists()
    os.kill(back["pid"], 9)
    until(lambda: not Path(f"/proc/{back['pid']}").exists())
    bad: list[dict[str, Any]] = [
        {},
        {"argv": []},
        {"argv": [1]},
        {"argv": ["a"], "command": "b"},
        {"argv": ["no-such"]},
    ]
    bad += [{"command": "true", "cwd": "/no/where"}, {"command": "true", "env": {"a=": "b"}}, {"command": 5}]
    for body in bad:
        answer = post(server, "execute", **body)
        assert answer.status in (400, 422) and answer.error == "invalid", body


def test_open(server: Guest) -> None:
    opened = post(server, "open", target="xterm -T 'a terminal'").json
    assert opened["window"] == "a terminal"
    os.kill(opened["pid"], 15)
    answer = post(server, "open", target="sh -c 'echo no such luck >&2; exit 4'")
    assert answer.status == 422 and answer.error == "failed"
    assert "no such luck" in answer.json["error"]["message"] and "exit status 4" in answer.json["error"]["message"]
    assert post(server, "open", target="no-such-program").error == "missing"
    answer = post(server, "open", target="sleep 20", seconds=0.4)
    assert answer.status == 504 and "sleep" in answer.json["error"]["message"]


def test_files(server: Guest) -> None:
    content = os.urandom(3_000_000)
    path = "/v2/files?path=~/Documents/new/b%C3%A4%20%26.bin"
    assert server.ask("PUT", path, content).json == {"ok": True, "bytes": len(content)}
    assert (server.home / "Documents/new/bä &.bin").read_bytes() == content
    assert server.ask("GET", path).body == content
    assert server.ask("PUT", path, b"less").status == 200 and server.ask("GET", path).body == b"less"
    listed = server.ask("GET", "/v2/list?path=~/Documents&deep=true").json["files"]
    assert [(one["path"], one["bytes"], one["folder"]) for one in listed if not one["folder"]] == [
        ("new/bä &.bin", 4, False)
    ]
    assert abs(listed[0]["modified"] - time.time()) < 60
    assert [one["path"] for one in server.ask("GET", "/v2/list?path=Documents").json["files"]] == ["new"]
    assert server.ask("DELETE", "/v2/files?path=~/Documents/new").json == {"ok": True}
    for method in ("GET", "DELETE"):
        assert server.ask(method, path).error == "missing"
    assert server.ask("GET", "/v2/files").status == 400
    assert server.ask("GET", "/v2/files?path=~/Documents").error == "invalid"
    assert server.ask("PUT", "/v2/files?path=~/Documents", b"x").error == "invalid"
    assert server.ask("DELETE", "/v2/files?path=~").error == "invalid"
    assert server.ask("GET", "/v2/list?path=/no/such").error == "missing"
    assert server.ask("PUT", "/v2/files?path=/proc/none/x", b"x").status >= 400
    assert list((server.home / "Documents").iterdir()) == []


def test_renewal_needs_a_daemon(server: Guest) -> None:
    assert post(server, "renew", now=1.8e9).error == "invalid"
    import base64

    body = {"now": 1.8e9, "seed": base64.b64encode(bytes(64)).decode(), "machine_id": "0" * 32, "token": "t" * 20}
    answer = post(server, "renew", **body)
    assert answer.status == 503 and "daemon" in answer.json["error"]["message"]
    assert server.ask("GET", "/v2/health").status == 200  # the token is the old one
