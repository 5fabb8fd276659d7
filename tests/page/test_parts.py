"""What the page is made of: small files of our own that load each other, and interpret nothing that others wrote."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "ui" / "page"
SCRIPTS = sorted(PAGE.glob("*.js"))
FORBIDDEN = (
    *("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "createContextualFragment", "DOMParser"),
    *("srcdoc", "eval(", "new Function", 'setAttribute("style"', "http://", "https://", "document.cookie"),
)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_small_and_interprets_nothing(script: Path) -> None:
    text = script.read_text()
    assert text.count("\n") < 400
    assert max(map(len, text.splitlines())) <= 120
    own = text.replace("http://www.w3.org/2000/svg", "")
    assert not [word for word in FORBIDDEN if word in own]
    assert text.startswith("// "), "the first line says what it is"


@pytest.mark.parametrize(("page", "entry"), [("index.html", "page.js"), ("overlay.html", "overlay.js")])
def test_a_page_loads_all_its_parts_at_once(page: str, entry: str) -> None:
    """Each import that is found only when its importer has come is one more way to the server and back."""
    text = (PAGE / page).read_text()
    listed = re.findall(r'<link rel="modulepreload" href="/assets/([\w-]+\.js)">', text)
    assert sorted(listed) == sorted(_closure(entry) - {entry})
    assert "style=" not in text
    assert "<style" not in text
    assert re.findall(r"<script[^>]*>", text) == [f'<script type="module" src="/assets/{entry}">']


def test_no_part_is_left_over() -> None:
    assert _closure("page.js") | _closure("overlay.js") == {path.name for path in SCRIPTS}


def _closure(entry: str) -> set[str]:
    found: set[str] = set()
    todo = [entry]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += re.findall(r'from "\./([\w-]+\.js)"', (PAGE / name).read_text())
    return found
