"""A command as a bash script that begins where the last one ended: directory, variables, functions, aliases, umask.

Each command has a shell of its own, so that one that hangs, exits or breaks its shell harms no other. At its end a trap
writes what the next one begins with into a file in the programs' own home.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.errors import ToolFault

MOST_BYTES = 120_000  # the kernel takes 128 KiB
MOST_STATES = 8  # that a command may begin with; the last one is missing where its shell was killed or replaced

_SAVE = r"""
{ set +exu; ( ulimit -f 4096
  { while IFS= read -r __name; do
      case $__name in
        BASH*|FUNCNAME|GROUPS|DIRSTACK|PIPESTATUS|RANDOM|SRANDOM|SECONDS|LINENO|EPOCH*|SHLVL|PPID|UID|EUID) ;;
        SHELLOPTS|COMP_*|HISTCMD|OPT*|LINES|COLUMNS|PWD|_|__*) ;;
        *) builtin declare -p "$__name" ;;
      esac
    done < <(compgen -v)
    builtin declare -f
    builtin alias -p
    builtin printf 'umask %s\n' "$(builtin umask)"
    builtin printf 'builtin cd -- %q || echo "[the directory %q is gone; this is the task'\''s folder]"\n' "$PWD" "$PWD"
  } >"$__state.new" && command mv -f "$__state.new" "$__state"
); } 2>/dev/null
"""
_BEGIN = (
    '__state=$HOME/.shell/NUMBER; [ -d "${__state%/*}" ] || mkdir -p "${__state%/*}"; shopt -s expand_aliases; '
    'trap SAVE EXIT; for __each in BEFORE; do if [ -f "${__state%/*}/$__each" ]; then '
    '. "${__state%/*}/$__each" 2>/dev/null; break; fi; done; unset __each; eval COMMAND'
)  # one line, so that bash counts those of the command


def script_of(command: str, number: int, before: Sequence[int]) -> str:
    """The script of the `number`th command of a session.

    Args:
        before: the numbers of those whose end it may begin with; the first that has left something is taken.

    Raises:
        ToolFault: it is too long, empty, or cannot be written down.
    """
    if not command.strip() or "\0" in command:
        raise ToolFault("A command must not be empty or hold a NUL character. Nothing was run.")
    words = {"NUMBER": str(number), "SAVE": _in_one_line(_SAVE), "BEFORE": " ".join(map(str, before[:MOST_STATES]))}
    script = _BEGIN
    for name, value in words.items():
        script = script.replace(name, value, 1)
    script = script.removesuffix("COMMAND") + _in_one_line(command)
    try:
        size = len(script.encode())
    except UnicodeEncodeError:
        raise ToolFault("The command holds half a character (a lone surrogate). Nothing was run.") from None
    if size > MOST_BYTES:
        raise ToolFault("The command is too long. Nothing was run; write a script into a file first, and run that.")
    return script


def bash_of(script: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """The arguments and the environment of a bash that runs a script.

    It is no argument: there `ps` would show it, and `pkill -f` find the very shell that runs it.
    """
    return ("bash", "-c", '__script=$DESKHAND_SCRIPT; unset DESKHAND_SCRIPT; eval "$__script"'), {
        "DESKHAND_SCRIPT": script
    }


def _in_one_line(text: str) -> str:
    """Quoted for bash."""
    for character, written in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n")):
        text = text.replace(character, written)
    return f"$'{text}'"
