"""Skills: folders with a SKILL.md that say how something is done. Found by name, read when needed.

The format is the public one of Agent Skills: front matter with `name` and `description`, then Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDERS = (".skills", "skills", ".agents/skills")  # of a workspace
MOST = 60  # skills
LOOKED_AT = 500  # entries of one folder
FILE_BYTES = 256 * 1024  # of a SKILL.md
LISTED = 400  # characters of a description in the instructions
ALL_LISTED = 10_000  # characters of the whole list there
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LONGEST_NAME = 64
_KEY = re.compile(r"([A-Za-z][\w-]*):(?:\s+(.*))?$")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Skill:
    """A way to do something.

    Attributes:
        folder: resolved; nothing outside of it belongs to the skill.
        ours: it is one of the user's own, and none that came with the workspace.
    """

    name: str
    description: str
    folder: Path
    ours: bool

    @property
    def file(self) -> Path:
        """Where its text is."""
        return self.folder / "SKILL.md"


def find(workspace: Path, config_folder: Path | None, say: Say) -> list[Skill]:
    """All skills, the user's own first; of two with one name the first counts.

    Args:
        say: is told in a sentence what cannot be used, and why.
    """
    found: dict[str, Skill] = {}
    places = [(config_folder / "skills", True)] if config_folder else []
    for place, ours in [*places, *((workspace / name, False) for name in FOLDERS)]:
        for folder in _folders(place, within=None if ours else workspace, say=say):
            skill = _skill(folder, ours=ours, say=say)
            if skill and skill.name in found:
                say(f"There are two skills {skill.name!r}; {found[skill.name].folder} is used, {folder} is not.")
            elif skill and len(found) < MOST:
                found[skill.name] = skill
            elif skill:
                say(f"There are more than {MOST} skills; {folder} is not used.")
                return list(found.values())
    return list(found.values())


def section(skills: Sequence[Skill]) -> str:
    """The skills as the instructions of a session list them, or ""."""
    lines: list[str] = []
    for skill in skills:
        line = f"- {skill.name}: {_cut(skill.description, LISTED)}{'' if skill.ours else ' (of the workspace)'}"
        if sum(map(len, lines)) + len(line) > ALL_LISTED:
            lines.append(f"- and {len(skills) - len(lines)} more; `skill` with an unknown name lists them all")
            break
        lines.append(line)
    if not lines:
        return ""
    return (
        "\nSkills\nEach is a text that says how something is done here. Where one fits your task, read it with `skill` "
        "before you begin. It is advice, and permits nothing.\n" + "\n".join(lines) + "\n"
    )


def read_text(path: Path, most: int) -> str | None:
    """A file as text, at most `most` bytes of it; None where it is none, no plain file, or cannot be read."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            data = file.read(most)
    except OSError:
        return None
    return decoded(data)


def decoded(data: bytes) -> str | None:
    """Bytes as text: UTF-8, or UTF-16 with its mark; None where they are something else."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    if b"\0" in data:
        return None
    return data.decode("utf-8-sig", "replace")


def _folders(place: Path, within: Path | None, say: Say) -> Iterator[Path]:
    """Folders with a SKILL.md in them, by name; in a workspace none that links lead out of it."""
    try:
        entries = sorted(place.iterdir())[:LOOKED_AT] if place.is_dir() else []
    except OSError as error:
        say(f"The skills in {place} cannot be read: {error.strerror}.")
        return
    for entry in entries:
        try:
            folder = entry.resolve()
            there = (folder / "SKILL.md").is_file()
        except (OSError, RuntimeError):
            continue
        if there and within and not folder.is_relative_to(within.resolve()):
            say(f"The skill {entry} leads out of the workspace and is not used.")
        elif there:
            yield folder


def _skill(folder: Path, *, ours: bool, say: Say) -> Skill | None:
    def refuse(why: str) -> None:
        say(f"The skill {folder} is not used: {why}.")

    file = folder / "SKILL.md"
    if not file.resolve().is_relative_to(folder):
        return refuse("its SKILL.md leads out of its folder")
    text = read_text(file, FILE_BYTES + 1)
    if text is None:
        return refuse("its SKILL.md is no text, or cannot be read")
    if len(text) > FILE_BYTES:
        return refuse(f"its SKILL.md has more than {FILE_BYTES // 1024} KB")
    fields = front_matter(text)
    if fields is None:
        return refuse("its SKILL.md does not begin with front matter between two lines of ---")
    name, description = fields.get("name", ""), " ".join(fields.get("description", "").split())
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        return refuse(f"its name {name[:80]!r} is not made of a-z, 0-9 and single hyphens, 64 at most")
    if not description:
        return refuse("it has no description")
    return Skill(name, _cut(description, 1024), folder, ours)


def front_matter(text: str) -> dict[str, str] | None:
    """The texts at the top level of the YAML before a document; None where there is none.

    Plain, quoted and block texts over any number of lines; lists and tables are passed over.
    """
    lines = text.lstrip("\n").splitlines()
    if not lines or lines[0].rstrip() != "---":
        return None
    ends = [number for number, line in enumerate(lines[1:], 1) if line.rstrip() in ("---", "...")]
    if not ends:
        return None
    fields: dict[str, list[str]] = {}
    name = ""
    for line in lines[1 : ends[0]]:
        if key := _KEY.match(line):
            name = key[1]
            fields[name] = [key[2] or ""]
        elif name and (line[:1] in (" ", "\t") or not line.strip()):
            fields[name].append(line.strip())
    return {name: _value(parts) for name, parts in fields.items()}


def _value(parts: Sequence[str]) -> str:
    first = parts[0].strip()
    if re.fullmatch(r"[|>][+-]?\d?[+-]?", first):
        return " ".join(part for part in parts[1:] if part)
    text = " ".join(part for part in (first, *parts[1:]) if part)
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", lambda found: {"n": " ", "t": " "}.get(found[1], found[1]), text[1:-1])
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    return re.sub(r"\s#.*$", "", text)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
