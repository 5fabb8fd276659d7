"""Changing text documents."""

from __future__ import annotations

from agent.errors import ToolFault
from agent.office.schemas import definitions, parameters
from agent.tools.base import Arguments, Context, Room, Tool
from agent.tools.office import edit_in_words

_ABOUT = """\
Make or change a text document (.docx, .docm, .dotx; .doc, .odt and .rtf by way of LibreOffice). All operations are \
carried out in their order, or none. What they do not touch stays as it is: styles, comments, tracked changes, fields, \
macros. Blocks, pictures, comments and changes are numbered as `inspect` gives them. null: as it is, or what is usual. \
Places count from 1; lengths are centimetres, sizes of type and spaces before and after points. With `track` every \
edit is written as a tracked change. mail_merge makes one document for each row of a table. Afterwards look at the \
pages with `render`."""


def document_tools(room: Room) -> tuple[Tool, ...]:
    """`document`."""

    async def run(arguments: Arguments, _: Context) -> str:
        from agent.office.documents.merging import mail_merge
        from agent.office.documents.operations import EditDocument, MailMerge
        from agent.office.documents.trade import trade_of
        from agent.office.editing import change
        from agent.tools.office import office_of
        from agent.tools.strict import parsed

        wanted = parsed(EditDocument, arguments)
        accept = wanted.accept_loss is True
        merges = [each for each in wanted.operations if isinstance(each, MailMerge)]
        if merges and len(wanted.operations) > 1:
            raise ToolFault("mail_merge must be the only operation of its call. Nothing was changed.")
        if merges:
            return await mail_merge(room, office_of(room), wanted.path, merges[0], replace=accept)
        trade = trade_of(wanted.track.author if wanted.track else None)
        return await change(room, office_of(room), trade, wanted.path, wanted.source, wanted.operations, accept)

    return (
        Tool(
            "document",
            _ABOUT,
            parameters("document"),
            run,
            definitions=definitions("document"),
            in_words=edit_in_words,
            touches_files=True,
        ),
    )
