"""The one service of a user: who holds the lock serves, and says in `service.json` where.

<home>/service.lock    locked by the service for as long as its process lives, however it dies
<home>/service.json    {"port": 4711, "token": "…", "pid": 123}, mode 0600; believed only while the lock is held
<home>/open.html       mode 0600; leads a browser to the page, so that the token is in nobody's arguments
"""

from __future__ import annotations

import html
import http.client
import json
import os
import stat
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agent.errors import UserFault

SHORT = 2.0  # seconds for an answer
POLL = 0.02
STARTING = 10.0  # seconds for a service that holds the lock to say where it is
_LOCK, _FILE, _OPEN = "service.lock", "service.json", "open.html"


class ServiceLost(UserFault):
    """The service does not answer."""


@dataclass(frozen=True)
class Service:
    """The running service."""

    port: int
    token: str
    pid: int

    def __repr__(self) -> str:
        return f"Service(port={self.port}, pid={self.pid})"  # never the token

    @property
    def url(self) -> str:
        """The page, without the token."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def address(self) -> str:
        """The page, with the token in its fragment."""
        return f"{self.url}#token={self.token}"

    def request(self, method: str, path: str, body: object = None, *, timeout: float = SHORT) -> tuple[int, Any]:
        """Ask for something; the status, and the JSON of the answer (None where it is no JSON).

        Raises:
            ServiceLost: nobody answers in time.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body).encode(), headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ServiceLost(f"the page's service does not answer ({error}); start `deskhand serve` again") from None
        finally:
            connection.close()
        try:
            return answer.status, json.loads(content)
        except ValueError:
            return answer.status, None


def find_service(home: Path) -> Service | None:
    """The service that runs now; None if none does, whatever one that was killed has left behind."""
    return _read(home / _FILE) if _is_held(home / _LOCK) else None


@contextmanager
def the_only_one(home: Path) -> Generator[bool]:
    """Be the one service of this home; false where another one is. What it wrote is gone afterwards.

    Raises:
        UserFault: the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(home / _LOCK, mode=0o600)
        lock.acquire(timeout=0.3)  # whoever looks for a service holds it for an instant
    except Timeout:
        yield False
        return
    except OSError as error:
        raise UserFault(
            f"cannot write to {home} ({error.strerror}); set DESKHAND_HOME to a folder that you can write to"
        ) from None
    try:
        _forget(home)
        yield True
    finally:
        _forget(home)
        lock.release()


def announce(home: Path, service: Service) -> None:
    """Say where the service is, to this user only."""
    _write(home / _FILE, json.dumps(asdict(service)))


def wait_for_service(home: Path) -> Service:
    """The service that holds the lock, as soon as it says where it is.

    Raises:
        UserFault: it does not, in time.
    """
    deadline = time.monotonic() + STARTING
    while (service := find_service(home)) is None:
        if time.monotonic() > deadline:
            raise UserFault(f"another service is starting and does not get on; end it, or remove {home / _LOCK}")
        time.sleep(POLL)
    return service


def open_browser(home: Path, address: str) -> bool:
    """Show the page in the user's browser; false where there is none.

    The address goes through a file: in the arguments of the browser every user of the machine could read it.
    """
    import webbrowser

    leading = home / _OPEN
    target = html.escape(address)
    _write(
        leading,
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Deskhand</title>'
        f'<meta name="referrer" content="no-referrer"><meta http-equiv="refresh" content="0;url={target}"></head>'
        f'<body><p><a href="{target}">Deskhand</a></p></body></html>\n',
    )
    with suppress(webbrowser.Error, OSError):
        return webbrowser.open(leading.as_uri())
    return False


def _is_held(lock: Path) -> bool:
    from filelock import FileLock, Timeout

    if not lock.exists():
        return False
    try:
        with FileLock(lock, mode=0o600, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return False


def _read(path: Path) -> Service | None:
    """What a service says, if it is a file of this user's own that nobody else can read."""
    try:
        with path.open(encoding="utf-8") as file:
            if not _is_private(os.fstat(file.fileno())):
                return None
            data = json.load(file)
        return Service(int(data["port"]), str(data["token"]), int(data["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_private(known: os.stat_result) -> bool:
    if os.name != "posix":
        return True  # the profile's folder is the user's own there
    return stat.S_ISREG(known.st_mode) and known.st_uid == os.getuid() and not known.st_mode & 0o077


def _write(path: Path, text: str) -> None:
    """The file is there whole or not at all, with mode 0600 from its beginning."""
    fd, scratch = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with open(fd, "w", encoding="utf-8") as file:
            file.write(text)
        Path(scratch).replace(path)
    except OSError:
        Path(scratch).unlink(missing_ok=True)
        raise


def _forget(home: Path) -> None:
    for name in (_FILE, _OPEN):
        with suppress(OSError):
            (home / name).unlink(missing_ok=True)
