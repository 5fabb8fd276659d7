"""The plain interface: files."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from vm.guest import files
from vm.guest.forms import fields_of, read_parts
from vm.guest.state import Guest, text
from vm.guest.wire import Answer, Refused, Request, as_json, as_text

TRIES = 3  # downloads
TRY_SECONDS = 300.0  # for each of them
DEEPEST = 64  # folders in folders
MOST = 200_000  # files in a tree


def file(_: Guest, request: Request) -> Answer:
    """The content of a file."""
    path = fields_of(request).get("file_path", "")
    if not path:
        return as_json({"error": "file_path is required"}, 400)
    try:
        found = files.read(files.expanded(path))
    except Refused as refused:
        if refused.status == 404:
            return as_json({"error": "File not found"}, 404)
        raise
    return Answer(media="application/octet-stream", file=found)


def upload(_: Guest, request: Request) -> Answer:
    """Put a file there."""
    with tempfile.TemporaryDirectory(prefix="deskhand-") as folder:
        kept = Path(folder) / "file"

        def opener(name: str, _: Mapping[str, str]) -> BinaryIO:
            if name != "file_data":
                raise Refused(400, "invalid", f"the file must be called file_data, not {name!r}")
            return kept.open("wb")

        with files.one_error("the uploaded file"):
            fields = read_parts(request, opener)
        path = fields.get("file_path", "")
        if not path or not kept.exists():
            raise Refused(400, "invalid", "Required parameters not supplied: file_path and file_data")
        with kept.open("rb") as stream, files.written(files.expanded(path)) as target:
            shutil.copyfileobj(stream, target, 1024 * 1024)
        return as_text(f"File Uploaded: {kept.stat().st_size} bytes")


def download_file(_: Guest, request: Request) -> Answer:
    """Fetch something from the network, from inside the machine."""
    data = request.json()
    url, path = text(data, "url"), files.expanded(text(data, "path"))
    error = ""
    for _attempt in range(TRIES):
        try:
            _fetch(url, path)
        except (OSError, ValueError, Refused) as failure:
            error = str(failure) or type(failure).__name__
        else:
            return as_text("File downloaded successfully")
    return as_text(f"Failed to download {url}. No retries left. Error: {error}", 500)


def list_directory(_: Guest, request: Request) -> Answer:
    """What is in a folder and those in it, as a tree."""
    path = files.expanded(text(request.json(), "path"))
    if not path.is_dir():
        return as_json({"error": f"{path} is no folder"}, 400)
    return as_json({"directory_tree": _tree(path, 0, [0])})


def _tree(path: Path, depth: int, count: list[int]) -> dict[str, Any]:
    children: list[dict[str, Any]] = []
    with suppress(OSError):  # of a folder that may not be looked into there is only the name
        for entry in sorted(os.scandir(path), key=lambda entry: entry.name):
            count[0] += 1
            if count[0] > MOST:
                raise Refused(422, "invalid", f"more than {MOST} files; ask for a folder below")
            if entry.is_dir(follow_symlinks=False) and depth < DEEPEST:
                children.append(_tree(Path(entry.path), depth + 1, count))
            else:
                children.append({"type": "directory" if entry.is_dir() else "file", "name": entry.name})
    return {"type": "directory", "name": path.name, "children": children}


def _fetch(url: str, path: Path) -> None:
    from urllib.request import Request as Asked
    from urllib.request import urlopen

    if not url.startswith(("http://", "https://")):
        raise ValueError("only http and https addresses are fetched")
    deadline = time.monotonic() + TRY_SECONDS
    asked = Asked(url, headers={"User-Agent": "Mozilla/5.0"})
    with urlopen(asked, timeout=30.0) as answer, files.written(path) as target:
        while chunk := answer.read(256 * 1024):
            target.write(chunk)
            if time.monotonic() > deadline:
                raise ValueError(f"it took longer than {TRY_SECONDS:g} s")
