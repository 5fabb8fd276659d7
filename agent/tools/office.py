"""The office service of a session, made when the first tool needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from agent.tools.base import Arguments, Room

if TYPE_CHECKING:
    from agent.office.libreoffice import Office

_OPEN: dict[int, Office] = {}


def office_of(room: Room) -> Office:
    """The one LibreOffice of this session."""
    if (office := _OPEN.get(id(room))) is None:
        from agent.office.libreoffice import Office

        office = _OPEN[id(room)] = Office(room)
        room.closing.callback(_OPEN.pop, id(room), None)
    return office


def edit_in_words(arguments: Arguments) -> str:
    """A call that changes a document, for people."""
    operations = arguments.get("operations")
    count = len(cast("list[Any]", operations)) if isinstance(operations, list) else 0
    return f"edit {arguments.get('path')}: {count} change{'' if count == 1 else 's'}"
