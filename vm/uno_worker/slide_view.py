"""Commands for whole slides: these LibreOffice can take back, what programs do to slides by its calls it cannot."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from .link import Fault, Office, each, enum, uno

CENTRE = "private:resource/pane/CenterPane"
NORMAL = "private:resource/view/ImpressView"
SORTER = "private:resource/view/SlideSorter"


class SlideView:
    """The view of one presentation."""

    def __init__(self, office: Office, document: Any) -> None:
        self._office, self._document = office, document
        self._pages, self._controller = document.DrawPages, document.CurrentController
        self._undo = document.getUndoManager()

    def check(self) -> None:
        """Whether slides can be made here: other views have other commands, and LibreOffice may crash between them.

        Raises:
            Fault: not in this view.
        """
        if self._document.getPresentation().isRunning():
            raise Fault("a slide show is running there; end it first (Esc). Nothing was changed")
        normal = any(one.getResourceURL() == NORMAL and CENTRE in _anchors(one) for one in self._resources())
        if not normal or self._controller.IsMasterPageMode:
            raise Fault("it is not shown slide by slide; choose View > Normal there first. Nothing was changed")

    def show(self, page: Any) -> None:
        """Bring a slide to the front."""
        self._controller.setCurrentPage(page)

    def duplicate(self, page: Any) -> Any:
        """A copy right after a slide."""
        return self._made(page, ".uno:DuplicatePage")

    def insert(self, page: Any) -> Any:
        """A new slide right after one."""
        return self._made(page, ".uno:InsertPage")

    def remove(self, page: Any) -> None:
        """Take a slide out."""
        self._pages.remove(page)

    def move(self, page: Any, to: int) -> Any:
        """Bring a slide to another number."""
        while page.Number != to:
            before = page.Number
            self._choose(page)
            self._dispatch(".uno:MovePageUp" if before > to else ".uno:MovePageDown")
            if abs(page.Number - to) >= abs(before - to):
                raise Fault(f"LibreOffice does not move the slide to {to}")
        return page

    @contextmanager
    def elsewhere(self, page: Any) -> Generator[None]:
        """Meanwhile another slide is shown: on the one that is shown each cell of a table that changes is drawn, and
        told to assistive programs together with all others, which takes ten times as long."""
        other, extra = next((one for one in each(self._pages) if one != page), None), None
        if other is None:
            self._undo.lock()
            other = extra = self._pages.insertNewByIndex(0)
        try:
            self.show(other)
            yield
        finally:
            self.show(page)
            if extra is not None:
                self._pages.remove(extra)
                self._undo.unlock()

    def _made(self, page: Any, command: str) -> Any:
        count, after = self._pages.Count, page.Number
        self._choose(page)
        self._dispatch(command)
        if self._pages.Count != count + 1:
            raise Fault("LibreOffice's window of the presentation does not make a slide; close what is open in it")
        return self._pages.getByIndex(after)

    def _choose(self, page: Any) -> None:
        """Select one slide alone. The list of slides is what commands go by, and it may still hold others."""
        self.show(page)
        for one in self._resources():
            if one.getResourceURL() == SORTER:
                sorter = self._controller.getConfigurationController().getResource(one)
                uno.invoke(sorter, "select", (uno.Any("[]com.sun.star.drawing.XDrawPage", (page,)),))

    def _resources(self) -> Any:
        now = self._controller.getConfigurationController().getCurrentConfiguration()
        return now.getResources(None, "", enum("drawing.framework.AnchorBindingMode", "INDIRECT"))

    def _dispatch(self, command: str) -> None:
        self._office.dispatch(self._document, command)


def _anchors(resource: Any) -> tuple[str, ...]:
    return resource.getAnchorURLs() if resource.hasAnchor() else ()
