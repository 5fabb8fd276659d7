"""Making a fork of a snapshot a machine of its own: what that takes, and how the server asks the daemon for it."""

from __future__ import annotations

import base64
import binascii
import json
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vm.guest.wire import Refused

SEED = 64  # bytes of randomness
SECONDS = 10.0  # for the daemon to answer
MOST = 64 * 1024  # bytes of one line
_MACHINE_ID = re.compile(r"[0-9a-f]{32}")
_TOKEN = re.compile(r"[!-~]{16,512}")
_EARLIEST, _LATEST = 1.5e9, 2**36  # seconds since the epoch


@dataclass(frozen=True, slots=True)
class Renewal:
    """What a machine is given.

    Attributes:
        now: seconds since the epoch.
        seed: for the kernel's random numbers.
        machine_id: 32 hexadecimal digits.
        token: that opens /v2 from now on.
    """

    now: float
    seed: bytes
    machine_id: str
    token: str

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Renewal:
        """As it is in JSON.

        Raises:
            Refused: something is missing, or is not what it should be.
        """
        now, machine_id, token = data.get("now"), data.get("machine_id"), data.get("token")
        if isinstance(now, bool) or not isinstance(now, int | float) or not _EARLIEST < now < _LATEST:
            raise Refused(400, "invalid", "now must be the time, in seconds since the epoch")
        try:
            seed = base64.b64decode(str(data.get("seed", "")), validate=True)
        except (binascii.Error, ValueError):
            seed = b""
        if len(seed) != SEED:
            raise Refused(400, "invalid", f"seed must be {SEED} bytes in base64")
        if not isinstance(machine_id, str) or not _MACHINE_ID.fullmatch(machine_id):
            raise Refused(400, "invalid", "machine_id must be 32 hexadecimal digits")
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise Refused(400, "invalid", "token must be 16 to 512 printable characters")
        return cls(float(now), seed, machine_id, token)

    def line(self) -> bytes:
        """As one line of JSON; the token and the seed are in it."""
        seed = base64.b64encode(self.seed).decode()
        words = {"do": "renew", "now": self.now, "seed": seed, "machine_id": self.machine_id, "token": self.token}
        return json.dumps(words).encode() + b"\n"


def ask_root(path: Path, wanted: Renewal) -> None:
    """Let the daemon do it.

    Raises:
        Refused: it is not there, did not answer, or says why it could not.
    """
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(SECONDS)
        try:
            line.connect(str(path))
            line.sendall(wanted.line())
            with line.makefile("rb") as said:
                answer: Any = json.loads(said.readline(MOST))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise Refused(503, "failed", f"the daemon for renewals does not answer: {reason}") from None
    if not answer.get("ok"):
        raise Refused(503, "failed", f"the machine could not be renewed: {answer.get('error')}")
