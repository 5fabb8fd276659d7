"""The steps of a build: programs under a warden, watched, with a line now and then, and their failures in words."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agent.errors import UserFault
from vm.image.namespace import search_path
from vm.image.recipe import Figures
from vm.processes import Processes, start_processes

POLL_SECONDS = 0.1
SAY_SECONDS = 5.0
_KEPT = ("HOME", "USER", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_STAGES = {
    "running apt-get update": "asking the archive what there is",
    "downloading packages with apt": "asking the archive for the essential packages",
    "extracting archives": "unpacking the essential packages",
    "installing essential packages": "installing the essential packages",
    "installing remaining packages": "installing",
}
_FAULTS = (
    (r"No space left on device", "the disk is full; make room, or set DESKHAND_HOME to a folder on a larger disk"),
    (
        r"(newuidmap|newgidmap|unshare): .*(not permitted|failed)",
        "this machine does not let you have a user namespace; allow it"
        " (`sudo sysctl kernel.unprivileged_userns_clone=1`), or build as root",
    ),
    (r"E: Unable to locate package (\S+)", "the archive has no package {0}; give another state of it with --archive"),
    (
        r"(Temporary failure resolving|Could not resolve|Unable to connect|Connection (failed|refused|timed out)"
        r"|Network is unreachable|Could not connect)",
        "Debian's archive cannot be reached; look at the network and at apt's sources, then build again"
        " (what was downloaded is kept)",
    ),
    (r"E: (The repository .* is not signed|.*NO_PUBKEY.*)", "the archive's signature is not known here ({0});"
     " install debian-archive-keyring"),
    (r"E: Release file .* (is not valid yet|is expired)", "the archive's state {0} by this machine's clock; set it"),
    (r"E: Failed to fetch (\S+)", "Debian's archive did not give all packages; build again (what was downloaded is"
     " kept)"),
)  # fmt: skip


@dataclass(slots=True)
class Steps:
    """Runs the programs of one build."""

    processes: Processes
    say: Callable[[str], None]
    logs: Path
    began: float = field(default_factory=time.monotonic)

    def run(self, argv: Sequence[str], what: str, *, growing: Path | None = None) -> None:
        """Run a program to its end; `growing` is a file whose size tells how far it is.

        Raises:
            UserFault: it failed, and why.
        """

        def progress() -> str:
            size = f", {growing.stat().st_size / 1e6:.0f} MB" if growing and growing.exists() else ""
            return what + size

        self._run(argv, lambda _: progress(), {})

    def install(
        self,
        argv: Sequence[str],
        *,
        cache: Path,
        database: Path,
        expected: Figures,
        environment: Mapping[str, str],
    ) -> None:
        """Run the installer; the caches of packages and dpkg's database tell how far it is.

        Raises:
            UserFault: it failed, and why.
        """

        before = last = _size(cache)

        def progress(log: str) -> str:
            nonlocal last
            size, before_this = _size(cache), last
            last = size
            if size > before_this:
                return f"downloading: {(size - before) / 1e6:.0f} MB so far, of {expected.download_mb} MB at most"
            unpacked = sum(1 for _ in database.glob("*.list")) if database.exists() else 0
            return f"{_stage(log)}, {unpacked} of about {expected.packages} packages unpacked"

        self._run(argv, progress, environment)

    def _run(self, argv: Sequence[str], progress: Callable[[str], str], environment: Mapping[str, str]) -> None:
        log = self.processes.run / "build.log"
        log.write_bytes(b"")
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        settings = {"PATH": search_path(), "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", **kept}
        try:
            pid = self.processes.spawn(argv, environment={**settings, **environment}, cwd=Path("/"), log=log)
        except OSError as error:
            raise UserFault(f"{argv[0]} cannot be started ({error}); install it") from None
        said = 0.0
        while (status := self.processes.status(pid)) is None:
            if time.monotonic() - said >= SAY_SECONDS:
                self.say(f"{progress(log.read_text('utf-8', 'replace'))} ({time.monotonic() - self.began:.0f} s)")
                said = time.monotonic()
            time.sleep(POLL_SECONDS)
        if status != 0:
            raise self._fault(argv, status, log)

    def _fault(self, argv: Sequence[str], status: int, log: Path) -> UserFault:
        kept = self.logs / "build.log"
        with contextlib.suppress(OSError):
            shutil.copyfile(log, kept)
        text = log.read_text("utf-8", "replace")
        return UserFault(explain(text) or f"{' '.join(argv)[:80]}… failed with {status}; {kept} has what it said")


@contextlib.contextmanager
def start_steps(logs: Path, say: Callable[[str], None]) -> Generator[Steps, None, None]:
    """Steps whose programs are ended at the end, however it comes about. `logs`: where a failure's log is kept."""
    processes = start_processes()
    try:
        yield Steps(processes, say, logs)
    finally:
        processes.close()


def explain(log: str) -> str:
    """A failure in one line with the cure, from what the programs wrote; empty where it is not a known one."""
    for pattern, said in _FAULTS:
        if found := re.search(pattern, log):
            return said.format(*found.groups())
    return ""


def _stage(log: str) -> str:
    """What the installer is at, from the last line of its log that says so."""
    for line in reversed(log.splitlines()):
        if line.startswith("DESKHAND "):
            return line.removeprefix("DESKHAND ")
        for begins, said in _STAGES.items():
            if line.startswith(f"I: {begins}"):
                return said
    return "beginning"


def _size(cache: Path) -> int:
    size = 0
    for path in (*cache.glob("*.deb"), *cache.glob("partial/*")):
        with contextlib.suppress(FileNotFoundError):  # apt moves what it has whole
            size += path.stat().st_size
    return size
