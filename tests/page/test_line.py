"""The line to the server breaks, and comes back; the key is where it belongs."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, Route, expect

from tests.page.conftest import Watched, Windows
from tests.page.serving import Server
from tests.page.working import Troupe

LOST = "Connection lost. Trying again…"


def test_a_server_that_comes_back_is_found_again(actors: Troupe, watched: Watched, server: Server) -> None:
    watched.expect(
        "ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|network error"
    )
    session = actors.start()
    session.think("I look at ")
    page, overlay = watched.session(session.id), watched.overlay(session.id)
    field = page.get_by_label("A correction to the session")
    field.fill("half a sen")
    server.stop()
    expect(page.locator(".bar .line")).to_have_text(LOST)
    expect(overlay.locator(".banner")).to_have_text(LOST)
    overlay.get_by_role("button", name=re.compile("^Pause")).click()
    expect(overlay.locator(".controls .error")).to_contain_text("Deskhand does not answer")
    session.think("the first sheet.", turn=False)
    session.ask()
    server.start()
    expect(page.locator(".bar .line")).to_have_text("", timeout=15_000)
    expect(page.locator(".block.turn .thought")).to_have_text("I look at the first sheet.")
    expect(field).to_have_value("half a sen")
    expect(overlay.locator(".banner")).to_be_hidden(timeout=15_000)
    overlay.get_by_role("button", name=re.compile("^Approve")).click()
    assert session.hear("approve").target == "a1"


def test_a_page_that_nobody_sees_gives_its_connection_back(actors: Troupe, server: Server, browser: Browser) -> None:
    session = actors.start()
    windows = Windows(browser)  # whose clock is not used by other tests
    watched = Watched(windows, server)
    page = watched.board()
    page.clock.install()
    page.reload()
    card = page.locator(f'[data-session="{session.id}"]')
    expect(card).to_be_visible()
    page.evaluate(_HIDE, True)
    with page.expect_event("requestfailed", lambda request: "/api/stream" in request.url):
        page.clock.fast_forward(31_000)
    session.ask()
    with page.expect_response("**/api/board"):
        page.clock.fast_forward(11_000)
    expect(page).to_have_title(re.compile(r"^\(\d+\) Deskhand$"))
    with page.expect_request("**/api/stream"):
        page.evaluate(_HIDE, False)
    session.answered()
    page.clock.resume()
    expect(card.locator(".ask")).to_have_count(0)
    watched.close()
    windows.close()


_HIDE = """(hidden) => {
  Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event('visibilitychange'));
}"""


def test_a_reload_in_the_middle_loses_nothing(actors: Troupe, watched: Watched) -> None:
    session = actors.start()
    session.ask()
    page = watched.session(session.id)
    page.get_by_label("A correction to the session").fill("half a sen")
    page.reload()
    expect(page.get_by_label("A correction to the session")).to_have_value("half a sen")
    page.get_by_role("button", name=re.compile("^Approve")).click()
    assert session.hear("approve").target == "a1"


def test_the_key_is_taken_out_of_the_address_and_kept_for_the_tab(
    actors: Troupe, watched: Watched, server: Server
) -> None:
    session = actors.start()
    page = watched.session(session.id)
    assert server.token not in page.url
    assert page.url.endswith(f"#/session/{session.id}")
    stored = page.evaluate("[Object.values(sessionStorage), Object.values(localStorage), document.cookie]")
    assert stored == [[server.token], [], ""]
    assert server.token not in str(page.evaluate("document.documentElement.outerHTML"))


def test_without_the_key_it_says_how_to_come_by_it(actors: Troupe, watched: Watched, server: Server) -> None:
    watched.expect("401")
    actors.start()
    page = watched.board()
    page.evaluate("sessionStorage.setItem('deskhand.token', 'wrong')")
    page.reload()
    expect(page.get_by_role("heading", name="This page needs its key")).to_be_visible()
    field = page.get_by_label("Address with the key")
    field.fill("http://example.org/")
    field.press("Enter")
    expect(page.get_by_role("alert").first).to_contain_text("There is no key in it")
    field.fill(server.address())
    field.press("Enter")
    page.wait_for_selector("article.card")


def test_a_session_that_is_not_there_is_said_to_be_so(watched: Watched) -> None:
    watched.expect("404")
    page = watched.open(fragment="/session/20200101-000000-abcdef")
    expect(page.locator(".problem")).to_contain_text("there is no session")
    page.get_by_role("link", name="Deskhand").click()
    expect(page.locator("main.board")).to_be_visible()


def test_requests_go_nowhere_but_to_the_server(actors: Troupe, watched: Watched, server: Server) -> None:
    session = actors.start()
    asked: list[str] = []

    def note(route: Route) -> None:
        asked.append(route.request.url)
        route.continue_()

    page = watched.open()
    page.route("**/*", note)
    _look_everywhere(page, session.id)
    assert asked
    assert all(url.startswith((f"{server.url}/", "blob:")) for url in asked)
    assert not any(server.token in url for url in asked)


def _look_everywhere(page: Page, name: str) -> None:
    for tab in ("timeline", "journal", "files", "replay"):
        page.evaluate(f"location.hash = '#/session/{name}/{tab}'")
        expect(page.get_by_role("tab", name=re.compile(tab, re.IGNORECASE))).to_have_attribute("aria-selected", "true")
    page.reload()
    expect(page.locator(".session-both")).to_be_visible()
