"""A browser for all tests of the page; what its console complains of fails the test."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, sync_playwright

from tests.page.serving import Server, serving
from tests.page.working import Troupe, troupe

# Where there is nothing live to look at, the server says 409, and the browser writes that down whatever the page does.
EXPECTED = re.compile(r"409 \(Conflict\)")


class Watched:
    """Pages of one test, and what their consoles say. Windows are used again, documents are not."""

    def __init__(self, windows: Windows, server: Server) -> None:
        self._windows, self._server = windows, server
        self.complaints: list[str] = []
        self.expected: list[str] = []

    def open(
        self,
        where: str = "",
        *,
        fragment: str = "",
        size: tuple[int, int] = (1280, 860),
        dark: bool = False,
        until: str = "main",
    ) -> Page:
        """A page, once there is something in it."""
        page = self._windows.take(size)
        page.emulate_media(color_scheme="dark" if dark else "light", reduced_motion="no-preference")
        page.on("console", self._note)
        page.on("pageerror", self._failed)
        page.goto(self._server.address(where, fragment))
        page.wait_for_selector(until)
        return page

    def board(self, *, size: tuple[int, int] = (1280, 860), dark: bool = False) -> Page:
        """The board, once it has cards."""
        return self.open(size=size, dark=dark, until="article.card")

    def session(self, name: str, tab: str = "", *, size: tuple[int, int] = (1280, 860), dark: bool = False) -> Page:
        """A session's page, once it shows it."""
        fragment = f"/session/{name}/{tab}" if tab else f"/session/{name}"
        return self.open(fragment=fragment, size=size, dark=dark, until=".session-both:not([hidden])")

    def overlay(self, name: str, *, dark: bool = False) -> Page:
        """A session's overlay, once it shows it."""
        return self.open(f"overlay?session={name}", size=(360, 520), dark=dark, until=".over .controls")

    def _failed(self, error: Error) -> None:
        self.complaints.append(f"{error}\n{error.stack}")

    def expect(self, pattern: str) -> None:
        """Complaints like this are what the test is about."""
        self.expected.append(pattern)

    def _note(self, message: ConsoleMessage) -> None:
        about_live = "/live?" in message.location.get("url", "") and EXPECTED.search(message.text)
        if not about_live:
            self.complaints.append(f"{message.text} {message.location.get('url', '')}")

    def close(self) -> None:
        """Give the windows back, and fail for what nobody expected."""
        self._windows.give_back(self._note, self._failed)
        unexpected = [line for line in self.complaints if not any(re.search(one, line) for one in self.expected)]
        assert not unexpected, unexpected


class Windows:
    """Windows of the browser; those that a test has done with are used again."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: list[Page] = []
        self._taken: list[Page] = []

    def take(self, size: tuple[int, int]) -> Page:
        """An empty one of this size."""
        page = self._free.pop() if self._free else self._browser.new_context().new_page()
        self._taken.append(page)
        page.set_default_timeout(10_000)
        page.set_viewport_size({"width": size[0], "height": size[1]})
        return page

    def close(self) -> None:
        """Close those that are free."""
        for page in self._free:
            page.context.close()

    def give_back(self, *listeners: Any) -> None:
        """The test is over: nothing of it is left in them."""
        for page in self._taken:
            page.unroute_all()
            page.context.set_offline(False)
            for listener in listeners:
                for event in ("console", "pageerror"):
                    with suppress(KeyError, ValueError):
                        page.remove_listener(event, listener)  # type: ignore[call-overload]
            if page.url.startswith("http"):
                page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
            page.goto("about:blank")
        self._free += self._taken
        self._taken.clear()


# One for each file: while Playwright runs, nothing else in this thread can have an event loop.
@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path, "chromium is among the packages of the tests"
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if root else [])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def server(home: Path) -> Generator[Server]:
    with serving(home) as running:
        yield running


@pytest.fixture
def actors(home: Path) -> Generator[Troupe]:
    with troupe(home) as made:
        yield made


@pytest.fixture(scope="module")
def windows(browser: Browser) -> Windows:
    return Windows(browser)


@pytest.fixture
def watched(windows: Windows, server: Server) -> Generator[Watched]:
    pages = Watched(windows, server)
    yield pages
    pages.close()
