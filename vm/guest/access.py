"""Who may ask: whoever shows the token. It is compared in constant time, and never written down here."""

from __future__ import annotations

import threading
from hmac import compare_digest
from pathlib import Path

from vm.guest.wire import Refused, Request

LEAST = 16  # characters of a token
MOST = 512


class Access:
    """The token of this machine, once it has one. Safe to use from any thread.

    Attributes:
        plain: whether the plain interface is open to everybody.
    """

    def __init__(self, file: Path | None) -> None:
        """`file`: where whoever started the machine has put the token; it may come there later."""
        self._file = file
        self._lock = threading.Lock()
        self._token: str | None = None
        self.plain = False

    def check(self, request: Request, *, plain: bool) -> None:
        """Let a request to the plain interface or to /v2 pass.

        Raises:
            Refused: 401 with a wrong token or none, 403 where there is nothing to compare it with.
        """
        token = self._known()
        if plain and (self.plain or token is None):
            if "origin" in request.headers:
                raise Refused(403, "denied", "pages in a browser may not use this interface")
            return
        if token is None:
            raise Refused(403, "denied", "this machine was given no token, so /v2 is shut; the plain interface is open")
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not compare_digest(shown.strip().encode("latin-1", "replace"), token.encode()):
            raise Refused(401, "denied", "this needs the machine's token (Authorization: Bearer …)")

    def renew(self, token: str, *, plain: bool) -> None:
        """Another token is the right one from now on, and no other.

        Raises:
            Refused: that is none.
        """
        if not LEAST <= len(token) <= MOST or not token.isascii() or not token.isprintable() or " " in token:
            raise Refused(400, "invalid", f"a token is {LEAST} to {MOST} printable characters of ASCII")
        with self._lock:
            self._token, self.plain = token, plain

    def _known(self) -> str | None:
        with self._lock:
            if self._token is None and self._file is not None:
                try:
                    self._token = self._file.read_text("ascii").strip() or None
                except (OSError, ValueError):
                    return None
            return self._token
