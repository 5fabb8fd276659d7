"""The one place that knows `uno`: the connection, and what operations on every kind of document share."""

from __future__ import annotations

import datetime
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

uno: Any = import_module("uno")  # LibreOffice's bridge has no types; all that comes out of it is Any
unohelper: Any = import_module("unohelper")
T = TypeVar("T")
LISTENS_SECONDS = 0.5  # between looks whether LibreOffice is still there
SERVICES = {
    "spreadsheet": "com.sun.star.sheet.SpreadsheetDocument",
    "slides": "com.sun.star.presentation.PresentationDocument",
    "document": "com.sun.star.text.TextDocument",
}


class Fault(Exception):
    """It cannot be done; the message is for the model."""


class Nothing(Exception):
    """There is no LibreOffice, or the document is not open in it."""


class Office:
    """A connection to the LibreOffice behind a pipe."""

    def __init__(self, pipe: str) -> None:
        self._pipe = pipe
        self.context: Any = None

    def connect(self) -> None:
        """Connect, if that was not done.

        Raises:
            Nothing: nobody listens at the pipe.
        """
        if self.context is not None and self.answers():
            return
        self.context = None
        local: Any = uno.getComponentContext()
        resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
        try:
            self.context = resolver.resolve(f"uno:pipe,name={self._pipe};urp;StarOffice.ComponentContext")
        except Exception as error:
            if is_a(error, "connection.NoConnectException", "connection.ConnectionSetupException"):
                raise Nothing("no LibreOffice runs that can be asked") from None
            raise

    def answers(self) -> bool:
        """Whether the LibreOffice that was connected to still runs."""
        try:
            return self.context.ServiceManager is not None
        except Exception:  # of several kinds, as the connection ends
            return False

    def make(self, service: str) -> Any:
        """One of its services, by name without the common beginning."""
        return self.context.ServiceManager.createInstanceWithContext(f"com.sun.star.{service}", self.context)

    @property
    def desktop(self) -> Any:
        """What holds its documents."""
        return self.make("frame.Desktop")

    def documents(self) -> Iterator[Any]:
        """Those that are open with a window."""
        for document in each(self.desktop.Components):
            if hasattr(document, "getURL") and getattr(document, "CurrentController", None) is not None:
                yield document

    def find(self, path: str) -> Any:
        """The open document of a file.

        Raises:
            Nothing: it is not open.
        """
        wanted = os.path.realpath(path)
        for document in self.documents():
            if (place := path_of(document)) and os.path.realpath(place) == wanted:
                return document
        raise Nothing(f"{path} is not open")

    def dispatch(self, document: Any, command: str, **arguments: Any) -> None:
        """A command of its menus, as if it had been chosen."""
        frame = document.CurrentController.Frame
        self.make("frame.DispatchHelper").executeDispatch(frame, command, "", 0, values(**arguments))

    def on_main(self, work: Callable[[], T]) -> T:
        """Do something while LibreOffice does nothing else, and paints nothing: in its main thread, as a user does it.
        Some of what it offers to programs (sizes of a table's columns) is not safe in any other, and crashes it.

        Raises:
            Fault: it has ended meanwhile. All that `work` raises, too.
        """
        turn = _Turn(work)
        self.make("awt.AsyncCallback").addCallback(turn, None)
        while not turn.over.wait(LISTENS_SECONDS):
            if not self.answers():
                raise Fault("LibreOffice has ended in the middle of it; what was not saved there is lost")
        if turn.error is not None:
            raise turn.error
        return turn.result


class _Turn(unohelper.Base, uno.getClass("com.sun.star.awt.XCallback")):
    """What LibreOffice's main thread calls. Calls made meanwhile belong to it, and are carried out by it."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work, self.over = work, threading.Event()
        self.result: Any = None
        self.error: BaseException | None = None

    def notify(self, _: Any) -> None:
        """See `com.sun.star.awt.XCallback`."""
        try:
            self.result = self._work()
        except BaseException as error:
            self.error = error
        finally:
            self.over.set()


def is_a(error: BaseException, *names: str) -> bool:
    """Whether an exception is one of LibreOffice's, by names without the common beginning."""
    return any(isinstance(error, uno.getClass(f"com.sun.star.{name}")) for name in names)


def path_of(document: Any) -> str:
    """The file of a document; "" where it has none yet."""
    parts = urlsplit(str(document.getURL()))
    return unquote(parts.path) if parts.scheme == "file" else ""


def url_of(path: str) -> str:
    """Of a file."""
    return str(uno.systemPathToFileUrl(str(Path(path).resolve())))


def kind_of(document: Any) -> str:
    """ "spreadsheet", "slides", "document", or "" for others."""
    return next((kind for kind, service in SERVICES.items() if document.supportsService(service)), "")


def each(access: Any) -> Iterator[Any]:
    """All that an enumeration access or an index access holds."""
    if hasattr(access, "createEnumeration"):
        found = access.createEnumeration()
        while found.hasMoreElements():
            yield found.nextElement()
    else:
        for index in range(access.getCount()):
            yield access.getByIndex(index)


def struct(name: str, **fields: Any) -> Any:
    """One of LibreOffice's structures."""
    made = uno.createUnoStruct(f"com.sun.star.{name}")
    for field, value in fields.items():
        setattr(made, field, value)
    return made


def enum(kind: str, name: str) -> Any:
    """One of LibreOffice's enumerations."""
    return uno.Enum(f"com.sun.star.{kind}", name)


def constant(name: str) -> Any:
    """One of LibreOffice's constants."""
    return uno.getConstantByName(f"com.sun.star.{name}")


def values(**named: Any) -> tuple[Any, ...]:
    """Named values, as most calls take them."""
    return tuple(struct("beans.PropertyValue", Name=name, Value=value) for name, value in named.items())


def colour(text: str) -> int:
    """Of "RRGGBB"; -1 for "none"."""
    if text == "none":
        return -1
    try:
        return int(text.removeprefix("#"), 16)
    except ValueError:
        raise Fault(f"{text} is no colour that can be used in an open document; write it as RRGGBB") from None


def today() -> Any:
    """Now, as LibreOffice writes it."""
    now = datetime.datetime.now().astimezone()
    return struct(
        "util.DateTime", Year=now.year, Month=now.month, Day=now.day, Hours=now.hour, Minutes=now.minute,
        Seconds=now.second,
    )  # fmt: skip


def number_format(document: Any, code: str) -> int:
    """The key of a number format as Excel writes it."""
    formats, english = document.getNumberFormats(), struct("lang.Locale")  # our profile's own, which is English
    if code.lower() == "general":
        return int(formats.getStandardFormat(constant("util.NumberFormat.NUMBER"), english))
    key = formats.queryKey(code, english, False)
    try:
        return int(key if key != -1 else formats.addNew(code, english))
    except Exception:
        raise Fault(f"{code} is no number format") from None


def set_properties(document: Any, operation: dict[str, Any]) -> str:
    """Title, author and so on of a file."""
    told = document.getDocumentProperties()
    for field, name in (("title", "Title"), ("author", "Author"), ("subject", "Subject")):
        if operation.get(field) is not None:
            setattr(told, name, operation[field])
    if operation.get("keywords") is not None:
        told.Keywords = tuple(word.strip() for word in operation["keywords"].split(",") if word.strip())
    return "properties set"


def graphic(office: Office, path: str) -> Any:
    """A picture of a file."""
    if not Path(path).is_file():
        raise Fault(f"there is no picture {path}")
    found = None
    with suppress(Exception):  # what is no picture is told below
        found = office.make("graphic.GraphicProvider").queryGraphic(values(URL=url_of(path)))
    if found is None:
        raise Fault(f"{path} is no picture that LibreOffice can read")
    return found


def own_size(picture: Any) -> Any:
    """Of a picture, in hundredths of a millimetre."""
    own = picture.Size100thMM
    if own.Width > 0 and own.Height > 0:
        return own
    pixels = picture.SizePixel
    return struct("awt.Size", Width=max(1, pixels.Width * 26), Height=max(1, pixels.Height * 26))


def box(picture: Any, width: float | None, height: float | None, widest: float) -> Any:
    """Size of a picture in hundredths of a millimetre; what is not given (centimetres) follows in proportion."""
    own = own_size(picture)
    ratio = own.Height / own.Width
    if width is None and height is None:
        width = min(own.Width / 1000, widest)
    wide = width * 1000 if width is not None else (height or 1) * 1000 / ratio
    high = height * 1000 if height is not None else wide * ratio
    return struct("awt.Size", Width=round(wide), Height=round(high))
