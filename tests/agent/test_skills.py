"""Skills: found, listed, read; and what may be wrong with them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import skills
from agent.tools.base import Reply
from agent.tools.skills import skill_tools
from tests.support.room import call, room


def make(folder: Path, text: str | bytes | None = None, **files: str) -> Path:
    """A skill, whose name is the folder's unless its text says otherwise."""
    folder.mkdir(parents=True)
    if text is None:
        text = f"---\nname: {folder.name}\ndescription: About {folder.name}.\n---\n# How\nCarefully.\n"
    (folder / "SKILL.md").write_bytes(text if isinstance(text, bytes) else text.encode())
    for name, content in files.items():
        (folder / name).write_text(content)
    return folder


def found(work: Path, config: Path | None = None) -> tuple[list[str], list[str]]:
    said: list[str] = []
    return [skill.name for skill in skills.find(work, config, said.append)], said


def test_they_are_found_in_their_places(tmp_path: Path) -> None:
    work, config = tmp_path / "work", tmp_path / "config"
    for place, name in ((config / "skills", "own"), (work / ".skills", "one"), (work / "skills", "two")):
        make(place / name)
    make(work / ".agents" / "skills" / "three")
    (work / "skills" / "no-skill").mkdir()
    (work / "skills" / "README.md").write_text("x")
    assert found(work, config) == (["own", "one", "two", "three"], [])
    listed = skills.section(skills.find(work, config, print))
    assert "- own: About own.\n- one: About one. (of the workspace)\n" in listed and "permits nothing" in listed


def test_the_users_own_come_first_where_names_are_the_same(tmp_path: Path) -> None:
    work, config = tmp_path / "work", tmp_path / "config"
    own = make(config / "skills" / "letters")
    make(work / "skills" / "letters")
    names, (said,) = found(work, config)
    assert names == ["letters"] and f"{own} is used" in said
    assert skills.find(work, config, lambda _: None)[0].ours


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("# No front matter", "does not begin with front matter"),
        ("---\nname: x\n", "does not begin with front matter"),
        ("---\nname: Bad Name\ndescription: d\n---\n", "its name 'Bad Name' is not made of"),
        ("---\nname: a--b\ndescription: d\n---\n", "is not made of"),
        ("---\ndescription: d\n---\n", "its name '' is not made of"),
        ("---\nname: x\n---\n", "has no description"),
        (b"\x7fELF\0\0\0", "is no text"),
        ("---\nname: x\ndescription: d\n---\n" + "x" * 300_000, "more than 256 KB"),
    ],
)
def test_a_bad_one_is_told_and_left_out(tmp_path: Path, text: str | bytes, why: str) -> None:
    make(tmp_path / "skills" / "bad", text)
    make(tmp_path / "skills" / "good")
    names, said = found(tmp_path)
    assert names == ["good"] and len(said) == 1 and why in said[0] and "skills/bad" in said[0]


def test_links_out_of_the_workspace(tmp_path: Path) -> None:
    work, outside = tmp_path / "work", make(tmp_path / "outside")
    (work / "skills").mkdir(parents=True)
    (work / "skills" / "outside").symlink_to(outside)
    make(work / "skills" / "inside")
    (work / "skills" / "inside" / "SKILL.md").unlink()
    (work / "skills" / "inside" / "SKILL.md").symlink_to(outside / "SKILL.md")
    names, said = found(work)
    assert not names and "leads out of its folder" in said[0] and "leads out of the workspace" in said[1]
    config = tmp_path / "config"  # what the user links to in their own settings is theirs
    (config / "skills").mkdir(parents=True)
    (config / "skills" / "linked").symlink_to(outside)
    assert found(tmp_path / "empty", config)[0] == ["outside"]


def test_very_many_and_very_long_ones(tmp_path: Path) -> None:
    for number in range(70):
        text = f"---\nname: skill-{number:02}\ndescription: {'long ' * 400}\n---\n"
        make(tmp_path / "skills" / f"skill-{number:02}", text)
    names, said = found(tmp_path)
    assert len(names) == 60 and "more than 60 skills" in said[-1]
    section = skills.section(skills.find(tmp_path, None, lambda _: None))
    assert len(section) < 11_500 and " more; `skill`" in section


@pytest.mark.parametrize(
    ("front", "description"),
    [
        ("description: plain # not this", "plain"),
        ("description: 'it''s quoted'", "it's quoted"),
        ('description: "say \\"hi\\": now"', 'say "hi": now'),
        ("description: >\n  folded\n  text\nlicense: MIT", "folded text"),
        ("description: |-\n  block\n\n  text", "block text"),
        ("description: goes\n  on here", "goes on here"),
        ("metadata:\n  description: inner\ndescription: outer\nallowed-tools:\n- a", "outer"),
    ],
)
def test_front_matter(front: str, description: str) -> None:
    fields = skills.front_matter(f"---\nname: x\n{front}\n---\nbody")
    assert fields and fields["name"] == "x" and fields["description"] == description


@given(st.text(st.sampled_from("-:|>'\" \n\tab#\\é\0"), max_size=60))
def test_no_front_matter_breaks_anything(text: str) -> None:
    skills.front_matter(f"---\n{text}\n---\n")


# ---- the tool


def read(work: Path, **arguments: object) -> Reply:
    (tool,) = skill_tools(room(work))
    assert tool.reads_only
    return anyio.run(partial(call, tool, **arguments))


def test_reading_a_skill_and_its_files(tmp_path: Path) -> None:
    folder = make(tmp_path / "skills" / "letters", **{"form.txt": "Dear {name}", "more.md": "1\n2\n3"})
    text = read(tmp_path, name="letters").text
    assert "Carefully." in text and text.endswith(f"Files of this skill, in {folder}: form.txt, more.md")
    assert read(tmp_path, name="letters", file="form.txt").text == "Dear {name}"
    assert read(tmp_path, name="letters", file="more.md", line=2).text == "2\n3"


def test_what_cannot_be_read(tmp_path: Path) -> None:
    folder = make(tmp_path / "skills" / "letters", **{"form.txt": "x"})
    (folder / "data.bin").write_bytes(b"\0\1\2")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    for asked, fault in (
        ({"name": "none"}, "There is no skill 'none'; there are: letters."),
        ({"name": "letters", "file": "../../secret.txt"}, "outside the folder of the skill"),
        ({"name": "letters", "file": str(tmp_path / "secret.txt")}, "outside the folder"),
        ({"name": "letters", "file": "link.txt"}, "outside the folder"),
        ({"name": "letters", "file": "gone.txt"}, "has no file gone.txt; there are: data.bin, form.txt, link.txt"),
        ({"name": "letters", "file": "data.bin"}, "is no text (3 bytes)"),
        ({"name": "letters", "file": "a\0b"}, "is no path"),
        ({"name": "letters", "line": 99}, "There are only 6 lines"),
        ({"name": "letters", "line": 0}, "Carefully"),
    ):
        assert fault in read(tmp_path, **asked).text


def test_a_long_skill_is_read_in_parts(tmp_path: Path) -> None:
    lines = "".join(f"{number} {'x' * 90}\n" for number in range(1000))
    make(tmp_path / "skills" / "long", f"---\nname: long\ndescription: d\n---\n{lines}")
    first = read(tmp_path, name="long").text
    assert len(first) < 20_200 and "1004 lines in all; go on with line" in first
    following = int(first.partition("go on with line ")[2].partition("]")[0])
    assert read(tmp_path, name="long", line=following).text.startswith(f"{following - 5} xxx")
    make(tmp_path / "skills" / "wide", f"---\nname: wide\ndescription: d\n---\n{'y' * 50_000}")
    assert len(read(tmp_path, name="wide", line=5).text) < 20_200
