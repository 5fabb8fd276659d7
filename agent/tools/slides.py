"""Changing presentations."""

from __future__ import annotations

from agent.tools.base import Arguments, Context, Room, Tool

_ABOUT = """\
Make or change a presentation (.pptx, .pptm, .potx; .ppt and .odp by way of LibreOffice). All operations are carried \
out in their order, or none. What they do not touch stays as it is: masters, animations, charts, comments, macros. \
Addresses are those of `inspect`; lengths are centimetres. The reply says what was done and what does not fit. \
Afterwards look at the slides with `render`."""


def slides_tools(room: Room) -> tuple[Tool, ...]:
    """`slides`."""
    from agent.office.slides.operations import EditSlides
    from agent.tools.strict import parameters_of, parsed

    async def run(arguments: Arguments, _: Context) -> str:
        from agent.office.editing import change
        from agent.office.slides.trade import TRADE
        from agent.tools.office import office_of

        wanted = parsed(EditSlides, arguments)
        accept = wanted.accept_loss is True
        return await change(room, office_of(room), TRADE, wanted.path, wanted.source, wanted.operations, accept)

    return (Tool("slides", _ABOUT, parameters_of(EditSlides), run, in_words=_in_words, touches_files=True),)


def _in_words(arguments: Arguments) -> str:
    operations = arguments.get("operations")
    count = len(operations) if isinstance(operations, list) else 0  # pyright: ignore[reportUnknownArgumentType]
    return f"edit {arguments.get('path')}: {count} change{'' if count == 1 else 's'}"
