"""Changing presentations."""

from __future__ import annotations

from agent.office.schemas import definitions, parameters
from agent.tools.base import Arguments, Context, Room, Tool
from agent.tools.office import edit_in_words

_ABOUT = """\
Make or change a presentation (.pptx, .pptm, .potx; .ppt and .odp by way of LibreOffice). All operations are carried \
out in their order, or none. What they do not touch stays as it is: masters, animations, charts, comments, macros. \
Addresses are those of `inspect`. null: as it is, or what is usual: last, all, fitting. Places count from 1; lengths \
are centimetres, sizes of type points; pictures and decks are given by their paths. The reply says what was done and \
what does not fit. Afterwards look at the slides with `render`."""


def slides_tools(room: Room) -> tuple[Tool, ...]:
    """`slides`."""

    async def run(arguments: Arguments, _: Context) -> str:
        from agent.office.editing import change
        from agent.office.slides.operations import EditSlides
        from agent.office.slides.trade import TRADE
        from agent.tools.office import office_of
        from agent.tools.strict import parsed

        wanted = parsed(EditSlides, arguments)
        accept = wanted.accept_loss is True
        return await change(room, office_of(room), TRADE, wanted.path, wanted.source, wanted.operations, accept)

    return (
        Tool(
            "slides",
            _ABOUT,
            parameters("slides"),
            run,
            definitions=definitions("slides"),
            in_words=edit_in_words,
            touches_files=True,
        ),
    )
