"""The `deskhand` command as users run it: a process of its own, with state of its own, against a local server."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

Line: TypeAlias = dict[str, Any]
PATIENCE = 60.0
POLL = 0.01


class Command:
    """A running `deskhand … --json`; `lines` are the journal's events so far."""

    def __init__(self, process: subprocess.Popen[bytes], out: Path, err: Path) -> None:
        self.process = process
        self._out = out
        self._err = err

    @property
    def out(self) -> bytes:
        """Standard output so far."""
        return self._out.read_bytes()

    @property
    def lines(self) -> list[Line]:
        """What standard output holds so far, whole lines only."""
        whole = self.out.rpartition(b"\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    @property
    def types(self) -> list[str]:
        """The events' types."""
        return [line["type"] for line in self.lines]

    @property
    def errors(self) -> str:
        """Standard error so far."""
        return self._err.read_text()

    def wait(self, timeout: float = PATIENCE) -> int:
        """The exit status."""
        return self.process.wait(timeout)

    def wait_for(self, kind: str, count: int = 1) -> Line:
        """Wait for the nth event of a type."""
        wait_until(lambda: self.types.count(kind) >= count or self.process.poll() is not None, kind)
        found = [line for line in self.lines if line["type"] == kind]
        assert len(found) >= count, f"{kind} did not come: {self.types[-5:]} {self.errors[-800:]}"
        return found[count - 1]

    def kill(self) -> None:
        """kill -9."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Deskhand:
    """The command with a home of its own."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        # Short, since socket addresses must fit below it; what Deskhand starts has its home there, which marks it.
        self.scratch = Path(tempfile.mkdtemp(prefix="dh-"))
        weakref.finalize(self, shutil.rmtree, self.scratch, ignore_errors=True)
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ}
        self.environment = kept | {"DESKHAND_HOME": str(home / "data"), "DESKHAND_CONFIG": str(home / "config.toml")}
        # What tests open is programs of this folder, run by this very Python.
        shared = (Path(__file__).parents[2], Path(sys.base_prefix), home)
        self.environment |= {"TMPDIR": str(self.scratch), "DESKHAND_SHARE": os.pathsep.join(map(str, shared))}
        self.environment |= environment
        self._count = 0

    def __call__(self, *arguments: str, timeout: float = PATIENCE, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run to the end."""
        return subprocess.run(
            self._argv(*arguments), env=self.environment, capture_output=True, text=True, timeout=timeout, input=stdin
        )

    @contextmanager
    def start(self, *arguments: str, environment: Mapping[str, str] = {}) -> Generator[Command]:
        """Run in the background; stopped at the end of the block if it has not ended by then."""
        self._count += 1
        out, err = self.home / f"out{self._count}", self.home / f"err{self._count}"
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(
                self._argv(*arguments),
                env={**self.environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
            )
        try:
            yield Command(process, out, err)
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    @property
    def journal(self) -> list[Line]:
        """The events of the newest session, as they are on disk."""
        newest = max((self.home / "data" / "sessions").iterdir())
        return [json.loads(line) for line in (newest / "events.jsonl").read_text().splitlines()]

    @property
    def leftovers(self) -> list[int]:
        """Processes of this home, or of anything started from it, that are still there."""
        marks = (str(self.home).encode(), str(self.scratch).encode())
        return [pid for pid in _pids() if pid != os.getpid() and any(mark in _told(pid) for mark in marks)]

    def _argv(self, *arguments: str) -> list[str]:
        return [str(Path(sys.executable).with_name("deskhand")), *arguments]


def wait_until(true: Callable[[], bool], what: str, timeout: float = PATIENCE) -> None:
    """Poll until something is true."""
    deadline = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < deadline, f"waited {timeout:g} s in vain: {what}"
        time.sleep(POLL)


def _pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _told(pid: int) -> bytes:
    """Environment and words of a process; machines get no environment, and name their files."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes() + Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
