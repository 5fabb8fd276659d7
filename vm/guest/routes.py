"""Every route of the server, in one table: docs/guest.md is checked against it."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from actuators.errors import ActuatorError, DisplayLost
from perception.backends.xdamage import WatchLost
from perception.errors import PerceptionError, ScreenLost
from vm.guest import plain_desktop, plain_files, plain_programs, v2
from vm.guest.acting import kind_of_error
from vm.guest.state import Guest
from vm.guest.wire import Answer, Ended, Refused, Request, as_json

Handler: TypeAlias = Callable[[Guest, Request], Answer]

_STATUS = {"invalid": 422, "cannot_type": 422, "unsupported": 422, "interrupted": 409, "lost": 503}


@dataclass(frozen=True, slots=True)
class Route:
    """One way to ask for something."""

    method: str
    path: str
    handler: Handler

    @property
    def plain(self) -> bool:
        """Whether it belongs to the plain interface, that of OSWorld's server."""
        return not self.path.startswith("/v2/")


def _setup(name: str, handler: Handler) -> Sequence[Route]:
    """A route that has two paths."""
    return Route("POST", f"/{name}", handler), Route("POST", f"/setup/{name}", handler)


ROUTES: tuple[Route, ...] = (
    *_setup("execute", plain_programs.execute),
    *_setup("execute_with_verification", plain_programs.execute_with_verification),
    Route("POST", "/setup/launch", plain_programs.launch),
    Route("GET", "/screenshot", plain_desktop.screenshot),
    Route("GET", "/terminal", plain_desktop.terminal),
    Route("GET", "/accessibility", plain_desktop.accessibility),
    Route("POST", "/screen_size", plain_desktop.screen_size),
    Route("POST", "/window_size", plain_desktop.window_size),
    Route("POST", "/desktop_path", plain_desktop.desktop_path),
    Route("POST", "/wallpaper", plain_desktop.wallpaper),
    Route("POST", "/list_directory", plain_files.list_directory),
    Route("POST", "/file", plain_files.file),
    Route("POST", "/setup/upload", plain_files.upload),
    Route("POST", "/setup/download_file", plain_files.download_file),
    Route("POST", "/setup/open_file", plain_desktop.open_file),
    Route("POST", "/setup/activate_window", plain_desktop.activate_window),
    Route("POST", "/setup/close_window", plain_desktop.close_window),
    Route("POST", "/setup/change_wallpaper", plain_desktop.change_wallpaper),
    Route("GET", "/platform", plain_desktop.platform),
    Route("GET", "/cursor_position", plain_desktop.cursor_position),
    Route("POST", "/start_recording", plain_desktop.start_recording),
    Route("POST", "/end_recording", plain_desktop.end_recording),
    Route("POST", "/run_python", plain_programs.run_python),
    Route("POST", "/run_bash_script", plain_programs.run_bash_script),
    Route("GET", "/v2/health", v2.health),
    Route("POST", "/v2/renew", v2.renew),
    Route("POST", "/v2/actions", v2.actions),
    Route("POST", "/v2/release", v2.release),
    Route("GET", "/v2/screenshot", v2.screenshot),
    Route("GET", "/v2/front", v2.front),
    Route("POST", "/v2/ping", v2.ping),
    Route("POST", "/v2/target", v2.target),
    Route("GET", "/v2/tree", v2.tree),
    Route("GET", "/v2/events", v2.events),
    Route("POST", "/v2/execute", v2.execute),
    Route("POST", "/v2/open", v2.open_),
    Route("PUT", "/v2/files", v2.put_file),
    Route("GET", "/v2/files", v2.get_file),
    Route("DELETE", "/v2/files", v2.delete_file),
    Route("GET", "/v2/list", v2.list_files),
    Route("GET", "/v2/layout", v2.layout),
)


class Router:
    """Finds who answers a request, and makes an answer of whatever goes wrong."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self._known: dict[str, dict[str, Route]] = {}
        for route in ROUTES:
            self._known.setdefault(route.path, {})[route.method] = route

    def __call__(self, request: Request) -> Answer:
        """Answer a request. Raises nothing but `Ended`, where nobody is there any more."""
        plain = not request.path.startswith("/v2/")
        try:
            self._guest.access.check(request, plain=plain)
            return self._route(request).handler(self._guest, request)
        except Ended:
            raise
        except Refused as refused:
            return _refusal(refused, plain=plain)
        except Exception as error:
            return _refusal(self._explained(error), plain=plain)

    def _route(self, request: Request) -> Route:
        methods = self._known.get(request.path)
        if methods is None:
            raise Refused(404, "missing", "there is nothing at this path")
        if request.method not in methods:
            raise Refused(405, "invalid", f"this path knows {' and '.join(methods)} only")
        return methods[request.method]

    def _explained(self, error: Exception) -> Refused:
        if isinstance(error, DisplayLost | ScreenLost | WatchLost):
            self._guest.desk.lost()
            return Refused(503, "lost", str(error))
        if isinstance(error, ActuatorError | PerceptionError):
            kind = kind_of_error(error)
            return Refused(_STATUS.get(kind, 500), kind, str(error))
        traceback.print_exception(error, file=sys.stderr)
        line = str(error).partition("\n")[0][:300]
        return Refused(500, "internal", f"a fault of the server: {type(error).__name__}: {line}")


def _refusal(refused: Refused, *, plain: bool) -> Answer:
    if plain:
        return as_json({"status": "error", "message": str(refused)}, refused.status)
    return as_json({"error": {"type": refused.kind, "message": str(refused), **refused.more}}, refused.status)
