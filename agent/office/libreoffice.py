"""LibreOffice without a window: converts files, one at a time, in a scratch folder of the session's own.

It sees a copy of the file and nothing else of the task's folder, has no network, runs no macros and follows no links.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread

from agent.errors import ToolFault
from agent.tools.base import Room
from agent.tools.ports import Finished

SECONDS: Final = 180.0  # a conversion may take; a start takes about two, a workbook of a million cells about forty
MOST_PDF = 12  # PDFs of documents that are kept
_FILTERS: Final = {
    "xlsx": "xlsx:Calc MS Excel 2007 XML", "xlsm": "xlsm:Calc MS Excel 2007 VBA XML", "ods": "ods:calc8",
    "xls": "xls:MS Excel 97", "docx": "docx:MS Word 2007 XML", "doc": "doc:MS Word 97", "odt": "odt:writer8",
    "rtf": "rtf:Rich Text Format", "pptx": "pptx:Impress MS PowerPoint 2007 XML", "ppt": "ppt:MS PowerPoint 97",
    "odp": "odp:impress8", "pdf": "pdf", "html": "html",
}  # fmt: skip
_ALL_SLIDES: Final = 'pdf:impress_pdf_Export:{"ExportHiddenSlides":{"type":"boolean","value":"true"}}'
_SLIDES: Final = (".pptx", ".pptm", ".potx", ".ppsx", ".ppt", ".odp", ".otp")
_SETTINGS: Final = "registrymodifications.xcu"
_ITEM = '<item oor:path="/org.openoffice.{0}"><prop oor:name="{1}" oor:op="fuse"><value>{2}</value></prop></item>'
_VALUES: Final = (
    ("Setup/Office", "ooSetupInstCompleted", "true"),
    ("Setup/Product", "ooSetupLastVersion", "99.9"),
    ("Setup/L10N", "ooLocale", "en-US"),
    ("Setup/L10N", "ooSetupSystemLocale", "en-US"),
    ("Office.Common/Misc", "FirstRun", "false"),
    ("Office.Common/Misc", "CrashReport", "false"),
    ("Office.Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("Office.Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("Office.Common/Security/Scripting", "DisableActiveContent", "true"),
    ("Office.Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("Office.Common/Save/Document", "WarnAlienFormat", "false"),
    ("Office.Calc/Content/Update", "Link", "2"),
    ("Office.Writer/Content/Update", "Link", "0"),
    ("Office.Calc/Formula/Load", "OOXMLRecalcMode", "0"),
    ("Office.Calc/Formula/Load", "ODFRecalcMode", "0"),
)
_PROFILE: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<oor:items xmlns:oor="http://openoffice.org/2001/registry" '
    'xmlns:xs="http://www.w3.org/2001/XMLSchema">\n'
    + "\n".join(_ITEM.format(*value) for value in _VALUES)
    + "\n</oor:items>\n"
)


class Office:
    """LibreOffice for one session. What it has made is gone when the session ends."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._lock = anyio.Lock()
        self._scratch: Path | None = None
        self._pdfs: dict[tuple[Path, bool], tuple[tuple[int, int, int], Path]] = {}
        self._made = 0

    @property
    def room(self) -> Room:
        """Of the session."""
        return self._room

    @property
    def scratch(self) -> Path:
        """A folder of the session's own, outside of the task's folder."""
        if self._scratch is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="deskhand-office-")).resolve()
            self._room.closing.callback(shutil.rmtree, self._scratch, ignore_errors=True)
            user = self._scratch / "profile" / "user"
            user.mkdir(parents=True)
            (user / _SETTINGS).write_text(_PROFILE, "utf-8")
        return self._scratch

    def place(self) -> Path:
        """A new empty folder below `scratch`."""
        self._made += 1
        place = self.scratch / str(self._made)
        place.mkdir()
        return place

    async def convert(self, source: Path, target: Path, *, hidden: bool = False) -> None:
        """Write `source` as what `target`'s suffix says. `target` is replaced.

        Args:
            hidden: make pages of hidden slides too, of which a PDF has none otherwise.

        Raises:
            ToolFault: LibreOffice is not there, cannot read the file, cannot write it, or takes too long.
        """
        async with self._lock:
            place = self.place()
            try:
                made = await self._convert(source, target.suffix[1:].lower(), place, hidden=hidden)
                await anyio.to_thread.run_sync(shutil.copyfile, made, target)
            finally:
                shutil.rmtree(place, ignore_errors=True)

    async def pdf(self, source: Path, *, hidden: bool = False) -> Path:
        """A PDF of a file, made once for as long as the file stays the same. Arguments and errors are `convert`'s."""
        hidden = hidden and source.suffix.lower() in _SLIDES
        stamp = _stamp(source)
        kept = self._pdfs.get((source, hidden))
        if kept and kept[0] == stamp and kept[1].exists():
            return kept[1]
        target = self.place() / "pages.pdf"
        await self.convert(source, target, hidden=hidden)
        self._keep((source, hidden), stamp, target)
        return target

    async def pdfs(self, sources: Sequence[Path]) -> dict[Path, Path]:
        """PDFs of many files by one start of LibreOffice, by source, in a new folder below `scratch`.

        Args:
            sources: files of our own making, below `scratch`, each with another name.

        Raises:
            ToolFault: as `convert`; where one of them could not be made, none is given.
        """
        async with self._lock:
            out = self.place()
            command = self._command(sources[0], "pdf", out) + [str(source) for source in sources[1:]]
            finished = await self._run(command, out)
        made = {source: out / f"{source.stem}.pdf" for source in sources}
        lacking = [source.name for source, target in made.items() if not target.exists()]
        if finished.status is None or lacking:
            raise ToolFault(f"LibreOffice could not make a PDF of {len(lacking)} documents: {_reason(finished)}")
        return made

    async def _run(self, command: Sequence[str], place: Path) -> Finished:
        return await self._room.programs.run(
            command,
            cwd=place,
            environment={"HOME": str(self.scratch), "SAL_USE_VCLPLUGIN": "svp"},
            seconds=SECONDS,
            writable=(self.scratch,),
            workspace=False,
        )

    def _keep(self, source: tuple[Path, bool], stamp: tuple[int, int, int], target: Path) -> None:
        old = [self._pdfs.pop(source, None)]
        if len(self._pdfs) >= MOST_PDF:
            old.append(self._pdfs.pop(next(iter(self._pdfs))))
        for kept in filter(None, old):
            shutil.rmtree(kept[1].parent, ignore_errors=True)
        self._pdfs[source] = (stamp, target)

    async def _convert(self, source: Path, kind: str, place: Path, *, hidden: bool) -> Path:
        copied = place / f"in{source.suffix.lower()}"
        await anyio.to_thread.run_sync(_copy, source, copied)
        out = place / "out"
        out.mkdir()
        wanted = _ALL_SLIDES if hidden else _FILTERS.get(kind, kind)
        finished = await self._run(self._command(copied, wanted, out), place)
        made = out / f"in.{kind}"
        if finished.status is None:
            raise ToolFault(f"LibreOffice was still at {source.name} after {SECONDS:.0f} s and was ended.")
        if not made.exists():
            raise ToolFault(f"LibreOffice could not make a .{kind} of {source.name}: {_reason(finished)}")
        return made

    def _command(self, source: Path, wanted: str, out: Path) -> list[str]:
        if (program := shutil.which("soffice") or shutil.which("libreoffice")) is None:
            raise ToolFault("LibreOffice is not installed here; ask the user to install it (package libreoffice).")
        return [
            program, f"-env:UserInstallation={(self.scratch / 'profile').as_uri()}",
            "--headless", "--norestore", "--nolockcheck", "--nodefault", "--nofirststartwizard",
            "--convert-to", wanted, "--outdir", str(out), str(source),
        ]  # fmt: skip


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def _stamp(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _reason(finished: Finished) -> str:
    text = (finished.error + b"\n" + finished.output).decode("utf-8", "replace")
    told = [line.strip() for line in text.splitlines() if "rror" in line]
    with suppress(IndexError):
        return f"{told[0][:300]}."
    return f"it ended with status {finished.status} and said nothing. The file may be damaged."
