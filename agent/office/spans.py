"""Text that is spread over many pieces, each with its own look, changed as if it were one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

from agent.errors import ToolFault
from agent.office.xml import Element

LONGEST = 10_000  # characters of what is looked for
_MOST_WORDS, _ALIKE = 4000, 0.3  # of texts that are compared word by word


def text_of(leaves: Sequence[Element]) -> str:
    """What they say together."""
    return "".join(leaf.text or "" for leaf in leaves)


def splice(leaves: Sequence[Element], start: int, end: int, text: str) -> None:
    """Put `text` in place of the characters from `start` to `end`. It takes the look of the first of them."""
    position, placed = 0, False
    for number, leaf in enumerate(leaves):
        old = leaf.text or ""
        a, b = max(start - position, 0), min(end - position, len(old))
        here = (
            not placed and start <= position + len(old) and (a < len(old) or start == end or number == len(leaves) - 1)
        )
        if here:
            leaf.text = old[:a] + text + old[max(a, b) :]
            placed = True
        elif placed and a < b:
            leaf.text = old[:a] + old[b:]
        position += len(old)


def retext(leaves: Sequence[Element], text: str) -> None:
    """Make them say `text`, changing only the words that differ."""
    for start, end, words in edits(text_of(leaves), text):
        splice(leaves, start, end, words)


def edits(old: str, new: str) -> Iterator[tuple[int, int, str]]:
    """What makes `new` of `old`, the last first: start, end, and what stands there then. Texts that have little in
    common are changed as a whole."""
    words, others = (re.findall(r"\w+|\s+|[^\w\s]", each) for each in (old, new))
    matcher = difflib.SequenceMatcher(None, words, others)
    if max(len(words), len(others)) > _MOST_WORDS or matcher.ratio() < _ALIKE:
        yield 0, len(old), new
        return
    starts = [0]
    for word in words:
        starts.append(starts[-1] + len(word))
    for tag, a, b, c, d in reversed(matcher.get_opcodes()):
        if tag != "equal":
            yield starts[a], starts[b], "".join(others[c:d])


def changed_middle(old: str, new: str) -> tuple[int, int, str]:
    """Where `old` differs: start, end, and what stands there in `new`."""
    most = min(len(old), len(new))
    head = next((i for i in range(most) if old[i] != new[i]), most)
    while 0 < head < len(old) and _inside_word(old, head):
        head -= 1
    tail = next((i for i in range(most - head) if old[-1 - i] != new[-1 - i]), most - head)
    while tail > 0 and _inside_word(old, len(old) - tail):
        tail -= 1
    return head, len(old) - tail, new[head : len(new) - tail]


def _inside_word(text: str, index: int) -> bool:
    return 0 < index < len(text) and text[index - 1].isalnum() and text[index].isalnum()


def pattern_of(find: str, *, match_case: bool, whole_words: bool) -> re.Pattern[str]:
    """What finds it; any blank of it finds any blank.

    Raises:
        ToolFault: there is nothing to find.
    """
    if not find or len(find) > LONGEST:
        raise ToolFault(f"find must have 1 to {LONGEST} characters. Nothing was done.")
    escaped = re.sub(r"(?:\\[ \t\n\xa0]|[\s\xa0])", r"[\\s\\xa0]", re.escape(find))
    if whole_words:
        escaped = rf"(?<!\w){escaped}(?!\w)"
    return re.compile(escaped, 0 if match_case else re.IGNORECASE)
