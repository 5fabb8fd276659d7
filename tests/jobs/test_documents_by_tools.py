"""Letters and slides made with tools beside the screen, as a model would that knows them well."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.jobs import deck, letters, restyle
from tests.jobs.working import done_by_tools, use
from tests.support.openai_script import shell


@pytest.mark.slow
def test_an_outline_becomes_ten_slides(tmp_path: Path) -> None:
    slides = deck.slides()
    columns = next(number for number, each in enumerate(slides, 1) if len(each.bodies) > 1)
    right = "\n".join("\t" * level + text for level, text in slides[columns - 1].bodies[1])
    done_by_tools(
        deck.JOB,
        tmp_path,
        use("read_file", path="outline.md", start=None, lines=None, at_byte=None, encoding=None),
        use("inspect", path="house.potx", part=None, detail=None),
        use(
            "slides",
            path="kickoff.pptx",
            source="house.potx",
            operations=[
                {"do": "add_outline", "outline": "\n".join(map(_outlined, slides))},
                {"do": "set_text", "slide": columns, "shape": "body 2", "text": right},
                {"do": "set_footers", "numbers": True, "on_title_slides": False},
            ],
        ),
        use("render", path="kickoff.pptx", pages=[1, 3, columns, 7], width=640),
    )


def _outlined(slide: deck.Slide) -> str:
    """A slide as the tool wants it told."""
    lines = [f"# {slide.title}", f"[layout: {slide.layout}]"]
    lines += [f"{'  ' * level}- {text}" for level, text in next(iter(slide.bodies), ())]
    return "\n".join([*lines, *(f"> {note}" for note in slide.notes)])


@pytest.mark.slow
def test_a_deck_is_brought_to_its_brand(tmp_path: Path) -> None:
    names = {"dk1": "dark1", "lt1": "light1", "dk2": "dark2", "lt2": "light2", "hlink": "link"}
    done_by_tools(
        restyle.JOB,
        tmp_path,
        use("read_file", path="brand.md", start=None, lines=None, at_byte=None, encoding=None),
        use("inspect", path="pitch.pptx", part=None, detail=None),
        use(
            "slides",
            path="pitch.pptx",
            operations=[
                {
                    "do": "restyle", "colours": {names.get(slot, slot): each for slot, each in restyle.BRAND.items()},
                    "heading_font": restyle.HEADINGS, "body_font": restyle.TEXT, "background": "light1",
                    "title_colour": "dark2", "text_colour": "dark1",
                    "logo": "logo.png", "logo_corner": "top_right", "hard_coded": True,
                },
            ],
        ),
        use("render", path="pitch.pptx", pages=[1, 2, 3, 4, 5, 6], width=480),
    )  # fmt: skip


@pytest.mark.slow
def test_members_get_their_letters(tmp_path: Path) -> None:
    members = {"workbook": "merge.csv", "sheet": None, "cells": None}
    pages = [
        {"do": "add_pages", "path": f"letters/{letters.name(row)}", "pages": None, "before": None}
        for row in letters.wanted()
    ]
    done_by_tools(
        letters.JOB,
        tmp_path,
        use("inspect", path="letter.docx", part=None, detail=None),
        use("read_file", path="members.csv", start=None, lines=None, at_byte=None, encoding=None),
        shell("grep -v ';left' members.csv > merge.csv; wc -l merge.csv"),
        use(
            "document",
            path="letter.docx",
            operations=[{"do": "mail_merge", "rows": members, "output": "letters/{{Number}} {{Name}}.pdf"}],
        ),
        use("pdf", path="all.pdf", source=None, operations=pages),
        use("render", path="all.pdf", pages=[1, 4], width=600),
        shell("rm merge.csv; ls -R"),
    )
