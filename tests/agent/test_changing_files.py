"""Changes of files: a list that is done as a whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.file_desk import Desk, contents, move


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "task")


def test_two_hundred_scans_are_renamed_in_one_call(desk: Desk) -> None:
    for number in range(200):
        (desk.folder / f"scan{number:04}.txt").write_text(str(number))
    told = desk.change(*(move(f"scan{number:04}.txt", f"Invoices/2026-{number}.txt") for number in range(200)))
    assert contents(desk.folder) == {f"Invoices/2026-{number}.txt": str(number) for number in range(200)}
    assert "… and 140 more, all done" in told.text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(st.permutations("abcdef"), st.permutations("abcdefgh"))
def test_names_are_exchanged_however_they_go_round(desk: Desk, sources: list[str], targets: list[str]) -> None:
    before = {name: f"was {name}" for name in "abcdef"}
    for name in "abcdefgh":
        (desk.folder / name).unlink(missing_ok=True)
    for name, text in before.items():
        (desk.folder / name).write_text(text)
    pairs = [(a, b) for a, b in zip(sources, targets, strict=False) if a != b]
    kept = {a for a, b in zip(sources, targets, strict=False) if a == b}
    if pairs:
        Desk(desk.folder).change(*(move(a, b) for a, b in pairs))
    assert contents(desk.folder) == {b: before[a] for a, b in pairs} | {a: before[a] for a in kept}


def test_every_operation(desk: Desk) -> None:
    (desk.folder / "old").mkdir()
    (desk.folder / "old" / "x.txt").write_text("x")
    (desk.folder / "b.txt").write_text("b")
    (desk.folder / "c.txt").write_text("c")
    (desk.folder / "link").symlink_to("c.txt")
    reply = desk.change(
        {"do": "write", "path": "new/a.txt", "text": "é\n"},
        {"do": "write", "path": "b.txt", "text": "B", "replace": True},
        {"do": "copy", "path": "b.txt", "to": "copies/"},
        {"do": "copy", "path": "old", "to": "older"},
        move("old", "put/away"),
        {"do": "make_folder", "path": "empty/deep"},
        {"do": "delete", "path": "link"},
    )
    assert not reply.failed, reply.text
    assert contents(desk.folder) == {
        "b.txt": "B",
        "c.txt": "c",
        "copies/b.txt": "b",
        "new/a.txt": "é\n",
        "older/x.txt": "x",
        "put/away/x.txt": "x",
    }
    assert (desk.folder / "empty/deep").is_dir() and not (desk.folder / "old").exists()
    assert [path.read_text() for path in desk.folder.glob(".trash/*/b.txt")] == ["b"]
    assert "What went is kept in .trash/" in reply.text and not (desk.folder / "link").is_symlink()


@pytest.mark.parametrize(
    ("operations", "told"),
    [
        ([move("a", "c"), move("b", "c")], "Operations 1 and 2 would both be c."),
        ([move("a", "b")], "Operation 1: b is there already."),
        ([move("a", "x"), move("a", "y")], "Operations 1 and 2 both take a away."),
        ([move("a", "x"), move("nothing", "y")], "Operation 2: nothing does not exist"),
        ([move("a", "x"), {"do": "write", "path": "b", "text": ""}], "Operation 2: b is there already."),
        ([move("a", "x"), move("b", "../y")], "Operation 2: ../y is outside"),
        ([move("a", "x"), move("b", "away/y")], "Operation 2: away/y is outside"),
        ([move("a", "x"), {"do": "delete", "path": "away"}], "outside the task's folder"),
        ([move("sub", "sub/in")], "Operation 1: sub/in lies within what is put there."),
        ([move("sub", "x"), move("sub/c", "c")], "Operation 2: sub/c lies in sub, which goes in the same call"),
        ([move("a", "b/c")], "Operation 1: b is a file, so nothing can lie in it."),
        ([{"do": "write", "path": "x", "text": ""}, move("a", "x/y")], "Operation 2: x is a file, so nothing"),
        ([move("a", "sub", replace=True)], "Operation 1: sub is a folder, which is not replaced"),
        ([{"do": "delete", "path": "."}], "the task's folder itself"),
        ([{"do": "make_folder", "path": "a"}], "Operation 1: a is a file."),
        ([move("a", "a")], "Operation 1: a would be put in its own place."),
        ([move("a", "locked", replace=True)], "locked is read-only"),
        ([], "1 to 5000"),
        ([{"do": "fly"}], "Nothing was done"),
    ],
)
def test_what_collides_is_told_beforehand_and_nothing_is_done(
    desk: Desk, operations: list[dict[str, object]], told: str
) -> None:
    (desk.folder / "sub").mkdir()
    (desk.folder / "away").symlink_to(desk.folder.parent)
    for name in ("a", "b", "sub/c", "locked"):
        (desk.folder / name).write_text(name)
    (desk.folder / "locked").chmod(0o444)
    before = contents(desk.folder)
    reply = desk.change(*operations)
    assert reply.failed and told in reply.text and "Nothing was" in reply.text
    assert contents(desk.folder) == before and not (desk.folder / ".trash").exists()


def test_what_was_changed_since_it_was_read_is_not_replaced(desk: Desk) -> None:
    (desk.folder / "a").write_text("a")
    desk.ask("read_file", path="a")
    (desk.folder / "a").write_text("by another")
    reply = desk.change({"do": "write", "path": "a", "text": "x", "replace": True})
    assert "has been changed since you looked at it" in reply.text and contents(desk.folder) == {"a": "by another"}


def test_a_folder_that_cannot_be_written_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    (desk.folder / "a").write_text("a")

    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", refused)
    reply = desk.change(move("a", "b"))
    assert "could not be written: Permission denied. Nothing was changed. Choose another place" in reply.text
    assert contents(desk.folder) == {"a": "a"}
