"""Hands in a machine that speaks the plain interface only: ours, brought there, and run for one action at a time."""

from __future__ import annotations

import base64
import io
import json
import secrets
import threading
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actuators.actions import Action, Type, to_dict
from actuators.errors import ActuatorError
from actuators.keys import parse_chord
from perception.errors import PerceptionError
from vm.guest_client import GuestFault, Performed
from vm.plain_client import program

if TYPE_CHECKING:
    from vm.plain_client import PlainClient

MOST = 20_000  # characters in one program: what a program is told fits into 128 kB
CLOSING = 5.0  # seconds for taking away what was brought
_SPELLINGS = {"alt_gr": "altright", "super": "win", "menu": "apps", "previous_track": "prevtrack", "kp_enter": "enter"}
_ONE_TIME = (1980, 1, 1, 0, 0, 0)


class PlainActor:
    """`vm.remote_hands.Doer` over the plain interface: one program for each action, and a file that ends it."""

    def __init__(self, client: PlainClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._folder = f"/tmp/deskhand-{secrets.token_hex(8)}"  # of ours in that machine
        self._kit = ""  # where our hands are in it
        self._stop = ""  # the file that ends what is under way

    def perform(self, actions: Sequence[Action], identity: str, seconds: float) -> Performed:
        """See `Doer`."""
        self._bring_kit()
        self._stop = f"{self._folder}/stop-{identity}"
        try:
            for index, action in enumerate(actions):
                for part in _parts(action):
                    if fault := self._carry_out(part, seconds):
                        return Performed(index, fault, index)
            return Performed(len(actions), None, 0)
        finally:
            self._stop = ""

    def release(self, seconds: float) -> None:
        """See `Doer`: the program lets go by itself."""
        if stop := self._stop:
            self._client.touch(stop, seconds)

    def abort(self) -> None:
        """See `Doer`."""
        self._client.abort()

    def close(self) -> None:
        """See `Doer`: what was brought there is taken away."""
        if self._kit:
            with suppress(ActuatorError, PerceptionError):  # gone with its machine
                self._client.remove(self._folder, CLOSING)
            self._kit = ""
        self._client.close()

    def _carry_out(self, action: Action, seconds: float) -> GuestFault | None:
        order = {"action": to_dict(action), "kit": self._kit, "stop": self._stop, "keys": _keys(action)}
        text = base64.b64encode(json.dumps(order).encode()).decode()
        answer: dict[str, Any] = self._client.answer_of(program("plain_program"), text, seconds=seconds)
        if answer.get("done"):
            return None
        error: dict[str, Any] = answer.get("error") or {}
        return GuestFault(str(error.get("type") or "internal"), str(error.get("message") or "it did not say why"))

    def _bring_kit(self) -> None:
        with self._lock:
            if not self._kit:
                place = f"{self._folder}/hands.zip"
                self._client.put_file(place, _kit())
                self._kit = place


def _parts(action: Action) -> Iterator[Action]:
    """An action in pieces that fit."""
    if not isinstance(action, Type) or len(action.text) <= MOST:
        yield action
        return
    for start in range(0, len(action.text), MOST):
        yield replace(action, text=action.text[start : start + MOST])


def _keys(action: Action) -> list[str]:
    """The keys that an action holds, as pyautogui spells them."""
    keys: tuple[str, ...] = getattr(action, "keys", ())
    return [_SPELLINGS.get(name, name.replace("kp_", "num").replace("_", "")) for name in parse_chord(keys)]


@cache
def _kit() -> bytes:
    """Our hands as a zip that Python imports from; always the same bytes for the same code."""
    import actuators

    folder = Path(actuators.__file__ or "").parent
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*.py")):
            info = zipfile.ZipInfo(file.relative_to(folder.parent).as_posix(), _ONE_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, file.read_bytes())
    return packed.getvalue()
