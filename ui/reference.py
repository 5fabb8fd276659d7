"""The generated pages of `docs/`: `python -m ui.reference [--check]`.

They are made from the code itself (parser, events, actions, errors), so they cannot say something else than it does.
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

import actuators.actions
import actuators.errors
import agent.errors
import agent.events
import agent.playbook
import agent.rules
import agent.values
import perception.errors
from actuators.actions import ACTION_CLASSES, MAX_SCROLL, MAX_TEXT, Point
from agent.events import EVENT_CLASSES, FLEETING
from agent.office import schemas
from ui.parser import Parser, make_parser
from ui.reference_api import api_rows
from ui.reference_models import models_page
from ui.settings.config import KEYS, variable_of

DOCS = Path(__file__).parents[1] / "docs"
MADE_BY = "<!-- Made by `make docs` from the code; changes here are overwritten. -->\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages, or check them: status 1, naming those that drifted."""
    parser = argparse.ArgumentParser(prog="python -m ui.reference", description="The generated pages of docs/.")
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 if a page is out of date")
    parser.add_argument("--docs", type=Path, default=DOCS, metavar="DIR", help="default: %(default)s")
    flags = parser.parse_args(arguments)
    if not flags.check:
        write(flags.docs)
        return 0
    stale = drifted(flags.docs)
    for name in stale:
        print(f"{flags.docs / name} is out of date; `make docs` writes it anew", file=sys.stderr)
    return 1 if stale else 0


def write(docs: Path) -> None:
    """Write every page."""
    docs.mkdir(parents=True, exist_ok=True)
    for name, make in PAGES.items():
        (docs / name).write_text(make(), encoding="utf-8")
    if docs == DOCS:
        schemas.FILE.write_text(schemas.made(), encoding="utf-8")


def drifted(docs: Path) -> list[str]:
    """The pages that are missing, or say something else than the code."""
    stale = [name for name, make in PAGES.items() if not _says(docs / name, make())]
    return stale if docs != DOCS or _says(schemas.FILE, schemas.made()) else [*stale, str(schemas.FILE)]


def _says(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


# ---- commands


def commands_page() -> str:
    """Every command with its flags."""
    parser = make_parser()
    parts = ["# Commands\n", MADE_BY, f"{parser.description}\n", _STATUS]
    subcommands = _subcommands(parser)
    parts.append(
        _table(
            ("command", "what it does"),
            [
                ("`--version`", "Print the version."),
                *((f"[`{n}`](#deskhand-{n})", _about(c)) for n, c in subcommands),
            ],
        )
    )
    for name, command in subcommands:
        parts += [
            f"## deskhand {name}\n",
            f"{_about(command)}\n",
            f"    {_usage(name, command)}\n",
            _flags(command),
        ]
    return _joined([*parts, "# Settings\n", _SETTINGS, _table(("setting", "variable", "type"), _settings())])


_SETTINGS = """\
A flag goes before the environment, and the environment before `config.toml` in the platform's own configuration folder
(or the file that `DESKHAND_CONFIG` names). The flag of a setting has its name with dashes.
"""


def _settings() -> list[tuple[str, str, str]]:
    kinds = {name: "table" if dict in allowed else allowed[-1].__name__ for name, allowed in KEYS.items()}
    return [(f"`{name}`", f"`{variable_of(name)}`", kind) for name, kind in kinds.items()]


_STATUS = """\
SESSION is the id of a session, any part of it that only one has, or `last`. State lives under `DESKHAND_HOME` when
that is set, else in the platform's data folder. Exit status of `run`, `resume` and `demo`: 0 done, 1 gave up or failed,
2 wrong usage, 3 out of budget, 4 a question that nobody answered, 130 stopped.
"""


def _actions_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    # argparse lists its arguments in no public place, and its help text depends on terminal and Python version.
    actions: list[argparse.Action] = parser._actions  # pyright: ignore[reportPrivateUsage]
    return [action for action in actions if action.dest != "help" and action.help != argparse.SUPPRESS]


def _subcommands(parser: argparse.ArgumentParser) -> list[tuple[str, Parser]]:
    (choices,) = (action.choices for action in _actions_of(parser) if action.dest == "command")
    assert isinstance(choices, dict), "subcommands are kept by name"
    return list(cast("dict[str, Parser]", choices).items())


def _about(command: argparse.ArgumentParser) -> str:
    return command.description or ""


def _usage(name: str, command: argparse.ArgumentParser) -> str:
    words = [_word(action) for action in _actions_of(command)]
    return " ".join(["deskhand", name, *sorted(words, key=lambda word: word.startswith("[-"))])


def _word(action: argparse.Action) -> str:
    """One argument, as usage lines write it."""
    if not action.option_strings:
        return f"[{_value(action)}]" if action.nargs == "?" else _value(action)
    word = " ".join(part for part in (action.option_strings[-1], _value(action)) if part)
    return f"{word}" if action.required else f"[{word}]"


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if action.metavar:
        return str(action.metavar)
    return "|".join(map(str, action.choices)) if action.choices else action.dest.upper()


def _flags(command: argparse.ArgumentParser) -> str:
    rows = [(_flag(action), (action.help or "") % {"default": action.default}) for action in _actions_of(command)]
    return _table(("argument", "meaning"), rows)


def _flag(action: argparse.Action) -> str:
    names = ", ".join(action.option_strings)
    return _code(f"{names} {_value(action)}".strip())


# ---- events


def events_page() -> str:
    """Every event of the journal with its fields, and the parts that they are made of."""
    parts = ["# Events\n", MADE_BY, f"{_first_line(agent.events)}\n", _LINE]
    for cls in EVENT_CLASSES:
        lost = "\nMay be lost when the power fails.\n" if issubclass(cls, FLEETING) else ""
        parts += [f"## {_tag(cls)}\n", f"{inspect.getdoc(cls)}\n{lost}", _fields(cls)]
    parts.append("# Parts\n")
    for cls in _parts():
        parts += [f"## {cls.__name__}\n", f"{inspect.getdoc(cls)}\n", _fields(cls)]
    return _joined(parts)


_LINE = """\
A line of `events.jsonl` is an object: `v` (the version of the format, 1), `seq` (counts from 1), `at` (UTC, ISO 8601
with a final Z), `type` (the headings below), the event's own fields, and `crc` (CRC-32 of the line without it, in hex).
It is on the disk itself before anyone acts on it, unless it says otherwise here.
"""


def _parts() -> list[type[Any]]:
    """What events are made of."""
    return [c for c in vars(agent.values).values() if isinstance(c, type) and is_dataclass(c)]


# ---- actions


def actions_page() -> str:
    """Every action of the hands."""
    about = inspect.getdoc(actuators.actions)
    limits = f"At most {MAX_TEXT:,} characters in one `type`, and {MAX_SCROLL:,} pixels in one `scroll`.\n"
    parts = ["# Actions\n", MADE_BY, f"{about}\n", limits]
    for cls in ACTION_CLASSES:
        parts += [f"## {_tag(cls)}\n", f"{inspect.getdoc(cls)}\n", _fields(cls)]
    parts += ["# Parts\n", f"## {Point.__name__}\n", f"{inspect.getdoc(Point)}\n", _fields(Point)]
    return _joined(parts)


# ---- errors


def errors_page() -> str:
    """Every error that is meant for somebody, by room."""
    parts = ["# Errors\n", MADE_BY]
    for module in (agent.errors, actuators.errors, perception.errors):
        parts += [f"## {module.__name__}\n", _with_tree(inspect.getdoc(module) or ""), _errors(module)]
    return _joined(parts)


def _errors(module: types.ModuleType) -> str:
    classes = [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, Exception)]
    own = [cls for cls in classes if cls.__module__ == module.__name__]
    rows = [(f"`{cls.__name__}`", f"`{cls.__base__.__name__}`", _line(cls)) for cls in own if cls.__base__]
    return _table(("error", "is a", "meaning"), rows)


def _with_tree(text: str) -> str:
    """A docstring with its tree of errors set as a block of code."""
    paragraphs = text.split("\n\n")
    tree: Callable[[str], bool] = lambda part: bool(re.search(r"^ +\+ ", part, re.MULTILINE))  # noqa: E731
    return "\n\n".join(f"```text\n{part}\n```" if tree(part) else part for part in paragraphs) + "\n"


# ---- playbooks


def playbooks_page() -> str:
    """The format of a playbook, from the docstrings of its parts."""
    about = "\n\n".join((inspect.getdoc(agent.playbook) or "").split("\n\n")[:1])
    parts = ["# Playbooks\n", MADE_BY, f"{about}\n", _PLAY]
    for cls in (agent.playbook.Playbook, agent.playbook.Place, agent.playbook.Target, *_steps()):
        parts += [f"## {cls.__name__}\n", f"```text\n{inspect.getdoc(cls)}\n```\n"]
    return _joined(parts)


_PLAY = """\
A playbook is a TOML file; `agent/playbooks/budget.toml` and `deck.toml` are what `deskhand demo` plays. To play one:

    deskhand run "TASK" --model playbook:budget --open "libreoffice --calc"

`playbook:NAME` is one that comes with Deskhand, `playbook:FILE.toml` one of your own; several are joined by commas.
It sees the same screenshots as any model and answers with the same actions. Nothing is clicked that was not found on
the newest screenshot: where a target stays missing, the session ends as `gave_up` with the step's name and a picture.
"""


def _steps() -> tuple[type[Any], ...]:
    return agent.playbook.Step, agent.playbook.Interruption


# ---- approval rules


def rules_page() -> str:
    """Every shipped rule of the approval policy, and the format that rules are written in."""
    shipped = agent.rules.read_file(DOCS.parent / "agent" / agent.rules.SHIPPED)
    parts = ["# Approval rules\n", MADE_BY, _RULES]
    for kind, title in _KINDS.items():
        rows = [_rule(rule) for rule in shipped.rules if rule.kind == kind]
        parts += [f"## {title}\n", _table(("rule", "what you are told", "for example", "but not"), rows)]
    parts.append("# The format\n")
    for cls in (agent.rules.RuleFile, agent.rules.RuleData, agent.rules.Example):
        parts += [f"## {cls.__name__}\n", f"```text\n{inspect.getdoc(cls)}\n```\n"]
    return _joined(parts)


_RULES = """\
The rules of `agent/policy.toml`. [Approvals](approvals.md) tells how they work, and how to write your own. The examples
are the rules' own; each has more of them, most in English, German, French and Spanish, checked whenever it is read.
"""
_KINDS = {
    "hand_off": "Only by your own hands (`hand_off`)",
    "confirm": "A yes right before (`confirm`)",
    "pre_approved": "A yes, unless your own words have said it (`pre_approved`)",
}


def _rule(rule: agent.rules.RuleData) -> tuple[str, str, str, str]:
    situations = (rule.examples[:1], rule.counterexamples[:1])
    example, counterexample = ("".join(_code(f"{one!s}") for one in some) for some in situations)
    return f"`{rule.name}`", rule.risk, example, counterexample


# ---- the interface of the page's service


def api_page() -> str:
    """Every route."""
    about, rows = api_rows()
    return _joined(["# The service's interface\n", MADE_BY, about, _table(("request", "meaning", "fields"), rows)])


# ---- tables and types


def _fields(cls: type[Any]) -> str:
    """The fields of a dataclass, `type` and `kind` tags left out of events and actions."""
    hints = get_type_hints(cls)
    rows = [
        (f"`{field.name}`", _code(type_name(hints[field.name])), _code(_default(field)))
        for field in fields(cls)
        if field.name != "type"
    ]
    return _table(("field", "type", "default"), rows) if rows else "No fields.\n"


def _first_line(module: types.ModuleType) -> str:
    return (inspect.getdoc(module) or "").splitlines()[0]


def _tag(cls: type[Any]) -> str:
    return next(str(field.default) for field in fields(cls) if field.name == "type")


def type_name(hint: Any) -> str:
    """A type as the page writes it: literals as JSON, classes by their bare name."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Ellipsis:
        return "…"
    if origin is Literal:
        return " | ".join(json.dumps(value) for value in inner)
    if origin in (Union, types.UnionType):
        return " | ".join(type_name(part) for part in inner)
    name = "None" if hint is type(None) else str(getattr(origin or hint, "__name__", hint))
    return f"{name}[{', '.join(type_name(part) for part in inner)}]" if inner else name


def _default(field: Field[Any]) -> str:
    if field.default is MISSING:
        return ""
    made = is_dataclass(field.default)
    return f"{type(field.default).__name__}()" if made else json.dumps(field.default, ensure_ascii=False)


def _line(cls: type[Any]) -> str:
    return " ".join((inspect.getdoc(cls) or "").split())


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(_rows([head, ["---"] * len(head), *rows])) + "\n"


def _rows(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


def _joined(parts: Sequence[str]) -> str:
    return "\n".join(parts)


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands_page,
    "events.md": events_page,
    "actions.md": actions_page,
    "errors.md": errors_page,
    "playbooks.md": playbooks_page,
    "approval-rules.md": rules_page,
    "api.md": api_page,
    "models.md": lambda: models_page(MADE_BY),
}


if __name__ == "__main__":
    sys.exit(main())
