"""The plain interface as OSWorld's host side asks it: commands, files, and what the system is."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Generator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support.osworld_client import Age
from tests.support.osworld_places import KINDS, SIZE, Place, place_of

EXECUTE = ["/execute", "/setup/execute"]
VERIFY = ["/execute_with_verification", "/setup/execute_with_verification"]
SUCCESS = {"status": str, "output": str, "error": str, "returncode": int}


@pytest.fixture(scope="module", params=KINDS)
def place(request: pytest.FixtureRequest) -> Generator[Place]:
    with place_of(request.param) as opened:
        yield opened


def shape(data: Any) -> dict[str, type]:
    """The keys of an answer and what they hold."""
    return {key: type(value) for key, value in data.items()}


# Commands


@pytest.mark.parametrize("route", EXECUTE)
def test_a_command_is_a_list_or_a_text(place: Place, route: str) -> None:
    told = place.guest.execute(["printf", "%s|", "a b", "$HOME", "ü"], route=route)
    assert told.status == 200
    assert told.json == {"status": "success", "output": "a b|$HOME|ü|", "error": "", "returncode": 0}
    assert shape(told.json) == SUCCESS
    split = place.guest.execute("printf '%s|' 'a b' $HOME", route=route).json
    assert split["output"] == "a b|$HOME|"
    shell = place.guest.execute("echo $HOME; echo broken >&2; exit 3", shell=True, route=route)
    assert shell.status == 200
    assert shell.json == {"status": "success", "output": f"{place.home}\n", "error": "broken\n", "returncode": 3}


def test_shell_may_be_left_out(place: Place) -> None:
    assert place.guest.post_json("/execute", {"command": ["echo", "x"]}).json["output"] == "x\n"


def test_a_leading_tilde_is_the_home(place: Place) -> None:
    place.guest.upload("~/tilde.txt", b"in the home")
    assert place.guest.output(["cat", "~/tilde.txt"]) == "in the home"
    assert place.guest.output("cat ~/tilde.txt") == "in the home"
    assert place.guest.output(["echo", "a~/b"]) == "a~/b\n"
    assert place.guest.file(f"{place.home}/tilde.txt").body == b"in the home"


def test_a_command_that_fails_is_told_and_one_that_does_not_exist_is_an_error(place: Place) -> None:
    failed = place.guest.execute(["ls", "/no/such/folder"])
    assert failed.status == 200
    assert failed.json["returncode"] == 2 and "/no/such/folder" in failed.json["error"]
    unknown = place.guest.execute(["no-such-program-here"])
    assert unknown.status == 500
    assert unknown.json["status"] == "error" and "no-such-program-here" in unknown.json["message"]
    unclosed = place.guest.execute("echo 'open")
    assert (unclosed.status, unclosed.json["status"]) == (500, "error")


def test_much_output_comes_whole_and_bytes_that_are_no_text_do_not_break_it(place: Place) -> None:
    assert len(place.guest.output("head -c 600000 /dev/zero | tr '\\0' x", shell=True)) == 600_000
    mixed = place.guest.execute("printf 'a\\377b'", shell=True).json
    assert mixed["output"].startswith("a") and mixed["output"].endswith("b")


@pytest.mark.parametrize("route", VERIFY)
def test_a_command_can_be_verified(place: Place, route: str) -> None:
    order = {"command": ["echo", "did"], "verification": {"command_success": "test -d /tmp"}, "shell": False}
    passed = place.guest.post_json(route, {**order, "max_wait_time": 5, "check_interval": 0.1})
    assert passed.status == 200
    assert passed.json["verification"] == "passed" and passed.json["wait_time"] >= 0
    assert {key: passed.json[key] for key in ("status", "output", "returncode")} == {
        "status": "success",
        "output": "did\n",
        "returncode": 0,
    }


@pytest.mark.slow
def test_a_verification_can_ask_for_a_window(place: Place) -> None:
    with place.window("A window to be seen", "verified"):
        order: dict[str, Any] = {"command": "true", "verification": {"window_exists": "window to be"}}
        assert place.guest.post_json("/execute_with_verification", order).json["verification"] == "passed"


@pytest.mark.parametrize("wanted", [{"window_exists": "No such window"}, {"command_success": "test -e /no/such"}])
def test_a_verification_that_fails_says_so_when_its_time_is_over(place: Place, wanted: dict[str, str]) -> None:
    order = {"command": "true", "verification": wanted, "max_wait_time": 0.6, "check_interval": 0.2}
    began = time.monotonic()
    failed = place.guest.post_json("/execute_with_verification", order)
    assert failed.status == 500
    assert failed.json["status"] == "verification_failed"
    assert 0.5 < time.monotonic() - began < place.seconds


def test_a_verification_can_come_true_later(place: Place) -> None:
    order: dict[str, Any] = {"command": "(sleep 0.5; touch ~/later) >/dev/null 2>&1 &", "shell": True}
    order |= {"verification": {"command_success": f"test -e {place.home}/later"}, "check_interval": 0.1}
    told = place.guest.post_json("/execute_with_verification", order).json
    assert told["verification"] == "passed"
    place.guest.output(["rm", "~/later"])


def test_python_runs_and_its_failure_is_told(place: Place) -> None:
    keys = {"status", "message", "need_more", "output", "error", "return_code"}
    good = place.guest.post_json("/run_python", {"code": "import sys\nprint('ü' * 3)\nprint(sys.executable)"})
    assert good.status == 200
    assert keys <= set(good.json)
    assert good.json["status"] == "success" and good.json["return_code"] == 0 and good.json["need_more"] is False
    assert good.json["output"].startswith("üüü\n/usr/bin/python3")
    bad = place.guest.post_json("/run_python", {"code": "print('before')\n1 / 0"}).json
    assert keys <= set(bad)
    assert bad["status"] == "error" and bad["return_code"] != 0 and "ZeroDivisionError" in bad["error"]
    assert "before" in bad["output"] and bad["need_more"] is False
    assert "SyntaxError" in place.guest.post_json("/run_python", {"code": "print('"}).json["error"]


def test_a_script_of_bash_works(place: Place) -> None:
    script = "echo out; echo err >&2; pwd; [[ a == a ]] && exit 3"
    told = place.guest.post_json("/run_bash_script", {"script": script, "timeout": 30, "working_dir": "/usr"})
    assert told.json["returncode"] == 3
    assert {"out", "err", "/usr"} <= set(told.json["output"].splitlines()) and told.json["error"] == ""
    bare = place.guest.post_json("/run_bash_script", {"script": "echo fine"})
    assert (bare.status, bare.json) == (200, {"status": "success", "output": "fine\n", "error": "", "returncode": 0})


def test_a_script_of_bash_ends_in_time(place: Place) -> None:
    began = time.monotonic()
    told = place.guest.post_json("/run_bash_script", {"script": "echo so far; sleep 60", "timeout": 1})
    assert told.json["status"] == "error"
    assert time.monotonic() - began < place.seconds
    nowhere = place.guest.post_json("/run_bash_script", {"script": "true", "working_dir": "/no/such"})
    assert nowhere.json["status"] == "error" and "/no/such" in json.dumps(nowhere.json)


def test_launching_does_not_wait(place: Place) -> None:
    began = time.monotonic()
    for command, shell in ((["sh", "-c", "sleep 0.3; echo a >> ~/launched"], False), ("echo b >> ~/launched", True)):
        answer = place.guest.launch(command, shell=shell)
        assert answer.status == 200
        assert answer.text.endswith("launched successfully") and answer.type.startswith("text/")
    assert time.monotonic() - began < place.seconds
    place.eventually("both", lambda: sorted(place.guest.file("~/launched").body.split()) == [b"a", b"b"])
    assert "launched successfully" in place.guest.launch("true").text
    unknown = place.guest.launch(["no-such-program-here"])
    assert unknown.status == 500 and "no-such-program-here" in json.dumps(unknown.json)


# Files


@pytest.mark.parametrize("age", ["old", "new"])
@pytest.mark.parametrize("name", ["plain.bin", "größe 東京 (1).bin"])
def test_what_was_put_there_comes_back(place: Place, name: str, age: Age) -> None:
    content = bytes(range(256)) * 40 + b"\r\n--\r\n" + b"\r\n" * 9
    path = f"{place.home}/Documents/{name}"
    answer = place.guest.upload(path, content, age=age)
    assert answer.status == 200
    assert answer.text == f"File Uploaded: {len(content)} bytes"
    back = place.guest.file(path)
    assert (back.status, back.body) == (200, content)
    assert place.guest.file(f"$HOME/Documents/{name}").body == content
    assert place.guest.file(f"~/Documents/{name}").body == content
    place.guest.upload(path, b"")
    assert place.guest.file(path).body == b""


@pytest.mark.slow
def test_a_large_file_goes_there_and_back(place: Place) -> None:
    content = np.random.default_rng(7).bytes(12_000_000)
    assert place.guest.upload("~/large.bin", content).text.endswith("12000000 bytes")
    assert place.guest.file("~/large.bin").body == content
    place.guest.output(["rm", "~/large.bin"])


def test_a_file_that_is_not_there(place: Place) -> None:
    answer = place.guest.file("~/no such file")
    assert (answer.status, answer.json) == (404, {"error": "File not found"})
    assert place.guest.post_form("/file").status in (400, 404)
    assert place.guest.file("~").status >= 400


def test_files_cannot_go_where_nothing_can_be_written(place: Place) -> None:
    assert place.guest.upload("/proc/nowhere/x", b"x").status >= 400
    half = place.guest.post_form("/setup/upload", file_path="~/half")
    assert half.status in (400, 415, 422) and half.type == "application/json"
    assert place.guest.file("~/half").status == 404


def test_the_guest_fetches_by_itself(place: Place) -> None:
    order = {"url": f"http://127.0.0.1:{place.port}/platform", "path": "~/fetched.txt"}
    assert place.guest.post_json("/setup/download_file", order).status == 200
    assert place.guest.file("~/fetched.txt").body == b"Linux"
    nobody = place.guest.post_json("/setup/download_file", {"url": "http://127.0.0.1:9/x", "path": "~/nothing"})
    assert nobody.status >= 400
    assert place.guest.file("~/nothing").status == 404


def test_a_folder_is_told_as_a_tree(place: Place) -> None:
    place.guest.output("mkdir -p ~/tree/b/c && cd ~/tree && touch a.txt b/ü.txt && ln -sfn .. b/c/up", shell=True)
    answer = place.guest.post_json("/list_directory", {"path": f"{place.home}/tree"})
    assert answer.status == 200
    tree = answer.json["directory_tree"]
    assert (tree["type"], tree["name"]) == ("directory", "tree")
    children = {child["name"]: child for child in tree["children"]}
    assert {name: child["type"] for name, child in children.items()} == {"a.txt": "file", "b": "directory"}
    assert {child["name"] for child in children["b"]["children"]} >= {"c", "ü.txt"}


def test_a_folder_that_is_not_there_is_a_bad_request(place: Place) -> None:
    for path in ("/no/such/folder", "/etc/passwd"):
        answer = place.guest.post_json("/list_directory", {"path": path})
        assert answer.status == 400 and answer.json["error"]


# The system


def test_what_the_system_is(place: Place) -> None:
    platform = place.guest.get("/platform")
    assert (platform.status, platform.text) == (200, "Linux")
    size = place.guest.post("/screen_size")
    assert (size.status, size.json) == (200, {"width": SIZE[0], "height": SIZE[1]})
    assert place.guest.post("/desktop_path").json == {"desktop_path": f"{place.home}/Desktop"}


def test_the_wallpaper_is_a_picture_or_there_is_none(place: Place) -> None:
    answer = place.guest.post("/wallpaper")
    if answer.status == 200:
        Image.open(io.BytesIO(answer.body)).verify()
    else:
        assert answer.status in (404, 500) and answer.json


def test_the_wallpaper_changes(place: Place) -> None:
    assert place.guest.post_json("/setup/change_wallpaper", {"path": "/no/such.png"}).status >= 400
    picture = io.BytesIO()
    Image.new("RGB", (64, 36), "teal").save(picture, "png")
    place.guest.upload("~/teal.png", picture.getvalue())
    changed = place.guest.post_json("/setup/change_wallpaper", {"path": f"{place.home}/teal.png"})
    if place.has("gsettings") and place.kind == "machine":
        assert changed.status == 200
        assert place.guest.post("/wallpaper").body == picture.getvalue()
    else:
        assert changed.status == 200 or changed.json


def test_a_recording_is_a_film_or_the_answer_says_what_is_missing(place: Place) -> None:
    assert place.guest.post("/end_recording").status >= 400  # nothing is being recorded
    started = place.guest.post("/start_recording")
    if not place.has("ffmpeg"):
        assert started.status >= 400 and "ffmpeg" in json.dumps(started.json)
        return
    assert started.status == 200
    assert place.guest.post("/start_recording").status == 400
    film = place.guest.post("/end_recording")
    assert film.status == 200 and film.body[4:8] == b"ftyp"
