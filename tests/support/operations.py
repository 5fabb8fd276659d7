"""Operations of the office tools as tests write them: what may be null is left out, and filled in here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast, get_args, get_origin

from pydantic import BaseModel

from agent.office.documents.operations import DocumentOperation
from agent.office.slides.operations import SlidesOperation
from agent.tools.base import Reply, Room
from tests.support.room import call


def complete(union: Any, operation: Mapping[str, Any]) -> dict[str, Any]:
    """One operation with nulls (and false) for everything that is not said."""
    models = {get_args(model.model_fields["do"].annotation)[0]: model for model in get_args(union)}
    return _filled(models[operation["do"]], operation)


def _filled(model: type[BaseModel], given: Mapping[str, Any]) -> dict[str, Any]:
    filled: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        usual = False if field.annotation is bool else None
        filled[name] = _value(field.annotation, given[name]) if given.get(name) is not None else usual
    return filled


def _value(annotation: Any, value: Any) -> Any:
    choices = (annotation, *get_args(annotation))
    if isinstance(value, dict):
        models = [each for each in choices if isinstance(each, type) and issubclass(each, BaseModel)]
        return _filled(models[0], cast("dict[str, Any]", value)) if models else cast("Any", value)
    if isinstance(value, list):
        lists = [each for each in choices if get_origin(each) is list]
        return [_value(get_args(lists[0])[0], each) for each in cast("list[Any]", value)]
    return value


async def edit_slides(room: Room, path: str, *operations: Mapping[str, Any], **more: Any) -> Reply:
    """The reply of `slides`."""
    from agent.tools.slides import slides_tools

    filled = [complete(SlidesOperation, each) for each in operations]
    return await call(slides_tools(room)[0], path=path, operations=filled, **more)


async def edit_document(
    room: Room, path: str, *operations: Mapping[str, Any], author: str | None = None, **more: Any
) -> Reply:
    """The reply of `document`; with an author, edits are tracked."""
    from agent.tools.document import document_tools

    filled = [complete(DocumentOperation, each) for each in operations]
    track = {"author": author} if author else None
    return await call(document_tools(room)[0], path=path, operations=filled, track=track, **more)
