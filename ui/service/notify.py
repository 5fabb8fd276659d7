"""Notifications of the user's desktop: when a session needs the user, and when it ends.

At most one for each question; one a session at a time, since the next takes its place; withdrawn when it is answered.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from perception.backends.dbus import Bus, BusLost, Call, Malformed, Reply
from ui.doctor.report import Check, install
from ui.service.cards import Card, Question
from ui.summary import one_line

NAME = "Deskhand"
WIDTH, TASK_WIDTH = 240, 90  # columns of what is asked, and of the task's beginning
DEADLINE = 3.0  # seconds; a daemon that is started by the first notification needs one
SCRIPT_SECONDS = 15.0  # for PowerShell to start, on a slow machine
REST = 30.0  # seconds for which a desktop that did not answer is left alone
_ENDS = {"done": "Done", "gave up": "Gave up", "out of budget": "Out of budget", "failed": "Failed"}
_ASKED = {"hand_off": "Yours to do", "confirm": "Needs your yes"}


@dataclass(frozen=True, slots=True)
class Notice:
    """What is to be shown. The occasion's `key` is never shown twice; what `stays` does so until it is answered."""

    key: str
    title: str
    text: str
    stays: bool


class Unheard(Exception):
    """The desktop shows no notifications; the message says why."""


class Refused(Unheard):
    """It was understood, and refused."""


class Desktop(Protocol):
    """Where notifications are shown. Used by one thread; a call takes at most a few seconds."""

    def show(self, notice: Notice, replaced: int) -> int:
        """Show it in the place of another one, or of none (0), and return its number.

        Raises:
            Unheard: nobody shows it.
        """
        ...

    def withdraw(self, number: int) -> None:
        """Take it away if it is still there.

        Raises:
            Unheard: nobody does.
        """
        ...

    def close(self) -> None:
        """Disconnect. What is shown stays."""
        ...


def notice_of(card: Card) -> Notice | None:
    """What a session has to tell whoever does not look at it; None while there is nothing."""
    task = one_line(card.task, TASK_WIDTH)
    if card.live and card.questions:
        return _asking(card.questions[-1], task)
    if card.outcome == "needs_user":
        return Notice(f"needs you {card.ended}", "Needs you", _lines(card.reason, task), stays=True)
    if card.state == "interrupted":
        return Notice(f"interrupted {card.since}", "Interrupted", _lines(card.reason, task), stays=True)
    if card.state in _ENDS:
        said = card.words if card.state == "done" else card.reason
        return Notice(f"{card.state} {card.ended}", _ENDS[card.state], _lines(said, task), stays=False)
    return None


def _asking(question: Question, task: str) -> Notice:
    title = "Asks you" if question.type == "question" else _ASKED.get(question.kind, "Needs you")
    to = f"To: {question.recipient}" if question.recipient else ""
    text = _lines(question.text, question.risk, to, task)
    return Notice(f"{question.id} {question.again}", title, text, stays=True)


def _lines(*parts: str) -> str:
    return "\n".join(one_line(part, WIDTH) for part in parts if part.strip())


class Notifier:
    """Keeps what the desktop shows in step with the sessions. `see` returns at once, from any thread."""

    def __init__(self, desktop: Desktop | None) -> None:
        """Nothing is shown where `desktop` is None."""
        self._desktop = desktop
        self._known: set[str] = set()
        self._told: set[tuple[str, str]] = set()
        self._shown: dict[str, tuple[int, bool]] = {}
        self._resting_until = 0.0
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True, name="deskhand-notify")
        if desktop:
            self._thread.start()

    def see(self, card: Card) -> None:
        """Take in how a session now stands. One that has ended before it is first seen is old news."""
        if self._desktop:
            self._work.put(lambda: self._see(card))

    def close(self) -> None:
        """Withdraw what nobody would withdraw any more. What tells of an end stays."""
        if self._desktop:
            self._work.put(self._withdraw_questions)
            self._work.put(None)
            self._thread.join(2 * DEADLINE)

    def _run(self) -> None:
        assert self._desktop
        while work := self._work.get():
            if time.monotonic() < self._resting_until:
                continue
            try:
                work()
            except Unheard:
                self._resting_until = time.monotonic() + REST
        self._desktop.close()

    def _see(self, card: Card) -> None:
        assert self._desktop
        notice = notice_of(card)
        known = card.id in self._known
        self._known.add(card.id)
        if notice is None:
            self._withdraw(card.id)
        elif (card.id, notice.key) not in self._told:
            self._told.add((card.id, notice.key))
            if known or card.live:
                before, _ = self._shown.get(card.id, (0, False))
                self._shown[card.id] = (self._desktop.show(notice, before), notice.stays)

    def _withdraw_questions(self) -> None:
        for session, (_, stays) in list(self._shown.items()):
            if stays:
                self._withdraw(session)

    def _withdraw(self, session: str) -> None:
        assert self._desktop
        if session in self._shown:
            self._desktop.withdraw(self._shown.pop(session)[0])


def open_desktop() -> Desktop | None:
    """Whatever shows notifications on this system; None where nothing could."""
    if sys.platform == "win32":
        return Windows()
    if sys.platform == "darwin":
        return MacOS()
    address = _bus_address()
    return FreeDesktop(address) if address else None


def check_notifications() -> Check:
    """Whether somebody would show a notification; none is shown for it. A row of `deskhand doctor`."""
    name = "notifications"
    if sys.platform in ("win32", "darwin"):
        return Check(name, "skipped", "they are shown by the system; never tried on this one: unverified")
    address = _bus_address()
    if not address:
        return Check(name, "skipped", "there is no session bus, so the page notifies nobody; its tab shows the same")
    try:
        with closing(FreeDesktop(address)) as desktop:
            return Check(name, "ok", f"shown by {desktop.server()}")
    except Unheard as error:
        return Check(name, "skipped", f"{error}; the page's tab shows the same", install("dunst"))


# Linux ---------------------------------------------------------------------------------------------------------------


class FreeDesktop:
    """The notification daemon of a Linux desktop, by D-Bus."""

    def __init__(self, address: str) -> None:
        """Connect when there is something to show: some daemons take away what belongs to nobody any more."""
        self._address = address
        self._bus: Bus | None = None
        self._capabilities: frozenset[str] = frozenset()

    def show(self, notice: Notice, replaced: int) -> int:
        """See `Desktop`. Where the daemon reads markup, ours is escaped: it is text of the model and of the screen."""
        known = self._capabilities or frozenset(self._ask("GetCapabilities", "", (), "as")[0])
        self._capabilities = known
        title, text = f"{NAME}: {notice.title}", notice.text
        if "body" not in known:
            title, text = f"{title}: {text.partition(chr(10))[0]}", ""
        elif "body-markup" in known:
            text = _escaped(text)
        hints = {"urgency": ("y", 1), "desktop-entry": ("s", NAME.lower())}
        lasts = 0 if notice.stays else -1  # for ever, or as long as the daemon thinks fit
        arguments = (NAME, replaced, "", title, text, (), hints, lasts)
        return int(self._ask("Notify", "susssasa{sv}i", arguments, "u")[0])

    def withdraw(self, number: int) -> None:
        """See `Desktop`."""
        with suppress(Refused):  # it was closed by the user
            self._ask("CloseNotification", "u", (number,), "")

    def server(self) -> str:
        """The name of the daemon. Raises `Unheard` where there is none."""
        return str(self._ask("GetServerInformation", "", (), "ssss")[0])

    def close(self) -> None:
        """See `Desktop`."""
        if self._bus:
            self._bus.close()

    def _ask(self, member: str, signature: str, arguments: tuple[Any, ...], answer: str) -> tuple[Any, ...]:
        name = "org.freedesktop.Notifications"
        call = Call(name, "/org/freedesktop/Notifications", name, member, signature, arguments)
        try:
            reply = self._reply(call)
            values = reply and reply.values(answer)
        except (BusLost, Malformed) as error:
            raise Unheard(str(error)) from None
        if reply is None:
            raise Unheard(f"what shows notifications did not answer within {DEADLINE:g} s")
        if values is None:
            self._capabilities = frozenset()  # another one may come
            raise Refused(f"nothing shows notifications on this desktop ({reply.error or 'a strange answer'})")
        return values

    def _reply(self, call: Call) -> Reply | None:
        """The answer; by a new connection where the old one has ended meanwhile."""
        deadline = time.monotonic() + DEADLINE
        if self._bus:
            try:
                return self._bus.ask(call, deadline)
            except BusLost:
                self._bus.close()
        self._bus = Bus(self._address, deadline)
        return self._bus.ask(call, deadline)


def _bus_address() -> str:
    """Of the session's bus; "" where there is none."""
    if address := os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return address
    socket = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}", "bus")
    return f"unix:path={socket}" if socket.is_socket() else ""


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# Windows and macOS: a constant script, which finds the texts in its environment --------------------------------------

_POWERSHELL = r"""
$ErrorActionPreference = 'Stop'
$null = [Windows.UI.Notifications.ToastNotificationManager, Windows.UI.Notifications, ContentType = WindowsRuntime]
$manager = [Windows.UI.Notifications.ToastNotificationManager]
$app = '{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}\WindowsPowerShell\v1.0\powershell.exe'
if ($env:DESKHAND_TITLE) {
    $xml = $manager::GetTemplateContent([Windows.UI.Notifications.ToastTemplateType]::ToastText02)
    $texts = $xml.GetElementsByTagName('text')
    $null = $texts.Item(0).AppendChild($xml.CreateTextNode($env:DESKHAND_TITLE))
    $null = $texts.Item(1).AppendChild($xml.CreateTextNode($env:DESKHAND_TEXT))
    $toast = [Windows.UI.Notifications.ToastNotification]::new($xml)
    $toast.Tag = $env:DESKHAND_TAG
    $toast.Group = 'Deskhand'
    $manager::CreateToastNotifier($app).Show($toast)
} else {
    $manager::History.Remove($env:DESKHAND_TAG, 'Deskhand', $app)
}
"""
_JAVASCRIPT = """
ObjC.import('Foundation');
const said = name => ObjC.unwrap($.NSProcessInfo.processInfo.environment.objectForKey(name));
const app = Application.currentApplication();
app.includeStandardAdditions = true;
app.displayNotification(said('DESKHAND_TEXT'), {withTitle: said('DESKHAND_TITLE')});
"""


class Windows:
    """Toasts, by the PowerShell that comes with the system."""

    def __init__(self) -> None:
        self._count = 0

    def show(self, notice: Notice, replaced: int) -> int:
        """See `Desktop`."""
        self._count += 1
        number = replaced or self._count
        self._run(DESKHAND_TITLE=f"{NAME}: {notice.title}", DESKHAND_TEXT=notice.text, DESKHAND_TAG=str(number))
        return number

    def withdraw(self, number: int) -> None:
        """See `Desktop`."""
        self._run(DESKHAND_TITLE="", DESKHAND_TAG=str(number))

    def close(self) -> None:
        """See `Desktop`: there is no connection."""

    def _run(self, **texts: str) -> None:
        _run(["powershell", "-NoProfile", "-NonInteractive", "-Command", _POWERSHELL], texts)


class MacOS:
    """Notification Center, by `osascript`. What it shows can be neither replaced nor withdrawn by us."""

    def show(self, notice: Notice, replaced: int) -> int:
        """See `Desktop`."""
        texts = {"DESKHAND_TITLE": f"{NAME}: {notice.title}", "DESKHAND_TEXT": notice.text}
        _run(["osascript", "-l", "JavaScript", "-e", _JAVASCRIPT], texts)
        return replaced

    def withdraw(self, number: int) -> None:
        """See `Desktop`: the user does."""

    def close(self) -> None:
        """See `Desktop`: there is no connection."""


def _run(words: list[str], texts: dict[str, str]) -> None:
    from vm.here import environment_for

    flags = subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0
    environment = {**environment_for(None), **texts}
    try:
        subprocess.run(
            words,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SCRIPT_SECONDS,
            check=True,
            creationflags=flags,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Unheard(f"{words[0]} showed no notification ({error})") from None
