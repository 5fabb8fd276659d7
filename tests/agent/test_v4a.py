"""The dialect of diffs: what is read from it, and where its hunks go."""

from __future__ import annotations

import difflib
from contextlib import suppress
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agent.errors import ToolFault
from agent.tools.patching import patched
from agent.tools.v4a import Add, Delete, Update, read_diff, read_patch

PATCH = """\
*** Begin Patch
*** Update File: src/app.py
*** Move to: src/main.py
@@ class Greeter:
@@ def greet():
 one
-two
+2
*** Add File: notes.txt
+a
+
+b
*** Delete File: old.txt
*** End Patch
"""
LINE = st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=6) | st.sampled_from(["", "a", "b"])


def update(text: str, diff: str) -> str:
    change = read_diff("update_file", "f", diff)
    assert isinstance(change, Update)
    return patched("f", text, change.hunks).text


def fault(text: str, diff: str) -> str:
    with pytest.raises(ToolFault) as raised:
        update(text, diff)
    return str(raised.value)


def test_a_patch_names_files_and_hunks_with_their_lines() -> None:
    updated, added, deleted = read_patch(PATCH)
    assert isinstance(updated, Update) and (updated.path, updated.to) == ("src/app.py", "src/main.py")
    (hunk,) = updated.hunks
    assert [(each.text, each.number) for each in hunk.anchors] == [("class Greeter:", 4), ("def greet():", 5)]
    assert [(each.sign, each.text, each.number) for each in hunk.lines] == [
        (" ", "one", 6),
        ("-", "two", 7),
        ("+", "2", 8),
    ]
    assert added == Add("notes.txt", 9, "a\n\nb\n")
    assert deleted == Delete("old.txt", 13)


def test_what_some_put_around_a_patch_is_no_matter() -> None:
    assert read_patch(f"\n```diff\n{PATCH}\n```\n")[2] == Delete("old.txt", 15)
    assert read_patch(PATCH.replace("\n", "\r\n"))[1] == Add("notes.txt", 9, "a\n\nb\n")


@pytest.mark.parametrize(
    ("patch", "told"),
    [
        ("", "Line 1 of the patch"),
        ("*** Begin Patch\n*** Update File: a\n@@\n-x", "cut short"),
        ("*** Begin Patch\n*** End Patch", "names no file"),
        ("*** Begin Patch\nhello\n*** End Patch", "Line 2 of the patch, «hello»: here a file must be named"),
        ("*** Begin Patch\n*** Add File: a\nhello\n*** End Patch", "Line 3 of the patch, «hello»: every line"),
        ("*** Begin Patch\n*** Add File:  \n+a\n*** End Patch", "Line 2 of the patch, «*** Add File:  »: there is no"),
        ("*** Begin Patch\n*** Update File: a\n@@\n-x\ny\n*** End Patch", "Line 5 of the patch, «y»"),
        ("*** Begin Patch\n*** Update File: a\n@@\n x\n*** End Patch", "nothing of a would be changed"),
        ("*** Begin Patch\n*** Update File: a\n@@ x\n*** End Patch", "Line 3 of the patch, «@@ x»: this hunk has no"),
        ("*** Begin Patch\n*** Update File: a\n+x\n*** End of File\n+y\n*** End Patch", "Line 5 of the patch"),
        ("*** Begin Patch\n*** Delete File: a\n-x\n*** End Patch", "Line 3 of the patch, «-x»: nothing may follow"),
        ("*** Begin Patch\n*** Update File: a\n*** Move to: \n*** End Patch", "Line 3 of the patch"),
    ],
)
def test_what_is_no_patch_is_told_with_its_line(patch: str, told: str) -> None:
    with pytest.raises(ToolFault) as raised:
        read_patch(patch)
    assert told in str(raised.value) and "Nothing was done" in str(raised.value)


@pytest.mark.parametrize(
    ("text", "diff", "becomes"),
    [
        ("a\nb\nc\n", "@@\n a\n-b\n+B\n c\n", "a\nB\nc\n"),
        ("a\nb\nc\n", " a\n-b\n+B", "a\nB\nc\n"),  # the first @@ may be left out
        ("a\nb\nc\n", "@@\n-a\n@@\n-c\n", "b\n"),
        ("a\nb\nc\n", "@@\n-c\n+C\n@@\n-a\n+A\n", "A\nb\nC\n"),  # not in the file's order, but clear
        ("x\ndef f():\n  a\ndef g():\n  a\n", "@@ def g():\n-  a\n+  b\n", "x\ndef f():\n  a\ndef g():\n  b\n"),
        ("class A(Base):\n  x\nclass B:\n  x\n", "@@ class A\n-  x\n+  y\n", "class A(Base):\n  y\nclass B:\n  x\n"),
        ("a\na\n", "@@\n-a\n+b\n*** End of File\n", "a\nb\n"),
        ("a\n", "+b\n*** End of File", "a\nb\n"),
        ("", "+b\n", "b\n"),
        ("a\nb", "@@\n b\n+c\n", "a\nb\nc"),  # no newline at the end: as it was
        ("a\nb", "@@\n-b\n\\ No newline at end of file\n+c\n", "a\nc\n"),
        ("a\nb\n", "@@\n-b\n+c\n\\ No newline at end of file", "a\nc"),
        ("a\nb\n", "@@\n b\n\n+c\n", "a\nb\n\nc\n"),  # the last newline taken for one more line
        ("a\nb\n", "@@\n-a\n+A\n b\n \n", "A\nb\n"),
        ("a\r\nb\r\n", "@@\n a\n+x\n b\n", "a\r\nx\r\nb\r\n"),
        ("a\r\nb\nc\nd\n", "@@\n-b\n+x\n c\n", "a\r\nx\nc\nd\n"),  # newlines of both kinds
        ("a\rb\r", "@@\n-b\n+x\n", "a\rx\r"),
        ("a\na\na\n", "@@ -2,1 +2,1 @@ def x\n-a\n+b\n", "a\nb\na\n"),
        ("a\nb\n", "@@ -1,0 +2,1 @@\n+x\n", "a\nx\nb\n"),
        ("a\n*** End of File\n", "@@\n *** End of File\n+b\n", "a\n*** End of File\nb\n"),
    ],
)
def test_hunks_find_their_place(text: str, diff: str, becomes: str) -> None:
    assert update(text, diff) == becomes


def test_trailing_white_space_and_typography_are_told() -> None:
    change = read_diff("update_file", "f", "@@\n say “hi”\n-two\n+2\n")
    assert isinstance(change, Update)
    result = patched("f", 'say "hi"\ntwo  \n', change.hunks)
    assert result.text == 'say "hi"\n2\n'  # what stays is as the file has it
    assert result.notes and "line 2 of the patch: quotation marks" in result.notes[0]
    change = read_diff("update_file", "f", "@@\n-two\n+2\n")
    assert isinstance(change, Update)
    assert "white space" in patched("f", "one\ntwo \n", change.hunks).notes[0]


@pytest.mark.parametrize(
    ("text", "diff", "told"),
    [
        ("a\nb\na\n", "@@\n-a\n+x\n", ["line 1 of the patch", "lines 1, 3 of the file", "«@@ LINE»"]),
        ("a \na  \n", "@@\n-a\n+x\n", ["lines 1, 2 of the file"]),  # doubtful is not taken
        ("one\ntwo\nthree\n", "@@\n one\n-too\n+2\n three\n", ["line 3 of the patch, «too»", "f:1", "line 2 is «two»"]),
        ("    x = 1\n", "@@\n-x = 1\n+x = 2\n", ["line 2 of the patch, «x = 1»", "line 1 is «    x = 1»"]),
        ("total = sum(prices)\n", "@@\n-total = sum(price)\n", ["line 2 of the patch", "f:1", "sum(prices)"]),
        ("a\nb\n", "@@\n-zebra\n", ["do not stand in it", "Read the file again"]),
        ("a\nb\n", "@@ def f\n-b\n", ["«def f»", "line 1 of the patch", "does not stand in it"]),
        ("def a(\ndef b(\n", "@@ def\n+x\n", ["lines 1, 2 of the file"]),
        ("a\nb\n", "@@\n b\n+c\n@@ a\n+d\n", ["«a»", "does not stand in it below line 2"]),
        ("a\nb\n", "+x\n", ["nothing says where", "«*** End of File»"]),
        ("", "@@\n-x\n", ["f is empty"]),
        ("a\nb\n", "@@\n b\n-c\n", ["line 3 of the patch, «c»", "line 3 is the end of the file"]),
    ],
)
def test_a_miss_names_the_line_and_the_nearest_place(text: str, diff: str, told: list[str]) -> None:
    words = fault(text, diff)
    assert "Nothing was changed" in words
    for part in told:
        assert part in words


def test_a_place_is_found_quickly_whatever_the_text_is() -> None:
    text = "a\n" * 200_000
    words = fault(text, "@@\n" + " a\n" * 20_000 + "-b\n")
    assert "does not fit" in words


@st.composite
def edits(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Lines, and what they become."""
    old = draw(st.lists(LINE, min_size=1, max_size=30))
    new = list(old)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(new)))
        new[at : at + draw(st.integers(0, 3))] = draw(st.lists(LINE, max_size=3))
    return old, new


def text_of(lines: list[str], newline: str, end: bool) -> str:
    return newline.join(lines) + (newline if end and lines else "")


def diff_of(old: list[str], new: list[str]) -> str:
    """A V4A diff with as many lines around each change as make its place clear, written apart from the reader."""
    for context in (1, 3, len(old)):
        hunks: list[str] = []
        clear = True
        for group in difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(context):
            wanted = old[group[0][1] : group[-1][2]]
            places = sum(old[at : at + len(wanted)] == wanted for at in range(len(old) - len(wanted) + 1))
            clear = clear and bool(wanted) and places == 1
            hunks.append("@@\n")
            for tag, a, b, c, d in group:
                hunks += [f"{' ' if tag == 'equal' else '-'}{line}\n" for line in old[a:b]]
                hunks += [f"+{line}\n" for line in new[c:d] if tag in ("insert", "replace")]
        if clear:
            return "".join(hunks)
    return "".join(hunks) if old else "@@\n" + "".join(f"+{line}\n" for line in new)


@settings(deadline=None)
@given(edits(), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_a_diff_of_two_texts_makes_the_one_of_the_other(
    pair: tuple[list[str], list[str]], newline: str, end: bool
) -> None:
    old, new = pair
    # Without a newline at the end, an empty last line cannot be told, nor the newlines of a single one.
    end = end or not old[-1] or not new or not new[-1] or len(old) < 2
    assume(old != new)
    assert update(text_of(old, newline, end), diff_of(old, new)) == text_of(new, newline, end)


@settings(deadline=None)
@given(edits(), st.lists(LINE, max_size=3), st.randoms())
def test_what_does_not_fit_is_refused(pair: tuple[list[str], list[str]], other: list[str], random: Random) -> None:
    wanted = [*pair[0][:3], *other]
    wanted.insert(random.randint(0, len(wanted)), "\0 never there")
    assert "Nothing was changed" in fault(
        text_of(pair[0], "\n", True), "@@\n" + "".join(f"-{line}\n" for line in wanted)
    )


@settings(deadline=None)
@given(st.text(st.sampled_from("*@ +-ab\n\r\\") | st.characters(codec="utf-8"), max_size=60), st.text(max_size=40))
def test_no_patch_is_a_bug(patch: str, text: str) -> None:
    for change in (lambda: update(text, patch), lambda: read_patch(f"*** Begin Patch\n{patch}\n*** End Patch")):
        with suppress(ToolFault):
            change()
