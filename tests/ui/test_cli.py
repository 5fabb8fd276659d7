"""The command line: quick to start, one line for every fault, no traceback for users."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.errors import ModelFault, UserFault
from agent.session import create_session
from tests.support.command import Deskhand
from ui import cli
from ui.cli import MODULES, main
from ui.parser import make_parser

HEAVY = ("anyio", "cv2", "filelock", "numpy", "openai", "PIL", "platformdirs", "pyautogui", "pydantic", "rich", "Xlib")
START_MS = 300  # of processor time, which a busy machine does not stretch as it does the clock


def test_starting_is_quick_and_loads_nothing_heavy() -> None:
    program = (
        "import ui.cli, ui.parser, sys, time, json; ui.parser.make_parser().parse_args(['run', 'x']); "
        "print(json.dumps([1000 * time.process_time(), sorted({name.split('.')[0] for name in sys.modules})]))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    milliseconds, modules = json.loads(ran.stdout)
    assert not set(HEAVY) & set(modules)
    assert milliseconds < START_MS


def test_every_command_of_the_parser_has_its_module() -> None:
    import importlib

    (commands,) = (action.choices for action in make_parser()._actions if action.dest == "command")  # pyright: ignore[reportPrivateUsage]
    assert set(commands or ()) == set(MODULES)
    for name, module in MODULES.items():
        assert callable(getattr(importlib.import_module(module), name))


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == "0.1.0\n"
    assert main([]) == 2
    assert "doctor" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fly"], "fly"),
        (["run"], "TASK"),
        (["run", "x", "--size", "1x1"], "320 to 7680"),
        (["run", "x", "--max-turns", "1.5"], "whole number"),
        (["run", "x", "--max-cost", "nan"], "above zero"),
        (["run", "x", "--max-minutes", "inf"], "above zero"),
        (["run", "x", "--approve", "perhaps"], "perhaps"),
        (["tell", "last"], "WORDS"),
        (["resume", "last", "words", "more"], "more"),
        (["resume", "last", "--fast"], "--fast"),
        (["stop", "last", "now"], "now"),
    ],
)
def test_wrong_usage_is_one_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("deskhand: ") and said in line


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def raise_it(_name: str) -> None:
        raise error

    monkeypatch.setattr(cli.importlib, "import_module", raise_it)


@pytest.mark.parametrize(("error", "status"), [(UserFault("a;\n b"), 2), (ModelFault("a;\n b"), 1)])
def test_a_fault_is_one_line_with_its_status(
    error: UserFault, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(monkeypatch, error)
    assert main(["sessions"]) == status
    assert capsys.readouterr().err == "deskhand: a; b\n"


def test_control_c_is_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    failing(monkeypatch, KeyboardInterrupt())
    assert main(["sessions"]) == 130
    assert capsys.readouterr().err == ""


def test_a_bug_is_one_line_and_its_traceback_is_in_a_private_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DESKHAND_HOME", str(tmp_path / "data"))
    failing(monkeypatch, ZeroDivisionError("by\nzero"))
    assert main(["sessions"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "a bug in deskhand: ZeroDivisionError: by zero" in line
    path = Path(line.split(" are in ")[1])
    assert path.parent == tmp_path / "data" and path.stat().st_mode & 0o077 == 0
    assert "Traceback" in path.read_text()


def test_a_home_that_cannot_hold_the_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DESKHAND_HOME", str(tmp_path / "file" / "x"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    failing(monkeypatch, ZeroDivisionError())
    assert main(["sessions"]) == 1
    assert str(tmp_path / "bug-") in capsys.readouterr().err


def test_a_reader_that_has_gone_is_no_fault(tmp_path: Path) -> None:
    deskhand = Deskhand(tmp_path)
    for _ in range(60):  # more lines than Python keeps back
        create_session(tmp_path / "data")
    read, write = os.pipe()
    os.close(read)
    command = [str(Path(sys.executable).with_name("deskhand")), "sessions", "--json"]
    ran = subprocess.run(
        command, env=deskhand.environment, stdout=write, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write)
    assert ran.stderr == "" and ran.returncode == 1


@pytest.mark.parametrize("task", ["-", "- dashes first", "--"])
def test_a_task_of_dashes(tmp_path: Path, task: str) -> None:
    arguments = ("run", "--", task) if task == "--" else ("run", task)
    ran = Deskhand(tmp_path)(*arguments, stdin="do it")
    assert (ran.returncode, "OPENAI_API_KEY" in ran.stderr) == (2, True), ran.stderr
