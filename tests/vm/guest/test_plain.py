"""The plain interface, as host code of OSWorld uses it, on a real desktop; its known defects are not there."""

from __future__ import annotations

import http.server
import io
import os
import subprocess
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.support.guest import Guest, await_desktop, guest, until
from tests.support.textfield import text_field
from tests.support.xserver import xvfb


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Guest]:
    """A server that was given no token: only this interface is open."""
    folder = tmp_path_factory.mktemp("guest")
    with xvfb(1000, 700, window_manager=True) as display, guest(folder, display, token="") as running:
        until(lambda: running.ask("POST", "/screen_size", token=None).status == 200, 20)
        yield running


def post(server: Guest, route: str, /, **body: Any) -> Any:
    return server.ask("POST", route, body, token=None)


def form(server: Guest, path: str, fields: str) -> Any:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return server.ask("POST", path, fields.encode(), token=None, headers=headers)


def test_without_a_token_v2_is_shut(server: Guest) -> None:
    for token in (None, "x" * 32):
        answer = server.ask("GET", "/v2/health", token=token)
        assert (answer.status, answer.error) == (403, "denied")


def test_pages_in_a_browser_are_kept_out(server: Guest) -> None:
    answer = server.ask("POST", "/execute", {"command": ["true"]}, token=None, headers={"Origin": "https://a.example"})
    assert answer.status == 403


@pytest.mark.parametrize("path", ["/execute", "/setup/execute"])
def test_execute(server: Guest, path: str) -> None:
    done = post(server, path, command=["sh", "-c", "echo out; echo err >&2; exit 2"], shell=False)
    assert done.json == {"status": "success", "output": "out\n", "error": "err\n", "returncode": 2}
    assert post(server, path, command="echo 'a  b' $HOME", shell=False).json["output"] == "a  b $HOME\n"
    assert post(server, path, command="echo 'a  b' | tr a c", shell=True).json["output"] == "c  b\n"
    assert post(server, path, command=["echo", "~/x"]).json["output"] == f"{server.home}/x\n"
    for bad in (["no-such-program"], [], "'", 5, None):
        answer = post(server, path, command=bad)
        assert answer.status == 500 and answer.json["status"] == "error" and answer.json["message"]


def test_execute_with_verification(server: Guest) -> None:
    path = "/setup/execute_with_verification"
    done = post(
        server, path, command=["touch", str(server.home / "here")], verification={"command_success": "test -e here"}
    )
    assert done.json["verification"] == "passed" and done.json["wait_time"] >= 0 and done.json["returncode"] == 0
    wanted = {"window_exists": "no such window"}
    failed = post(server, path, command=["true"], verification=wanted, max_wait_time=0.2, check_interval=0.05)
    assert failed.status == 500 and failed.json["status"] == "verification_failed"


def test_windows(server: Guest) -> None:
    answer = post(server, "/setup/launch", command=["xterm", "-T", "the first", "-name", "one"])
    assert (answer.status, answer.text) == (200, "xterm -T the first -name one launched successfully")
    post(server, "/setup/launch", command="xterm -T 'the second' -name two", shell=True)
    until(lambda: len(titles(server.display)) == 2)
    for strict, name in ((False, "FIRST"), (True, "the second"), (False, "the first")):
        assert post(server, "/setup/activate_window", window_name=name, strict=strict).status == 200
        until(lambda name=name: active(server.display) == name.lower().replace("first", "first").removeprefix("the "))
    assert "nothing was done" in post(server, "/setup/activate_window", window_name="first", strict=True).text
    assert form(server, "/window_size", "app_class_name=two.XTerm").json["width"] > 100
    assert form(server, "/window_size", "app_class_name=nobody").status == 404
    assert form(server, "/window_size", "").status == 400
    assert post(server, "/setup/close_window", window_name="one.XTerm", by_class=True).status == 200
    until(lambda: len(titles(server.display)) == 1)
    post(server, "/setup/close_window", window_name="the second", strict=True)
    until(lambda: not titles(server.display))
    for path in ("/setup/activate_window", "/setup/close_window"):
        assert post(server, path).status == 400
    assert post(server, "/setup/launch", command=["no-such-program"]).status == 500


def titles(display: str) -> list[str]:
    found = subprocess.run(
        ["xdotool", "search", "--onlyvisible", "--class", "XTerm", "getwindowname", "%@"],
        env={**os.environ, "DISPLAY": display},
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.splitlines()


def active(display: str) -> str:
    from perception.backends.xactive import active_title

    return active_title(display).removeprefix("the ")


def test_screen(server: Guest) -> None:
    answer = server.ask("GET", "/screenshot", token=None)
    assert answer.headers["Content-Type"] == "image/png"
    assert Image.open(io.BytesIO(answer.body)).size == (1000, 700)
    assert post(server, "/screen_size").json == {"width": 1000, "height": 700}
    assert server.ask("GET", "/platform", token=None).text == "Linux"
    post(server, "/execute", command=["python3", "-c", "import pyautogui; pyautogui.moveTo(321, 123)"])
    assert server.ask("GET", "/cursor_position", token=None).json == [321, 123]


def test_the_mouse_pointer_is_in_the_picture(server: Guest) -> None:
    def corner(x: int, y: int) -> bytes:
        code = f"import pyautogui; pyautogui.moveTo({x}, {y})"
        post(server, "/execute", command=["python3", "-c", code])
        picture = Image.open(io.BytesIO(server.ask("GET", "/screenshot", token=None).body))
        return picture.crop((480, 330, 520, 370)).tobytes()

    assert corner(500, 350) != corner(900, 50)


def test_files(server: Guest) -> None:
    content = os.urandom(400_000)
    edge = "0a1b2c"
    parts = f'--{edge}\r\nContent-Disposition: form-data; name="file_path"\r\n\r\n~/up/load ü.bin\r\n--{edge}\r\n'
    parts += 'Content-Disposition: form-data; name="file_data"; filename="x"\r\n\r\n'
    body = parts.encode() + content + f"\r\n--{edge}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={edge}"}
    answer = server.ask("POST", "/setup/upload", body, token=None, headers=headers)
    assert (answer.status, answer.text) == (200, "File Uploaded: 400000 bytes")
    assert form(server, "/file", "file_path=%7E%2Fup%2Fload+%C3%BC.bin").body == content
    assert form(server, "/file", "file_path=$HOME/up/load ü.bin").body == content
    missing = form(server, "/file", "file_path=/no/such")
    assert (missing.status, missing.json) == (404, {"error": "File not found"})
    assert form(server, "/file", "").status == 400
    tree = post(server, "/list_directory", path="~/up").json["directory_tree"]
    assert tree == {"type": "directory", "name": "up", "children": [{"type": "file", "name": "load ü.bin"}]}
    assert post(server, "/list_directory", path="/no/such").status == 400
    assert post(server, "/setup/upload").status == 400
    assert post(server, "/desktop_path").json == {"desktop_path": str(server.home / "Desktop")}


def test_download(server: Guest) -> None:
    with served(b"fetched") as url:
        answer = post(server, "/setup/download_file", url=url, path="~/down/file")
        assert answer.text == "File downloaded successfully" and (server.home / "down/file").read_bytes() == b"fetched"
    assert post(server, "/setup/download_file", url="file:///etc/passwd", path="~/x").status == 500
    assert not (server.home / "x").exists()


@contextmanager
def served(content: bytes) -> Generator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (as it is called there)
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as service:
        thread = threading.Thread(target=service.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{service.server_port}/x"
        service.shutdown()


def test_open_file(server: Guest) -> None:
    began = time.monotonic()
    assert post(server, "/setup/open_file").status == 400
    assert post(server, "/setup/open_file", path="/no/such.txt").status == 404
    assert post(server, "/setup/open_file", path="false").status == 500  # it ends without a window: no use waiting
    assert time.monotonic() - began < 10
    notes = server.home / "notes.txt"
    notes.write_text("hello\n")
    script = server.folder / "bin/mousepad"
    script.parent.mkdir(exist_ok=True)
    answer = post(server, "/setup/open_file", path="xterm")
    assert answer.text == "File opened and window activated successfully"
    post(server, "/setup/close_window", window_name="xterm", by_class=True)


def test_wallpaper_and_recording_say_what_is_missing(server: Guest) -> None:
    assert post(server, "/wallpaper").status == 404
    assert post(server, "/setup/change_wallpaper").status == 400
    assert post(server, "/setup/change_wallpaper", path="/no/such.png").status == 404
    answer = post(server, "/end_recording")
    assert (answer.status, answer.json["message"]) == (400, "No recording in progress to stop.")
    answer = post(server, "/start_recording")
    if answer.status == 200:
        assert post(server, "/start_recording").status == 400
        assert post(server, "/end_recording").headers["Content-Type"] == "video/mp4"
    else:
        assert answer.status == 500 and "ffmpeg" in answer.json["message"]


def test_run_python(server: Guest) -> None:
    done = post(server, "/run_python", code="print('é'); import sys; print('e', file=sys.stderr)").json
    assert (done["status"], done["message"], done["need_more"]) == ("success", "é\n\ne\n", False)
    assert (done["output"], done["error"], done["return_code"]) == ("é\n", "e\n", 0)
    failed = post(server, "/run_python", code="raise ValueError('so')").json
    assert (failed["status"], failed["return_code"]) == ("error", 1) and "ValueError: so" in failed["error"]
    assert post(server, "/run_python").status == 400


def test_run_bash_script(server: Guest) -> None:
    done = post(
        server, "/run_bash_script", script="echo one; echo two >&2; echo three; pwd", working_dir="~/Documents"
    ).json
    assert done["output"] == f"one\ntwo\nthree\n{server.home}/Documents\n"
    assert (done["status"], done["error"], done["returncode"]) == ("success", "", 0)
    assert post(server, "/run_bash_script", script="exit 7").json["returncode"] == 7
    late = post(server, "/run_bash_script", script="echo x; sleep 60", timeout=0.3)
    assert (late.status, late.json["returncode"], late.json["status"]) == (500, -1, "error")
    assert post(server, "/run_bash_script", script="true", working_dir="/no/such").status == 500


ACTION = "import pyautogui; import time; pyautogui.FAILSAFE = False; "


def test_pyautogui(server: Guest) -> None:
    """Each action a new process, as host code has it: text arrives as it was given."""
    with text_field(server.display, "gtk") as field:

        def do(code: str) -> str:
            answer = post(server, "/execute", command=["python3", "-c", ACTION + code]).json
            assert (answer["returncode"], answer["error"]) == (0, ""), answer
            return str(answer["output"])

        do("pyautogui.click(500, 350)")
        do("pyautogui.typewrite('a < b\\nZoë 日本 \\\\n \"q\"'); pyautogui.press('enter')")
        do("pyautogui.write('x', interval=0.01)")
        assert field.read() == 'a < b\nZoë 日本 \\n "q"\nx'
        do("pyautogui.hotkey('ctrl', 'a'); pyautogui.press('A'); pyautogui.press(['b', 'backspace', 'c'], presses=2)")
        assert field.read() == "Acc"
        do("pyautogui.keyDown('ctrl')")  # held from one process to the next
        do("pyautogui.press('a'); pyautogui.keyUp('ctrl'); pyautogui.press('z')")
        assert field.read() == "z"
        field.write("one two")
        assert do(
            "pyautogui.doubleClick(310, 165, interval=0.01); print(*pyautogui.position(), *pyautogui.size())"
        ) == ("310 165 1000 700\n")
        do("pyautogui.dragTo(400, 300, 0.2, button='left'); pyautogui.moveRel(-100, 5); pyautogui.scroll(-2)")
        assert do("print(tuple(pyautogui.position()), pyautogui.onScreen(5000, 1), pyautogui.isValidKey('f5'))") == (
            "(300, 305) False True\n"
        )
        assert do("p = pyautogui.screenshot(region=(0, 0, 40, 30)); print(p.size)") == "(40, 30)\n"
        do("pyautogui.moveTo(10, 20, duration=0.15, tween=pyautogui.easeInOutQuad)")
        assert server.ask("GET", "/cursor_position", token=None).json == [10, 20]
        with_fault = post(
            server, "/execute", command=["python3", "-c", ACTION + "pyautogui.mouseDown(button='seventh')"]
        )
        assert with_fault.json["returncode"] == 1 and "no mouse button" in with_fault.json["error"]
        assert (
            "no key"
            in post(server, "/execute", command=["python3", "-c", ACTION + "pyautogui.press('yen')"]).json["error"]
        )


def test_its_desktop_is_told_only_with_a_token(tmp_path: Path, server: Guest) -> None:
    """A token that comes after the start counts from then on."""
    with guest(tmp_path, server.display, token="") as late:
        assert late.ask("GET", "/platform", token=None).status == 200
        late.token = "later-0123456789abcdef"
        (tmp_path / "token").write_text(late.token)
        assert late.ask("GET", "/platform", token=None).status == 401
        await_desktop(late)
