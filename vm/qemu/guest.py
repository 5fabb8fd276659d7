"""First words with the guest: whether it is there, and that a fork becomes a machine of its own."""

from __future__ import annotations

import http.client
import secrets
import time
from dataclasses import dataclass, field

from perception.errors import ScreenLost
from vm.guest_client import GuestClient, GuestFault

ANSWER_SECONDS = 15.0  # a fork answers after 0.3 s; on a machine with more of them than cores, after many seconds
SEED_BYTES = 64


@dataclass(frozen=True, slots=True)
class GuestAddress:
    """Where the server inside a machine is reached, and what opens it; "" for one that has no lock."""

    host: str
    port: int
    token: str = field(repr=False)


def new_token() -> str:
    """Of one fork. As long as every other one, since the device that carries it is part of the hardware."""
    return secrets.token_hex(24)


def renew(address: GuestAddress, *, token: str, plain: bool) -> GuestAddress:
    """Give a fork the time, randomness, identity and token of its own. Raises ScreenLost, GuestFault."""
    with GuestClient(address) as client:
        seed, identity = secrets.token_bytes(SEED_BYTES), secrets.token_hex(16)
        client.renew(now=time.time(), seed=seed, machine_id=identity, token=token, plain=plain)
    return GuestAddress(address.host, address.port, token)


def healthy(address: GuestAddress, ours: bool, seconds: float) -> bool:
    """Whether the guest answers and its desktop is there. Raises ScreenLost where it does not answer in time."""
    if not ours:
        return _platform(address, seconds)
    with GuestClient(address) as client:
        return bool(client.health(seconds).get("desktop"))


def ready(address: GuestAddress, ours: bool, seconds: float) -> bool:
    """Whether the desktop can be used; False as long as nobody answers, or does so with an error."""
    try:
        return healthy(address, True, seconds) if ours else _pictures(address, seconds)
    except (ScreenLost, GuestFault):
        return False


def open_program(address: GuestAddress, command: str, seconds: float) -> None:
    """Start a program and wait for its window. Raises ScreenLost, GuestFault."""
    with GuestClient(address) as client:
        client.open(command, seconds)


def _platform(address: GuestAddress, seconds: float) -> bool:
    try:
        return _status(address, "/platform", seconds) < 500
    except (OSError, http.client.HTTPException) as error:
        raise ScreenLost(f"the server inside does not answer ({error})") from None


def _pictures(address: GuestAddress, seconds: float) -> bool:
    """OSWorld's own sign that a machine can be used."""
    try:
        return _status(address, "/screenshot", seconds) == 200
    except (OSError, http.client.HTTPException):
        return False


def _status(address: GuestAddress, path: str, seconds: float) -> int:
    connection = http.client.HTTPConnection(address.host, address.port, timeout=seconds)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()
