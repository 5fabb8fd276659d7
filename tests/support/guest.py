"""The guest's server as a process of its own, on a display of this machine, in a Python like the guest's."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vm.guest.payload import payload

SYSTEM_PYTHON = "/usr/bin/python3"
TOKEN = "0123456789abcdef0123456789abcdef"


def guest_python() -> str:
    """The system's Python where Debian's packages for it are installed, else this one, loudly."""
    asked = [SYSTEM_PYTHON, "-c", "import sys, numpy, PIL, Xlib; assert sys.version_info >= (3, 11)"]
    if Path(SYSTEM_PYTHON).exists() and subprocess.run(asked, capture_output=True, check=False).returncode == 0:
        return SYSTEM_PYTHON
    message = "the guest's server is tested with this Python: install python3-numpy, python3-pil and python3-xlib"
    warnings.warn(message, stacklevel=2)
    return sys.executable


@dataclass(slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def error(self) -> str:
        """The type of an error of /v2."""
        return str(self.json["error"]["type"])


@dataclass(slots=True)
class Guest:
    """A running server."""

    port: int
    process: subprocess.Popen[str]
    folder: Path
    display: str
    token: str = TOKEN

    @property
    def home(self) -> Path:
        """Of its user."""
        return self.folder / "home"

    @property
    def log(self) -> str:
        """What it has written to standard error."""
        return (self.folder / "log").read_text()

    def connection(self, seconds: float = 60.0) -> http.client.HTTPConnection:
        """A connection to it."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = "",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request; a dictionary is sent as JSON. `token`: None for none, another one for the right one."""
        line = self.connection()
        try:
            data = json.dumps(body).encode() if isinstance(body, dict | list) else body
            shown = {} if token is None else {"Authorization": f"Bearer {token or self.token}"}
            line.request(method, path, data, {**shown, **(headers or {})})
            answer = line.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            line.close()

    def act(self, *actions: Mapping[str, Any], **more: Any) -> Any:
        """Carry out actions; the answer."""
        answer = self.ask("POST", "/v2/actions", {"actions": list(actions), **more})
        assert answer.status == 200, answer.text
        return answer.json


def unpacked(folder: Path) -> Path:
    """The guest's code as it is in the guest: nothing else of the project is there."""
    import io
    import tarfile

    code = folder / "code"
    with tarfile.open(fileobj=io.BytesIO(payload())) as tar:
        tar.extractall(code, filter="data")
    return code


@contextmanager
def guest(folder: Path, display: str, *options: str, bus: str = "", token: str = TOKEN) -> Generator[Guest, None, None]:
    """A server for a display; its code, home and sockets are in `folder`."""
    code = unpacked(folder)
    for name in ("home/Documents", "home/Desktop", "run"):
        (folder / name).mkdir(parents=True)
    if token:
        (folder / "token").write_text(token + "\n")
    places = ["--token", str(folder / "token"), "--root", str(folder / "root.sock"), "--hands", str(folder / "hands")]
    words = [guest_python(), "-m", "vm.guest.server", "--host", "127.0.0.1", "--port", "0", "--no-panel", *places]
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/games",
        "HOME": str(folder / "home"),
        "PYTHONPATH": str(code),
        "XDG_RUNTIME_DIR": str(folder / "run"),
        "DISPLAY": display,
        "LANG": "C.UTF-8",
        **({"DBUS_SESSION_BUS_ADDRESS": bus} if bus else {}),
    }
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*words, *options], env=environment, cwd=code, stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("port "), (folder / "log").read_text()
        yield Guest(int(line.split()[1]), process, folder, display, token)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def until(holds: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for it; fail if it does not come."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


def await_desktop(server: Guest) -> None:
    """Until the server says that its desktop is there."""

    def there() -> bool:
        with suppress(OSError, http.client.HTTPException):
            return bool(server.ask("GET", "/v2/health").json["desktop"])
        return False

    until(there, 20)
