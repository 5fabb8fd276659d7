"""What each system must be told about the overlay's window, so that the agent neither sees it nor clicks on it."""

from __future__ import annotations

import sys
from typing import Any, Protocol

from ui.window.place import Area


class Native(Protocol):
    """One system's way. Called from the thread of the window's event loop, unless it says otherwise."""

    def prepare(self) -> None:
        """Before the toolkit is loaded.

        Raises:
            UserFault: there can be no overlay here; says why and what would help.
        """
        ...

    def areas(self) -> list[Area]:
        """The screens without panels and docks, the main one first."""
        ...

    def dark(self) -> bool:
        """Whether the user's desktop is a dark one."""
        ...

    def adopt(self, window: Any) -> None:
        """The window exists, and is not shown yet: keep it out of pictures, and off the keyboard.

        Args:
            window: the toolkit's own.
        """
        ...

    def shown(self, window: Any) -> None:
        """It is being shown: from now on the user may click into it, and clicks of the agent go through it.

        From any thread.
        """
        ...

    def give_back_keys(self) -> None:
        """Whatever had the keyboard before the overlay gets it again. From any thread."""
        ...

    def close(self) -> None:
        """The window is gone. From any thread."""
        ...


def open_native() -> Native:
    """That of this system."""
    if sys.platform == "win32":
        from ui.window.windows import WindowsNative

        return WindowsNative()
    if sys.platform == "darwin":
        from ui.window.macos import MacNative

        return MacNative()
    from ui.window.x11 import X11Native

    return X11Native()
