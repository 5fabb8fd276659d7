"""Nothing is left behind: whoever is killed, whenever, with whatever running."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.waiting import until
from vm import warden
from vm.processes import Processes, WardenLost, start_processes

GONE_SECONDS = 3.0
PATH = {"PATH": os.environ["PATH"]}
STUBBORN = "trap '' TERM HUP; setsid sh -c 'trap \"\" TERM HUP; (sleep 600; sleep 600) & sleep 600' & sleep 600"

PARENT = """
import sys, anyio
from pathlib import Path
from vm.desktop import open_desktop

async def main():
    print("begun", flush=True)
    desktop = await open_desktop((1024, 768), workspace=Path(sys.argv[1]))
    print("ready", flush=True)
    async with anyio.create_task_group() as tasks:
        for target in sys.argv[2:]:
            tasks.start_soon(desktop.open, target)
            await anyio.sleep(0.2)
            print("opening", flush=True)
    print("opened", flush=True)
    await anyio.sleep_forever()

anyio.run(main)
"""


@pytest.fixture
def temp(monkeypatch: pytest.MonkeyPatch) -> Generator[Path, None, None]:
    """A folder for temporary files of its own, with a name so short that sockets fit in."""
    folder = Path(tempfile.mkdtemp(prefix="dh-", dir="/tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    while left := living(folder):  # of a test that failed
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def processes(temp: Path) -> Generator[Processes, None, None]:
    started = start_processes()
    yield started
    started.close()


def living(temp: Path) -> set[int]:
    """Every process whose environment names the folder: the warden, and all that run in it."""
    found: set[int] = set()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(temp).encode() in (entry / "environ").read_bytes():
                found.add(int(entry.name))
        except OSError:
            pass
    return found - {os.getpid()}


def x_files(temp: Path) -> dict[Path, int]:
    """Sockets and locks of the X servers that run for the folder, and when they were made.

    When, because others on this machine may take the number as soon as it is free.
    """
    inodes: set[str] = set()
    for pid in living(temp):
        for descriptor in Path(f"/proc/{pid}/fd").glob("*"):
            with suppress(OSError):
                inodes.add(str(descriptor.readlink()).removeprefix("socket:[").removesuffix("]"))
    bound = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()]
    sockets = {Path(words[7]) for words in bound if len(words) == 8 and words[6] in inodes}
    sockets = {path for path in sockets if path.parent == Path("/tmp/.X11-unix")}
    locks = {Path(f"/tmp/.{path.name}-lock") for path in sockets}
    return {path: path.stat().st_mtime_ns for path in sockets | locks if path.exists()}


def there(path: Path, made: int) -> bool:
    try:
        return path.stat().st_mtime_ns == made
    except FileNotFoundError:
        return False


def start(processes: Processes, script: str) -> int:
    return processes.spawn(["sh", "-c", script], environment=PATH, cwd=Path("/"), log=processes.run / "log")


def parent(temp: Path, *targets: str, until_it_says: str = "") -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(temp / "work"), *targets],
        env={**os.environ, "TMPDIR": str(temp)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while until_it_says and until_it_says not in (line := process.stdout.readline()):
        assert line, "the parent died by itself"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def runs(temp: Path) -> list[str]:
    base = temp / f"deskhand-{os.getuid()}"
    return [entry.name for entry in base.iterdir() if entry.is_dir()] if base.exists() else []


def _is_pythons_probe(entry: Path) -> bool:
    """What Python writes to see whether a folder can be written to, and was killed before it removed."""
    return entry.is_file() and entry.read_bytes() in (b"", b"blat")


def assert_nothing_left(temp: Path, x: dict[Path, int]) -> None:
    assert until(lambda: not living(temp), GONE_SECONDS), living(temp)
    assert until(lambda: not runs(temp), 1.0), runs(temp)
    assert [path for path, made in x.items() if there(path, made)] == []
    assert list((temp / "work").glob(".~lock*")) == []
    ours = ("work", f"deskhand-{os.getuid()}")
    assert [entry.name for entry in temp.iterdir() if entry.name not in ours and not _is_pythons_probe(entry)] == []


def test_a_program_runs_with_the_environment_that_it_is_given(processes: Processes) -> None:
    pid = start(processes, "env; exit 7")
    assert until(lambda: processes.status(pid) is not None)
    assert processes.status(pid) == 7
    lines = (processes.run / "log").read_text().splitlines()
    assert f"DESKHAND_RUN={processes.run.name}" in lines
    assert {line.split("=")[0] for line in lines} <= {"PATH", "PWD", "SHLVL", "_", "OLDPWD", "DESKHAND_RUN"}


def test_a_signal_is_told_from_an_exit_status(processes: Processes) -> None:
    pid = start(processes, "kill -9 $$")
    assert until(lambda: processes.status(pid) is not None)
    assert processes.status(pid) == -9


def test_what_cannot_be_started_is_an_error_and_the_warden_goes_on(processes: Processes) -> None:
    with pytest.raises(OSError, match="No such file"):
        processes.spawn(["no-such-program"], environment=PATH, cwd=Path("/"), log=processes.run / "log")
    assert start(processes, "true") > 0


def test_closing_ends_daemons_that_ignore_being_asked(temp: Path) -> None:
    processes = start_processes()
    start(processes, STUBBORN)
    marked = lambda: warden.marked(processes.run.name)  # noqa: E731
    assert until(lambda: len(marked()) >= 4)
    processes.close()
    assert marked() == set()
    assert not processes.run.exists()
    processes.close()


def test_folders_protected_against_writing_are_removed_as_well(temp: Path) -> None:
    processes = start_processes()
    pid = start(processes, f"mkdir -p {processes.run}/a/b; touch {processes.run}/a/b/c; chmod 500 {processes.run}/a/b")
    assert until(lambda: processes.status(pid) == 0)
    processes.close()
    assert not processes.run.exists()


def test_a_warden_that_is_killed_is_told_and_cleaned_up_after(temp: Path) -> None:
    processes = start_processes()
    start(processes, STUBBORN)
    assert until(lambda: len(warden.marked(processes.run.name)) >= 4)
    os.kill(processes._process.pid, signal.SIGKILL)  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(WardenLost):
        for _ in range(2):
            start(processes, "true")
    processes.close()
    assert warden.marked(processes.run.name) == set()
    assert not processes.run.exists()


def test_the_next_start_sweeps_what_a_killed_pair_left(temp: Path) -> None:
    first = start_processes()
    start(first, STUBBORN)
    assert until(lambda: len(warden.marked(first.run.name)) >= 4)
    other = start_processes()
    os.kill(first._process.pid, signal.SIGKILL)  # pyright: ignore[reportPrivateUsage]
    first._process.wait()  # pyright: ignore[reportPrivateUsage]
    assert len(warden.marked(first.run.name)) >= 2, "its grandchildren should have survived so far"
    third = start_processes()
    assert warden.marked(first.run.name) == set()
    assert not first.run.exists()
    assert other.run.exists(), "the living are left alone"
    other.close()
    third.close()
    first.close()


def test_somebody_elses_folder_is_not_used(temp: Path) -> None:
    (temp / f"deskhand-{os.getuid()}").symlink_to("/tmp")
    with pytest.raises(PermissionError):
        start_processes()


def test_locks_of_other_peoples_documents_stay(temp: Path) -> None:
    processes = start_processes()
    work = temp / "work"
    (work / "deep").mkdir(parents=True)
    ours, theirs = work / "deep/.~lock.a.ods#", work / ".~lock.b.ods#"
    ours.write_text(f",me,here,today,file://{processes.run}/home/.config/libreoffice/4;")
    theirs.write_text(",me,here,today,file:///home/me/.config/libreoffice/4;")
    processes.tend(work)
    processes.close()
    assert not ours.exists()
    assert theirs.exists()


@pytest.mark.parametrize("moment", [0.0, 0.03, 0.08, 0.2, 0.35])
def test_a_parent_killed_while_it_starts_leaves_nothing(temp: Path, moment: float) -> None:
    process = parent(temp, until_it_says="begun")
    time.sleep(moment)
    left = x_files(temp)
    end(process)
    assert_nothing_left(temp, left)


@pytest.mark.parametrize("moment", ["ready", "opening", "opened"])
@pytest.mark.skipif(shutil.which("localc") is None, reason="LibreOffice is not installed")
def test_a_parent_killed_with_libreoffice_running_leaves_nothing(temp: Path, moment: str) -> None:
    (temp / "work").mkdir()
    (temp / "work/a.csv").write_text("a,b\n1,2\n")
    process = parent(temp, "localc a.csv", until_it_says=moment)
    left = x_files(temp)
    assert left, "there should be an X server"
    end(process)
    assert_nothing_left(temp, left)


def test_parent_and_warden_killed_at_once_are_cleaned_up_after_by_the_next(temp: Path) -> None:
    process = parent(temp, "xterm", "sh -c '(setsid sleep 600 &) ; exec sleep 600'", until_it_says="opening")
    everything = living(temp)
    left = x_files(temp)
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in everything}
    wardens = [pid for pid, words in commands.items() if b"warden.py" in words and b"--inside" not in words]
    assert len(wardens) == 1
    os.kill(wardens[0], signal.SIGSTOP)  # so that it has no time to do anything
    end(process)
    os.kill(wardens[0], signal.SIGKILL)
    assert until(lambda: not x_server(everything)), "the kernel ends what the warden started"
    start_processes().close()
    assert_nothing_left(temp, left)


def x_server(pids: set[int]) -> list[int]:
    named: list[int] = []
    for pid in pids:
        try:
            if b"Xvfb" in Path(f"/proc/{pid}/cmdline").read_bytes():
                named.append(pid)
        except OSError:
            pass
    return named


def test_a_fork_of_the_parent_does_not_keep_the_warden_alive(temp: Path) -> None:
    """A child that was forked without exec has a copy of the parent's socket."""
    script = (
        "import os, time; from vm.processes import start_processes; p = start_processes()\n"
        "pid = os.fork()\n"
        "pid and print('begun', flush=True)\n"
        "time.sleep(600 if pid else 30)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "TMPDIR": str(temp)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "begun\n"
    end(process)
    assert until(lambda: not runs(temp), GONE_SECONDS)
