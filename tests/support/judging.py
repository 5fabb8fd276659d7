"""The shipped policy, asked about single actions and uses of tools; and files with rules of one's own."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from actuators.actions import Action, Click
from agent.policy import Deed, Policy, Ruling, Use
from perception.target import Target

CLICK = Click(10, 10)
BUTTON = "push button"
OFFICE = "soffice"


@cache
def shipped() -> Policy:
    return Policy.load()


def judged(action: Action, target: Target | None = None, computer: str = "desktop", *granted: str) -> Ruling:
    return shipped().judge(Deed(action, target, computer, granted))


def on(name: str, role: str = BUTTON, window: str = "", application: str = "") -> Target:
    return Target(role, name, window, application)


GITHUB = on("Sign in", BUTTON, "Sign in to GitHub · GitHub — Mozilla Firefox", "Firefox")


def used(command: str, *, sandbox: bool = True, network: bool = True) -> Ruling:
    return shipped().judge(Use("shell", command=command, sandbox=sandbox, network=network))


def written(folder: Path, text: str) -> Path:
    path = folder / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return path


def rule(text: str = "", *, name: str = "mine", kind: str = "confirm", example: str = '{ target = "Go" }') -> str:
    return f'[[rules]]\nname = "{name}"\nkind = "{kind}"\nrisk = "Mine."\nexamples = [{example}]\n{text}\n'
