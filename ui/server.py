"""The page's server: puts its parts together, and runs it on a port of this machine that only this user can ask.

`serve` is for `deskhand serve`; `start_in_thread` is for a process that needs it beside something else.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ExceptionHandler

from agent.errors import UserFault
from agent.values import Budgets
from ui.service import files
from ui.service.api import NotHere, Service, make_router
from ui.service.bodies import NewSession
from ui.service.common import Common
from ui.service.feed import Feed, NoSession
from ui.service.following import Change, Following
from ui.service.live import LiveScreens
from ui.service.notify import Notifier, open_desktop
from ui.service.reach import Reach
from ui.service.running import Service as Running
from ui.service.running import announce
from ui.service.security import Secured
from ui.service.wire import to_json
from ui.service.words import NotNow, NoWords
from ui.settings.options import notifies
from vm.running import display_of

if TYPE_CHECKING:
    import uvicorn

ADDRESS = "127.0.0.1"
TOKEN_BYTES = 32
PATIENCE = 10.0  # seconds for it to begin, and to end
_STATUS: dict[type[UserFault], int] = {NoSession: 404, files.Missing: 404, NotNow: 409, NoWords: 422, NotHere: 403}


@dataclass(frozen=True)
class _Processes:
    """Sessions in processes of their own."""

    home: Path

    def start(self, request: NewSession) -> str:
        """See `api.Starter`."""
        from ui.service.spawning import StartRequest, start_session

        asked: dict[str, Any] = request.model_dump() | {"open": tuple(request.open)}
        return start_session(self.home, StartRequest(**asked))

    def go_on(self, session: str, words: str, budgets: Budgets) -> None:
        """See `api.Starter`."""
        from ui.service.spawning import resume_session

        resume_session(self.home, session, words, budgets)


class RunningServer:
    """A server that runs in a thread of this process.

    Attributes:
        url: of the page, like "http://127.0.0.1:4711/"; without the token.
        token: what the API needs.
        ready: is set when what the board shows has been read.
    """

    def __init__(self, service: Service, reach: Reach, server: uvicorn.Server, port: int, token: str) -> None:
        self.url = f"http://{ADDRESS}:{port}/"
        self.port = port
        self.token = token
        self.service = service
        self.ready = threading.Event()
        self._reach = reach
        self._server = server
        self._thread: threading.Thread | None = None

    def address(self, page: str = "") -> str:
        """The address of a page with the token in its fragment, which browsers send to nobody."""
        return f"{self.url}{page}#token={self.token}"

    @property
    def alive(self) -> bool:
        """Whether it serves."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, listening: socket.socket) -> None:
        """Serve on this socket. Returns once it does."""
        self._thread = threading.Thread(
            target=self._server.run, args=([listening],), daemon=True, name="deskhand-server"
        )
        self._thread.start()
        deadline = time.monotonic() + PATIENCE
        while not self._server.started:
            if not self.alive or time.monotonic() > deadline:
                raise UserFault("the page's server did not start; try again, or with another --port")
            time.sleep(0.002)

    def read_ahead(self) -> None:
        """Read what the board shows, before anybody asks for it."""
        with suppress(UserFault):  # whoever asks is told
            to_json(self.service.board())
        self.ready.set()

    def close(self) -> None:
        """End it, and every stream. May be called twice."""
        self.service.feed.close()
        self.service.live.close()
        self._reach.close()
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(PATIENCE)


def start_in_thread(home: Path, *, only: str | None = None, port: int = 0) -> RunningServer:
    """Serve the page beside whatever this process does.

    Args:
        home: where all state lives.
        only: the one session that can be seen and steered; None for all.
        port: 0 for one that is free.

    Raises:
        UserFault: the port is taken, or there is no such session.
    """
    import uvicorn

    listening = _listen(port)
    chosen = int(listening.getsockname()[1])
    token = secrets.token_urlsafe(TOKEN_BYTES)
    common = Common(home)
    service = Service(
        feed=Feed(home, common.limits, only=only),
        live=LiveScreens(),
        common=common,
        starter=_Processes(home),
        hands=(reach := Reach(lambda session: display_of(service.feed.sessions.get(session.id).workspace))),
        display_of=display_of,
        only=only,
    )
    secured = Secured(make_app(service), token)
    secured.port = chosen
    config = uvicorn.Config(
        secured,
        log_config=None,  # nothing about requests goes anywhere
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )
    server = RunningServer(service, reach, uvicorn.Server(config), chosen, token)
    try:
        server.start(listening)
    except BaseException:
        listening.close()
        raise
    threading.Thread(target=server.read_ahead, daemon=True, name="deskhand-ahead").start()
    return server


def serve(home: Path, *, port: int = 0, said: Callable[[Running], None]) -> None:
    """Be this user's one service (see `running.the_only_one`) until Ctrl-C or SIGTERM.

    Args:
        said: is told once where the page is.

    Raises:
        UserFault: the port is taken, or the home cannot be written.
    """
    with _signals() as ended:
        server = start_in_thread(home, port=port)
        desktop = open_desktop() if notifies() else None
        notifier = Notifier(desktop)
        try:
            server.ready.wait(PATIENCE)
            here = Running(server.port, server.token, os.getpid())
            announce(home, here)
            said(here)
            if desktop:
                _notify(server.service.feed, notifier)
            while server.alive and not ended.wait(1.0):  # Windows hears Ctrl-C only between waits
                pass
        finally:
            server.close()
            notifier.close()


@contextmanager
def _signals() -> Generator[threading.Event]:
    """An event that is set when the process is asked to end."""
    ended = threading.Event()
    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    before = {name: signal.signal(getattr(signal, name), end) for name in names}
    try:
        yield ended
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


def _notify(feed: Feed, notifier: Notifier) -> None:
    """Let the desktop show when a session needs its user."""
    for item in feed.board():
        notifier.see(item.card())
    feed.open(_Noticing(notifier))


class _Noticing:
    """Shows the notifier what happens."""

    eager = False

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier

    def note(self, item: Following, change: Change) -> None:
        """See `Listener`."""
        self._notifier.see(item.card())

    def lose(self, name: str) -> None:
        """See `Listener`."""

    def limit(self) -> None:
        """See `Listener`."""

    def end(self) -> None:
        """See `Listener`."""


def _listen(port: int) -> socket.socket:
    # Unless the protocol is named, asyncio does not know that it is TCP, and each answer waits 40 ms for Nagle.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name == "posix":  # else a port stays taken for a minute after a crash; on Windows it would be shared
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((ADDRESS, port))
        listening.listen(128)
    except (OSError, OverflowError) as error:
        listening.close()
        reason = error.strerror if isinstance(error, OSError) else "no such port"
        raise UserFault(f"port {port} cannot be served on ({reason}); choose another with --port, or none") from None
    return listening


def make_app(service: Service) -> FastAPI:
    """The routes, without the layer that decides who may ask."""
    from importlib.metadata import version

    app = FastAPI(
        title="Deskhand",
        version=version("deskhand"),
        description="Watch and steer sessions of Deskhand on this machine. Every request needs the header "
        "`Authorization: Bearer TOKEN`; `deskhand serve` prints the token in the fragment of the page's address.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.include_router(make_router(service))
    _pages(app)
    handlers: dict[type[Exception], ExceptionHandler] = {
        UserFault: _fault,
        RequestValidationError: _invalid,
        HTTPException: _http_error,
        Exception: _bug,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
    return app


def _pages(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    def index(request: Request) -> Response:
        return _asset("index.html", request)

    @app.get("/overlay", include_in_schema=False)
    def overlay(request: Request) -> Response:
        return _asset("overlay.html", request)

    @app.get("/assets/{name:path}", include_in_schema=False)
    def asset(name: str, request: Request) -> Response:
        return _asset(name, request)


def _asset(name: str, request: Request) -> Response:
    content, kind = files.asset(name)
    headers = {"ETag": files.etag(content), "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=kind, headers=headers)


# Whatever goes wrong is one line of JSON -----------------------------------------------------------------------------


def _error(status: int, text: str) -> Response:
    return JSONResponse({"error": " ".join(text.split())}, status)


async def _fault(_request: Request, error: Exception) -> Response:
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 400)
    return _error(status, str(error).encode("utf-8", "replace").decode())


async def _invalid(_request: Request, error: Exception) -> Response:
    problems: list[Any] = list(error.errors()) if isinstance(error, RequestValidationError) else []
    said = "; ".join(f"{_place(problem['loc'])}: {problem['msg']}" for problem in problems[:3])
    return _error(422, f"{said}; see /openapi.json for what is expected")


def _place(where: tuple[object, ...]) -> str:
    return ".".join(str(step) for step in where[1:]) or "the body"


async def _http_error(_request: Request, error: Exception) -> Response:
    status, said = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, str(error))
    words = {404: "there is nothing at this address", 405: "that cannot be done with this address"}
    return _error(status, f"{words.get(status, said)}; see /openapi.json")


async def _bug(_request: Request, error: Exception) -> Response:
    with suppress(Exception):
        return _error(500, f"a bug in deskhand: {type(error).__name__}: {error}; what the service printed says more")
    return _error(500, "a bug in deskhand; what the service printed says more")
