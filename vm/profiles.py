"""Ready profiles of LibreOffice: made once, kept, and copied for each desktop.

<home>/cache/profiles/KEY/user/          what LibreOffice itself has made of the profile that `vm.libreoffice` seeds
                          manifest.json  {"files": {name: bytes}}, written last
<home>/cache/profiles/KEY.lock           held by the one process that makes it

KEY stands for everything that it depends on. With one of these LibreOffice starts in half the time. Nothing depends on
there being one: what is damaged is removed and made again, and what cannot be made is done without.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from agent.session import data_home
from vm.libreoffice import NO_PIPE, PROFILE, SETTINGS, TEMPLATE, seed_profile

if TYPE_CHECKING:
    from vm.processes import Processes

MAKE_SECONDS = 60.0  # it takes one on an idle machine
POLL_SECONDS = 0.05
KEPT = 8  # profiles; the oldest go first

_FORMAT = 3
_WORK = "@WORK@"
_PIPE = "@PIPE@"
_PIPE_NAME = re.compile(r"(?<=<value>pipe,name=)[^;<]*(?=;urp</value>)")
_INSTALLED = ("usr/lib/libreoffice", "usr/lib64/libreoffice", "opt/libreoffice")
_SOURCE = "made.csv"
_WINDOWS = re.compile(r"<item [^>]*(?:Setup/Office/Factories|Office\.Views)[^>]*>.*?</item>\n?", re.DOTALL)
"""Where windows were, and how large: without a screen they are small, and later ones would be, too."""


def profiles_home() -> Path:
    """The folder of all ready profiles; it need not be there."""
    return data_home() / "cache" / "profiles"


def key_of(root: Path) -> str:
    """Which profile is the right one for the LibreOffice below a root tree; "" where there is none.

    It changes with the version, with what of LibreOffice is installed, and with our settings.
    """
    office = next((root / place for place in _INSTALLED if (root / place / "program").is_dir()), None)
    if office is None:
        return ""
    seen = hashlib.sha256(f"{_FORMAT}\n{office.relative_to(root)}\n".encode())
    with suppress(OSError):
        seen.update((office / "program/versionrc").read_bytes())
    with suppress(OSError):
        parts = sorted((office / "share/registry").glob("*.xcd"))
        seen.update("\n".join(f"{part.name} {part.stat().st_size}" for part in parts).encode())
    seen.update(TEMPLATE.read_bytes())
    return seen.hexdigest()[:24]


def take(key: str, config: Path, documents: Path, pipe: str = NO_PIPE) -> bool:
    """Copy a ready profile to an XDG_CONFIG_HOME; False, and nothing there, where there is no good one.

    Args:
        documents: the absolute path of the folder in which file dialogs begin.
        pipe: name of the pipe at which LibreOffice listens.
    """
    kept, target = profiles_home() / key, config / PROFILE
    try:
        files: dict[str, int] = json.loads((kept / "manifest.json").read_text())["files"]
        shutil.copytree(kept / "user", target)
        if dict(_files(target)) != files:
            raise ValueError("it is not what was kept")
        settings = (target / SETTINGS).read_text("utf-8")
        if _WORK not in settings:
            raise ValueError("it has no place for the folder")
        settings = settings.replace(_WORK, escape(documents.as_uri())).replace(_PIPE, pipe)
        (target / SETTINGS).write_text(settings, "utf-8")
    except FileNotFoundError:
        shutil.rmtree(target, ignore_errors=True)
        if kept.exists():
            _discard(kept)
        return False
    except (OSError, ValueError, KeyError, TypeError, AttributeError, shutil.Error):
        shutil.rmtree(target, ignore_errors=True)
        _discard(kept)
        return False
    return True


def keep(key: str, made: Path, documents: Path) -> None:
    """Keep a profile that LibreOffice has made, unless another process was quicker.

    Args:
        made: the profile's folder.
        documents: the folder that it was seeded with.

    Raises:
        OSError, ValueError: it cannot be kept.
    """
    home = profiles_home()
    with tempfile.TemporaryDirectory(prefix=".new-", dir=home) as scratch:
        new = Path(scratch, "profile")
        shutil.copytree(made, new / "user", ignore=shutil.ignore_patterns(".lock", "pack", "backup", "crash"))
        settings = (new / "user" / SETTINGS).read_text("utf-8")
        if (place := escape(documents.as_uri())) not in settings:
            raise ValueError("LibreOffice has not kept the settings")
        settings = _PIPE_NAME.sub(_PIPE, _WINDOWS.sub("", settings).replace(place, _WORK))
        (new / "user" / SETTINGS).write_text(settings, "utf-8")
        (new / "manifest.json").write_text(json.dumps({"files": dict(_files(new / "user"))}))
        with suppress(OSError):  # there is one by now
            new.rename(home / key)
    _make_room(home)


class Maker:
    """Makes a ready profile in the background, beside a desktop's work.

    It does so in a home, and where there are sandboxes in a sandbox, of its own: nothing that a task does or opens can
    get into a profile that later desktops start with.
    """

    def __init__(self, key: str, processes: Processes, wrap: Callable[[Path], list[str]], path: str) -> None:
        """Begin.

        Args:
            processes: what starts it; it ends with them.
            wrap: the words before a command that may change this folder.
            path: where programs are looked for, as in PATH.
        """
        self._key, self._processes, self._wrap, self._path = key, processes, wrap, path
        self._unwanted = threading.Event()
        self._thread = threading.Thread(target=self._run, name="deskhand-profile", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Give up if it has not been made by now."""
        self._unwanted.set()
        self._thread.join()

    def wait(self, seconds: float = MAKE_SECONDS) -> bool:
        """Whether it is kept, or given up, by then."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        from filelock import FileLock, Timeout

        home = profiles_home()
        with suppress(OSError, ValueError, Timeout, shutil.Error):  # the next desktop tries again
            home.mkdir(parents=True, exist_ok=True)
            with FileLock(home / f"{self._key}.lock", timeout=0, mode=0o600):
                if not (home / self._key).exists():
                    self._make()

    def _make(self) -> None:
        scratch = self._processes.run / "profile"
        shutil.rmtree(scratch, ignore_errors=True)
        documents, config = scratch / "documents", scratch / ".config"
        documents.mkdir(parents=True)
        seed_profile(config, documents)
        (scratch / _SOURCE).write_text("1\n")
        program = ["nice", "soffice", "--headless", "--norestore", "--nologo", "--nofirststartwizard"]
        words = [*self._wrap(scratch), *program, "--convert-to", "ods", "--outdir", str(scratch)]
        pid = self._processes.spawn(
            [*words, str(scratch / _SOURCE)],
            environment=_environment(scratch, self._path),
            cwd=scratch,
            log=self._processes.run / "profile.log",
        )
        if self._ended_well(pid) and (scratch / _SOURCE).with_suffix(".ods").exists():
            keep(self._key, config / PROFILE, documents)
        shutil.rmtree(scratch, ignore_errors=True)

    def _ended_well(self, pid: int) -> bool:
        for _ in range(round(MAKE_SECONDS / POLL_SECONDS)):
            status = self._processes.status(pid)
            if status is not None:
                return status == 0
            if self._unwanted.wait(POLL_SECONDS):
                return False
        return False


def _environment(scratch: Path, path: str) -> dict[str, str]:
    return {
        "PATH": path,
        "HOME": str(scratch),
        "XDG_CONFIG_HOME": str(scratch / ".config"),
        "XDG_CACHE_HOME": str(scratch / ".cache"),
        "TMPDIR": str(scratch),
        "LANG": "C.UTF-8",
        "SAL_USE_VCLPLUGIN": "svp",
    }


def _files(folder: Path) -> Iterator[tuple[str, Any]]:
    """Names below the folder, and their sizes."""
    for place, _, names in os.walk(folder):
        for name in names:
            file = Path(place, name)
            yield str(file.relative_to(folder)), file.stat().st_size


def _discard(kept: Path) -> None:
    """Out of the way first, in one step, since others may be about to copy it."""
    with suppress(OSError):
        aside = Path(tempfile.mkdtemp(prefix=".bad-", dir=kept.parent))
        kept.rename(aside / "profile")
        shutil.rmtree(aside, ignore_errors=True)


def _make_room(home: Path) -> None:
    kept = [folder for folder in home.iterdir() if folder.is_dir() and not folder.name.startswith(".")]
    for folder in sorted(kept, key=lambda folder: folder.stat().st_mtime)[:-KEPT]:
        _discard(folder)
