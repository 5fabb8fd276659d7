"""Checks of the machine itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile

from ui.doctor.report import PLACES, Check, command, install, is_wayland, system

OLDEST_PYTHON = (3, 11)
FONTS_SECONDS = 2.5  # to list fonts; the first time after an installation takes a second
LEAST_SPACE = 200_000_000  # bytes; a session of a hundred turns takes some twenty million
FONTS = {
    "Chinese, Japanese, Korean": (":lang=ja", "fonts-noto-cjk"),
    "emoji": (":charset=1f9d1", "fonts-noto-color-emoji"),
}
WORD = "Deskhand"


def check_python() -> Check:
    """Python is new enough."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= OLDEST_PYTHON:
        return Check("Python", "ok", version)
    return Check("Python", "failed", f"{version} is too old", install("python3.11"), PLACES)


def check_session() -> Check:
    """What kind of desktop the user sits at."""
    if not sys.platform.startswith("linux"):
        return Check("session", "skipped", f"{system()}: parts of it are unverified, see below")
    display, wayland = os.environ.get("DISPLAY"), is_wayland()
    if wayland:
        return Check(
            "session",
            "skipped",
            "Wayland: windows of other programs cannot be seen or driven here; the private desktop works all the same",
            "log in with an X11 (Xorg) session to work on your own screen",
            ("here",),
        )
    if not display:
        return Check("session", "skipped", "no screen here; the private desktop needs none", blocks=("here",))
    return Check("session", "ok", f"Linux, X11 on display {display}")


def check_xlib() -> Check:
    """The maintained python-xlib is installed, and not the abandoned package of the same folder."""
    from actuators.errors import NotSupported
    from actuators.xlibfix import repair

    try:
        repair()
    except NotSupported as error:
        cure = "pip install --force-reinstall --no-deps 'python-xlib>=0.33'"
        return Check("Xlib", "failed", str(error).partition("; run:")[0], cure, PLACES)
    import Xlib

    return Check("Xlib", "ok", f"python-xlib {'.'.join(map(str, vars(Xlib)['__version__']))}")


def check_text() -> Check:
    """A word is drawn, and read back."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    from perception.errors import CannotRead
    from perception.text import CURE, read_text

    picture = Image.new("RGB", (160, 40), "white")
    ImageDraw.Draw(picture).text((20, 10), WORD, "black", ImageFont.load_default(16))
    try:
        words = [word.text.strip() for word in read_text(np.asarray(picture))]
    except CannotRead as error:
        return Check("reading text", "failed", str(error).partition(";")[0], command(CURE))
    if words == [WORD]:
        return Check("reading text", "ok", f"Tesseract read “{WORD}”")
    return Check("reading text", "failed", f"Tesseract read {words}, not {WORD!r}", install("tesseract-ocr-eng"))


def check_key() -> Check:
    """Whether there is a key, never which; and where requests go."""
    import argparse

    from agent.models.web import is_private
    from ui.settings.config import Values

    values = Values(argparse.Namespace())
    url = values.pick("base_url", str, "") or os.environ.get("OPENAI_BASE_URL") or ""
    where = f", at {_without_secrets(url)}" if url else ""
    if os.environ.get("OPENAI_API_KEY") or values.pick("api_key", str, ""):
        return Check("OpenAI", "ok", f"a key is set{where}; it was not tried")
    if url and is_private(url):
        return Check("OpenAI", "ok", f"no key is set{where}, which wants none; it was not tried")
    detail = f"no key is set{where}: `deskhand run` needs one, `deskhand demo` does not"
    return Check("OpenAI", "skipped", detail, "export OPENAI_API_KEY=…")


def check_dialects() -> Check:
    """Which chat models are known by their names; the others speak `json`."""
    from agent.dialects.dialect import dialects

    names = ", ".join(dialect.name for dialect in dialects())
    return Check("chat models", "ok", f"dialects: {names}")


def _without_secrets(url: str) -> str:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that cannot be read"
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


def check_data() -> Check:
    """The data folder can be written, and there is room."""
    from agent.session import data_home

    home = data_home()
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home) as file:
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
        free = shutil.disk_usage(home).free
    except OSError as error:
        cure = "export DESKHAND_HOME=FOLDER, one that you can write to"
        return Check("data folder", "failed", f"{home} cannot be written ({error.strerror})", cure, PLACES)
    if free < LEAST_SPACE:
        return Check("data folder", "failed", f"{home} has only {free / 1e6:.0f} MB left", "free some space")
    return Check("data folder", "ok", f"{home}, {free / 1e9:.1f} GB free")


def check_font(kind: str, pattern: str, package: str) -> Check:
    """Optional: letters of other scripts, without which their texts are shown as boxes."""
    if (lister := shutil.which("fc-list")) is None:
        return Check("fonts", "skipped", f"{kind}: not known, there is no fc-list", install("fontconfig"))
    said = subprocess.run(
        [lister, pattern, "family"], capture_output=True, text=True, timeout=FONTS_SECONDS, check=True
    )
    families = sorted({line.split(",")[0] for line in said.stdout.splitlines() if line.strip()})
    if families:
        return Check("fonts", "ok", f"{kind}: {families[0]}")
    return Check("fonts", "skipped", f"{kind}: none, such text is shown as boxes", install(package))


def check_leftovers() -> Check:
    """What killed runs have left behind is removed."""
    from vm import warden

    swept = warden.sweep(warden.base_dir())
    said = f"{len(swept)} killed runs were swept away" if swept else "nothing was left behind"
    return Check("leftovers", "ok", said)
