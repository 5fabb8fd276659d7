"""LibreOffice with one document that a test types into and reads back from the saved file."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeAlias
from xml.etree import ElementTree

from actuators.actions import Keypress
from actuators.backends.x11_display import XDisplay
from actuators.hands import Hands

Program: TypeAlias = Literal["writer", "calc"]
START_SECONDS = 60.0
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
_TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
_TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0"
_EMPTY = {
    "writer": ("fodt", "text", "<office:text><text:p/></office:text>"),
    "calc": ("fods", "spreadsheet", '<office:spreadsheet><table:table table:name="A"/></office:spreadsheet>'),
}
_PROFILE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema">
<item oor:path="/org.openoffice.Office.Common/Misc"><prop oor:name="ShowTipOfTheDay" oor:op="fuse">
<value>false</value></prop><prop oor:name="FirstRun" oor:op="fuse"><value>false</value></prop></item>
<item oor:path="/org.openoffice.Setup/Office"><prop oor:name="LastCompatibilityCheckID" oor:op="fuse">
<value>1</value></prop></item>
</oor:items>
"""


class Document:
    """An open document."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self, hands: Hands) -> list[str]:
        """The paragraphs of the text, or of the cells, after saving."""
        before = self.path.stat().st_mtime_ns
        hands.perform(Keypress(("ctrl", "s")))
        deadline = time.monotonic() + 20
        while self.path.stat().st_mtime_ns == before or not self._whole():
            if time.monotonic() > deadline:
                raise TimeoutError("LibreOffice did not save")
            time.sleep(0.02)
        root = ElementTree.fromstring(self.path.read_text())
        return [_plain(paragraph) for paragraph in root.iter(f"{{{_TEXT}}}p")]

    def _whole(self) -> bool:
        return self.path.read_text().rstrip().endswith("</office:document>")


def _plain(paragraph: ElementTree.Element) -> str:
    """Text of a paragraph; runs of spaces and tabs are elements."""
    text = paragraph.text or ""
    for part in paragraph:
        if part.tag == f"{{{_TEXT}}}s":
            text += " " * int(part.get(f"{{{_TEXT}}}c", "1"))
        elif part.tag == f"{{{_TEXT}}}tab":
            text += "\t"
        else:
            text += _plain(part)
        text += part.tail or ""
    return text


@contextmanager
def office(display: str, program: Program) -> Generator[Document, None, None]:
    """An empty document, focused, in a LibreOffice of its own."""
    with tempfile.TemporaryDirectory() as home:
        extension, kind, body = _EMPTY[program]
        path = Path(home, f"document.{extension}")
        path.write_text(
            f'<?xml version="1.0" encoding="UTF-8"?><office:document xmlns:office="{_OFFICE}" xmlns:text="{_TEXT}" '
            f'xmlns:table="{_TABLE}" office:version="1.2" office:mimetype="application/vnd.oasis.opendocument.{kind}">'
            f"<office:body>{body}</office:body></office:document>"
        )
        profile = Path(home, "profile", "user")
        profile.mkdir(parents=True)
        (profile / "registrymodifications.xcu").write_text(_PROFILE)
        process = subprocess.Popen(
            ["soffice", f"-env:UserInstallation={profile.parent.as_uri()}", "--norestore", "--nologo", str(path)],
            env={**os.environ, "DISPLAY": display, "HOME": home, "SAL_USE_VCLPLUGIN": "gtk3", "GDK_BACKEND": "x11"},
            start_new_session=True,  # `soffice` is a shell wrapper: it ends with its group
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _until_focused(display, f"libreoffice-{program}")
            yield Document(path)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _until_focused(display: str, wm_class: str) -> None:
    witness = XDisplay(display)
    try:
        deadline = time.monotonic() + START_SECONDS
        while wm_class not in witness.focus().wm_class:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{wm_class} did not open")
            time.sleep(0.05)
    finally:
        witness.close()
