"""Programs with pipes to them, under a warden of their own: what serves one session ends with it, however that ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from agent.mcp.program import Start
from vm.processes import Processes, WardenLost, start_processes

# Puts the pipes that were handed over where a program expects them, and becomes that program.
_LAUNCH = (
    "import os, sys\n"
    "pipes = [int(number) for number in sys.argv[1:4]]\n"
    "for place, pipe in enumerate(pipes): os.dup2(pipe, place)\n"
    "for pipe in pipes: os.close(pipe)\n"
    "os.execvpe(sys.argv[4], sys.argv[4:], os.environ)\n"
)


class PipedProgram:
    """See `agent.mcp.program.Program`. Its user's rights are those of this process; it is not confined."""

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str], cwd: Path) -> None:
        with ExitStack() as undo, ExitStack() as theirs:
            self._processes: Processes = start_processes()
            undo.callback(self._processes.close)
            (in_, self.input), (self.output, out), (self.errors, err) = os.pipe(), os.pipe(), os.pipe()
            for ours in (self.input, self.output, self.errors):
                undo.callback(os.close, ours)
            for end in (in_, out, err):
                theirs.callback(os.close, end)
            launch = [sys.executable, "-I", "-S", "-c", _LAUNCH, "{fd0}", "{fd1}", "{fd2}", *argv]
            self._pid = self._processes.spawn(
                launch, environment=environment, cwd=cwd, log=self._processes.run / "log", descriptors=(in_, out, err)
            )
            undo.pop_all()

    def status(self) -> int | None:
        """Exit status, -N for signal N; None while it runs."""
        try:
            return self._processes.status(self._pid)
        except (WardenLost, OSError):
            return -9  # all that a warden has started ends with it

    def close(self) -> None:
        """End it, and all that it has started, politely first. May be called twice."""
        self._processes.close()


def starter() -> Start | None:
    """How programs are started here; None where there is no warden, and the library must do it by itself."""
    return start_program if sys.platform == "linux" else None


def start_program(argv: Sequence[str], environment: Mapping[str, str], cwd: Path) -> PipedProgram:
    """Start a program under a warden. Blocks for some 0.1 s.

    Raises:
        OSError: it cannot be started.
    """
    try:
        return PipedProgram(argv, environment, cwd)
    except WardenLost as error:
        raise OSError(f"the process that looks after it did not start ({error})") from None
