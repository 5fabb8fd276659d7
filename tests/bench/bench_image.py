"""The image from nothing: how long, how large. By an ordinary user too, where this is root."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from tests.bench.figure import Figure
from vm.image.build import build_image

SECONDS, MEGABYTES = 300.0, 900.0


def figures(name: str = "full") -> list[Figure]:
    """Built once, without anything that was downloaded before."""
    before = os.environ.get("DESKHAND_HOME")
    with tempfile.TemporaryDirectory(prefix="deskhand-image-") as folder:
        os.environ["DESKHAND_HOME"] = folder
        try:
            began = time.monotonic()
            image = build_image(name, say=lambda text: print(f"   {text}", flush=True))
            seconds = time.monotonic() - began
            size = sum(path.stat().st_size for path in Path(image.folder).iterdir()) / 1e6
        finally:
            os.environ.pop("DESKHAND_HOME")
            if before is not None:
                os.environ["DESKHAND_HOME"] = before
    who = "root, in a namespace" if os.geteuid() == 0 else "an ordinary user"
    return [
        Figure(f"image {name} from nothing", f"{seconds:.0f} s", f"≤ {SECONDS:g} s", seconds <= SECONDS, f"as {who}"),
        Figure(f"image {name}, compressed", f"{size:.0f} MB", f"≤ {MEGABYTES:g} MB", size <= MEGABYTES),
    ]
