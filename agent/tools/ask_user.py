"""A question to the user. However long it takes: elapsed time is never an answer."""

from __future__ import annotations

from typing import Any, cast

from agent.errors import ToolFault
from agent.events import QuestionAsked
from agent.tools.base import Arguments, Context, Tool, text_of

MOST = 8  # choices
LONGEST = 2_000  # characters of a question


async def _run(arguments: Arguments, context: Context) -> str:
    asked = QuestionAsked(
        id=context.call,
        call=context.call,
        text=text_of(arguments["question"], "question", LONGEST),
        choices=_choices(arguments["choices"]),
        blocking=arguments["wait"] is not False,
    )
    context.recorder.record(asked)
    if not asked.blocking:
        return (
            "The question was put to the user. Go on with what does not depend on it; the answer comes as their word."
        )
    return f"The user answers: «{await context.user.answer_to(asked.id, context.patience)}»"


def _choices(raw: object) -> tuple[str, ...]:
    if not isinstance(raw, list) or len(cast("list[Any]", raw)) > MOST:
        raise ToolFault(f"choices must be a list of at most {MOST} texts; empty for a free answer.")
    return tuple(text_of(choice, "each choice", 200) for choice in cast("list[Any]", raw))


ASK_USER = Tool(
    "ask_user",
    "Ask the user something that only they know or may decide. Do not guess where you can ask, and do not ask for what "
    "the task already says. Nothing else happens until they answer if `wait` is true.",
    {
        "question": {"type": "string", "description": "One question, with what they need to know to answer it."},
        "choices": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Answers to choose from, at most 8; empty for a free answer.",
        },
        "wait": {"type": "boolean", "description": "False to go on working until the answer comes."},
    },
    _run,
    own_event=True,
)
