"""`docs/models.md`: which servers and models there are besides OpenAI's, and what each dialect does."""

from __future__ import annotations

from agent.dialects.dialect import Dialect, dialects

UNITS = {"pixels": "pixels of the picture sent", "0-1": "0 to 1", "0-999": "0 to 999", "0-1000": "0 to 1000"}
WRITES = {
    "calls": "`Action: click(…)`",
    "tags": "`<tool_call>`: JSON or XML",
    "code": "pyautogui code (read, never run)",
    "objects": "JSON",
}

INTRODUCTION = """\
Deskhand works with OpenAI's models through the Responses API, and with vision models of any OpenAI-compatible server
through Chat Completions: vLLM, SGLang, llama.cpp, Ollama, LM Studio, and hosted ones. Everything else is the same: the
loop, the tools, approvals, the journal.

    deskhand run "TASK" --model Qwen3.8-27B --base-url http://localhost:8000/v1
    deskhand run "TASK" --model llava --base-url http://localhost:11434/v1 --dialect json

`--base-url` (or `OPENAI_BASE_URL`, or `base_url` in the configuration) is the server's address. A server on this
machine or its own network needs no key; a placeholder is sent. Its tokens cost nothing unless the file of `prices`
names a price, and `--max-cost` needs one: use `--max-turns` or `--max-minutes`.

## Which API, which dialect

A *dialect* is how a family of models is shown the screen, told of the tools, and writes what it wants done. A model
whose name a dialect knows is a chat model and gets that dialect; every other name is one of the Responses API.
`--api chat` makes any name a chat model, in the dialect `json` unless one knows it; `--api responses` makes it one of
the Responses API; `--dialect NAME` chooses the dialect. The session keeps it when it is resumed.
"""

WAYS = """\
*Pictures*: how many the model takes; the oldest ones give way to a line of text, some at a time, so that the server's
prefix cache breaks only then. Where all of them stay, nothing that was sent ever changes until the conversation is made
shorter. Each picture is sent with sides that are multiples of *factor*, at most 2 million pixels, never enlarged, so
that the server's own resizing changes nothing; answers are mapped back to pixels of the screenshot. A point outside is
told to the model, and never moved inside.

*Tools*: `through the server` means the request's `tools`; a server that refuses them gets the same tools in the text,
where all other dialects have them always.
"""

READING = """\
## What is read, and what is not

- Several calls in one answer are done in order. Calls of tools end a batch of actions.
- A scroll by up to 50 counts notches of the wheel, more are pixels; a notch is 120 pixels. Where a family says only a
  direction, it is five notches.
- Keys and buttons that go down in one answer and come up in a later one are remembered and take effect together:
  nothing is held down between answers. Only the left button can drag.
- An end (`finished`, `terminate`, `DONE`, `answer`) counts when it stands alone: together with actions the model is
  asked to look at the result first. Where functions go through the server, words without a call are the end when they
  are said twice in a row. A failure (`FAIL`, `terminate` with `failure`) is `give_up`.
- Thoughts (`<think>`, `◁think▷`, `reasoning_content`) are shown, and sent back only where the family wants them.
- pyautogui code is parsed and read call by call; imports are passed over, variables and conditions are refused.

An answer that cannot be read is told to the model once, with what was wrong and what would be right; nothing of it is
done. The third in a row ends the session as failed, with the reason: another dialect may fit better.

In messages of such models `[User]` stands before the user's words, `[Deskhand]` before notes, `[Result of …]` before
what a tool has answered. What a tool answers cannot begin a line with these, and marks of chat templates in it
(`<|im_end|>`) are broken up by spaces.

## Servers

- **vLLM**: `vllm serve MODEL --limit-mm-per-prompt '{"image": 100}' --max-model-len 65536`, for functions also
  `--enable-auto-tool-choice --tool-call-parser …`, for thoughts `--reasoning-parser …`.
- **SGLang**: `python -m sglang.launch_server --model-path MODEL --context-length 65536`, for functions also
  `--tool-call-parser …`.
- **llama.cpp**: `llama-server -m MODEL.gguf --mmproj MMPROJ.gguf -c 65536 --jinja`; without `--mmproj` it sees no
  pictures, without `--jinja` it takes no functions.
- **Ollama**: `OLLAMA_CONTEXT_LENGTH=65536 ollama serve`; with its usual context of some thousand tokens it silently
  leaves out the beginning of the conversation.
- **LM Studio**: load the model with a long context, then start its server. An answer without a word usually means that
  the context is full.

How much a model takes at once is asked of the server's list of models (vLLM, SGLang, OpenRouter and others tell it
there). Where nobody says it, Deskhand counts on 100,000 tokens until the server names its own by refusing; then the
conversation is made shorter. A screenshot of 1440×900 takes some 1,200 to 1,600 tokens, the standing orders with all
tools 9,000 to 11,000. A model that is known to take less than 64,000 is not offered the tools `spreadsheet`, `slides`,
`document` and `pdf`, whose work the shell and the files can do; the session says so, and then orders and tools take
some 4,000. `--tools` names what is offered, whatever the model takes.
Loading a model can take minutes: `model_timeout` in the configuration is the number of seconds that a silence may last
(180). A server that does not count tokens gets an estimate, marked as one in the report.

Formats and coordinates are those that the models' makers describe. They were tested with answers as such models write
them, not with the models themselves; prompts are Deskhand's own.
"""


def models_page(made_by: str) -> str:
    """The page."""
    rows = "\n".join(map(_row, dialects()))
    head = "| dialect | models | coordinates | writes | tools | pictures | factor |\n|---|---|---|---|---|---|---|"
    table = f"{head}\n{rows}\n"
    return "\n".join(["# Models\n", made_by, INTRODUCTION, table, WAYS, READING])


def _row(dialect: Dialect) -> str:
    writes = ", ".join(WRITES[syntax] for syntax in dialect.syntax)
    tools = "through the server" if dialect.native else "in the text"
    pictures = "all" if dialect.pictures is None else str(dialect.pictures)
    cells = (f"`{dialect.name}`", dialect.about, UNITS[dialect.units], writes, tools, pictures, str(dialect.fit.factor))
    return f"| {' | '.join(cells)} |"
