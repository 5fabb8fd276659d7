"""A worker beside LibreOffice: one JSON object a line comes in, one goes out, in the order of asking.

    python3 -m uno_worker PIPE FD      FD: a socket; without it standard input and output

    {"id": 1, "seconds": 30, "do": "list"}        → {"id": 1, "documents": [{"path", "kind", "modified", "front", …}]}
    {"do": "snapshot", "path": P, "as": "xlsx"}   → {"data": base64}: the document as it stands, unsaved changes too
    {"do": "blocks", "path": P}                   → {"blocks": […]}: paragraphs and tables of a text document
    {"do": "texts", "path": P, "sheet": S, "cells": R, "header": bool}
                                                  → {"columns": [[text, …], …]}: those that are no results of formulas
    {"do": "edit", "path": P, "operations": […], "save": "auto"|"always"|"never"}
                                                  → {"done": [text, …], "saved": bool, "modified_before": bool,
                                                     "errors": [text, …], "undoable": bool, "lasting": [operation, …]}
    {"do": "save", "path": P}                     → {"saved": true}

What cannot be done is answered with {"fault": text}; what is not there with {"nothing": text}. After its seconds a
request is answered with {"fault": …, "late": true}, and the worker ends, since a LibreOffice that hangs cannot be asked
anything else. It ends as well when nobody listens any more. Nothing of a document is ever run: no macro, no link.
"""

from __future__ import annotations

import base64
import json
import os
import queue
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from . import calc, impress, mending, writer
from .link import Fault, Nothing, Office, is_a, kind_of, path_of, set_properties, url_of, values

Asked = dict[str, Any]
FILTERS = {
    "xlsx": "Calc MS Excel 2007 XML", "ods": "calc8", "docx": "MS Word 2007 XML", "odt": "writer8",
    "pptx": "Impress MS PowerPoint 2007 XML", "odp": "impress8",
}  # fmt: skip
PDF = {"spreadsheet": "calc_pdf_Export", "slides": "impress_pdf_Export", "document": "writer_pdf_Export"}
LARGEST = 200_000_000  # bytes of a snapshot
LASTING = frozenset({"set_properties"})  # what Ctrl+Z takes back in no document
EDITORS: dict[str, Any] = {"spreadsheet": calc.Calc, "document": writer.Writer, "slides": impress.Impress}


class Worker:
    """Carries out one request after the other."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._steps = 0

    def answer(self, asked: Asked) -> Asked:
        """What came of a request."""
        try:
            self._office.connect()
            return self._do(asked)
        except Nothing as error:
            return {"nothing": str(error)}
        except Fault as error:
            return {"fault": f"{error}."}
        except Exception as error:
            if not self._office.answers():
                return {"fault": "LibreOffice has ended in the middle of it; what was not saved there is lost."}
            return {"fault": f"LibreOffice says: {_plain(error)}."}

    def _do(self, asked: Asked) -> Asked:
        match asked["do"]:
            case "list":
                return {"documents": [self._told(document) for document in self._office.documents()]}
            case "snapshot":
                return {"data": self._snapshot(self._ready(asked["path"]), asked["as"])}
            case "blocks":
                return {"blocks": writer.blocks(self._ready(asked["path"]))}
            case "texts":
                book = calc.Calc(self._office, self._ready(asked["path"]))
                return {"columns": mending.texts(book, asked)}
            case "edit":
                return self._edit(self._ready(asked["path"]), asked)
            case "save":
                self._save(self._ready(asked["path"]))
                return {"saved": True}
            case other:
                raise Fault(f"there is no request {other!r}")

    def _told(self, document: Any) -> Asked:
        return {
            "path": path_of(document),
            "kind": kind_of(document),
            "title": document.CurrentController.Frame.Title,
            "modified": bool(document.isModified()),
            "readonly": bool(document.isReadonly()),
            "front": bool(document.CurrentController.Frame.isActive()),
        }

    def _ready(self, path: str) -> Any:
        """A document, with what is being typed into a cell of it taken over."""
        document = self._office.find(path)
        if kind_of(document) == "spreadsheet":
            self._office.dispatch(document, ".uno:Calculate")
        return document

    def _snapshot(self, document: Any, kind: str) -> str:
        name = PDF[kind_of(document)] if kind == "pdf" else FILTERS[kind]
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder, f"snapshot.{kind}")
            document.storeToURL(url_of(str(target)), values(FilterName=name))
            if target.stat().st_size > LARGEST:
                raise Fault(f"it is too large to be looked at while it is open ({target.stat().st_size} bytes)")
            return base64.b64encode(target.read_bytes()).decode()

    def _save(self, document: Any) -> None:
        if document.isReadonly():
            raise Fault("it is open for reading only and cannot be saved under its name")
        document.store()

    def _edit(self, document: Any, asked: Asked) -> Asked:
        if document.isReadonly():
            raise Fault("it is open for reading only; nothing was changed. Close it there, or work on a copy")
        _mend(document)
        before = bool(document.isModified())
        editor = EDITORS[kind_of(document)](self._office, document)
        done, undoable = self._office.on_main(lambda: self._in_one_step(document, editor, asked))
        saved = asked["save"] == "always" or (asked["save"] == "auto" and not before)
        if saved:
            self._save(document)
        return {
            "done": done,
            "saved": saved,
            "modified_before": before,
            "errors": editor.errors(),
            "lasting": sorted(editor.LASTING.union(LASTING).intersection(one["do"] for one in asked["operations"])),
            "undoable": undoable,
        }

    def _in_one_step(self, document: Any, editor: Any, asked: Asked) -> tuple[list[str], bool]:
        """All operations, as one step to be undone, and whether there is one; none of them where one fails."""
        undo, number, done = document.getUndoManager(), 0, dict[int, str]()
        editor.begin(asked)
        operations = editor.in_order(asked["operations"])
        self._steps += 1
        step = f"Edit by Deskhand ({self._steps})"  # a name of its own, by which it is told from those before
        undo.enterUndoContext(step)
        try:
            for number, operation in operations:
                one = set_properties if operation["do"] == "set_properties" else editor.carry_out
                done[number] = one(document, operation)
        except Exception as error:
            if is_a(error, "lang.DisposedException"):
                raise
            undo.leaveUndoContext()
            if _is_last(undo, step):
                undo.undo()
                undo.clearRedo()
            said = str(error) if isinstance(error, Fault) else f"LibreOffice says: {_plain(error)}"
            raise Fault(f"operation {number}: {said}. Nothing was changed") from None
        finally:
            editor.end()
        undo.leaveUndoContext()
        if asked.get("show", True):
            editor.show()
        return [done[number] for number in sorted(done)], _is_last(undo, step)


def _is_last(undo: Any, step: str) -> bool:
    """Whether a step is what Ctrl+Z takes back; one without changes is not."""
    return bool(undo.isUndoPossible()) and undo.getCurrentUndoActionTitle() == step


def _mend(document: Any) -> None:
    """What a worker that was ended in the middle has left open."""
    while document.hasControllersLocked():
        document.unlockControllers()
    undo = document.getUndoManager()
    while undo.isLocked():
        undo.unlock()
    with suppress(Exception):  # it says so where none is open
        while True:
            undo.leaveUndoContext()


def _plain(error: BaseException) -> str:
    text = " ".join(str(getattr(error, "Message", "") or error).split())
    return (text or type(error).__name__.rpartition(".")[2])[:300]


class Line:
    """Requests one by one, each answered once: by what carries it out, or by the clock."""

    def __init__(self, source: BinaryIO, target: BinaryIO) -> None:
        self._source, self._target = source, target
        self._lock = threading.Lock()
        self._waiting: queue.Queue[Asked] = queue.Queue()
        self._due: float | None = None
        self._number = 0

    def serve(self, answer: Callable[[Asked], Asked]) -> None:
        """Until nobody asks any more."""
        for work in (self._read, self._watch):
            threading.Thread(target=work, daemon=True).start()
        while True:
            asked = self._waiting.get()
            with self._lock:
                self._number, self._due = asked["id"], time.monotonic() + asked["seconds"]
            told = answer(asked)
            with self._lock:
                self._due = None
                self._write(told)

    def _read(self) -> None:
        for line in self._source:
            self._waiting.put(json.loads(line))
        os._exit(0)

    def _watch(self) -> None:
        while True:
            time.sleep(0.05)
            with self._lock:
                if self._due is not None and time.monotonic() > self._due:
                    self._write({"fault": "LibreOffice does not answer.", "late": True})
                    os._exit(3)

    def _write(self, told: Asked) -> None:
        try:
            self._target.write(json.dumps({"id": self._number, **told}).encode() + b"\n")
            self._target.flush()
        except OSError:
            os._exit(0)


def main(pipe: str, descriptor: int | None) -> None:
    """Serve until the other end is closed."""
    if descriptor is None:
        line = Line(sys.stdin.buffer, sys.stdout.buffer)
    else:
        end = socket.socket(fileno=descriptor)
        line = Line(end.makefile("rb"), end.makefile("wb"))
    line.serve(Worker(Office(pipe)).answer)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None)
