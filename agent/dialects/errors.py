"""What is wrong with an answer, for the model that wrote it."""

from __future__ import annotations


class Unreadable(Exception):
    """An answer that cannot be understood or carried out. The message is for the model: what was wrong, in a clause."""
