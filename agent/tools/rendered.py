"""What a terminal shows, as plain text: colours are dropped, and what was written over is gone.

Lines are as long as they were written; only programs that use the whole screen meet its edges.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from agent.tools.kept import Taken

ROWS, COLUMNS = 48, 160
LONGEST_LINE = 4096  # bytes; the rest of a line that long is shown although its beginning was dropped
BINARY_SHARE = 0.1  # of characters that no text has
_CSI_MOST = 2000  # of a number in a sequence; no screen is larger
_TOKEN = re.compile(
    r"\x1b\[(?P<args>[0-?]*)[ -/]*(?P<do>[@-~])"
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|\x1b[ -/]+[0-~]"
    r"|\x1b(?P<esc>[0-~])"
    r"|(?P<control>[\x00-\x1f\x7f\x80-\x9f])"
    r"|(?P<text>[^\x00-\x1f\x7f\x80-\x9f]+)"
)
_CUT_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]{0,2000}\x1b?|[ -/]*)?\Z")
_PLAIN_BREAKS = re.compile(r"\r+\n")
_NO_TEXT = re.compile("[\x00-\x06\x0e-\x1a\x1c-\x1f\ufffd]")

Line: TypeAlias = list[str]


class Page:
    """A terminal's lines: those of its screen, and those that have left it at the top.

    Attributes:
        full_screen: a program has the whole screen, an editor for one.
    """

    def __init__(self) -> None:
        self.full_screen = False
        self._rest = b""
        self._clear()
        self._aside: list[Line] = []

    def feed(self, data: bytes, *, last: bool = False) -> None:
        """Take in what was written. Sequences and characters that are not complete wait for the rest, if one comes."""
        data, self._rest = self._rest + data, b""
        text, self._rest = (data.decode(errors="replace"), b"") if last else _decoded(data)
        if not last and (cut := _CUT_SEQUENCE.search(text)) and len(text) - cut.start() < 2000:
            self._rest = text[cut.start() :].encode() + self._rest
            text = text[: cut.start()]
        text = _PLAIN_BREAKS.sub("\n", text)
        for token in _TOKEN.finditer(text):
            self._take_in(token)

    def take(self) -> str:
        """What was written since the last `take`, or what a program that has the whole screen shows now."""
        text = "\n".join("".join(line).rstrip() for line in (*self._aside, *self._lines)).rstrip()
        self._aside = []
        if not self.full_screen:
            self._clear()
        return text

    def _clear(self) -> None:
        self._lines: list[Line] = [[]]
        self._row = self._column = 0
        self._saved = (0, 0)

    def _take_in(self, token: re.Match[str]) -> None:
        if text := token["text"]:
            self._write(text)
        elif control := token["control"]:
            self._control(control)
        elif token["do"]:
            self._sequence(token["args"], token["do"])
        elif token["esc"]:
            self._escape(token["esc"])

    def _write(self, text: str) -> None:
        line, column = self._lines[self._row], self._column
        if column > len(line):
            line.extend(" " * (column - len(line)))
        line[column : column + len(text)] = text
        self._column += len(text)

    @property
    def _top(self) -> int:
        return max(0, len(self._lines) - ROWS)

    def _go(self, row: int, column: int) -> None:
        """To a place of the screen."""
        top = self._top
        self._row = min(max(row, top), top + ROWS - 1)
        self._column = max(column, 0)
        while len(self._lines) <= self._row:
            self._lines.append([])

    def _line_feed(self) -> None:
        self._row += 1
        self._column = 0
        if self._row == len(self._lines):
            self._lines.append([])
            if self.full_screen and self._row == ROWS:
                del self._lines[0]
                self._row -= 1

    def _control(self, which: str) -> None:
        match which:
            case "\n" | "\x0b" | "\x0c" | "\x85":
                self._line_feed()
            case "\r":
                self._column = 0
            case "\b":
                self._column = max(0, self._column - 1)
            case "\t":
                self._column = max(self._column, min((self._column // 8 + 1) * 8, COLUMNS))
            case _:
                pass

    def _escape(self, what: str) -> None:
        match what:
            case "7":
                self._saved = (self._row - self._top, self._column)
            case "8":
                self._go(self._top + self._saved[0], self._saved[1])
            case "M" if self._row == self._top:
                self._insert_lines(1)
            case "M":
                self._row -= 1
            case "D" | "E":
                self._line_feed()
            case "c":
                self._clear()
            case _:
                pass

    def _sequence(self, arguments: str, do: str) -> None:
        if arguments.startswith("?"):
            if arguments in ("?1049", "?47", "?1047") and do in "hl":
                self._whole_screen(taken=do == "h")
            return
        numbers = [min(int(word), _CSI_MOST) if word.isdecimal() else 0 for word in arguments.split(";")]
        if not self._moved(do, numbers):
            self._edit(do, numbers)

    def _moved(self, do: str, numbers: list[int]) -> bool:
        count = max(1, numbers[0])
        match do:
            case "A":
                self._move(-count, 0)
            case "B":
                self._move(count, 0)
            case "C":
                self._move(0, count)
            case "D":
                self._move(0, -count)
            case "E":
                self._go(self._row + count, 0)
            case "F":
                self._go(self._row - count, 0)
            case "G":
                self._go(self._row, count - 1)
            case "d":
                self._go(self._top + count - 1, self._column)
            case "H" | "f":
                self._place(numbers)
            case _:
                return False
        return True

    def _edit(self, do: str, numbers: list[int]) -> None:
        match do:
            case "J":
                self._erase_screen(numbers[0])
            case "K":
                self._erase_line(numbers[0])
            case "P":
                self._delete(max(1, numbers[0]))
            case "X":
                self._blank(max(1, numbers[0]))
            case "@":
                self._insert(max(1, numbers[0]))
            case "L":
                self._insert_lines(max(1, numbers[0]))
            case "M":
                self._delete_lines(max(1, numbers[0]))
            case "s":
                self._escape("7")
            case "u":
                self._escape("8")
            case _:
                pass

    def _whole_screen(self, *, taken: bool) -> None:
        if taken == self.full_screen:
            return
        self.full_screen = taken
        before = self._lines
        self._clear()
        self._aside = [*self._aside, *before] if taken else self._aside

    def _move(self, rows: int, columns: int) -> None:
        self._go(self._row + rows, min(self._column + columns, max(COLUMNS - 1, self._column)))

    def _place(self, numbers: list[int]) -> None:
        row, column = (*numbers, 0)[:2]
        self._go(self._top + max(row, 1) - 1, max(column, 1) - 1)

    def _erase_line(self, which: int) -> None:
        line, column = self._lines[self._row], self._column
        match which:
            case 0:
                del line[column:]
            case 1:
                line[: column + 1] = " " * min(column + 1, len(line))
            case _:
                line.clear()

    def _erase_screen(self, which: int) -> None:
        top, row = self._top, self._row
        match which:
            case 0:
                self._erase_line(0)
                del self._lines[row + 1 :]
            case 1:
                self._erase_line(1)
                for each in self._lines[top:row]:
                    each.clear()
            case _:
                for each in self._lines[top:]:
                    each.clear()

    def _delete(self, count: int) -> None:
        del self._lines[self._row][self._column : self._column + count]

    def _blank(self, count: int) -> None:
        line, column = self._lines[self._row], self._column
        line[column : column + count] = " " * min(count, max(0, len(line) - column))

    def _insert(self, count: int) -> None:
        line, column = self._lines[self._row], self._column
        if column < len(line) < _CSI_MOST:
            line[column:column] = " " * count

    def _insert_lines(self, count: int) -> None:
        end = self._top + ROWS
        self._lines[self._row : self._row] = [[] for _ in range(min(count, ROWS))]
        del self._lines[end:]

    def _delete_lines(self, count: int) -> None:
        del self._lines[self._row : self._row + count]
        if self._row == len(self._lines):
            self._lines.append([])


def told(page: Page, taken: Taken, most: int, *, last: bool = False) -> str:
    """What was taken, as text of at most `most` characters; says how long it is and what is left out.

    Args:
        last: nothing comes after it.
    """
    if binary := _binary(taken):
        page.feed(b"\x1bc")
        return binary
    page.feed(taken.head)
    if not taken.dropped:
        page.feed(taken.tail, last=last)
        return cut(page.take(), most)
    head = page.take()
    page.feed(taken.tail[taken.tail.find(b"\n", 0, LONGEST_LINE) + 1 :], last=last)
    length = len(taken.head) + taken.dropped + len(taken.tail)
    return _ends(head, f"of {length:,} bytes only the beginning and the end were kept", page.take(), most)


def cut(text: str, most: int) -> str:
    """The beginning and the end of a text that is longer than `most` characters, and how long it is."""
    if len(text) <= most:
        return text
    left_out = len(text) - 2 * _half(_left_out(len(text), len(text)), most)
    return _ends(text, _left_out(left_out, len(text)), text, most)


def _left_out(count: int, length: int) -> str:
    return f"{count:,} of {length:,} characters left out"


def _ends(head: str, between: str, tail: str, most: int) -> str:
    """Never more than `most` characters; only the beginning, where most of them would not be of the text."""
    half = _half(between, most)
    return f"{head[:half]}\n[… {between} …]\n{tail[-half:]}" if half else head[:most]


def _half(between: str, most: int) -> int:
    told = len(f"\n[… {between} …]\n")
    return (most - told) // 2 if most > 2 * told else 0


def last_lines(data: bytes, count: int, most: int) -> str:
    """The last lines of an output."""
    page = Page()
    page.feed(data)
    return "\n".join(page.take().splitlines()[-count:])[-most:]


def _decoded(data: bytes) -> tuple[str, bytes]:
    """As text, and the bytes of a character at the end that is not complete."""
    for missing in range(1, min(4, len(data) + 1)):
        byte = data[-missing]
        if byte & 0xC0 != 0x80:
            needed = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
            if needed > missing:
                return data[:-missing].decode(errors="replace"), data[-missing:]
            break
    return data.decode(errors="replace"), b""


def _binary(taken: Taken) -> str:
    """What is said of output that is no text; "" for text."""
    text = taken.head[:65536].decode(errors="replace")
    if text and len(_NO_TEXT.findall(text)) > max(8, BINARY_SHARE * len(text)):
        length = len(taken.head) + taken.dropped + len(taken.tail)
        return f"[{length:,} bytes of binary output, not shown; write it to a file, or look at it with `xxd | head`]"
    return ""
