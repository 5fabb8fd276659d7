"""Notifications: one for each question, replaced, withdrawn, and plain whatever the model wrote; by a real daemon."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import wait_until
from tests.support.notifications import Daemon, notification_daemon, session_bus
from ui.service.cards import Card, Limits, Question, Tokens
from ui.service.notify import FreeDesktop, Notifier, check_notifications, open_desktop

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="D-Bus")

WORKING = Card(
    id="20261121-064812-a1b2c3", task="Send the quarterly figures to Ana & Bob", state="acting", column="working",
    live=True, screen=True, model="m", computer="desktop", started="s", ended=None, turns=1, seconds=1, since="t1",
    at="t1", tokens=Tokens(), context=None, cost_usd=None, budgets=Limits(), words="", thought="", next=None, plan=(),
    image=None, image_size=None, questions=(), queue=None, outcome="", reason="",
)  # fmt: skip
ASKS = Question(
    "q1", "approval", "confirm", 'click "Send" <b>now</b>', risk="Mail leaves the machine.", recipient="Ana"
)


def asking(*questions: Question) -> Card:
    return replace(WORKING, state="needs you", column="needs you", questions=questions)


def ended(state: Any, *, words: str = "", reason: str = "", outcome: str = "done") -> Card:
    return replace(
        WORKING, state=state, live=False, ended="t9", since="t9", words=words, reason=reason, outcome=outcome
    )


@pytest.fixture
def folder() -> Generator[Path]:
    short = Path(tempfile.mkdtemp(prefix="dh-", dir="/tmp"))  # a socket's path must be short
    yield short
    shutil.rmtree(short, ignore_errors=True)


@pytest.fixture
def bus(folder: Path) -> Generator[str]:
    with session_bus(folder) as address:
        yield address


@pytest.fixture
def daemon(bus: str, folder: Path) -> Generator[Daemon]:
    with notification_daemon(bus, folder / "log", "body", "body-markup") as running:
        yield running


def shown(daemon: Daemon, *cards: Card, address: str) -> list[dict[str, Any]]:
    """What the daemon was asked for while these cards came, each after the one before had been dealt with."""
    notifier = Notifier(FreeDesktop(address))
    for card in cards:
        notifier.see(card)
    notifier.close()
    return daemon.calls


def test_a_question_is_shown_once_and_withdrawn_when_it_is_answered(bus: str, daemon: Daemon) -> None:
    other = replace(ASKS, id="q2", type="question", kind="question", text="Which Bob?", risk="", recipient="")
    again = replace(other, again=1)
    cards = [WORKING, asking(ASKS), replace(asking(ASKS), thought="…"), WORKING, asking(other), asking(again), WORKING]
    calls = shown(daemon, *cards, address=bus)
    assert [(call["do"], call["id"]) for call in calls] == [
        ("show", 1), ("close", 1), ("show", 2), ("show", 2), ("close", 2),
    ]  # fmt: skip
    first, _, second, third, _ = calls
    assert first["app"] == "Deskhand" and first["title"] == "Deskhand: Needs your yes"
    assert first["text"].splitlines() == [
        'click "Send" &lt;b&gt;now&lt;/b&gt;',
        "Mail leaves the machine.",
        "To: Ana",
        "Send the quarterly figures to Ana &amp; Bob",
    ]
    assert first["lasts"] == 0, "it stays until it is answered"
    assert first["hints"] == {"urgency": 1, "desktop-entry": "deskhand"}
    assert second["title"] == "Deskhand: Asks you" and third["replaces"] == 2


def test_an_end_takes_the_place_of_a_question_and_stays_when_the_service_ends(bus: str, daemon: Daemon) -> None:
    away = ended("needs you", reason="approval q1 was not answered within 900 s", outcome="needs_user")
    done = ended("done", words="All sent.")
    calls = shown(daemon, asking(ASKS), away, WORKING, done, done, address=bus)
    assert [(call["do"], call["id"], call.get("title")) for call in calls] == [
        ("show", 1, "Deskhand: Needs your yes"),
        ("show", 1, "Deskhand: Needs you"),
        ("close", 1, None),
        ("show", 2, "Deskhand: Done"),
    ]
    assert calls[-1]["text"] == "All sent.\nSend the quarterly figures to Ana &amp; Bob" and calls[-1]["lasts"] == -1


def test_the_service_withdraws_what_nobody_could_withdraw_after_it(bus: str, daemon: Daemon) -> None:
    assert [call["do"] for call in shown(daemon, asking(ASKS), address=bus)] == ["show", "close"]


def test_old_ends_and_ones_that_the_user_made_are_not_told(bus: str, daemon: Daemon) -> None:
    old = [replace(ended("failed", reason="no"), id=f"s{n}") for n in range(3)]
    calls = shown(daemon, *old, WORKING, ended("stopped", reason="stopped by user", outcome="stopped"), address=bus)
    assert calls == []
    interrupted = ended("interrupted", reason="its process has gone", outcome="")
    assert [call["title"] for call in shown(daemon, WORKING, interrupted, address=bus) if call["do"] == "show"] == [
        "Deskhand: Interrupted"
    ]


def test_what_a_screen_says_is_cut_and_carries_no_control_characters(bus: str, daemon: Daemon) -> None:
    wild = replace(ASKS, text="a\x1b[31m\0\u202eb\ud800 " + "long " * 500, risk="", recipient="")
    [call] = [call for call in shown(daemon, asking(wild), address=bus) if call["do"] == "show"]
    assert len(call["text"]) < 400 and call["text"].startswith("a�[31m��b� long") and call["text"].count("\n") == 1


def test_a_daemon_without_markup_or_body_gets_what_it_can_show(bus: str, folder: Path) -> None:
    for capabilities, title, text in (
        (("body",), "Deskhand: Needs your yes", 'click "Send" <b>now</b>'),
        (("actions",), 'Deskhand: Needs your yes: click "Send" <b>now</b>', ""),
    ):
        with notification_daemon(bus, folder / f"log{len(text)}", *capabilities) as plain:
            call = shown(plain, asking(ASKS), address=bus)[0]
            assert call["title"] == title and call["text"].partition("\n")[0] == text


def test_a_daemon_that_comes_back_is_used_again_and_one_that_is_not_there_costs_nothing(
    bus: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.service.notify.REST", 0.2)
    notifier = Notifier(FreeDesktop(bus))
    began = time.monotonic()
    for number in range(50):
        notifier.see(replace(asking(ASKS), id=f"a{number}"))
    assert time.monotonic() - began < 1, "seeing never waits"
    with notification_daemon(bus, folder / "log1", "body") as first:
        card = replace(asking(ASKS), id="b")

        def told() -> bool:
            notifier.see(replace(card, questions=(replace(ASKS, id=f"q{time.monotonic_ns()}"),)))
            return bool(first.calls)

        wait_until(told, "a notification", 10)
        first.end()
    with notification_daemon(bus, folder / "log2", "body") as second:
        first = second
        wait_until(told, "a notification by the next daemon", 10)
    notifier.close()


def test_the_bus_is_found_and_doctor_says_how_it_stands(
    bus: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus)
    found = check_notifications()
    assert found.status == "skipped" and "nothing shows notifications" in found.detail and found.cure
    with notification_daemon(bus, folder / "log", "body"):
        assert check_notifications().status == "ok" and "Nowhere" in check_notifications().detail
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    assert open_desktop(), "the bus where the system puts it"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder / "nowhere"))
    assert open_desktop() is None and "no session bus" in check_notifications().detail
    with ExitStack() as stack:
        silent = Notifier(None)
        stack.callback(silent.close)
        silent.see(asking(ASKS))
