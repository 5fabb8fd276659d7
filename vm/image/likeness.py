"""Whether two builds have the same packages."""

from __future__ import annotations

from pathlib import Path

from agent.errors import UserFault

_SHOWN = 8


def differences(built: str, expected: str) -> list[str]:
    """How one packages.txt differs from another, a package an entry, by name: `name 1.0 (expected 0.9)`."""
    ours, theirs = _versions(built), _versions(expected)
    said: list[str] = []
    for name in sorted(ours.keys() | theirs.keys()):
        if name not in ours:
            said.append(f"{name} {theirs[name]} is missing")
        elif name not in theirs:
            said.append(f"{name} {ours[name]} is new")
        elif ours[name] != theirs[name]:
            said.append(f"{name} {ours[name]} (expected {theirs[name]})")
    return said


def check_like(built: Path, expected: Path) -> None:
    """See that a packages.txt equals an earlier one.

    Raises:
        UserFault: it does not; names the packages.
    """
    different = differences(built.read_text("utf-8"), expected.read_text("utf-8"))
    if different:
        more = f" and {len(different) - _SHOWN} more" if len(different) > _SHOWN else ""
        raise UserFault(
            f"{len(different)} packages differ from {expected}: {', '.join(different[:_SHOWN])}{more};"
            " build from the same state of the archive with --archive, or without --like"
        )


def _versions(text: str) -> dict[str, str]:
    parts = (line.split() for line in text.splitlines() if line.strip())
    return {f"{name}:{arch}": version for name, version, arch in parts}
