"""LibreOffice's user profile, seeded so that nothing stands between its start and the work."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

PROFILE = Path("libreoffice/4/user")
"""Where LibreOffice looks for its profile, below XDG_CONFIG_HOME."""

SETTINGS = "registrymodifications.xcu"
PROGRAMS = frozenset({"soffice", "libreoffice", "localc", "lowriter", "loimpress", "lodraw", "lobase", "lomath"})
TEMPLATE = Path(__file__).with_name("data") / SETTINGS


NO_PIPE = "deskhand-nobody"


def seed_profile(config: Path, documents: Path, pipe: str = NO_PIPE) -> None:
    """Write a profile for an XDG_CONFIG_HOME: no first start, tips, recovery or format warnings; English.

    Args:
        documents: the absolute path of the folder in which file dialogs begin.
        pipe: name of the pipe at which LibreOffice listens, however it is started.
    """
    folder = config / PROFILE
    folder.mkdir(parents=True)
    settings = TEMPLATE.read_text("utf-8").replace("@WORK@", escape(documents.as_uri())).replace("@PIPE@", pipe)
    (folder / SETTINGS).write_text(settings, "utf-8")


def python_with_uno(root: Path) -> str:
    """The Python below a root tree that can ask LibreOffice, as an absolute path within it; "" where there is none."""
    for office in (*sorted((root / "opt").glob("libreoffice*")), root / "usr/lib/libreoffice"):
        if (office / "program/python").exists():
            return f"/{(office / 'program/python').relative_to(root)}"
    places = ("usr/lib/python3/dist-packages", "usr/lib/python3*/site-packages", "usr/lib64/python3*/site-packages")
    there = any(any(root.glob(f"{place}/uno.py")) for place in places)
    return "/usr/bin/python3" if there and (root / "usr/bin/python3").exists() else ""
