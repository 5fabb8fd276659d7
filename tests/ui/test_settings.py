"""Settings: flags over environment over the configuration file, and one clear line for what makes no sense."""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

import pytest

from agent.errors import UserFault
from agent.values import Budgets
from ui.parser import parse
from ui.settings.config import KEYS, variable_of
from ui.settings.options import DEFAULT_MODEL, ResumeOptions, RunOptions, resume_options, run_options


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for key in KEYS:
        monkeypatch.delenv(variable_of(key), raising=False)
    monkeypatch.setenv("DESKHAND_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("DESKHAND_COMPUTER", "desktop")
    return tmp_path / "config.toml"


def run(*flags: str, task: str = "do it") -> RunOptions:
    return run_options(parse(["run", task, *flags]))


def resume(*flags: str) -> ResumeOptions:
    return resume_options(parse(["resume", "last", *flags]))


def test_without_any() -> None:
    options = run()
    assert (options.model, options.approve, options.size) == (DEFAULT_MODEL, "ask", None)
    assert options.budgets == Budgets() and options.provider.base_url is None


def test_flag_then_environment_then_file(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text('model = "of-the-file"\nsize = "800x600"\nmax_turns = 7\nmax_cost = 1\n')
    assert (run().model, run().size, run().budgets) == ("of-the-file", (800, 600), Budgets(7, None, 1.0))
    monkeypatch.setenv("DESKHAND_MODEL", "of-the-environment")
    monkeypatch.setenv("DESKHAND_MAX_TURNS", "8")
    assert (run().model, run().budgets.turns) == ("of-the-environment", 8)
    options = run("--model", "of-the-flag", "--max-turns", "9", "--size", "1024×768")
    assert (options.model, options.budgets.turns, options.size) == ("of-the-flag", 9, (1024, 768))


def test_the_length_of_a_conversation_has_a_lower_end(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run().compact_at is None
    config.write_text("compact_at = 90000\n")
    assert (run().compact_at, resume().compact_at) == (90_000, 90_000)
    assert run("--compact-at", "50000").compact_at == 50_000
    monkeypatch.setenv("DESKHAND_COMPACT_AT", "5000")
    with pytest.raises(UserFault, match="no room to work in"):
        run()


def test_key_and_address_have_the_names_of_the_provider(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text('api_key = "of-the-file"\nbase_url = "http://file/v1"\n')
    config.chmod(0o600)
    assert (run().provider.api_key, run().provider.base_url) == ("of-the-file", "http://file/v1")
    monkeypatch.setenv("OPENAI_API_KEY", " of-the-environment\n")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://environment/v1")
    assert (run().provider.api_key, run().provider.base_url) == ("of-the-environment", "http://environment/v1")
    assert run("--base-url", "http://flag/v1").provider.base_url == "http://flag/v1"


def test_an_empty_variable_is_none_at_all(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text('model = "of-the-file"\n')
    monkeypatch.setenv("DESKHAND_MODEL", "")
    assert run().model == "of-the-file"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("modle = 'x'", "unknown key 'modle'"),
        ("model = 5", "model in"),
        ("model = true", "must be a text"),
        ("max_turns = 2.5", "must be a whole number"),
        ("max_turns = true", "max_turns in"),
        ("max_turns = -1", "max_turns in"),
        ("max_cost = '1'", "must be a number"),
        ("size = [800, 600]", "size in"),
        ("size = 'huge'", "WIDTHxHEIGHT"),
        ("approve = 'perhaps'", "ask, never, always"),
        ("base_url = 'example.com'", "http://"),
        ("computer = = ", "cannot be read"),
    ],
)
def test_a_file_that_makes_no_sense(config: Path, text: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DESKHAND_COMPUTER")
    config.write_text(text + "\n")
    with pytest.raises(UserFault, match=r"config\.toml") as fault:
        run()
    assert said in str(fault.value) and "\n" not in str(fault.value)


def test_a_variable_that_makes_no_sense(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESKHAND_APPROVE", "maybe")
    with pytest.raises(UserFault, match="DESKHAND_APPROVE is 'maybe'"):
        run()


def test_a_file_with_a_key_that_others_can_read(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text('api_key = "sk-secret"\n')
    config.chmod(0o644)
    assert "sk-secret" not in repr(run())
    said = capsys.readouterr().err
    assert f"chmod 600 {config}" in said and "sk-secret" not in said


def test_a_resumed_session_has_only_the_budgets_of_its_flags(config: Path) -> None:
    config.write_text("max_turns = 7\n")
    assert resume().budgets == Budgets()
    options = resume("--max-turns", "9", "carefully")
    assert (options.budgets, options.words) == (Budgets(turns=9), "carefully")
    assert resume("carefully", "--repair").words == "carefully"


class Input:
    """Standard input with these bytes."""

    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)

    def isatty(self) -> bool:
        return False


def test_a_task_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Input("Grüße ☞\nzwei Zeilen".encode()))
    assert run(task="-").task == "Grüße ☞\nzwei Zeilen"


@pytest.mark.parametrize(
    ("data", "said"), [(b"", "empty"), (b" \n", "empty"), (b"\xff\xfe", "UTF-8"), (b"x" * 50_001, "--workspace")]
)
def test_a_task_that_cannot_be_one(data: bytes, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Input(data))
    with pytest.raises(UserFault, match=said):
        run(task="-")


def test_standard_input_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert run().approval_timeout == 120
    with pytest.raises(UserFault, match="closed"):
        run(task="-")


def test_tools_are_chosen_by_name(tmp_path: Path) -> None:
    from agent.tools.base import Room
    from agent.tools.folder import Folder
    from tests.support.programs import PlainPrograms
    from ui.settings.kinds import TOOL_NAMES, tool_names
    from ui.tools import ours

    room = Room(Folder(tmp_path), PlainPrograms(tmp_path))
    all_of_them = [tool.name for tool in ours(room)]
    assert set(TOOL_NAMES) - {"files"} < set(all_of_them)
    assert [tool.name for tool in ours(room, tool_names("shell, inspect"))] == ["shell", "terminal", "inspect"]
    assert tool_names("none") == ()
    with pytest.raises(argparse.ArgumentTypeError, match="no tool 'fly'; there are shell, apply_patch"):
        tool_names("shell,fly")
