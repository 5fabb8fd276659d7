"""What the programs of a private desktop must see of the user's files, since `--open` names it.

A file that is to be opened: itself, and nothing beside it. A command: the program with the installation that it belongs
to, and the folder of a script for an interpreter, to be read; the files among its words, and the folder of one that is
not there yet, to be written.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vm.programs import is_address, the_file

INTERPRETERS = re.compile(r"(python|perl|ruby|node|bash|dash|sh|java|php|lua|Rscript)[\d.]*")
_PROGRAMS = ("bin", "sbin", "shims", "Scripts")  # folders of programs: what these need lies beside them


@dataclass(frozen=True, slots=True)
class Named:
    """Files and folders, some of which may be the system's own.

    Attributes:
        shared: may be changed.
        fixed: may be read.
    """

    shared: tuple[Path, ...] = ()
    fixed: tuple[Path, ...] = ()


def named_by(targets: Sequence[str], folder: Path, path: str) -> Named:
    """What all targets name; `folder` and `path` as for `vm.programs.command_for`."""
    found = [_named(target, folder, path) for target in targets]
    return Named(
        tuple(place for named in found for place in named.shared),
        tuple(place for named in found for place in named.fixed),
    )


def _named(target: str, folder: Path, path: str) -> Named:
    if is_address(target):
        return Named()
    if (file := the_file(target, folder)) is not None:
        return Named(shared=(file,))
    try:
        words = shlex.split(target)
    except ValueError:
        return Named()
    return _of_command(words, path) if words else Named()


def _of_command(words: Sequence[str], path: str) -> Named:
    fixed, shared = list(_installation(words[0], path)), list[Path]()
    script = _script(words)
    for word in words[1:]:
        place = Path(word)
        if not word.startswith("/") or "\0" in word:
            continue
        if place.exists():
            shared += [] if _is_broad(place) else [place]
        elif place.parent.is_dir() and not _is_broad(place.parent):
            shared.append(place.parent)
        if word == script and not _is_broad(place.parent):
            fixed.append(place.parent)
    return Named(tuple(shared), tuple(fixed))


def _script(words: Sequence[str]) -> str:
    """The script that an interpreter is started with; "" where there is none."""
    if not INTERPRETERS.fullmatch(Path(words[0]).name):
        return ""
    first = next((word for word in words[1:] if not word.startswith("-")), "")
    return first if first.startswith("/") and Path(first).is_file() else ""


def _installation(program: str, path: str) -> Iterator[Path]:
    """A program, what its links lead to, and the interpreter that a virtual environment stands on."""
    found = shutil.which(program, path=path)
    if found is None:
        return
    place = Path(found)
    with suppress(OSError):
        for one in dict.fromkeys((place, place.resolve())):
            home = _prefix(one)
            yield home
            with suppress(OSError):
                for line in (home / "pyvenv.cfg").read_text().splitlines():
                    key, _, value = line.partition("=")
                    if key.strip() == "home":
                        yield _prefix(Path(value.strip()) / "python")


def _prefix(program: Path) -> Path:
    """The folder of an installation, as far as that is not half of the machine."""
    folder = program.parent
    if folder.name in _PROGRAMS and not _is_broad(folder.parent):
        return folder.parent
    return program if _is_broad(folder) else folder


def _is_broad(folder: Path) -> bool:
    """Whether much more than one thing lies there: a home, or a folder for everybody's files."""
    places = {Path("/"), Path("/tmp"), Path("/var/tmp"), Path("/root"), Path("/home"), Path("/mnt"), Path("/media")}
    home = Path("~").expanduser()
    return folder in places or folder in (home, *home.parents) or folder.parent == Path("/home")
