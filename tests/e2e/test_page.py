"""The page, in a real browser, over a session that works on a real private desktop: from the task to its end."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import signal
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.support.command import Command, Deskhand, wait_until
from tests.support.mail import BUTTON
from tests.support.openai_script import Body, Scripted, actions, final, function, slow
from tests.support.openai_server import Server, openai_server, told

MAIL = Path(__file__).parents[1] / "support" / "mail.py"
SIZE = (800, 600)
ASIDE = {"type": "click", "x": 700, "y": 500, "button": "left"}  # beside every window
SEND = {"type": "click", "x": BUTTON[0], "y": BUTTON[1], "button": "left"}
PLAN = [{"step": "Read the mail", "state": "done"}, {"step": "Send it", "state": "in_progress"}]
QUESTION = {"question": "Send it today?", "choices": ["Today", "Tomorrow"], "wait": True}


def script(body: Body) -> Scripted:
    """Plan, look around until corrected, ask, send, and finish."""
    calls = [item for item in body["input"] if item.get("type") in ("function_call", "computer_call")]
    called = [item.get("name") for item in calls]
    if "update_plan" not in called:
        return function("update_plan", {"steps": PLAN}, reasoning="First a plan.")
    if not any("Be polite" in text for text in told(body)):
        return slow(actions(ASIDE, {"type": "wait"}, reasoning="Having a look around."), 0.02)
    if "ask_user" not in called:
        return function("ask_user", QUESTION)
    if calls[-1].get("name") == "ask_user":
        return actions(SEND, reasoning="Now it is sent.")
    if called.count("update_plan") == 1:
        return function("update_plan", {"steps": [dict(step, state="done") for step in PLAN]})
    return final("The mail is sent.")


@contextmanager
def served(deskhand: Deskhand) -> Generator[tuple[Command, dict[str, Any]]]:
    with deskhand.start("serve", "--json", "--no-open") as command:
        wait_until(lambda: bool(command.lines), "the address")
        yield command, command.lines[0]


@contextmanager
def browsing(address: dict[str, Any]) -> Generator[Page]:
    path = shutil.which("chromium")
    assert path
    with sync_playwright() as playwright:
        root = os.geteuid() == 0
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if root else [])
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{address['url']}#token={address['token']}")
        yield page
        browser.close()
        assert complaints == []


def start_from_the_page(page: Page, program: str) -> None:
    page.get_by_role("button", name="New session").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Task", exact=True).fill("Send the offer")
    dialog.get_by_label("Screen size").fill(f"{SIZE[0]}x{SIZE[1]}")
    dialog.get_by_text("Files, limits and the model's server").click()
    dialog.get_by_label("Open at the start").fill(program)
    dialog.get_by_role("button", name="Start").click()


def colours(page: Page) -> int:
    """How many colours the live picture has, in a sample of its pixels."""
    return page.evaluate(
        """() => { const c = document.querySelector('.screen-view canvas');
          const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data, seen = new Set();
          for (let i = 0; i < d.length; i += 404) seen.add(`${d[i]} ${d[i + 1]} ${d[i + 2]}`);
          return seen.size; }"""
    )


@pytest.mark.timeout(240)
def test_a_session_from_the_first_word_to_the_last(tmp_path: Path) -> None:
    log = tmp_path / "sent"
    log.touch()
    with openai_server(script) as server:
        deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        with served(deskhand) as (_, address), browsing(address) as page:
            page.set_default_timeout(30_000)
            expect.set_options(timeout=30_000)
            start_from_the_page(page, f"/usr/bin/python3 {MAIL} {log}")
            expect(page.get_by_text("Having a look around.").first).to_be_visible()
            expect(page.get_by_text("Send it").first).to_be_visible()
            wait_until(lambda: colours(page) > 4, "a live picture", 30)

            pause_and_resume(page, server)
            take_and_hand_back(page, server, log)
            correct(page)
            page.reload()
            page.get_by_role("button", name="Tomorrow").click()
            send(page, log)
            expect(page.locator(".session-head .state")).to_have_text("done")
            assert server.refusals == [] and server.rewrites == []
            assert deskhand.journal[-1]["outcome"] == "done"
    wait_until(lambda: deskhand.leftovers == [], "nothing left behind", 20)


def pause_and_resume(page: Page, server: Server) -> None:
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    time.sleep(0.3)
    asked = len(server.received)
    time.sleep(1.0)
    assert len(server.received) == asked, "no request while paused"
    page.keyboard.press("Alt+p")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    wait_until(lambda: len(server.received) > asked, "it goes on", 20)


def take_and_hand_back(page: Page, server: Server, log: Path) -> None:
    """The user clicks "Send" in the live picture, which is theirs to do."""
    page.get_by_role("button", name="Take the mouse").click()
    note = page.get_by_label("A note to the agent about what you did")
    expect(note).to_be_visible()
    canvas = page.locator(".screen-view canvas").first
    box = canvas.bounding_box()
    assert box
    place = {"x": BUTTON[0] * box["width"] / SIZE[0], "y": BUTTON[1] * box["height"] / SIZE[1]}
    canvas.click(position=place)  # type: ignore[arg-type]
    wait_until(lambda: log.read_text().splitlines() == ["ann@example.org"], "the user's own click", 20)
    note.fill("I have sent a first one")
    note.press("Enter")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    wait_until(
        lambda: any("I have sent a first one" in text for text in told(server.requests[-1], "developer")),
        "the note",
        20,
    )
    said = "\n".join(told(server.requests[-1], "developer"))
    assert re.search(r"1 click at \((309|310|311), (299|300|301)\)", said), said


def correct(page: Page) -> None:
    field = page.get_by_placeholder("Correct it…")
    field.fill("Be polite")
    field.press("Enter")
    expect(page.get_by_text("applied").first).to_be_visible()


def send(page: Page, log: Path) -> None:
    """The yes is not taken at once, and not by a stray key."""
    approve = page.get_by_role("button", name="Approve")
    expect(approve).to_be_visible()
    assert len(log.read_text().splitlines()) == 1
    expect(page.get_by_text('click "Send" (push button) in "Write: offer"').first).to_be_visible()
    expect(approve).to_be_enabled()
    approve.click()
    wait_until(lambda: len(log.read_text().splitlines()) == 2, "the mail", 20)


@pytest.mark.slow
def test_the_service_is_found_again_and_dies_alone(tmp_path: Path) -> None:
    places = itertools.cycle(range(300))
    with openai_server(lambda _: slow(actions(dict(ASIDE, x=next(places))), 0.05)) as server:
        deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        with served(deskhand) as (service, address):
            second = deskhand("serve", "--json", "--no-open")
            assert second.returncode == 0 and json.loads(second.stdout) == address
            with browsing(address) as page:
                start_from_the_page(page, "xterm")
                wait_until(lambda: len(server.received) > 1, "the session", 40)
            service.process.send_signal(signal.SIGKILL)
            service.process.wait()
            asked = len(server.received)
            wait_until(lambda: len(server.received) > asked + 2, "it goes on without the service", 20)
        with served(deskhand) as (_, anew):
            assert anew["token"] != address["token"]
            assert deskhand("stop", "last").returncode == 0
    wait_until(lambda: deskhand.leftovers == [], "nothing left behind", 20)
