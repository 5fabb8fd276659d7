"""The private desktop: an X server, a window manager, a session bus and a home of its own.

It needs no screen, shows nothing to the user and touches nothing of theirs: the workspace folder, which appears in it
as ~/Documents, is all that outlives it. Its programs run in a sandbox where there can be one (`vm/sandbox.py`), and see
nothing else of the user's files. Every process is started through a warden, which ends them all.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path

from actuators.actions import Action
from agent.errors import UserFault
from perception.screenshot import Screenshot, Space
from vm import profiles
from vm.desktop_place import Place
from vm.desktop_start import NEEDED, Stage, Start, Wanted, how, missing_programs
from vm.libreoffice import PROGRAMS
from vm.live_office import DesktopOffice
from vm.local import LocalComputer, made_in_thread
from vm.named import named_by
from vm.processes import WardenLost, start_processes
from vm.programs import command_for, last_line
from vm.sandbox import HOST, View, bubblewrap, in_system, why_not
from vm.senses import AS_USUAL, SenseOptions
from vm.windows import Windows, wait_for_window

__all__ = ["NEEDED", "PrivateDesktop", "check_desktop", "open_desktop"]

SIZE = (1440, 900)
OPEN_SETTLE_SECONDS = 10.0  # LibreOffice shows its window two seconds before it can be used

_SENSES = (
    "perception.eyes",
    "perception.backends.mss",
    "perception.backends.xdamage",
    "actuators.backends.x11",
    "actuators.backends.xinput",
)
_NOTES = (
    "This is a private desktop; nobody else uses it. There is no task bar: Alt+Tab "
    "brings the next window to the front, Alt+F4 or its button closes a window.",
    "~/Documents (also ~/Downloads and ~/Desktop) is the task's folder: only what is saved there is kept.",
)
_NO_NETWORK = "Its programs reach no network."


class PrivateDesktop(LocalComputer):
    """A running private desktop.

    Attributes:
        workspace: the folder that is kept.
    """

    kind = "desktop"

    def __init__(self, stage: Stage, wanted: Wanted) -> None:
        super().__init__(stage.senses, notes=_NOTES if wanted.network else (*_NOTES, _NO_NETWORK))
        self._stage, self._wanted = stage, wanted
        self._maker: profiles.Maker | None = None
        self._processes = stage.processes
        self._live = DesktopOffice(lambda: self._stage, wanted.root)
        self.workspace = stage.place.workspace

    @property
    def display(self) -> str:
        """Its X display, like ":7". Only processes of this user can connect; `reset` may change it."""
        return self._stage.display

    @property
    def environment(self) -> dict[str, str]:
        """What programs need to run on it."""
        return self._stage.environment

    @property
    def doubt(self) -> str:
        """Why its programs are in no sandbox, and see all of this machine that the user sees; "" where they are."""
        return self._stage.doubt

    @property
    def live_office(self) -> DesktopOffice:
        """Its LibreOffice with what is open there."""
        return self._live

    async def screenshot(self) -> Screenshot:
        """See `LocalComputer`. A window manager that has ended is replaced first.

        Raises:
            ScreenLost: X server, session bus or sandbox have ended, or the window manager keeps ending.
        """
        await self._work(lambda _: self._stage.check())
        return await super().screenshot()

    async def reset(self) -> None:
        """The same desktop anew: every program ended, home, clipboard and screen as at the start; the workspace stays.

        Raises:
            UserFault: it does not start again; then there is nothing left to be used but `aclose`.
        """
        await self._work(self._reset)

    def _perform(self, action: Action, space: Space, cancelled: threading.Event) -> None:
        self._stage.check()
        super()._perform(action, space, cancelled)

    def _open(self, target: str, cancelled: threading.Event) -> None:
        self._stage.check()
        words = command_for(target, folder=self.workspace, path=self.environment["PATH"], root=self._wanted.root)
        self._check_visible(words)
        windows = Windows(self.display)
        try:
            self._eyes.mark()
            before = windows.shown()
            log = self._stage.place.log(f"{Path(words[0]).name[:80]}-{secrets.token_hex(4)}")
            pid = self._start(words, log)
            wait_for_window(lambda: windows.shown() - before, lambda: self._ended(pid, words[0], log), cancelled)
        finally:
            windows.close()
        if not cancelled.is_set():
            self._eyes.settle(OPEN_SETTLE_SECONDS)
            if Path(words[0]).name in PROGRAMS:
                self._prepare_profile()

    def _check_visible(self, words: Sequence[str]) -> None:
        """What is named and is there, but not for programs of this desktop, is told better than by them."""
        view = self._stage.view
        hidden = [word for word in words if view and _is_there(word) and not view.has(Path(word))]
        if hidden:
            raise UserFault(
                f"{hidden[0]} cannot be seen by programs of the private desktop: put it into {self.workspace}, or "
                "share its folder with them when the desktop is started"
            )

    def _start(self, words: Sequence[str], log: Path) -> int:
        stage = self._stage
        try:
            return stage.programs.spawn(words, environment=stage.environment, cwd=self.workspace, log=log)
        except OSError as error:
            raise UserFault(f"cannot start {words[0]}: {error}") from None

    def _ended(self, pid: int, program: str, log: Path) -> bool:
        status = self._stage.programs.status(pid)
        if status:
            with log.open("rb") as output:
                raise UserFault(f"{program} ended, {how(status)}: {last_line(output)}")
        return status is not None

    def _prepare_profile(self) -> None:
        """LibreOffice is in use here: the next desktop shall have it sooner."""
        if self._stage.prepared or self._maker or not (key := profiles.key_of(self._wanted.root)):
            return
        stage, root = self._stage, self._wanted.root
        view = stage.view

        def wrap(folder: Path) -> list[str]:
            return bubblewrap(View(root, folder, (folder,), (), (), {}, network=False)) if view else []

        self._maker = profiles.Maker(key, self._processes, wrap, stage.environment["PATH"])

    def _reset(self, cancelled: threading.Event) -> None:
        self._leave()
        stage = self._stage
        stage.leave_sandbox()
        stage.processes.end()
        stage.place.clear()
        self._stage = stage = Start(stage.processes, stage.place, self._wanted, cancelled).run()
        self._eyes, self._hands, self.guard, self._naming = stage.senses

    def _leave(self) -> None:
        self._live.close()
        if self._maker:
            self._maker.close()
            self._maker = None
        super()._close()

    def _close(self) -> None:
        try:
            self._leave()
        finally:
            self._stage.leave_sandbox()
            self._processes.close()


async def open_desktop(
    size: tuple[int, int] = SIZE,
    *,
    workspace: Path,
    options: SenseOptions = AS_USUAL,
    image: str | None = None,
    network: bool = True,
    opens: Iterable[str] = (),
    shared: Iterable[Path] = (),
    say: Callable[[str], object] = lambda _: None,
) -> PrivateDesktop:
    """Start a private desktop and wait until it can be used.

    Args:
        size: width and height of its screen in pixels.
        workspace: the folder that programs see as ~/Documents; made if it is not there.
        options: of its eyes and hands. A person may touch it too, over VNC for instance.
        image: whose programs it has, by its name; None for those of this machine.
        network: whether its programs reach other machines.
        opens: what is going to be opened; what that names is seen by the programs, see `vm.named`.
        shared: other files and folders of the user that programs see and may change.
        say: told where there is no sandbox, and what takes long.

    Raises:
        UserFault: something that it needs is not installed, or does not start; says which and what would help.
    """

    def make(cancelled: threading.Event) -> PrivateDesktop:
        folder = workspace.resolve()
        named = named_by(tuple(opens), folder, os.environ.get("PATH", os.defpath))
        seen = (_outside([*named.shared, *shared], folder), _outside(named.fixed, folder))
        wanted = Wanted(size, options, _root(image, say), network, *seen)
        return PrivateDesktop(_start(folder, wanted, cancelled), wanted)

    desktop = await made_in_thread(make)
    if desktop.doubt:
        say(f"programs of this desktop see all your files, since there can be no sandbox here: {desktop.doubt}")
    return desktop


def check_desktop(image: str | None = None) -> None:
    """Raise `UserFault` where no private desktop can be started, before anything is made for it."""
    if missing := missing_programs():
        packages = " ".join(NEEDED[name] for name in missing)
        raise UserFault(f"the private desktop needs {' and '.join(missing)}: `sudo apt-get install {packages}`")
    if image is None:
        return
    from vm.image.store import find_image

    find_image(image)
    if reason := why_not():
        raise UserFault(
            f"a private desktop with the programs of an image needs a sandbox: {reason}; "
            "`sudo apt-get install bubblewrap`"
        )


def _start(workspace: Path, wanted: Wanted, cancelled: threading.Event) -> Stage:
    check_desktop()
    importing = threading.Thread(target=_import_senses)
    importing.start()  # OpenCV takes as long as everything else together
    try:
        workspace.mkdir(parents=True, exist_ok=True)
        processes = start_processes()
    except (OSError, WardenLost) as error:
        raise UserFault(f"the private desktop cannot start: {error}") from None
    try:
        processes.tend(workspace)
        return Start(processes, Place(processes.run, workspace), wanted, cancelled).run()
    except BaseException:
        processes.close()
        raise
    finally:
        importing.join()


def _root(image: str | None, say: Callable[[str], object]) -> Path:
    """Where the programs come from."""
    if image is None:
        return HOST
    from vm.image.store import find_image
    from vm.image.tree import tree_of

    def tell(line: str) -> None:
        say(line)

    return tree_of(find_image(image), say=tell)


def _outside(paths: Iterable[Path], workspace: Path) -> tuple[Path, ...]:
    """Those that must be shown besides the workspace and the system, by their own names."""
    wanted = (path.absolute() for path in paths)
    return tuple(
        path for path in wanted if not (path.is_relative_to(workspace) or in_system(path)) and os.path.lexists(path)
    )


def _is_there(word: str) -> bool:
    return word.startswith("/") and "\0" not in word and Path(word).exists()


def _import_senses() -> None:
    for name in _SENSES:
        import_module(name)
