"""Who may ask: a layer around the whole server, so that nothing can be served past it.

- `Host` must name this machine by one of two names: a web page whose own name was made to point here (DNS rebinding)
  sends its own.
- `Origin` and `Sec-Fetch-Site`, where a browser sends them, must be ours: no other page can ask anything of the API.
- The API needs the token in a header, which no page of another origin can send, and no cookie, which would go to every
  port of this machine. Another user of this machine reaches the port, and does not know the token.
- No answer can be framed, sniffed, kept by others, or run anything but our own files.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, TypeAlias

from starlette.exceptions import HTTPException

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY = 1 << 20  # bytes of a request
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), display-capture=()"),
)
_TOO_LARGE = 413, f"at most {MAX_BODY >> 20} MB can be sent at once; send less"
_NAMES = ("127.0.0.1", "localhost")
_OWN_SITE = frozenset({"", "same-origin", "none"})


class Secured:
    """The server, for those who may ask. `port` is known once it listens; until then nobody may."""

    def __init__(self, app: App, token: str) -> None:
        self._app = app
        self._token = token.encode()
        self.port = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # there are no websockets here
            await send({"type": "websocket.close", "code": 1008})
            return
        answer = _Answer(send)
        if refusal := self._refusal(scope):
            await answer.refuse(*refusal)
            return
        await self._app(scope, _Limited(receive), answer)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Status and words for a request that is not answered."""
        headers = _Headers(scope["headers"])
        hosts = {f"{name}:{self.port}" for name in _NAMES}
        if not self.port or headers.only("host") not in hosts:
            return 421, "this server is not known by that name; open the address that `deskhand serve` prints"
        origin = headers.only("origin")
        if origin is None or (origin and origin not in {f"http://{host}" for host in hosts}):
            return 403, "a page of another origin may ask nothing here; open the address that `deskhand serve` prints"
        if not self._same_site(scope, headers):
            return 403, "another site may ask nothing here; open the address that `deskhand serve` prints"
        if _needs_token(scope["path"]) and not self._knows_token(headers):
            return 401, "the token is missing or wrong; open the address that `deskhand serve` prints"
        return _too_large(headers)

    def _same_site(self, scope: Scope, headers: _Headers) -> bool:
        site = headers.only("sec-fetch-site")
        if site in _OWN_SITE:
            return True
        # The pages hold no data, cannot be framed, and are opened by a link from anywhere, the file of `--open` too.
        opened = headers.only("sec-fetch-mode") == "navigate" and headers.only("sec-fetch-dest") == "document"
        return opened and scope["method"] == "GET" and scope["path"] in ("/", "/overlay")

    def _knows_token(self, headers: _Headers) -> bool:
        scheme, _, given = (headers.only("authorization") or "").partition(" ")
        same = hmac.compare_digest(given.strip().encode("latin-1"), self._token)
        return same and scheme.lower() == "bearer"


def _needs_token(path: str) -> bool:
    """Everything does but the two pages and what they are made of."""
    return path not in ("/", "/overlay") and not path.startswith("/assets/")


def _too_large(headers: _Headers) -> tuple[int, str] | None:
    length = headers.only("content-length") or "0"
    if not length.isascii() or not length.isdigit() or int(length) > MAX_BODY:
        return _TOO_LARGE
    return None


class _Headers:
    """Headers of a request."""

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self._raw = [(name.lower(), value) for name, value in raw]

    def only(self, name: str) -> str | None:
        """The value of a header, "" where it is missing; None where it is there more than once."""
        found = [value.decode("latin-1") for key, value in self._raw if key == name.encode()]
        return None if len(found) > 1 else "".join(found)


class _Answer:
    """What is sent, with our headers on it."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            ours = {name for name, _ in HEADERS}
            kept = [(name, value) for name, value in message.get("headers", ()) if name.lower() not in ours]
            if not any(name.lower() == b"cache-control" for name, _ in kept):
                kept.append((b"cache-control", b"no-store"))
            message = {**message, "headers": [*kept, *HEADERS]}
        await self._send(message)

    async def refuse(self, status: int, reason: str) -> None:
        """Say no, in one line, and take nothing more on this connection."""
        body = json.dumps({"error": reason}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        headers.append((b"connection", b"close"))
        if status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        await self({"type": "http.response.start", "status": status, "headers": headers})
        await self({"type": "http.response.body", "body": body})


class _Limited:
    """A request's body as it comes, up to a limit: one sent in chunks does not say how long it is."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._left = MAX_BODY

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise HTTPException(*_TOO_LARGE)
        return message
