"""`deskhand serve`: one service a user, found by all, and gone when it ends, however it ends."""

from __future__ import annotations

import json
import os
import signal
import stat
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from agent.errors import UserFault
from tests.support.command import Command, Deskhand, wait_until
from tests.support.serving import Client
from tests.ui.story import Story
from ui.service.running import (
    Service,
    ServiceLost,
    announce,
    find_service,
    open_browser,
    the_only_one,
    wait_for_service,
)


@pytest.fixture
def deskhand(tmp_path: Path) -> Deskhand:
    return Deskhand(tmp_path)


def home(deskhand: Deskhand) -> Path:
    return Path(deskhand.environment["DESKHAND_HOME"])


def printed(command: Command) -> str:
    """The first line of standard output, once it is there."""
    wait_until(lambda: b"\n" in command.out or command.process.poll() is not None, "the first line")
    return command.out.decode().split("\n")[0]


def port_of(told: dict[str, str]) -> int:
    return urlsplit(told["url"]).port or 0


def left(deskhand: Deskhand) -> set[str]:
    """What a service could have left behind. An empty file that was locked is nothing."""
    return {path.name for path in home(deskhand).iterdir()} - {"sessions", "service.lock"}


def test_the_first_line_is_the_address_and_ctrl_c_is_a_good_end(deskhand: Deskhand) -> None:
    session = Story(home(deskhand)).end()
    with deskhand.start("serve", "--no-open") as command:
        address = urlsplit(printed(command))
        assert address.scheme == "http" and address.hostname == "127.0.0.1" and address.path == "/"
        token = address.fragment.removeprefix("token=")
        assert len(token) >= 43
        client = Client(address.port or 0, token)
        assert client.get("/api/board").data["sessions"][0]["id"] == session.id
        found = find_service(home(deskhand))
        assert found and found == Service(address.port or 0, token, command.process.pid)
        assert found.address == address.geturl()
        assert stat.S_IMODE((home(deskhand) / "service.json").stat().st_mode) == 0o600
        with client.listen() as stream:  # an open page does not hold it up
            stream.wait_for("board")
            began = time.monotonic()
            command.process.send_signal(signal.SIGINT)
            assert command.wait(10) == 0 and time.monotonic() - began < 5
    assert find_service(home(deskhand)) is None and not left(deskhand) and not deskhand.leftovers
    assert "Traceback" not in command.errors and token not in command.errors


def test_a_second_one_says_where_the_first_is(deskhand: Deskhand) -> None:
    with deskhand.start("serve", "--json") as first:
        told = json.loads(printed(first))
        assert set(told) == {"url", "token", "pid"} and told["pid"] == first.process.pid
        second = deskhand("serve", "--no-open")
        assert second.returncode == 0 and second.stdout.strip() == f"{told['url']}#token={told['token']}"
        assert str(told["pid"]) in second.stderr
        third = deskhand("serve", "--json")
        assert third.returncode == 0 and json.loads(third.stdout) == told
        assert Client(port_of(told), told["token"]).get("/api/board").status == 200
        first.process.send_signal(signal.SIGTERM)
        assert first.wait(10) == 0
    assert not left(deskhand)


def test_what_one_that_was_killed_left_behind_is_not_believed(deskhand: Deskhand) -> None:
    with deskhand.start("serve", "--json") as first:
        before = json.loads(printed(first))
        first.kill()
        assert (home(deskhand) / "service.json").exists() and find_service(home(deskhand)) is None
        assert not deskhand.leftovers
    with deskhand.start("serve", "--json") as second:
        after = json.loads(printed(second))
        assert after["token"] != before["token"] and after["pid"] == second.process.pid
        found = find_service(home(deskhand))
        assert found and found.token == after["token"]


def test_many_that_are_started_at_once_agree_on_one(deskhand: Deskhand) -> None:
    with (
        deskhand.start("serve", "--json") as a,
        deskhand.start("serve", "--json") as b,
        deskhand.start("serve", "--json") as c,
    ):
        told = [json.loads(printed(command)) for command in (a, b, c)]
        assert told[0] == told[1] == told[2]
        assert sum(command.process.poll() is None for command in (a, b, c)) >= 1
        assert [command.process.pid for command in (a, b, c)].count(told[0]["pid"]) == 1


def test_the_browser_is_led_there_by_a_file_that_only_the_user_can_read(deskhand: Deskhand) -> None:
    seen = deskhand.home / "seen"
    browser = deskhand.home / "browser"
    browser.write_text(f'#!/bin/sh\necho "$@" > {seen}.part; mv {seen}.part {seen}\n')
    browser.chmod(0o755)
    with deskhand.start("serve", "--open", environment={"BROWSER": str(browser)}) as command:
        address = printed(command)
        wait_until(seen.exists, "the browser")
        leading = home(deskhand) / "open.html"
        assert seen.read_text().strip() == leading.as_uri()
        assert stat.S_IMODE(leading.stat().st_mode) == 0o600 and address in leading.read_text()
        token = address.partition("token=")[2]
        for pid in (command.process.pid, os.getpid()):
            assert token.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
            assert token.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
        command.process.terminate()
        assert command.wait(10) == 0
    assert not left(deskhand)


@pytest.mark.parametrize("port", ["80", "65536", "x", "-1"])
def test_a_port_that_makes_no_sense_is_wrong_usage(deskhand: Deskhand, port: str) -> None:
    done = deskhand("serve", f"--port={port}")
    assert done.returncode == 2 and "1024 to 65535" in done.stderr and not done.stdout


def test_a_port_of_ones_own_choice_and_one_that_is_taken(deskhand: Deskhand, tmp_path: Path) -> None:
    other = Deskhand(tmp_path / "other")
    with deskhand.start("serve", "--json") as first:
        port = port_of(json.loads(printed(first)))
        taken = other("serve", f"--port={port}")
        assert taken.returncode == 2 and "--port" in taken.stderr and len(taken.stderr.splitlines()) == 1
        first.process.terminate()
        assert first.wait(10) == 0
    with other.start("serve", "--json", f"--port={port}") as second:
        assert json.loads(printed(second))["url"] == f"http://127.0.0.1:{port}/"


def test_sessions_of_a_service_that_dies_go_on(deskhand: Deskhand) -> None:
    """It never holds what they need: a session that is at work is not even told."""
    story = Story(home(deskhand))
    with deskhand.start("serve", "--json") as command, story.session.locked():
        told = json.loads(printed(command))
        client = Client(port_of(told), told["token"])
        assert client.get(f"/api/sessions/{story.session.id}").data["live"] is True
        command.kill()
        assert story.session.is_live()


# ---- the parts


def test_only_a_private_file_of_ones_own_is_believed(tmp_path: Path) -> None:
    with the_only_one(tmp_path) as ours:
        assert ours and find_service(tmp_path) is None
        announce(tmp_path, Service(4711, "secret", 1))
        assert find_service(tmp_path) == Service(4711, "secret", 1)
        assert "secret" not in repr(find_service(tmp_path))
        path = tmp_path / "service.json"
        path.chmod(0o644)
        assert find_service(tmp_path) is None
        path.chmod(0o600)
        for text in ("", "{", "[]", '{"port": "x"}', '{"port": 1}', "\udcff"):
            path.write_bytes(text.encode("utf-8", "surrogateescape"))
            assert find_service(tmp_path) is None
        with the_only_one(tmp_path) as again:
            assert not again
    assert not path.exists()
    assert find_service(tmp_path / "none") is None


def test_who_waits_for_a_service_that_starts_gets_it(tmp_path: Path) -> None:
    with the_only_one(tmp_path):
        later = threading.Timer(0.1, announce, (tmp_path, Service(4711, "secret", 1)))
        later.start()
        assert wait_for_service(tmp_path).port == 4711
        later.join()


def test_a_service_that_does_not_answer_is_said_to_be_lost() -> None:
    with pytest.raises(ServiceLost, match="does not answer"):
        Service(9, "x", 1).request("GET", "/api/board", timeout=0.5)


def test_words_go_by_the_running_service(deskhand: Deskhand) -> None:
    session = Story(home(deskhand)).end()
    with deskhand.start("serve", "--json") as command:
        printed(command)
        service = find_service(home(deskhand))
        assert service
        path = f"/api/sessions/{session.id}"
        assert service.request("GET", path)[1]["state"] == "done"
        assert service.request("POST", f"{path}/words", {"kind": "steer", "text": "more"})[0] == 202
        status, said = service.request("POST", f"{path}/words", {"kind": "pause"})
        assert status == 409 and "no process" in said["error"]


def test_a_home_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserFault, match="DESKHAND_HOME"), the_only_one(tmp_path / "file" / "home"):
        pass


def test_the_address_is_no_markup_in_the_file_for_the_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", "/bin/true")
    open_browser(tmp_path, 'http://127.0.0.1:1/#token="><script>')
    assert "<script" not in (tmp_path / "open.html").read_text()
