"""`[mcp.NAME]` tables: which servers a session gets, and one clear line for what makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.errors import UserFault
from agent.mcp.config import ServerConfig
from ui.parser import parse
from ui.settings.options import resume_options, run_options

TABLES = """
[mcp.files]
command = "npx"
args = ["-y", "server-filesystem", "{workspace}"]
env = ["NPM_TOKEN"]
set = { MODE = "read" }
tools = ["read_file"]
ask_before = "changes"
without_asking = ["read_file"]
start_seconds = 60

[mcp.tickets]
url = "https://tickets.example.com/mcp"
token_from = "TICKETS_TOKEN"
headers_from = { X-Team = "TEAM" }

[mcp.old]
command = "old-server"
enabled = false
"""


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("DESKHAND_MCP", raising=False)
    monkeypatch.setenv("DESKHAND_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("DESKHAND_COMPUTER", "desktop")
    return tmp_path / "config.toml"


def servers(*flags: str) -> list[str]:
    return [server.name for server in run_options(parse(["run", "do it", *flags])).mcp]


def test_without_any() -> None:
    assert servers() == [] and servers("--no-mcp") == []
    with pytest.raises(UserFault, match="there is no MCP server 'x'; configured are none"):
        servers("--mcp", "x")


def test_those_that_are_enabled_or_named(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text(TABLES)
    config.chmod(0o600)
    assert servers() == ["files", "tickets"]
    assert servers("--mcp", "old, files") == ["old", "files"]
    assert servers("--no-mcp") == []
    monkeypatch.setenv("DESKHAND_MCP", "tickets")
    assert servers() == ["tickets"] and servers("--mcp", "old") == ["old"]
    monkeypatch.setenv("DESKHAND_MCP", "off")
    assert servers() == []
    assert [server.name for server in resume_options(parse(["resume", "last", "--mcp", "old"])).mcp] == ["old"]


def test_a_table_is_read_as_it_is_meant(config: Path) -> None:
    config.write_text(TABLES)
    config.chmod(0o600)
    files, tickets = run_options(parse(["run", "do it"])).mcp
    assert files == ServerConfig(
        "files",
        "npx",
        ("-y", "server-filesystem", "{workspace}"),
        env=("NPM_TOKEN",),
        set={"MODE": "read"},
        tools=("read_file",),
        ask_before="changes",
        without_asking=("read_file",),
        start_seconds=60.0,
    )
    assert tickets.headers_from == {"X-Team": "TEAM"} and tickets.ask_before == "every call"
    assert "read'" not in repr(files).replace("read_file'", "")  # values may be secrets


def test_values_in_a_file_that_others_can_read(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(TABLES)
    config.chmod(0o644)
    servers()
    assert f"chmod 600 {config}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mcp = 5", "mcp in .* must be a table"),
        ("[mcp]\nx = 5", r"mcp\.x must be a table: \[mcp\.x\]"),
        ('[mcp."a b"]\ncommand = "x"', r"mcp\.a b: a server's name has up to 24 letters"),
        ("[mcp.x]", "mcp.x needs either a command or a url"),
        ('[mcp.x]\ncommand = "x"\nurl = "https://x"', "needs either a command or a url"),
        ('[mcp.x]\ncommand = "x"\ntoken_from = "T"', r"mcp\.x\.token_from does not go with command"),
        ('[mcp.x]\nurl = "https://x"\nargs = ["a"]', r"mcp\.x\.args does not go with url"),
        ('[mcp.x]\ncommand = "x"\napprove = "never"', "mcp.x has an unknown key 'approve'; the keys are command, args"),
        (
            '[mcp.x]\ncommand = "x"\nask_before = "never"',
            "ask_before must be one of 'every call', 'changes', 'nothing'",
        ),
        ('[mcp.x]\ncommand = "x"\nenv = ["A=secret"]', r"mcp\.x\.env must be the name of a variable .* not its value"),
        ('[mcp.x]\ncommand = "x"\nenv = { A = "b" }', r"mcp\.x\.env must be a list of texts"),
        ('[mcp.x]\ncommand = "x"\ncall_seconds = 0', "call_seconds must be a number of seconds above 0"),
        ('[mcp.x]\ncommand = "x"\ncall_seconds = 9000', "longest_seconds must not be less than call_seconds"),
        ('[mcp.x]\ncommand = "x"\nenabled = "yes"', "enabled must be true or false"),
        ('[mcp.x]\ncommand = "x"\ncwd = "here"', "cwd must be an absolute path"),
        ('[mcp.x]\nurl = "ftp://x"', "url must begin with https:// or http://"),
        ('[mcp.x]\nurl = "https://me:secret@x"', "url must not hold a name or a password"),
        ('[mcp.x]\nurl = "https://x"\nheaders = { "a b" = "c" }', "headers has 'a b', which is none of headers"),
        ('[mcp.x]\nurl = "https://x"\nheaders = { A = "c\\nd" }', "no header can have"),
    ],
)
def test_a_table_that_makes_no_sense(config: Path, text: str, said: str) -> None:
    config.write_text(text + "\n")
    config.chmod(0o600)
    with pytest.raises(UserFault, match=said) as fault:
        servers()
    assert "config.toml" in str(fault.value) and "\n" not in str(fault.value)
    assert "secret" not in str(fault.value)
