"""A server that behaves as OSWorld's guest server does, its defects included, on a display of this machine.

Written from a description of its interface alone: what our own guest server does better must not be relied on.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from tests.support.xserver import end


class OsworldServer(ThreadingHTTPServer):
    """The server, and what it has been asked.

    Attributes:
        slow: seconds that each screenshot takes longer.
        broken: routes that are answered with a page of HTML and status 500.
    """

    daemon_threads = True

    def __init__(self, display: str, home: Path, environment: Mapping[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        folder = str(Path(sys.executable).parent)
        path = f"{folder}{os.pathsep}{os.environ['PATH']}"
        self.environment = {**os.environ, "DISPLAY": display, "HOME": str(home), "PATH": path, **environment}
        self.environment.pop("QT_PLUGIN_PATH", None)
        self.home = home
        self.display = display
        self.port: int = self.server_address[1]
        self.asked: list[tuple[str, str]] = []
        self.opened: list[str] = []
        self.programs: list[subprocess.Popen[bytes]] = []
        self.slow = 0.0
        self.broken: set[str] = set()
        self.mutex = threading.Lock()


class _Handler(BaseHTTPRequestHandler):
    server: OsworldServer  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        self._serve({"/screenshot": self._screenshot, "/platform": self._platform})

    def do_POST(self) -> None:
        routes = {
            "/execute": self._execute,
            "/setup/launch": self._launch,
            "/setup/open_file": self._open_file,
            "/setup/upload": self._upload,
            "/file": self._file,
            "/run_bash_script": self._run_bash_script,
        }
        self._serve(routes)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the library's word)
        pass

    def _serve(self, routes: Mapping[str, Any]) -> None:
        self.server.asked.append((self.command, self.path))
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        if self.path in self.server.broken:
            self._answer(500, b"<!doctype html><title>500 Internal Server Error</title>", "text/html")
        elif self.path in routes:
            routes[self.path]()
        else:
            self._answer(404, b"<!doctype html><title>404 Not Found</title>", "text/html")

    def _answer(self, status: int, data: bytes, media_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _json(self, code: int, **answer: object) -> None:
        self._answer(code, json.dumps(answer).encode(), "application/json")

    def _platform(self) -> None:
        self._answer(200, b"Linux", "text/html; charset=utf-8")

    def _screenshot(self) -> None:
        from perception.encode import encode
        from perception.screen import open_screen

        time.sleep(self.server.slow)
        with self.server.mutex, open_screen(self.server.display) as screen:
            data = encode(screen.grab()).image
        self._answer(200, data, "image/png")

    def _words(self) -> str | list[str]:
        order = json.loads(self.body)
        command: str | list[str] = order["command"]
        if isinstance(command, str) and order.get("shell"):
            return command
        words = shlex.split(command) if isinstance(command, str) else command
        return [str(self.server.home) + word[1:] if word.startswith("~/") else word for word in words]

    def _execute(self) -> None:
        try:
            ran = subprocess.run(
                self._words(),
                env=self.server.environment,
                cwd=self.server.home,
                shell=bool(json.loads(self.body).get("shell")),
                capture_output=True,
                text=True,
                timeout=120,
            )
        except Exception as error:
            self._json(500, status="error", message=str(error))
            return
        self._json(200, status="success", output=ran.stdout, error=ran.stderr, returncode=ran.returncode)

    def _launch(self) -> None:
        try:
            program = subprocess.Popen(self._words(), env=self.server.environment, cwd=self.server.home)
        except Exception as error:
            self._json(500, status="error", message=str(error))
            return
        self.server.programs.append(program)
        self._answer(200, b"command launched successfully", "text/html; charset=utf-8")

    def _open_file(self) -> None:
        path = Path(json.loads(self.body)["path"])
        if not path.exists():
            self._answer(404, f"File not found: {path}".encode(), "text/html; charset=utf-8")
            return
        self.server.opened.append(str(path))
        self._answer(200, b"File opened and window activated successfully", "text/html; charset=utf-8")

    def _upload(self) -> None:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        parts: Any = message_from_bytes(head + self.body).get_payload()
        fields: dict[str, bytes] = {
            str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True) for part in parts
        }
        try:
            Path(fields["file_path"].decode()).write_bytes(fields["file_data"])
        except OSError as error:  # a folder that is not there, for instance
            self._answer(500, f"<title>500</title>{error.strerror}".encode(), "text/html")
            return
        self._answer(200, f"File Uploaded: {len(fields['file_data'])} bytes".encode(), "text/html")

    def _file(self) -> None:
        path = Path(os.path.expandvars(parse_qs(self.body.decode())["file_path"][0]))
        if not path.is_file():
            self._json(404, error="File not found")
            return
        self._answer(200, path.read_bytes(), "application/octet-stream")

    def _run_bash_script(self) -> None:
        self._json(500, status="error", message="Failed to execute script: name '_append_event' is not defined")


@contextmanager
def osworld_server(display: str, home: Path, **environment: str) -> Generator[OsworldServer, None, None]:
    """A server for `display`, whose user's home is `home`."""
    home.mkdir(exist_ok=True)
    server = OsworldServer(display, home, environment)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        for program in server.programs:
            end(program)
