"""The daemon with root's rights renews the machine, and nothing else."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.guest import Guest, guest, until
from vm.guest.root import Daemon, Kernel, Places, compile_site

NEW = {
    "now": 1_900_000_000.25,
    "seed": base64.b64encode(bytes(range(64))).decode(),
    "machine_id": "0123456789abcdef" * 2,
    "token": "another-token-0123456789",
}


class Told(Kernel):
    """Writes down what the kernel would be told."""

    def __init__(self, *, refuse: bool = False) -> None:
        self.told: list[Any] = []
        self._refuse = refuse

    def set_clock(self, now: float) -> None:
        if self._refuse:
            raise PermissionError(1, "Operation not permitted")
        self.told.append(now)

    def add_entropy(self, seed: bytes) -> None:
        self.told.append(seed)


@contextmanager
def daemon(folder: Path, kernel: Kernel) -> Generator[Places]:
    places = Places(folder / "etc", folder / "var", folder, folder / "handed")
    for name in ("etc/ssh", "var/dbus", "var/systemd"):
        (folder / name).mkdir(parents=True)
    (folder / "etc/machine-id").write_text("f" * 32 + "\n")
    (folder / "var/dbus/machine-id").symlink_to("../../etc/machine-id")
    running = Daemon(places, kernel, (os.getuid(), os.getgid()))
    thread = threading.Thread(target=running.serve, daemon=True)
    thread.start()
    try:
        running.take_token()
        yield places
    finally:
        running.close()
        thread.join(5)
        assert not thread.is_alive() and not places.socket.exists()


def ask(places: Places, line: bytes) -> Any:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(places.socket))
        connection.sendall(line + b"\n")
        return json.loads(connection.makefile("rb").readline())


def test_renews(tmp_path: Path) -> None:
    kernel = Told()
    with daemon(tmp_path, kernel) as places:
        assert ask(places, json.dumps({"do": "renew", **NEW}).encode()) == {"ok": True}
    assert kernel.told == [NEW["now"], bytes(range(64))]
    assert (tmp_path / "etc/machine-id").read_text() == f"{NEW['machine_id']}\n"
    assert (tmp_path / "var/dbus/machine-id").is_symlink()
    assert places.token.read_text() == f"{NEW['token']}\n" and places.token.stat().st_mode & 0o777 == 0o400
    pool = tmp_path / "var/systemd/random-seed"
    until(pool.exists)
    assert len(pool.read_bytes()) == 512 and pool.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b'{"do": "sh"}',
        json.dumps({"do": "renew"}).encode(),
        *(json.dumps({"do": "renew", **NEW, name: bad}).encode() for name, bad in (
            ("now", "soon"), ("now", True), ("now", 1e3), ("seed", "x"), ("seed", "AAAA"), ("machine_id", "../x"),
            ("machine_id", "G" * 32), ("token", ""), ("token", "a b" * 9), ("token", "line\n" * 5),
        )),
    ],
)  # fmt: skip
def test_refuses_everything_else(tmp_path: Path, line: bytes) -> None:
    kernel = Told()
    with daemon(tmp_path, kernel) as places:
        answer = ask(places, line)
        assert answer["ok"] is False and answer["error"]
        assert ask(places, json.dumps({"do": "renew", **NEW}).encode())["ok"]  # it goes on
    assert len(kernel.told) == 2


def test_says_what_did_not_work(tmp_path: Path) -> None:
    with daemon(tmp_path, Told(refuse=True)) as places:
        assert "not permitted" in ask(places, json.dumps({"do": "renew", **NEW}).encode())["error"]
        assert (tmp_path / "etc/machine-id").read_text() == "f" * 32 + "\n"


def test_the_socket_is_for_its_owner(tmp_path: Path) -> None:
    with daemon(tmp_path, Told()) as places:
        assert places.socket.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
@pytest.mark.parametrize(("name", "old"), [("ssh_host_ed25519_key", True), ("ssh_host_ecdsa_key", False)])
def test_new_keys_of_the_secure_shell(tmp_path: Path, name: str, old: bool) -> None:
    with daemon(tmp_path, Told()) as places:
        key = places.etc / f"ssh/{name}"
        if old:
            key.write_text("old")
        ask(places, json.dumps({"do": "renew", **NEW}).encode())
        until(lambda: Path(f"{key}.pub").exists(), 20)
        assert "PRIVATE KEY" in key.read_text() and key.stat().st_mode & 0o777 == 0o600


def test_takes_the_token_from_the_host_once(tmp_path: Path) -> None:
    (tmp_path / "handed").write_bytes(b"first-token-0123456789\0")
    with daemon(tmp_path, Told()) as places:
        assert places.token.read_text() == "first-token-0123456789\n"
        ask(places, json.dumps({"do": "renew", **NEW}).encode())
    again = Daemon(places, Told(), (os.getuid(), os.getgid()))
    again.take_token()
    again.close()
    assert places.token.read_text() == f"{NEW['token']}\n"


def test_compiles_what_programs_import(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text("x = 1\n")
    (tmp_path / "bad.py").write_text("x = \n")
    compile_site(tmp_path)
    assert [path.name.partition(".")[0] for path in (tmp_path / "__pycache__").iterdir()] == ["good"]


def test_the_old_token_is_dead_at_once(tmp_path: Path) -> None:
    with daemon(tmp_path, Told()), guest(tmp_path, ":no-display") as server:
        renew(server, plain=False)
        old = server.token
        server.token = str(NEW["token"])
        assert server.ask("GET", "/v2/health", token=old).status == 401
        assert server.ask("GET", "/v2/health").status == 200
        assert server.ask("GET", "/platform", token=None).status == 401
        renew(server, plain=True)
        assert server.ask("GET", "/platform", token=None).text == "Linux"
        assert server.ask("GET", "/v2/health", token=None).status == 401
        assert "another-token" not in server.log


def renew(server: Guest, *, plain: bool) -> None:
    answer = server.ask("POST", "/v2/renew", {**NEW, "plain": plain})
    assert answer.json == {"ok": True}
