"""What the guest is given is all that it needs, and the same each time."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from pathlib import Path

from tests.support.guest import guest_python, unpacked
from vm.guest.payload import GUEST, ROOT, names, payload, payload_hash

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


def test_nothing_is_compiled_in_the_machine(tmp_path: Path) -> None:
    code = unpacked(tmp_path)
    (code / "vm/guest/state.py").write_text("raise ImportError('this was compiled anew')")
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(code), "PYTHONDONTWRITEBYTECODE": "1"}
    program = "import sys; assert sys.implementation.cache_tag != sys.argv[1]; import vm.guest.server"
    ours = sys.implementation.cache_tag
    if ours == GUEST:
        program = program.replace("!=", "==")
    subprocess.run([guest_python(), "-c", program, GUEST], env=environment, cwd=code, check=ours == GUEST)


def test_the_same_code_gives_the_same_bytes() -> None:
    again = subprocess.run(
        [sys.executable, "-c", "from vm.guest.payload import payload_hash; print(payload_hash())"],
        env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert again.stdout.strip() == payload_hash()
    with tarfile.open(fileobj=io.BytesIO(payload())) as tar:
        entries = tar.getmembers()
    assert [entry.name for entry in entries if not entry.name.endswith(".pyc")] == names()
    assert all((e.uid, e.gid, e.mtime, e.mode) == (0, 0, 0, 0o644) for e in entries)
    assert not any("test" in entry.name for entry in entries)
