"""Text and bytes: which encoding a file has, told from its beginning, and whether it is text at all."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from agent.errors import ToolFault

HEAD = 65_536  # bytes that are enough to tell
_BOMS = (  # the longer ones first: one begins with another
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Bytes that no text has, in any of the encodings that are a superset of ASCII; ESC, form feed and the like it may have.
_NEVER = bytes({*range(0x08), 0x0E, 0x0F, *range(0x10, 0x1A), 0x1C, 0x1D, 0x1E, 0x1F})
_NAMES = {"cp1252": "Windows-1252", "latin-1": "ISO 8859-1"}


@dataclass(frozen=True, slots=True)
class Coding:
    """How a text is written as bytes.

    Attributes:
        name: as Python calls it.
        bom: the mark at the very beginning, which is no part of the text.
        guessed: nothing in the file says so.
    """

    name: str = "utf-8"
    bom: bytes = b""
    guessed: bool = False

    def __str__(self) -> str:
        told = _NAMES.get(self.name, self.name.upper())
        if self.bom and self.name == "utf-8":
            told += " with a byte order mark"
        return f"{told}, as far as can be told" if self.guessed else told

    @property
    def newline(self) -> bytes:
        """ "\\n"."""
        return "\n".encode(self.name)

    def decode(self, data: bytes) -> str:
        """The text of a whole file. Raises UnicodeDecodeError."""
        return data.removeprefix(self.bom).decode(self.name)

    def encode(self, text: str) -> bytes:
        """The whole file.

        Raises:
            ToolFault: a character does not exist in this encoding.
        """
        try:
            return self.bom + text.encode(self.name)
        except UnicodeEncodeError as error:
            raise ToolFault(
                f"the file is written in {self}, which has no {text[error.start]!r}. Nothing was changed. "
                "Use other characters, or make a new file (that will be UTF-8)."
            ) from None


def is_unicode(text: str) -> bool:
    """Whether all of it can be written as UTF-8; halves of surrogate pairs cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def coding_of(head: bytes, *, whole: bool) -> Coding | None:
    """What a file is written in; None for one that is no text.

    Args:
        head: its first `HEAD` bytes, or all of them.
        whole: these are all.
    """
    for bom, name in _BOMS:
        if head.startswith(bom):
            return Coding(name, bom)
    if _has(head, _NEVER):
        return _without_mark(head)
    for name in ("utf-8", "cp1252", "latin-1"):
        if _decodes(head, name, whole=whole):
            return Coding(name, guessed=name != "utf-8")
    return None


def _has(head: bytes, some: bytes) -> bool:
    return len(head.translate(None, some)) < len(head)


def _decodes(head: bytes, name: str, *, whole: bool) -> bool:
    try:
        codecs.getincrementaldecoder(name)().decode(head, whole)
    except UnicodeDecodeError:
        return False
    return True


def _without_mark(head: bytes) -> Coding | None:
    """UTF-16 without its mark has a zero in nearly every second byte, in most of the world's writing."""
    if len(head) < 4 or _has(head, _NEVER[1:]):
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    if not even and odd * 2.5 > len(head) // 2:
        return Coding("utf-16-le", guessed=True)
    if not odd and even * 2.5 > len(head) // 2:
        return Coding("utf-16-be", guessed=True)
    return None
