"""The task's folder, and the same folder inside another machine: pushed at the start, results pulled home.

Tools that work in the folder beside the screen have it made the same before and after (`sync`).

The folder appears in the machine as ~/Documents; what is saved in ~/Desktop and ~/Downloads comes home into folders of
these names. What the machine has changed wins; what it has deleted stays here.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile
from typing import Protocol, TypeAlias

from anyio import to_thread

from actuators.errors import ActuatorError
from agent.errors import ToolFault, UserFault
from perception.errors import PerceptionError
from vm.guest_client import GuestFault, GuestFile

MAX_PUSH = 500_000_000  # bytes of all files together
MAX_PULL = 500_000_000  # bytes of one file
MAX_FILES = 5000
EVERY = 3.0  # seconds from the end of one pull to the next
LIST_SECONDS = 15.0
CLOSING = 9.0  # seconds for the last pull
DOCUMENTS = "~/Documents"
FOLDERS: Mapping[str, str] = {DOCUMENTS: "", "~/Desktop": "Desktop", "~/Downloads": "Downloads"}
"""Folders of the machine, and where in the task's folder their files are."""

_PASSING = re.compile(r"\.~lock\..*|~\$.*|lu[0-9a-z]+\.tmp|\.goutputstream-.*|.*\.(part|crdownload|swp)", re.IGNORECASE)
_LOCK = re.compile(r"\.~lock\..*#")
_ODD = re.compile(r"[\x00-\x1f\x7f\\]")
_Stamp: TypeAlias = tuple[int, float]  # bytes, seconds since the epoch


class Store(Protocol):
    """The files of another machine. Every call has a deadline, and raises ActuatorError or PerceptionError."""

    def put_file(self, path: str, data: bytes, seconds: float = ...) -> None:
        """Write a file; `~` is the user's home, and folders are made."""
        ...

    def get_file(self, path: str, seconds: float = ...) -> bytes:
        """The content of a file."""
        ...

    def delete_file(self, path: str) -> None:
        """Remove a file."""
        ...

    def list_folders(self, paths: Iterable[str], seconds: float = ...) -> Mapping[str, Sequence[GuestFile]]:
        """The files below each of these folders, at any depth; none where there is no such folder."""
        ...


class RemoteFiles:
    """Keeps the two folders together. `poke` and `pull` from any thread."""

    def __init__(self, store: Store, workspace: Path) -> None:
        """Do nothing yet.

        Args:
            workspace: the folder of the task, on this machine; it is there.
        """
        self._store = store
        self._home = workspace.resolve()
        self._known: dict[str, _Stamp] = {}  # path in the machine: as it was when it was last the same in both
        self._seen: dict[str, _Stamp] = {}  # what had changed at the last pull
        self._sent: dict[PurePosixPath, tuple[int, int]] = {}  # files here when they were last the same in both
        self._locks: set[Path] = set()  # lock files of programs there, that are here, too
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._fault: UserFault | None = None

    def push(self, cancelled: Callable[[], bool] = lambda: False) -> tuple[str, ...]:
        """Bring all files of the folder into the machine; notes on what is left out.

        Raises:
            UserFault: a file cannot be read.
        """
        left_out: list[str] = []
        total = count = 0
        self._sent = self._stamps()
        for path, size in self._ours():
            if cancelled():
                break
            if total + size > MAX_PUSH or count >= MAX_FILES:
                left_out.append(path.as_posix())
                continue
            total, count = total + size, count + 1
            self._put(path)
        with self._lock:
            self._known = self._theirs(LIST_SECONDS)
        return _left_out(left_out)

    def bring(self, file: Path) -> str:
        """Bring one file of this machine into the other: its path there.

        Raises:
            UserFault: it cannot be read, or is too large.
        """
        found = file.resolve()
        if found.is_relative_to(self._home):
            return self._put(found.relative_to(self._home))
        return self._send(found, f"{DOCUMENTS}/{file.name}")

    def poke(self) -> None:
        """Results may be there: pull them soon, in the background. Costs nothing.

        Raises:
            UserFault: what was pulled before could not be written here.
        """
        if self._fault is not None:
            raise self._fault
        self._wanted.set()
        if self._thread is None and not self._closing.is_set():
            self._thread = threading.Thread(target=self._work, name="deskhand-files", daemon=True)
            self._thread.start()

    def pull(self, *, last: bool = False, seconds: float = 60.0) -> tuple[str, ...]:
        """Bring what has changed in the machine home; the paths there of what was not brought, and should have been.

        Args:
            last: also what is being written just now. Else a file counts as written when it was the same twice.
            seconds: after which no further file is begun.

        Raises:
            UserFault: a file cannot be written here.
            ActuatorError, PerceptionError: the machine does not answer.
        """
        deadline = time.monotonic() + seconds
        if not self._lock.acquire(timeout=seconds):
            return ("everything: the machine was busy with an earlier pull",)
        try:
            listed = self._theirs(min(seconds, LIST_SECONDS))
            changed = {path: stamp for path, stamp in listed.items() if self._known.get(path) != stamp}
            ready = {path: stamp for path, stamp in changed.items() if last or self._seen.get(path) == stamp}
            self._seen = changed
            left = [path for path in changed if path not in ready]
            for path in sorted(ready, key=lambda path: ready[path][0]):
                seconds = deadline - time.monotonic()
                if seconds <= 0 or not self._fetch(path, ready[path], seconds, last=last):
                    left.append(path)
            return tuple(left)
        finally:
            self._lock.release()

    def sync(self) -> None:
        """Make both folders the same: what has changed there comes home, then what has changed here goes there.

        A document that is open there has its lock file here as well, for whoever would write underneath it.

        Raises:
            UserFault: a file cannot be read or written here.
            ActuatorError, PerceptionError: the machine does not answer.
        """
        self.pull(last=True)
        with self._lock:
            ours = self._stamps()
            for path in sorted(ours):
                if self._sent.get(path) != ours[path]:
                    self._put(path)
            for path in self._sent.keys() - ours.keys():
                with suppress(GuestFault):
                    self._store.delete_file(_there(path))
            self._sent = ours
            self._known = self._theirs(LIST_SECONDS)

    def close(self) -> tuple[str, ...]:
        """Pull a last time, as far as there is anybody to pull from: what did not come home. Safe to call twice.

        Raises:
            UserFault: a file cannot be written here.
        """
        if self._closing.is_set():
            return ()
        self._closing.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(CLOSING / 3)
        try:
            return self.pull(last=True, seconds=CLOSING)
        except (ActuatorError, PerceptionError) as error:
            return (f"what was saved last: {error}",)
        finally:
            self._mirror([])

    def _work(self) -> None:
        while self._wanted.wait() and not self._closing.is_set():
            self._wanted.clear()
            try:
                if self.pull():
                    self._wanted.set()  # look again whether it is written by then
            except UserFault as fault:
                self._fault = fault
                return
            except (ActuatorError, PerceptionError):  # the eyes tell when the machine is gone
                pass
            self._closing.wait(EVERY)

    # ---- there

    def _theirs(self, seconds: float) -> dict[str, _Stamp]:
        """What is in the folders of the machine, by path."""
        found: dict[str, _Stamp] = {}
        listed = self._store.list_folders(FOLDERS, seconds)
        self._mirror(
            [file.path for file in listed.get(DOCUMENTS, ()) if _LOCK.fullmatch(PurePosixPath(file.path).name)]
        )
        for folder, files in listed.items():
            for file in files:
                if safe_path(file.path) is not None and len(found) < MAX_FILES:
                    found[f"{folder}/{file.path}"] = (file.bytes, file.modified)
        return found

    def _fetch(self, path: str, stamp: _Stamp, seconds: float, *, last: bool) -> bool:
        """Whether it is here now, as it was listed."""
        if stamp[0] > MAX_PULL:
            return not last  # said once, at the end
        try:
            data = self._store.get_file(path, seconds)
        except GuestFault:  # gone again, or not for us to read
            return False
        if len(data) != stamp[0] and not last:
            return False
        folder = next(name for name in FOLDERS if path.startswith(f"{name}/"))
        inner = PurePosixPath(FOLDERS[folder], path.removeprefix(f"{folder}/"))
        self._known[path] = stamp
        if not self._write(inner, data):
            return False
        self._sent[inner] = _stamp(self._home / inner)
        return True

    def _mirror(self, paths: Sequence[str]) -> None:
        """Have these lock files here, and no others of the machine's."""
        wanted = {self._home / path for path in paths if not _ODD.search(path) and ".." not in path.split("/")}
        for lock in self._locks - wanted:
            lock.unlink(missing_ok=True)
        for lock in wanted - self._locks:
            with suppress(OSError):
                lock.write_text(",on the agent's computer,,,;")
        self._locks = wanted

    def _put(self, path: PurePosixPath | Path) -> str:
        pure = PurePosixPath(path.as_posix())
        return self._send(self._home / pure, _there(pure))

    def _send(self, file: Path, there: str) -> str:
        try:
            data = file.read_bytes()
        except OSError as error:
            raise UserFault(f"{file} cannot be read: {error.strerror}") from None
        if len(data) > MAX_PUSH:
            raise UserFault(f"{file} is too large for the machine: {len(data) // 10**6} MB of {MAX_PUSH // 10**6} MB")
        self._store.put_file(there, data, 60.0 + len(data) / 10**6)
        return there

    # ---- here

    def _ours(self) -> Iterator[tuple[PurePosixPath, int]]:
        """Files of the folder, and their bytes; links are not followed."""
        for where, folders, names in os.walk(self._home):
            folders[:] = sorted(name for name in folders if not Path(where, name).is_symlink())
            for name in sorted(names):
                file = Path(where, name)
                inner = safe_path(file.relative_to(self._home).as_posix())
                with suppress(OSError):
                    if inner is not None and not file.is_symlink() and file.is_file():
                        yield inner, file.stat().st_size

    def _stamps(self) -> dict[PurePosixPath, tuple[int, int]]:
        return {path: _stamp(self._home / path) for path, _ in self._ours()}

    def _write(self, inner: PurePosixPath, data: bytes) -> bool:
        """Write a file as a whole or not at all; False where a link or a file is in the way."""
        place = self._home / inner
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            if not place.parent.resolve().is_relative_to(self._home) or place.is_dir():
                return False
            if place.is_file() and not place.is_symlink() and place.read_bytes() == data:
                return True
            with NamedTemporaryFile(dir=place.parent, prefix=".deskhand-", delete=False) as file:
                try:
                    file.write(data)
                    file.flush()
                    Path(file.name).chmod(0o644)
                    Path(file.name).replace(place)
                except BaseException:
                    Path(file.name).unlink(missing_ok=True)
                    raise
        except (FileExistsError, NotADirectoryError):
            return False
        except OSError as error:
            raise UserFault(
                f"{place} cannot be written ({error.strerror}); make room or give the right, then `deskhand resume`"
            ) from None
        return True


class Synced:
    """The two folders, as tools beside the screen want them. Implements `agent.tools.ports.Files`."""

    def __init__(self, files: RemoteFiles) -> None:
        self._files = files

    async def sync(self) -> None:
        """See `RemoteFiles.sync`.

        Raises:
            ToolFault: the machine does not answer.
            UserFault: a file cannot be read or written here.
        """
        try:
            await to_thread.run_sync(self._files.sync)
        except (ActuatorError, PerceptionError) as error:
            raise ToolFault(f"The files of the agent's computer could not be brought here: {error}.") from None


def safe_path(path: str) -> PurePosixPath | None:
    """A path that another machine names, where it leads nowhere but below its folder; None for one that does not.

    Lock files and others that are there for a moment only are left out as well.
    """
    parts = path.split("/")
    if any(part in ("", ".", "..") or _ODD.search(part) or len(os.fsencode(part)) > 255 for part in parts):
        return None
    return None if any(_PASSING.fullmatch(part) for part in parts) else PurePosixPath(*parts)


def _stamp(file: Path) -> tuple[int, int]:
    """Of a file here: bytes, nanoseconds since the epoch; (-1, -1) where it has just gone."""
    try:
        status = file.stat()
    except OSError:
        return (-1, -1)
    return status.st_size, status.st_mtime_ns


def _there(path: PurePosixPath) -> str:
    """Where a file of the task's folder is in the machine."""
    for folder, here in FOLDERS.items():
        if here and path.parts[:1] == (here,) and len(path.parts) > 1:
            return f"{folder}/{path.relative_to(here)}"
    return f"{DOCUMENTS}/{path}"


def _left_out(paths: Sequence[str]) -> tuple[str, ...]:
    if not paths:
        return ()
    named = ", ".join(paths[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")
    limit = f"{MAX_PUSH // 10**6} MB or {MAX_FILES} files"
    return (f"Not in the machine, since the task's folder has more than {limit}: {named}.",)
