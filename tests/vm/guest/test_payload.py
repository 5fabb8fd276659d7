"""What the guest is given is all that it needs, and the same each time."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

from tests.support.guest import guest_python, unpacked
from vm.guest.payload import names, payload, payload_hash

LACKING = ("cv2", "mss", "pydantic", "anyio", "pynput", "tesserocr", "fastapi")

IMPORTS = """
import importlib, sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {lacking}:
            raise ImportError(name + " is not in the guest")
sys.meta_path.insert(0, Nothing())
for name in {modules}:
    importlib.import_module(name)
for name in ("numpy", "PIL"):
    assert name not in sys.modules or {heavy}, name + " is loaded before it is needed"
"""


def modules() -> list[str]:
    found = [name.removesuffix(".py").replace("/", ".") for name in names() if name.endswith(".py")]
    return [name.removesuffix(".__init__") for name in found if ".site." not in name]


def imported(code: Path, wanted: list[str], *, heavy: bool) -> None:
    program = IMPORTS.format(lacking=LACKING, modules=wanted, heavy=heavy)
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{code}:{code / 'vm/guest/site'}"}
    done = subprocess.run(
        [guest_python(), "-c", program], env=environment, cwd=code, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_module_can_be_imported_with_what_the_guest_has(tmp_path: Path) -> None:
    imported(unpacked(tmp_path), [*modules(), "pyautogui"], heavy=True)


def test_the_server_starts_without_what_takes_long_to_load(tmp_path: Path) -> None:
    imported(unpacked(tmp_path), ["vm.guest.server", "vm.guest.root"], heavy=False)


def test_the_same_code_gives_the_same_bytes() -> None:
    assert payload() == payload() and len(payload_hash()) == 64
    with tarfile.open(fileobj=io.BytesIO(payload())) as tar:
        entries = tar.getmembers()
    assert [entry.name for entry in entries] == names()
    assert all((e.uid, e.gid, e.mtime, e.mode) == (0, 0, 0, 0o644) for e in entries)
    assert not any("test" in entry.name for entry in entries)
