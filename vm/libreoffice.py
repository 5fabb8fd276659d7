"""LibreOffice's user profile, seeded so that nothing stands between its start and the work."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

PROFILE = Path("libreoffice/4/user")
"""Where LibreOffice looks for its profile, below XDG_CONFIG_HOME."""

SETTINGS = "registrymodifications.xcu"
PROGRAMS = frozenset({"soffice", "libreoffice", "localc", "lowriter", "loimpress", "lodraw", "lobase", "lomath"})
TEMPLATE = Path(__file__).with_name("data") / SETTINGS


def seed_profile(config: Path, documents: Path) -> None:
    """Write a profile for an XDG_CONFIG_HOME: no first start, tips, recovery or format warnings; English.

    Args:
        documents: the absolute path of the folder in which file dialogs begin.
    """
    folder = config / PROFILE
    folder.mkdir(parents=True)
    settings = TEMPLATE.read_text("utf-8").replace("@WORK@", escape(documents.as_uri()))
    (folder / SETTINGS).write_text(settings, "utf-8")
