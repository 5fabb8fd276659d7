"""Talking to the server inside a virtual machine: its interface under `/v2`, as the host calls it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, cast
from urllib.parse import urlencode

from actuators.actions import Action, to_dict
from actuators.errors import ActuatorError
from perception.screenshot import Region
from perception.target import Target
from vm.line import Line

SECONDS = 15.0  # for calls that take milliseconds: emulated machines are slow, and busy ones slower
GLANCE = 6.0  # for what somebody wants to know right before an input, and can do without
GRACE = 10.0  # seconds for an answer, beyond those that the call itself may take
LONGEST = 600.0  # seconds that the server takes for one batch of actions


class Address(Protocol):
    """Where a server inside a machine listens, and what opens it; `vm.machine.GuestAddress` is one."""

    @property
    def host(self) -> str:
        """A name or number of this machine or another."""
        ...

    @property
    def port(self) -> int:
        """Of the host."""
        ...

    @property
    def token(self) -> str:
        """Never shown."""
        ...


class GuestFault(ActuatorError):
    """The server inside the machine said no.

    Attributes:
        type: the server's word for it: "invalid", "stale", "timeout", "busy", "lost", "internal", …
        characters: those that it could not type.
    """

    def __init__(self, type: str, message: str, characters: str = "") -> None:  # noqa: A002 (the interface's word)
        super().__init__(message)
        self.type, self.characters = type, characters


@dataclass(frozen=True, slots=True)
class Performed:
    """What became of a batch of actions: how many were done; the fault that ended it, and at which of them."""

    done: int
    fault: GuestFault | None
    index: int


@dataclass(frozen=True, slots=True)
class InFront:
    """The program in front.

    Attributes:
        program, window: its class of windows, and the title of the one in front.
        busy: whether it is at work.
        cursor_busy: whether the mouse pointer says so.
        fresh: windows that were mapped lately, in pixels of the screen.
    """

    program: str
    window: str
    busy: bool
    cursor_busy: bool
    fresh: tuple[Region, ...]


@dataclass(frozen=True, slots=True)
class Pong:
    """Whether the program in front could be asked, has answered, and is still the one in front."""

    asked: bool
    answered: bool
    moved_on: bool


@dataclass(frozen=True, slots=True)
class Executed:
    """What a command has said, and its exit status; None where it was not waited for, or was ended."""

    status: int | None
    output: str
    error: str
    timed_out: bool


@dataclass(frozen=True, slots=True)
class GuestFile:
    """A file of the machine: path relative to what was listed, bytes, seconds since the epoch."""

    path: str
    bytes: int
    modified: float


@dataclass(frozen=True, slots=True)
class GuestWindow:
    """A top-level window, where it is in pixels of the screen, and whether it has the keyboard."""

    id: int
    region: Region
    active: bool


class GuestClient:
    """Calls the server. Blocking; from any thread, which gets a connection that is kept for the next call.

    No call takes longer than its seconds and `GRACE`. All of them raise GuestGone where nobody answers, and GuestFault
    where the server says no.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._line = Line(address.host, address.port)

    def __repr__(self) -> str:
        return f"GuestClient({self._address.host}:{self._address.port})"

    def health(self, seconds: float = SECONDS) -> Mapping[str, Any]:
        """What the server says of itself: `ok`, `version`, `size`, `desktop`, `uptime`."""
        return self.get("/v2/health", seconds)

    def renew(self, *, now: float, seed: bytes, machine_id: str, token: str, plain: bool) -> None:
        """Make a fork of a snapshot a machine of its own. The token of `address` is dead afterwards."""
        body = {"now": now, "seed": base64.b64encode(seed).decode(), "machine_id": machine_id}
        self.post("/v2/renew", {**body, "token": token, "plain": plain}, SECONDS)

    def perform(self, actions: Sequence[Action], identity: str, seconds: float) -> Performed:
        """Carry out actions whose points are pixels of the screen; the same identity is never carried out twice."""
        seconds = min(seconds, LONGEST)
        body = {"actions": [to_dict(action) for action in actions], "settle": 0, "id": identity, "seconds": seconds}
        answer = self.post("/v2/actions", body, seconds + GRACE)
        error = answer.get("error")
        fault = _fault(error) if error else None
        return Performed(int(answer["done"]), fault, int(error.get("index") or 0) if error else 0)

    def release(self, seconds: float) -> None:
        """Let go of everything that is pressed, and end the batch under way."""
        self.post("/v2/release", {}, seconds)

    def front(self) -> InFront:
        """The program in front, and whether it is at work."""
        answer = self.get("/v2/front", GLANCE)
        return InFront(
            str(answer.get("program") or ""),
            str(answer.get("window") or ""),
            bool(answer.get("busy")),
            bool(answer.get("cursor_busy")),
            tuple(Region(*place) for place in answer.get("fresh") or ()),
        )

    def ping(self, seconds: float) -> Pong:
        """Ask the program in front for a sign of life, and wait for it."""
        answer = self.post("/v2/ping", {"seconds": seconds}, seconds + GRACE)
        return Pong(bool(answer["asked"]), bool(answer["answered"]), bool(answer.get("moved_on")))

    def target(self, point: tuple[int, int] | None, seconds: float = 2.0) -> Target:
        """What is at a point of the screen, as far as it is told within so many seconds; None: has the keyboard."""
        asked = {"front": True} if point is None else {"x": point[0], "y": point[1]}
        answer = self.post("/v2/target", {**asked, "seconds": seconds}, seconds + GRACE)
        return Target(*(str(answer.get(name) or "") for name in ("role", "name", "window", "application")))

    def layout(self) -> tuple[GuestWindow, ...]:
        """The top-level windows, the frontmost first."""
        windows: list[list[Any]] = self.get("/v2/layout", GLANCE)["windows"]
        return tuple(GuestWindow(w[0], Region(*w[1:5]), bool(w[5])) for w in windows)

    def tree(self, window: str = "front") -> Sequence[Mapping[str, Any]]:
        """The accessible elements of the window in front, or of "all"."""
        return self.get(f"/v2/tree?{urlencode({'window': window})}", 60.0)["elements"]

    def events(self, after: int, seconds: float) -> tuple[int, Sequence[Mapping[str, Any]]]:
        """What has happened after number `after`, waiting for at most so many seconds: the last number, and events."""
        answer = self.get(f"/v2/events?{urlencode({'after': after, 'seconds': seconds})}", seconds + GRACE)
        return int(answer["last"]), answer["events"]

    def screenshot(self, settle: float = 0.0) -> bytes:
        """A PNG that the machine itself takes: slow; see `vm.machine.Machine.screendump`."""
        return self.call("GET", f"/v2/screenshot?{urlencode({'settle': settle})}", None, settle + 30.0)

    def execute(
        self, command: str | Sequence[str], *, seconds: float = 30.0, background: bool = False, **more: Any
    ) -> Executed:
        """Run words, or a line of shell; `more`: `cwd`, `env`, `input`."""
        how = {"command": command} if isinstance(command, str) else {"argv": list(command)}
        body = {**how, **more, "seconds": seconds, "background": background}
        answer = self.post("/v2/execute", body, seconds + GRACE, once=True)
        said = (str(answer.get("output") or ""), str(answer.get("error") or ""))
        return Executed(answer.get("status"), *said, bool(answer.get("timed_out")))

    def open(self, target: str, seconds: float) -> str:
        """Open a path, an address or a command, and wait for its window: its title."""
        answer = self.post("/v2/open", {"target": target, "seconds": seconds}, seconds + GRACE, once=True)
        return str(answer.get("window") or "")

    def put_file(self, path: str, data: bytes, seconds: float = 60.0) -> None:
        """Write a file; `~` is the user's home, and folders are made."""
        self.call("PUT", f"/v2/files?{urlencode({'path': path})}", data, seconds, "application/octet-stream")

    def get_file(self, path: str, seconds: float = 60.0) -> bytes:
        """The content of a file."""
        return self.call("GET", f"/v2/files?{urlencode({'path': path})}", None, seconds)

    def delete_file(self, path: str) -> None:
        """Remove a file."""
        self.call("DELETE", f"/v2/files?{urlencode({'path': path})}", None, SECONDS)

    def list_files(self, path: str, seconds: float = SECONDS) -> tuple[GuestFile, ...]:
        """The files below a folder, at any depth; none where there is no such folder."""
        try:
            answer = self.get(f"/v2/list?{urlencode({'path': path, 'deep': 'true'})}", seconds)
        except GuestFault as fault:
            if fault.type in ("missing", "not_found"):
                return ()
            raise
        files: list[dict[str, Any]] = answer["files"]
        return tuple(
            GuestFile(str(f["path"]), int(f["bytes"]), float(f["modified"])) for f in files if not f.get("folder")
        )

    def list_folders(self, paths: Iterable[str], seconds: float = SECONDS) -> dict[str, tuple[GuestFile, ...]]:
        """The same for several folders."""
        return {path: self.list_files(path, seconds) for path in paths}

    def get(self, path: str, seconds: float = SECONDS) -> dict[str, Any]:
        """The JSON of an answer."""
        return parsed(self.call("GET", path, None, seconds))

    def post(self, path: str, body: Mapping[str, Any], seconds: float, *, once: bool = False) -> dict[str, Any]:
        """The same for a call with a body; `once`: never sent again, also where the line broke before an answer."""
        return parsed(self.call("POST", path, json.dumps(body).encode(), seconds, once=once))

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None,
        seconds: float,
        media_type: str = "application/json",
        *,
        once: bool = False,
    ) -> bytes:
        """One call, within so many seconds in all: the bytes of the answer."""
        headers = {"Authorization": f"Bearer {self._address.token}", "Content-Type": media_type}
        status, data = self._line.call(method, path, body, headers, seconds, once=once)
        if status >= 400:
            raise _refusal(status, data)
        return data

    def abort(self) -> None:
        """Make calls that are under way end at once, with GuestGone. From any thread."""
        self._line.abort()

    def close(self) -> None:
        """Hang up. Calls under way end; later ones would connect anew."""
        self._line.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def parsed(data: bytes) -> dict[str, Any]:
    """The JSON object of an answer. Raises GuestFault."""
    try:
        answer: object = json.loads(data)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise GuestFault("internal", "the machine's server gave an answer that is no JSON object")
    return cast("dict[str, Any]", answer)


def _fault(error: Mapping[str, Any]) -> GuestFault:
    message = str(error.get("message") or "it did not say why").splitlines()[0]
    return GuestFault(str(error.get("type") or "internal"), message, str(error.get("characters") or ""))


def _refusal(status: int, data: bytes) -> GuestFault:
    try:
        error: object = json.loads(data).get("error")
    except (ValueError, AttributeError):
        error = None
    if isinstance(error, dict):
        return _fault(cast("dict[str, Any]", error))
    words = data[:200].decode(errors="replace").strip()
    return GuestFault("internal", f"the machine's server answered with status {status}: {words}")
