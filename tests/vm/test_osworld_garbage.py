"""The plain interface under requests that make no sense: always an answer, a short one, and the server lives on."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.osworld_client import Answer
from tests.support.osworld_places import SELDOM, Place, place_of

GETS = ["/screenshot", "/terminal", "/accessibility", "/platform", "/cursor_position"]
BARE = ["/screen_size", "/desktop_path", "/wallpaper", "/start_recording", "/end_recording"]
FORMS = ["/window_size", "/file", "/setup/upload"]
JSONS = [
    *("/execute", "/setup/execute", "/execute_with_verification", "/setup/execute_with_verification"),
    *("/setup/launch", "/list_directory", "/setup/download_file", "/setup/open_file", "/setup/activate_window"),
    *("/setup/close_window", "/setup/change_wallpaper", "/run_python", "/run_bash_script"),
]
KEYS = ["command", "path", "url", "window_name", "code", "script", "verification"]
DEEP = b'{"command": ' + b"[" * 100_000

_JSON = {"Content-Type": "application/json"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module", params=SELDOM)
def place(request: pytest.FixtureRequest) -> Generator[Place]:
    with place_of(request.param) as opened:
        yield opened
        assert opened.guest.get("/platform").text == "Linux"


def refused(answer: Answer, *statuses: int) -> None:
    """An error in one short piece of JSON or text, without anything of the server's insides."""
    assert answer.status in statuses or (not statuses and 400 <= answer.status < 600), answer
    assert answer.type == "text/plain" or isinstance(answer.json, dict)
    assert 0 < len(answer.body) < 10_000
    for inside in (b"Traceback", b'File \\"', b"<html", b"<!doctype", b"line 1, in"):
        assert inside not in answer.body, answer


def test_there_are_26_routes() -> None:
    assert len({*GETS, *BARE, *FORMS, *JSONS}) == 26


def test_the_wrong_method(place: Place) -> None:
    for path in GETS:
        refused(place.guest.post(path), 405)
    for path in (*BARE, *FORMS, *JSONS):
        refused(place.guest.get(path), 405)
    for method in ("PUT", "DELETE", "PATCH", "NONSENSE"):
        refused(place.guest.ask(method, "/platform", b"{}"), 405, 501)


def test_routes_that_do_not_exist(place: Place) -> None:
    for path in ("/", "/nothing", "/Screenshot", "/screenshot/", "/setup", "/../../etc/passwd", "/%2e%2e/etc/passwd"):
        refused(place.guest.get(path), 404)
        refused(place.guest.post_json(path, {}), 404)
    refused(place.guest.get("/" + "a" * 30_000), 404, 414)


@pytest.mark.parametrize("path", JSONS)
def test_bodies_that_are_not_what_the_route_wants(place: Place, path: str) -> None:
    for body in (b"", b"{", b"\xff\xfe", b"[]", b"null", b'"text"', b"17", b"{}", b"NaN"):
        refused(place.guest.ask("POST", path, body, _JSON))
    refused(place.guest.ask("POST", path, DEEP, _JSON))
    refused(place.guest.ask("POST", path, b"command=echo&path=/tmp", _FORM))
    refused(place.guest.ask("POST", path, b'{"command": ["echo"', {"Content-Type": "text/plain"}))


@pytest.mark.parametrize("path", JSONS)
def test_values_of_the_wrong_type(place: Place, path: str) -> None:
    for value in (None, 7, True, {"a": 1}, [1, None], []):
        refused(place.guest.post_json(path, dict.fromkeys(KEYS, value)))
    zero = place.guest.post_json(path, dict.fromkeys(KEYS, "a\0b"))
    assert zero.status < 600 and (b"Traceback" not in zero.body or path == "/run_python"), zero


def test_numbers_that_are_none(place: Place) -> None:
    values: list[Any] = ["soon", -1, [], 1e308]
    for value in values:
        for path in ("/run_bash_script", "/execute_with_verification"):
            payload: dict[str, Any] = {
                "script": "echo x",
                "command": "echo x",
                "verification": {"command_success": "true"},
            }
            payload |= dict.fromkeys(("timeout", "max_wait_time", "check_interval"), value)
            answer = place.guest.post_json(path, payload)
            assert answer.status < 600 and isinstance(answer.json, dict) and b"Traceback" not in answer.body


@pytest.mark.parametrize("path", FORMS)
def test_forms_that_are_broken(place: Place, path: str) -> None:
    parts = "multipart/form-data; boundary=x"
    cut = b'--x\r\nContent-Disposition: form-data; name="file_path"\r\n\r\n/tmp/a'
    nameless = b"--x\r\nContent-Disposition: form-data\r\n\r\nv\r\n--x--\r\n"
    for kind, body in (
        (parts, b""),
        (parts, b"no boundary at all"),
        (parts, cut),
        (parts, nameless),
        ("multipart/form-data", cut),
        ("multipart/form-data; boundary=", cut),
        ("multipart/form-data; boundary=" + "y" * 5000, cut),
        ("application/x-www-form-urlencoded", b"%ff%zz=&&==&a"),
        ("application/json", b'{"file_path": 7}'),
        ("", b"file_data=x"),
    ):
        refused(place.guest.ask("POST", path, body, {"Content-Type": kind}))


def test_names_of_files_that_lead_elsewhere(place: Place) -> None:
    for path in (
        "../../../../no/such",
        "a\0b",
        "",
        "/" + "x" * 5000,
        "$NOTHING_OF_THIS_NAME",
        "~nobody_here/x",
        "/dev",
    ):
        refused(place.guest.file(path))
        refused(place.guest.post_json("/list_directory", {"path": path + "/no such folder"}))
    for path in ("a\0b", "", "/" + "x" * 5000, "/proc/1/x", "/"):
        refused(place.guest.upload(path, b"x", name="n"))
    part = 'x"; name="file_path'
    place.guest.upload("~/quoted.bin", b"content", name=part)
    assert place.guest.file("~/quoted.bin").body == b"content"


def test_files_without_an_end(place: Place) -> None:
    """Devices and pipes are no files: reading one would never come to an end."""
    place.guest.output("rm -f ~/pipe && mkfifo ~/pipe", shell=True)
    for path in ("/dev/zero", "~/pipe"):
        began = time.monotonic()
        refused(place.guest.file(path))
        assert time.monotonic() - began < place.seconds


def test_too_much(place: Place) -> None:
    """The size is in the header: nothing of it needs to be read to say no."""
    head = "POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{{"
    for length in (10**12, 10**30, -5, "many", "1_0", ""):
        answer = place.guest.raw(head.format("/execute", length).encode())
        assert not answer or answer[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 411", b"HTTP/1.1 413"), (length, answer)
        assert b"Traceback" not in answer
    refused(place.guest.ask("POST", "/list_directory", b'{"path": "' + b"a" * 9_000_000 + b'"}', _JSON))
    assert place.guest.post_json("/execute", {"command": ["true", "x" * 3_000_000]}).status == 500
    assert place.guest.get("/platform").status == 200


def test_requests_that_are_not_http(place: Place) -> None:
    for request in (
        b"",
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 30,
        b"GET / HTTP/9\r\n\r\n",
    ):
        assert b"Traceback" not in place.guest.raw(request)
    assert b"Traceback" not in place.guest.raw(b"GET /platform HTTP/1.1\r\n" + b"X: y\r\n" * 5000 + b"\r\n")
    assert b"Traceback" not in place.guest.raw(b"GET /platform HTTP/1.1\r\nX: " + b"y" * 200_000 + b"\r\n\r\n")
    assert place.guest.raw(b"GET /platform HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\nLinux")
    chunked = b"POST /execute HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
    chunked += b'Connection: close\r\n\r\n19\r\n{"command": ["echo", "x"]}\r\n0\r\n\r\n'
    answer = place.guest.raw(chunked)
    assert answer[9:12] in (b"200", b"400", b"411", b"501")


def test_a_connection_serves_several_requests_and_an_error_does_not_shift_them(place: Place) -> None:
    wrong = b"POST /execute HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n"
    wrong += b'{"command": GET /nothing HTTP/1.1\r\n\r\nabcd'
    good = b"GET /platform HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = place.guest.raw(wrong + good)
    assert answer.count(b"HTTP/1.1 ") in (1, 2) and b"HTTP/1.1 404" not in answer
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 5"))


def test_slow_and_silent_callers_keep_nobody_waiting(place: Place) -> None:
    lines = [socket.create_connection((place.guest.host, place.guest.port), timeout=10) for _ in range(40)]
    try:
        for line in lines[::2]:
            line.sendall(b"POST /execute HTTP/1.1\r\nContent-Length: 100\r\nContent-Ty")
        began = time.monotonic()
        assert place.guest.get("/platform").text == "Linux"
        assert time.monotonic() - began < 0.3 * place.seconds
    finally:
        for line in lines:
            line.close()


def test_many_wrong_requests_at_once(place: Place) -> None:
    def one(number: int) -> None:
        kind = number % 4
        if kind == 0:
            place.guest.raw(b"\0" * 1000)
        elif kind == 1:
            refused(place.guest.ask("POST", "/execute", b"{", _JSON))
        elif kind == 2:
            assert place.guest.output(["echo", str(number)]) == f"{number}\n"
        else:
            with socket.create_connection((place.guest.host, place.guest.port), timeout=10) as line:
                line.sendall(b"GET /screenshot HTTP/1.1\r\n\r\n")  # and nobody reads the answer

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(one, range(64)))
    assert json.loads(place.guest.get("/cursor_position").body)
