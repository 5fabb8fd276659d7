"""The pictures of the README, made by the program itself: `python -m tests.support.pictures [FOLDER]`.

Real sessions on real screens, a local server in the model's place. Takes some two minutes.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.support.command import Command, Deskhand, wait_until
from tests.support.mail import BUTTON
from tests.support.openai_script import Body, Reply, Scripted, actions, final, function, slow
from tests.support.openai_server import openai_server
from tests.support.xserver import xvfb
from vm.libreoffice import seed_profile

IMAGES = Path(__file__).parents[2] / "docs" / "images"
MAIL = Path(__file__).with_name("mail.py")
STEPS = ("Open a new sheet", "Enter the holidays", "Sort them by date", "Save it as holidays.xlsx")
HOLIDAYS = "Date\tHoliday\n2026-01-01\tNew Year's Day\n2026-04-03\tGood Friday\n2026-04-06\tEaster Monday\n"
THOUGHT = (
    "The sheet is empty and A1 is selected. I type the dates and names in one go, a tab between them, Enter at the end "
    "of each line. Afterwards I look whether the dates were understood as dates, since Calc keeps what it does not "
    "recognise as text, and sort the rows."
)


def steps(done: int) -> list[dict[str, str]]:
    """The plan, so far."""
    states = ["done"] * done + ["in_progress"] + ["pending"] * len(STEPS)
    return [{"step": step, "state": state} for step, state in zip(STEPS, states, strict=False)]


def holidays(body: Body) -> Scripted:
    """A plan, the table, and then a long thought."""
    calls = sum(item.get("type") in ("function_call", "computer_call") for item in body["input"])
    first: dict[int, Reply] = {
        0: function("update_plan", {"steps": steps(1)}, reasoning="First a plan."),
        1: actions({"type": "wait"}, {"type": "wait"}, reasoning="Calc is still starting."),
        2: actions({"type": "type", "text": HOLIDAYS}, reasoning=THOUGHT, text="I enter the holidays of the year."),
        3: actions({"type": "click", "x": 330, "y": 330, "button": "left"}, reasoning="Looking at the dates."),
    }
    return first.get(calls) or slow(final("Saved.", reasoning=f"{THOUGHT} " * 4), 0.12)


def mail(body: Body) -> Scripted:
    """Straight to what needs a yes."""
    click = {"type": "click", "x": BUTTON[0], "y": BUTTON[1], "button": "left"}
    sent = any(item.get("type") == "computer_call" for item in body["input"])
    return final("Sent.") if sent else actions(click, reasoning="The offer is complete. I send it.")


def command_in(home: Path, **environment: str) -> Deskhand:
    """A command of its own, with the state of them all and LibreOffice as if it had been used before."""
    if not (home / ".config").exists():
        seed_profile(home / ".config", home)
    (home / "t").mkdir(exist_ok=True)
    shared = {"DESKHAND_HOME": str(home / "data"), "HOME": str(home), "TMPDIR": str(home / "t")}
    return Deskhand(Path(tempfile.mkdtemp(dir=home)), **shared, **environment)


@contextmanager
def session(home: Path, script: Any, task: str, *flags: str, **environment: str) -> Generator[Command]:
    with openai_server(script) as server:
        deskhand = command_in(home, OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url, **environment)
        with deskhand.start("run", task, "--json", *flags) as command:
            command.wait_for("session.started")
            yield command


def page(home: Path, folder: Path) -> None:
    """Two at work, one that needs a yes, one done."""
    log = home / "sent"
    log.touch()
    deskhand = command_in(home)
    assert deskhand("demo", timeout=300).returncode == 0
    calc = ("--open", "libreoffice --calc", "--max-turns", "60", "--max-cost", "0.5")
    with ExitStack() as stack:
        holiday = "Make a sheet of the public holidays, sorted by date, and save it as holidays.xlsx"
        at_work = stack.enter_context(session(home, holidays, holiday, *calc))
        budget = ("--model", "playbook:budget", "--open", "libreoffice --calc")
        paused = stack.enter_context(session(home, mail, "Make the budget of the four departments", *budget))
        program = f"/usr/bin/python3 {MAIL} {log}"
        look = ("--open", program, "--size", "800x600", "--max-minutes", "30")
        asking = stack.enter_context(
            session(home, mail, "Check the offer to Ann, and send it if it is complete", *look)
        )
        asking.wait_for("approval.requested")
        paused.wait_for("action.done", 8)
        deskhand("pause", paused.lines[0]["session"])
        at_work.wait_for("turn.started", 5)
        served = stack.enter_context(deskhand.start("serve", "--json", "--no-open"))
        wait_until(lambda: bool(served.lines), "the address")
        with browsing(served.lines[0]) as view:
            view.wait_for_selector("article.card")
            view.wait_for_timeout(4000)  # live pictures come one by one
            view.screenshot(path=folder / "page.png")
        for command in (at_work, paused, asking):
            deskhand("stop", command.lines[0]["session"])


@contextmanager
def browsing(address: dict[str, Any]) -> Generator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        view = browser.new_page(viewport={"width": 1280, "height": 760})
        view.goto(f"{address['url']}#token={address['token']}")
        yield view
        browser.close()


def overlay(home: Path, folder: Path) -> None:
    """Over Calc on a screen of its own."""
    with xvfb(1280, 760, window_manager=True) as display:
        calc = ("--open", "libreoffice --calc", "--computer", "here", "--overlay", "--max-turns", "60")
        task = "Make a sheet of the public holidays, sorted by date, and save it as holidays.xlsx"
        with session(home, holidays, task, *calc, "--max-cost", "0.5", DISPLAY=display) as command:
            command.wait_for("turn.started", 5)
            wait_until(lambda: command.types.count("model.thought") >= 12, "a thought", 60)
            time.sleep(3)  # the overlay is a browser, which may still be loading
            photograph(display, folder / "overlay.png")
            command_in(home)("stop", "last")


def photograph(display: str, path: Path) -> None:
    """The screen with everything on it."""
    mss: Any = import_module("mss")
    tools: Any = import_module("mss.tools")
    with mss.MSS(display=display) as screen:
        shot = screen.grab(screen.monitors[0])
        tools.to_png(shot.rgb, shot.size, output=str(path))


def main() -> None:
    """Make both."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    for make in (overlay, page):
        with tempfile.TemporaryDirectory(prefix="dh-") as home:
            make(Path(home), folder)


if __name__ == "__main__":
    main()
