"""The commands and their flags. `docs/commands.md` is made from this."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from perception.screenshot import Region
from ui.settings.kinds import (
    TOOL_NAMES,
    chord,
    computer_name,
    context_tokens,
    monitor_number,
    parse_size,
    positive,
    positive_int,
    server_names,
    shared_paths,
    tool_names,
)
from ui.settings.options import DEFAULT_MODEL

SESSION = "id of the session, any part that only one has, or `last`"


class Parser(argparse.ArgumentParser):
    """Wrong usage is one line and status 2."""

    def error(self, message: str) -> Any:
        """Print the cause and where to read on."""
        self.exit(2, f"deskhand: {message}; see `{self.prog} --help`\n")


def make_parser() -> Parser:
    """Every command of this version."""
    parser = Parser(
        prog="deskhand",
        description="A hand at your desk: it looks at a screen, acts with mouse and keyboard, and can be steered.",
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    _demo(commands)
    _run(commands)
    _resume(commands)
    _steer(commands)
    _serve(commands)
    _vm(commands)
    _memory(commands)
    _look(commands)
    return parser


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read a command line. Ends the process with status 2 and one line where it is wrong."""
    parser = make_parser()
    flags, rest = parser.parse_known_args(arguments)
    # argparse gives an optional argument up as soon as a flag stands before it: `resume last --max-turns 9 "go on"`.
    if len(rest) == 1 and not rest[0].startswith("-") and getattr(flags, "words", "") is None:
        flags.words, rest = rest[0], []
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return flags


def _add(commands: Any, name: str, text: str) -> Parser:
    command: Parser = commands.add_parser(name, help=text, description=text[:1].upper() + text[1:] + ".")
    return command


def _demo(commands: Any) -> None:
    demo = _add(commands, "demo", "build a spreadsheet and a deck on a private desktop; needs no key and no screen")
    demo.add_argument("--size", type=parse_size, metavar="WxH", help="screen size of the private desktop")
    demo.add_argument("--output", metavar="DIR", help="where the files go (default: the session's folder)")
    demo.add_argument("--json", action="store_true", help="print the journal's events, one a line")


def _run(commands: Any) -> None:
    run = _add(commands, "run", "do a task with an OpenAI model")
    run.add_argument("task", metavar="TASK", help="what is to be done, in your words; `-` reads standard input")
    run.add_argument(
        "--computer",
        type=computer_name,
        metavar="PLACE",
        help="where to work: `desktop` (a private one), `here` (your own screen), `vm` (a virtual machine), "
        "`vm:IMAGE`, `vm:FILE.qcow2`, `desktop:IMAGE`, or `osworld:HOST:PORT` (a machine that runs already)",
    )
    run.add_argument("--model", metavar="NAME", help=f"default: {DEFAULT_MODEL}")
    run.add_argument(
        "--api",
        choices=("responses", "chat"),
        help="how the model is reached (default: chat for names that a dialect knows, else responses)",
    )
    run.add_argument(
        "--dialect",
        metavar="NAME",
        help="how a chat model sees and acts; docs/models.md lists them (default: by the model's name)",
    )
    run.add_argument("--size", type=parse_size, metavar="WxH", help="size of the private screen")
    run.add_argument("--open", action="append", metavar="FILE|COMMAND", help="open this first; may be given again")
    run.add_argument("--file", action="append", metavar="FILE", help="copy this into the folder; may be given again")
    run.add_argument("--workspace", metavar="DIR", help="folder to work in (default: the session's own)")
    run.add_argument(
        "--network",
        action=argparse.BooleanOptionalAction,
        help="whether programs there, and commands beside them, reach other machines (default: programs of a private "
        "desktop do; those of a virtual machine, and commands, do not)",
    )
    run.add_argument(
        "--tools",
        type=tool_names,
        metavar="NAMES",
        help="tools beside the screen to offer the model, separated by commas, or none (default: all; fewer leave a "
        f"small model more room): {', '.join(TOOL_NAMES)}",
    )
    run.add_argument("--approve", choices=("ask", "never", "always"), help="what happens when a yes is needed")
    _common(run)


def _resume(commands: Any) -> None:
    resume = _add(commands, "resume", "go on with a session that is paused, has ended or was interrupted")
    resume.add_argument("session", metavar="SESSION", help=SESSION)
    resume.add_argument("words", metavar="WORDS", nargs="?", help="something to tell it; `-` reads standard input")
    resume.add_argument("--repair", action="store_true", help="go on from before the damage of a damaged journal")
    _common(resume)


def _common(command: Parser) -> None:
    _sources(command)
    _limits(command)
    _user(command)
    _view(command)
    _questions(command)
    command.add_argument("--json", action="store_true", help="print the journal's events, one a line")


def _sources(command: Parser) -> None:
    """What it may use beside its computer, and who thinks."""
    command.add_argument(
        "--share",
        type=shared_paths,
        metavar="PATHS",
        help="files and folders of yours that programs of the private desktop see and may change, besides the "
        "workspace and what --open names; several are separated as in PATH",
    )
    command.add_argument(
        "--mcp",
        type=server_names,
        metavar="NAMES",
        help="the MCP servers to use, of those in config.toml, separated by commas (default: all that are enabled)",
    )
    command.add_argument("--no-mcp", dest="mcp", action="store_const", const=(), help="use no MCP servers")
    command.add_argument("--base-url", metavar="URL", help="of an OpenAI-compatible service")


def _limits(command: Parser) -> None:
    """How long it may become."""
    command.add_argument("--max-turns", type=positive_int, metavar="N", help="end after so many answers of the model")
    command.add_argument("--max-minutes", type=positive, metavar="M", help="end after so many minutes of work")
    command.add_argument("--max-cost", type=positive, metavar="USD", help="end when so much is spent")
    command.add_argument(
        "--compact-at",
        type=context_tokens,
        metavar="TOKENS",
        help="length from which on the conversation with the model is made shorter (default: what suits the model)",
    )


def _user(command: Parser) -> None:
    """Your own hands."""
    command.add_argument(
        "--hand-back-after",
        type=positive,
        metavar="SECONDS",
        help="when you have taken over and then leave the computer alone for so long, the agent goes on by itself "
        "(default: it waits for `deskhand resume`)",
    )
    command.add_argument(
        "--takeover",
        action=argparse.BooleanOptionalAction,
        help="whether your own mouse and keyboard pause the agent (default: they do)",
    )
    command.add_argument(
        "--panic",
        type=chord,
        metavar="KEYS",
        help="what stops the session at once when you press it three times within a second (default: escape; "
        "not with --no-takeover)",
    )


def _view(command: Parser) -> None:
    """What of the screen the model sees."""
    command.add_argument(
        "--monitor",
        type=monitor_number,
        metavar="N",
        help="the only one of your monitors that is looked at and worked on, as `deskhand doctor` numbers them "
        "(default: 0, all of them together)",
    )
    command.add_argument(
        "--cursor",
        action=argparse.BooleanOptionalAction,
        help="whether the mouse pointer is drawn into the pictures that the model is sent (default: it is not)",
    )


def _questions(command: Parser) -> None:
    """Who is asked, and where it shows what it does."""
    command.add_argument("--approval-timeout", type=positive, metavar="SECONDS", help="how long a question waits")
    command.add_argument(
        "--reviewer",
        metavar="MODEL",
        help="a model that looks first at what needs a yes by the rules; you are asked where it does not allow it for "
        "sure (default: none)",
    )
    command.add_argument(
        "--overlay",
        action=argparse.BooleanOptionalAction,
        help="whether a small window on your screen shows what it does and lets you steer it (default: it does, where "
        "you sit at a screen and a terminal)",
    )


def parse_region(text: str) -> Region:
    """X,Y,WIDTH,HEIGHT in pixels."""
    try:
        left, top, width, height = (int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"the region {text!r} is not X,Y,WIDTH,HEIGHT, like 0,0,400,300") from None
    if width < 1 or height < 1:
        raise argparse.ArgumentTypeError(f"the region {text} has no pixels in it")
    return Region(left, top, width, height)


def _steer(commands: Any) -> None:
    tell = _add(commands, "tell", "say something to a session; it takes effect before its next action")
    tell.add_argument("session", metavar="SESSION", help=SESSION)
    tell.add_argument("words", metavar="WORDS", help="your correction; it adds to the task")
    tell.add_argument("--now", action="store_true", help="cut the model's present answer short")
    tell.add_argument("--wait", action="store_true", help="return when the model has answered with it")
    for name, text in (
        ("pause", "hold a session still: no action and no request until it is resumed"),
        ("take", "take a session's mouse and keyboard into your own hands; `resume` hands them back"),
        ("stop", "end a session; it can be resumed"),
    ):
        _add(commands, name, text).add_argument("session", metavar="SESSION", help=SESSION)
    for name, text in (("approve", "say yes to what a session asks"), ("deny", "say no to what a session asks")):
        command = _add(commands, name, text)
        command.add_argument("session", metavar="SESSION", help=SESSION)
        command.add_argument("id", metavar="ID", nargs="?", help="of the question, where there is more than one")
    answer = _add(commands, "answer", "answer a question that a session asks")
    answer.add_argument("session", metavar="SESSION", help=SESSION)
    answer.add_argument("words", metavar="WORDS", help="your answer")
    answer.add_argument("--id", metavar="ID", help="of the question, where there is more than one")
    overlay = _add(commands, "overlay", "show the overlay of a session: watch it, correct it, pause it, take over")
    overlay.add_argument("session", metavar="SESSION", help=SESSION)


def _serve(commands: Any) -> None:
    command = _add(commands, "serve", "serve the page from which sessions are started, watched and steered")
    command.add_argument(
        "--port", type=port, metavar="N", help="of this machine's own address (default: one is chosen)"
    )
    command.add_argument(
        "--open",
        action=argparse.BooleanOptionalAction,
        help="whether your browser is shown the page (default: it is, where you sit at a screen and a terminal)",
    )
    command.add_argument("--json", action="store_true", help='print {"url", "token", "pid"} in place of the address')


def _vm(commands: Any) -> None:
    command = _add(commands, "vm", "virtual machines: build their image, start, stop, photograph and enter them")
    verbs = command.add_subparsers(dest="verb", metavar="VERB", parser_class=Parser, required=True)
    build = _add(verbs, "build", "build an image from Debian packages; needs no root")
    build.add_argument("image", metavar="IMAGE", nargs="?", default="office", help="base, office (the default) or full")
    build.add_argument(
        "--archive", metavar="URL", help="a Debian archive, such as one of a certain date (default: yours)"
    )
    build.add_argument("--like", type=Path, metavar="FILE", help="an earlier packages.txt that the result must equal")
    start = _add(verbs, "start", "start a machine that runs until it is stopped")
    start.add_argument(
        "image", metavar="IMAGE", nargs="?", help="its name, or a .qcow2 of others (default: the fullest)"
    )
    start.add_argument("--name", metavar="NAME", help="of the machine (default: the image's)")
    start.add_argument("--state", metavar="STATE", default="idle", help="what is open: idle (default), calc, …")
    start.add_argument("--size", type=parse_size, metavar="WxH", help="of its screen (default: 1920x1080)")
    start.add_argument(
        "--network", action=argparse.BooleanOptionalAction, help="whether it reaches other machines (default: no)"
    )
    start.add_argument(
        "--port",
        type=port_pair,
        action="append",
        metavar="GUEST:HOST",
        help="a port of it on this machine's own address",
    )
    stop = _add(verbs, "stop", "stop a machine; what is on its disk is lost")
    stop.add_argument("name", metavar="NAME", nargs="?")
    stop.add_argument("--all", action="store_true", help="every machine of yours")
    listed = _add(verbs, "list", "list images and machines")
    shot = _add(verbs, "shot", "photograph the screen of a machine")
    shot.add_argument("name", metavar="NAME")
    shot.add_argument("-o", "--output", metavar="FILE", help="where the picture goes (default: NAME.png)")
    shell = _add(verbs, "shell", "a machine's console in this terminal, or a command in it: `vm shell NAME -- ls`")
    shell.add_argument("name", metavar="NAME")
    shell.add_argument("words", metavar="COMMAND", nargs="*", help="to be run there (default: a console)")
    remove = _add(verbs, "remove", "delete an image and its snapshots")
    remove.add_argument("image", metavar="IMAGE")
    for verb in (start, listed):
        verb.add_argument("--json", action="store_true", help="for programs")


def port_pair(text: str) -> tuple[int, int]:
    """A port of a machine and one of this machine, like 8080:18080."""
    inside, _, outside = text.partition(":")
    if not inside.isascii() or not inside.isdigit() or not 0 < int(inside) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is no pair of ports; write GUEST:HOST, like 8080:18080")
    return int(inside), port(outside)


def port(text: str) -> int:
    """A port that programs of users may listen on."""
    if not text.isascii() or not text.isdigit() or not 1024 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; it must be 1024 to 65535")
    return int(text)


def _memory(commands: Any) -> None:
    command = _add(commands, "memory", "list what is remembered from one session to the next, or forget some of it")
    command.add_argument("--json", action="store_true", help="for programs")
    verbs = command.add_subparsers(
        dest="verb", metavar="VERB", parser_class=Parser, help="`list` (as without one), `forget N`, or `path`"
    )
    _add(verbs, "list", "list the notes that you agreed to")
    forget = _add(verbs, "forget", "forget one of them")
    forget.add_argument("number", type=positive_int, metavar="N", help="as the list has it")
    _add(verbs, "path", "say which file they are in; you may change it")


def _look(commands: Any) -> None:
    sessions = _add(commands, "sessions", "list the sessions")
    show = _add(commands, "show", "tell what a session has done")
    show.add_argument("session", metavar="SESSION", help=SESSION)
    show.add_argument("--follow", action="store_true", help="go on until it ends")
    replay = _add(commands, "replay", "write a session as one HTML file")
    replay.add_argument("session", metavar="SESSION", help=SESSION)
    replay.add_argument("-o", "--output", metavar="FILE", help="default: replay.html in the session's folder")
    report = _add(commands, "report", "say what sessions have used: tokens, money, pictures, time, turn by turn")
    report.add_argument("sessions", metavar="SESSION", nargs="*", help=f"{SESSION} (default: all of the last days)")
    report.add_argument("--days", type=positive_int, metavar="N", help="how far back (default: 7)")
    report.add_argument("-o", "--output", metavar="FILE", help="write a page with charts in place of the table")
    look = _add(commands, "look", "photograph a screen, and say what is on it and where")
    look.add_argument("session", metavar="SESSION", nargs="?", help=f"{SESSION}: its screen (default: your own)")
    look.add_argument("--tree", action="store_true", help="list what programs say is on their windows")
    look.add_argument("--text", action="store_true", help="read what is written; a whole screen takes seconds")
    look.add_argument("--find", metavar="WORDS|IMAGE", help="find words, `button:WORDS` or a picture from a file")
    look.add_argument("--region", type=parse_region, metavar="X,Y,W,H", help="only in this part, in pixels")
    look.add_argument("-o", "--output", metavar="FILE", help="where the picture goes (default: look.png)")
    doctor = _add(commands, "doctor", "say what works on this machine, and how to mend what does not")
    doctor.add_argument(
        "--card",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="whether a test card is shown on your own screen, for a moment on each monitor, and clicked "
        "(default: it is, where there is a screen)",
    )
    for command in (sessions, show, replay, report, look, doctor):
        command.add_argument("--json", action="store_true", help="for programs")
