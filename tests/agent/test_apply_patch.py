"""`apply_patch` on real files: all of a patch, or nothing of it."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from filelock import lock_descriptor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.tools import changes
from agent.tools.apply_patch import patch_tools
from agent.tools.base import Arguments, Reply
from agent.tools.folder import Folder
from agent.tools.toolbox import Toolbox
from agent.values import FunctionCall
from tests.support.room import call, context, room

PATCH = """\
*** Begin Patch
*** Update File: a.txt
@@
-one
+1
*** Add File: new/b.txt
+b
*** Update File: c.txt
*** Move to: moved/c.txt
@@
-c
+C
*** Delete File: d.txt
*** End Patch
"""
BEFORE = {"a.txt": b"one\ntwo\n", "c.txt": b"c\n", "d.txt": b"d\n"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "task"
    made.mkdir()
    for name, data in BEFORE.items():
        (made / name).write_bytes(data)
    return made


def apply(folder: Path, patch: str) -> Reply:
    (tool,) = patch_tools(room(folder))
    return anyio.run(lambda: call(tool, patch=patch))


def operate(folder: Path, **operation: str) -> Reply:
    """As OpenAI's own tool is called."""
    made = FunctionCall("c1", "apply_patch", json.dumps({"operation": operation}), "apply_patch")
    toolbox = Toolbox(patch_tools(room(folder)))
    assert toolbox.in_words(made).split(" ", 1) == [
        operation["type"].split("_")[0].replace("update", "edit"),
        operation["path"],
    ]
    return anyio.run(lambda: toolbox.use(made, context()))


def update(folder: Path, path: str, diff: str) -> Reply:
    return apply(folder, f"*** Begin Patch\n*** Update File: {path}\n{diff}\n*** End Patch")


def files(folder: Path) -> dict[str, bytes]:
    """Everything in it, hidden files and links too; what was thrown away apart."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_symlink() or not path.is_dir())
    return {path.relative_to(folder).as_posix(): data_of(path) for path in found if ".trash" not in path.parts}


def data_of(path: Path) -> bytes:
    return bytes(path.readlink()) if path.is_symlink() else path.read_bytes()


def test_a_patch_of_several_files_is_done(folder: Path) -> None:
    (folder / "c.txt").chmod(0o755)
    reply = apply(folder, PATCH)
    assert files(folder) == {"a.txt": b"1\ntwo\n", "new/b.txt": b"b\n", "moved/c.txt": b"C\n"}
    assert (folder / "moved/c.txt").stat().st_mode & 0o777 == 0o755
    assert [path.read_bytes() for path in (folder / ".trash").rglob("d.txt")] == [b"d\n"]
    for told in ("updated a.txt: +1 -1", "created new/b.txt (1 line)", "moved c.txt to moved/c.txt", "deleted d.txt"):
        assert told in reply.text


def test_openais_own_calls_are_taken_too(folder: Path) -> None:
    assert "created x.txt (2 lines)" in operate(folder, type="create_file", path="x.txt", diff="+x\n+y").text
    operate(folder, type="update_file", path="x.txt", diff="@@\n x\n-y\n+z\n*** End Patch")
    operate(folder, type="delete_file", path="d.txt")
    missed = operate(folder, type="update_file", path="a.txt", diff="@@\n-three\n+3")
    assert missed.failed and "line 2 of the patch" in missed.text
    assert files(folder) == {"a.txt": b"one\ntwo\n", "c.txt": b"c\n", "x.txt": b"x\nz\n"}


def test_a_file_can_be_moved_as_it_is(folder: Path) -> None:
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x00")
    update(folder, "picture.png", "*** Move to: pictures/one.png")
    assert files(folder)["pictures/one.png"] == b"\x89PNG\r\n\x00" and "picture.png" not in files(folder)


@pytest.mark.parametrize(
    ("before", "diff", "after"),
    [
        ("\ufeffa\r\nb\r\n".encode(), "@@\n-b\n+ß", "\ufeffa\r\nß\r\n".encode()),
        ("a\nb".encode("utf-16"), "@@\n-b\n+c", "a\nc".encode("utf-16")),
        ("é\nb\n".encode("latin-1"), "@@\n é\n-b\n+ü", "é\nü\n".encode("latin-1")),
        ("“é”\nb\n".encode("cp1252"), "@@\n-b\n+€", "“é”\n€\n".encode("cp1252")),
        (b"a\rb\r", "@@\n-b\n+c", b"a\rc\r"),
        (b"a\nb\r\nc", "@@\n-a\n+x", b"x\nb\r\nc"),
        (b"x\x0cy\xc2\x85z\nb\n", "@@\n-b\n+c", b"x\x0cy\xc2\x85z\nc\n"),  # no newlines of ours
    ],
)
def test_encoding_mark_and_newlines_are_kept(folder: Path, before: bytes, diff: str, after: bytes) -> None:
    (folder / "f").write_bytes(before)
    assert "updated f" in update(folder, "f", diff).text
    assert (folder / "f").read_bytes() == after


@pytest.mark.parametrize(
    ("patch", "told"),
    [
        (PATCH.replace("-c\n", "-C\n"), "c.txt: the lines from line 11 of the patch, «C»"),
        (PATCH.replace("d.txt", "e.txt"), "e.txt does not exist"),
        (PATCH.replace("new/b.txt", "c.txt"), "Line 8 of the patch: c.txt comes twice"),
        (PATCH.replace("new/b.txt", "./a.txt"), "a.txt comes twice"),
        (PATCH.replace("moved/c.txt", "d.txt"), "d.txt comes twice"),
        (PATCH.replace("new/b.txt", "held.txt"), "Line 6 of the patch: held.txt is there already"),
        (PATCH.replace("moved/c.txt", "held.txt"), "Line 8 of the patch: held.txt is there already"),
        (PATCH.replace("new/b.txt", "../b.txt"), "outside the task's folder"),
        (PATCH.replace("new/b.txt", "/etc/b.txt"), "outside the task's folder"),
        (PATCH.replace("new/b.txt", "away/b.txt"), "outside the task's folder"),
        (PATCH.replace("d.txt", "out.txt"), "outside the task's folder"),
        (PATCH.replace("a.txt", "sub"), "sub is no file"),
        (PATCH.replace("new/b.txt", "held.txt/b.txt"), "could not be written"),
        (PATCH.replace("a.txt", "binary"), "binary is no text file"),
        (PATCH.replace("a.txt", "locked.txt"), "locked.txt is read-only"),
        (PATCH.replace("new/b.txt", "a\0b"), "a path must be"),
        (PATCH.replace("+b", "+\ud800"), "half a character"),
        (PATCH.replace("new/b.txt", "x" * 300), "File name too long"),
        (PATCH.replace("+1", "+→").replace("a.txt", "legacy.txt"), "legacy.txt: the file is written in Windows-1252"),
        (PATCH.replace("a.txt", "broken.txt"), "broken.txt is damaged"),
    ],
)
def test_a_patch_that_does_not_fit_changes_nothing(folder: Path, patch: str, told: str) -> None:
    (folder.parent / "other").mkdir()
    (folder.parent / "other.txt").write_bytes(b"d\n")
    (folder / "away").symlink_to(folder.parent / "other")
    (folder / "out.txt").symlink_to(folder.parent / "other.txt")
    (folder / "sub").mkdir()
    (folder / "held.txt").write_bytes(b"held")
    (folder / "binary").write_bytes(b"one\n\x00\x01")
    (folder / "locked.txt").write_bytes(b"one\n")
    (folder / "locked.txt").chmod(0o444)
    (folder / "legacy.txt").write_bytes(b"one\n\xe9\n")
    (folder / "broken.txt").write_bytes(b"\xff\xfeo\0n\0e\0\n\0x")
    before = files(folder)
    reply = apply(folder, patch)
    assert reply.failed and told in reply.text
    assert files(folder) == before and not (folder / "new").exists() and not (folder / ".trash").exists()
    assert list((folder.parent / "other").iterdir()) == []


def test_a_link_to_a_file_inside_is_followed(folder: Path) -> None:
    (folder / "link.txt").symlink_to("a.txt")
    update(folder, "link.txt", "@@\n-one\n+1")
    assert (folder / "link.txt").is_symlink() and (folder / "a.txt").read_bytes() == b"1\ntwo\n"


def test_a_link_that_is_deleted_or_moved_is_the_link_itself(folder: Path) -> None:
    for name in ("link.txt", "other.txt"):
        (folder / name).symlink_to("a.txt")
    assert not operate(folder, type="delete_file", path="link.txt").failed
    assert not apply(
        folder, "*** Begin Patch\n*** Update File: other.txt\n*** Move to: moved.txt\n*** End Patch"
    ).failed
    assert not (folder / "link.txt").is_symlink() and (folder / "moved.txt").is_symlink()
    assert (folder / "a.txt").read_bytes() == BEFORE["a.txt"]


def test_a_diff_that_changes_nothing_is_none(folder: Path) -> None:
    (tool,) = patch_tools(room(folder))
    for diff in ("", "@@\n one"):
        operation = {"type": "update_file", "path": "a.txt", "diff": diff}
        reply = anyio.run(lambda: call(tool, operation=operation))  # noqa: B023 (it is run at once)
        assert reply.failed and "would change nothing of a.txt" in reply.text


def test_what_somebody_else_has_changed_is_left_alone(folder: Path) -> None:
    made = room(folder)
    (tool,) = patch_tools(made)
    made.folder.note(folder / "a.txt")
    (folder / "a.txt").write_bytes(b"one\nby another\n")
    reply = anyio.run(lambda: call(tool, patch=PATCH))
    assert "a.txt has been changed since you looked at it" in reply.text
    assert files(folder) == BEFORE | {"a.txt": b"one\nby another\n"}
    assert "updated a.txt" in anyio.run(lambda: call(tool, patch=PATCH)).text  # it was told
    reply = anyio.run(lambda: call(tool, patch="*** Begin Patch\n*** Add File: d.txt\n+d\n*** End Patch"))
    assert "created d.txt" in reply.text  # where a deleted one was


@pytest.mark.parametrize("step", range(7))
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_what_fails_halfway_is_put_back(folder: Path, monkeypatch: pytest.MonkeyPatch, step: int, number: int) -> None:
    count = -1

    def failing(original: object) -> object:
        def do(*arguments: object, **more: object) -> object:
            nonlocal count
            count += 1
            if count == step:
                raise OSError(number, os.strerror(number))
            return original(*arguments, **more)  # pyright: ignore[reportCallIssue, reportUnknownVariableType]

        return do

    monkeypatch.setattr(changes, "_stage", failing(changes._stage))  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(changes, "_do", failing(changes._do))  # pyright: ignore[reportPrivateUsage]
    reply = apply(folder, PATCH)
    assert count >= step, "a patch of four files has so many steps at least"
    assert reply.failed and os.strerror(number) in reply.text and "Nothing was changed" in reply.text
    assert files(folder) == BEFORE and [each.name for each in folder.iterdir() if each.is_dir()] == []


KILLED = """
import os, signal, sys
from pathlib import Path
from agent.tools import changes
from agent.tools.folder import Folder
from agent.tools.toolbox import Toolbox
from agent.values import FunctionCall
from agent.tools.apply_patch import _applied
names = ("_stage", "_do", "_discard")
left = int(sys.argv[2])
def deadly(original):
    def do(*arguments):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return original(*arguments)
    return do
for name in names:
    setattr(changes, name, deadly(getattr(changes, name)))
_applied(Folder(Path(sys.argv[1])), {"patch": sys.stdin.read()})
"""


@pytest.mark.parametrize("step", [1, 4, 6, 8, 9, 10, pytest.param(11, marks=pytest.mark.slow)])
def test_what_a_killed_process_left_is_put_back_or_finished(folder: Path, step: int) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), str(step)],
        input=PATCH.encode(),
        env=os.environ | {"PYTHONPATH": "."},
        check=False,
    )
    assert ended.returncode in (-signal.SIGKILL, 0)
    assert ended.returncode or step > 9, "it was to be killed in between"
    patch_tools(room(folder))
    after = {"a.txt": b"1\ntwo\n", "new/b.txt": b"b\n", "moved/c.txt": b"C\n"}
    assert files(folder) in (BEFORE, after)
    assert (folder / "new").exists() == (files(folder) == after)


def test_the_plan_of_a_process_that_lives_is_left_alone(folder: Path) -> None:
    plan = folder / ".deskhand-0123abcd.plan"
    (folder / ".a.txt.0123abcd.old").write_bytes(b"before")
    told = {"steps": [["keep", "a.txt", ".a.txt.0123abcd.old"]], "staged": [], "discarded": [], "made": []}
    plan.write_text(json.dumps(told) + "\nwritten\n")
    with plan.open("r+") as held:
        assert lock_descriptor(held.fileno(), blocking=False)
        changes.mend(Folder(folder))
        assert plan.exists() and (folder / "a.txt").read_bytes() == BEFORE["a.txt"]
    changes.mend(Folder(folder))
    assert files(folder) == BEFORE | {"a.txt": b"before"}


@pytest.mark.parametrize("target", ["../victim", "/etc/victim", "sub/../../victim"])
def test_no_foreign_plan_is_followed(folder: Path, target: str) -> None:
    (folder.parent / "victim").write_bytes(b"v")
    told = {"steps": [["move", "a.txt", target]], "staged": ["a.txt"], "discarded": ["c.txt"], "made": []}
    for stages in ("", "written\n", "written\ndone\n"):
        (folder / ".deskhand-0123abcd.plan").write_text(json.dumps(told) + "\n" + stages)
        changes.mend(Folder(folder))
        assert (folder.parent / "victim").read_bytes() == b"v"
        assert {name: data for name, data in files(folder).items() if not name.startswith(".")} == BEFORE


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a small disk of its own is made by mount")
@pytest.mark.parametrize(("filled", "named"), [("", "b.txt"), ("(cat /dev/zero > full; true) 2>/dev/null; ", "a.txt")])
def test_a_full_disk_changes_nothing(folder: Path, filled: str, named: str) -> None:
    script = f"mount -t tmpfs -o size=64k none {folder} && cd {folder} && printf 'one\\ntwo\\n' > a.txt && "
    script += f"{filled}cd - >/dev/null && {sys.executable} -c '{FULL}' {folder}"
    ended = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": "."}
    )
    if "unshare" in ended.stderr or "mount" in ended.stderr:
        pytest.skip("no namespaces of one's own here")
    told = f"{named} could not be written: No space left on device. Nothing was changed. The disk is full"
    assert ended.stdout.startswith(told), ended
    left = ["a.txt", "full"] if filled else ["a.txt"]
    assert ended.stdout.endswith(f"{left} one\ntwo\n\n")


FULL = """
import sys
from pathlib import Path
from agent.errors import ToolFault
from agent.tools.apply_patch import _applied
from agent.tools.folder import Folder
from agent.tools.toolbox import Toolbox
from agent.values import FunctionCall
folder = Path(sys.argv[1])
big = "+" + "x" * 99 + chr(10)
patch = ["*** Begin Patch", "*** Update File: a.txt", "@@", "-one", "+1", "*** Add File: b.txt", big * 2000]
try:
    _applied(Folder(folder), {"patch": chr(10).join([*patch, "*** End Patch"])})
except ToolFault as fault:
    print(fault)
print(sorted(each.name for each in folder.iterdir()), (folder / "a.txt").read_text())
"""


def test_a_call_is_said_in_words_whatever_it_is(folder: Path) -> None:
    (tool,) = patch_tools(room(folder))
    assert tool.in_words({"patch": PATCH}) == "edit a.txt, create new/b.txt, edit c.txt and 1 more"
    assert tool.in_words({"operation": {"type": "delete_file", "path": "x"}}) == "delete x"
    odd_ones: tuple[Arguments, ...] = ({}, {"patch": 1}, {"operation": []}, {"operation": {"type": 1}}, {"patch": "x"})
    for odd in odd_ones:
        assert tool.in_words(odd) == "apply a patch"
    assert tool.builtin == "apply_patch" and tool.touches_files


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(st.text(st.sampled_from("*@ +-abonetw\n"), max_size=80))
def test_whatever_the_patch_is_the_files_are_whole(folder: Path, body: str) -> None:
    before = files(folder)
    reply = apply(folder, f"*** Begin Patch\n*** Update File: a.txt\n{body}\n*** End Patch")
    if reply.failed:
        assert files(folder) == before
    else:
        assert set(files(folder)) == set(before)
        (folder / "a.txt").write_bytes(BEFORE["a.txt"])
