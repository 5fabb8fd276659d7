"""A session as one HTML file, to look back at: self-contained, no network, opened from disk.

`Replay` folds the journal into what the page shows; `write_replay` puts it into the file. Everything that a model or a
screen wrote travels as JSON and is shown as text, and the page's policy lets nothing else run or load.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agent.codec import Damage
from agent.errors import UserFault
from agent.events import Entry
from agent.journal import load_image, read_journal
from agent.session import Session
from agent.values import ImageRef
from ui.timeline import Timeline

ASSETS = Path(__file__).with_name("assets")
_MEDIA_TYPES = ("image/png", "image/webp", "image/jpeg")


def write_replay(session: Session, output: Path | None = None) -> Path:
    """Write the page, readable by its owner only, and return where it is.

    Args:
        output: `replay.html` in the session's folder where None.

    Raises:
        UserFault: the journal cannot be read, or the page cannot be written.
    """
    entries, damages = read_journal(session)
    live = session.is_live()
    path = (output or session.folder / "replay.html").expanduser().resolve()
    if path.exists() and not path.is_file():
        raise UserFault(f"{path} is not a file that can be written; name another with --output")
    write_whole(path, page(session, entries, damages, live=live))
    return path


def page(session: Session, entries: Iterable[Entry], damages: Iterable[Damage], *, live: bool) -> Iterator[str]:
    """The page in pieces: it may hold hundreds of megabytes of pictures."""
    timeline = Timeline(entries, damages, live=live)
    pictures = [_Picture(session, image) for image in timeline.images]
    data = timeline.as_data() | {"session": session.id, "images": [picture.data for picture in pictures]}
    style, script = _asset("replay.css"), _asset("replay.js")
    parts = {
        "title": html.escape(f"{session.id} · Deskhand"),
        "policy": html.escape(_policy(style, script)),
        "style": style,
        "script": script,
        "data": safe_json(data),
    }
    head, tail = _asset("replay.html").split("{{pictures}}")
    yield _filled(head, parts)
    for number, picture in enumerate(pictures):
        if text := picture.text():
            yield f'<script type="text/plain" id="image-{number}">{text}</script>\n'
    yield tail


def safe_json(data: object) -> str:
    """JSON that stays data inside a script element: pure ASCII (U+2028 and lone surrogates included), no markup."""
    text = json.dumps(data, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


class _Picture:
    """A picture of the session, read when it is written out; `data` is what the page knows of it."""

    def __init__(self, session: Session, image: ImageRef) -> None:
        self._session, self._image = session, image
        known = image.media_type in _MEDIA_TYPES
        self.data: dict[str, Any] = asdict(image) | {"media_type": image.media_type if known else _MEDIA_TYPES[0]}
        self.readable = known

    def text(self) -> str:
        """Base64, or "" where the bytes are gone or are not those that the journal names."""
        try:
            content = load_image(self._session, self._image) if self.readable else b""
        except UserFault:
            return ""
        if hashlib.sha256(content).hexdigest() != self._image.sha256:
            return ""
        return base64.b64encode(content).decode("ascii")


def _policy(style: str, script: str) -> str:
    """Nothing loads, and nothing runs but the page's own script and style."""
    return (
        f"default-src 'none'; script-src {sha256_source(script)}; style-src {sha256_source(style)}; img-src blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def sha256_source(text: str) -> str:
    """What a page's policy calls a style or script of its own."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _filled(template: str, parts: dict[str, str]) -> str:
    """Every `{{name}}` replaced, once: what is put in is not looked at again."""
    put: Callable[[re.Match[str]], str] = lambda found: parts[found[1]]  # noqa: E731
    return re.sub(r"\{\{(\w+)\}\}", put, template)


def write_whole(path: Path, pieces: Iterable[str]) -> None:
    """Write a page: the file is there whole or not at all, and readable by its owner only.

    Raises:
        UserFault: it cannot be written.
    """
    scratch = ""
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=".replay-", delete=False
        ) as file:
            scratch = file.name  # mode 0600, as all of a session
            file.writelines(pieces)
        Path(scratch).replace(path)
        scratch = ""
    except OSError as error:
        raise UserFault(f"cannot write {path} ({error.strerror}); name another file with --output") from None
    finally:
        if scratch:
            Path(scratch).unlink(missing_ok=True)
