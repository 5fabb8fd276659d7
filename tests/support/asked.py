"""Operations of tools with everything null that a test does not say."""

from __future__ import annotations

from typing import TypeVar

from agent.tools.strict import Part

M = TypeVar("M", bound=Part)


def make(model: type[M], **told: object) -> M:
    """One operation, or one part of it."""
    return model.model_validate(dict.fromkeys(model.model_fields) | told)
