"""The prefix is sacred: rendering only ever appends, byte for byte."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agent.conversation import FromDeskhand, FromModel, FromUser, FunctionReply, Item, Request, ScreenReply
from agent.models.render import Renderer, render_item
from agent.values import ImageRef, SafetyCheck, Word
from tests.support.talk import Pictures

TEXT = st.text(max_size=20)
NAMES = st.text("0123456789abcdef", min_size=1, max_size=2)
IMAGES = st.builds(ImageRef, NAMES, st.just("image/png"), st.just(4), st.just(4))
WORDS = st.dictionaries(st.sampled_from(["type", "id", "created_by", "x"]), TEXT | st.integers() | st.lists(TEXT))
ITEMS: st.SearchStrategy[Item] = st.one_of(
    st.builds(FromUser, TEXT, st.none() | IMAGES),
    st.builds(FromDeskhand, TEXT, st.none() | IMAGES),
    st.builds(FromModel, st.lists(WORDS, max_size=3).map(tuple)),
    st.builds(ScreenReply, TEXT, IMAGES, st.lists(st.builds(SafetyCheck, TEXT, TEXT, TEXT), max_size=2).map(tuple)),
    st.builds(FunctionReply, TEXT, TEXT),
)


def load(image: ImageRef) -> bytes:
    return image.sha256.encode()


def request(items: list[Item]) -> Request:
    return Request("s", "i", tuple(items), load)


def parsed(renderer: Renderer, items: list[Item]) -> list[Any]:
    return json.loads(b"[" + b"".join(renderer.render(request(items))) + b"]")


@given(st.lists(ITEMS, max_size=8), st.lists(ITEMS, max_size=4))
def test_a_longer_conversation_extends_the_bytes_of_the_shorter_one(first: list[Item], more: list[Item]) -> None:
    renderer = Renderer()
    short = b"".join(renderer.render(request(first)))
    long = b"".join(renderer.render(request(first + more)))
    assert long.startswith(short)
    assert long == b"".join(Renderer().render(request(first + more))), "memory changes nothing"
    assert json.loads(b"[" + long + b"]") == [word for item in first + more for word in render_item(item, load)]


@given(st.lists(ITEMS, max_size=6), st.lists(ITEMS, max_size=6))
def test_another_conversation_is_rendered_afresh(one: list[Item], other: list[Item]) -> None:
    renderer = Renderer()
    renderer.render(request(one))
    assert parsed(renderer, other) == parsed(Renderer(), other)


def test_each_kind_of_item_has_the_shape_of_the_protocol() -> None:
    image = ImageRef("ab", "image/webp", 4, 4)
    url = "data:image/webp;base64,YWI="
    check = SafetyCheck("sc_1", "", "Look out.")
    output: Word = {"type": "message", "id": "msg_1", "phase": "commentary", "content": [], "created_by": "me"}
    items: list[Item] = [
        FromUser("Do it.", image),
        FromDeskhand("Note."),
        FromModel((output,)),
        ScreenReply("call_1", image, (check,)),
        FunctionReply("call_2", "ok"),
    ]
    shot = {"type": "computer_screenshot", "image_url": url, "detail": "original"}
    assert parsed(Renderer(), items) == [
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Do it."},
                {"type": "input_image", "image_url": url, "detail": "original"},
            ],
        },
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Note."}]},
        {"type": "message", "id": "msg_1", "phase": "commentary", "content": []},
        {
            "type": "computer_call_output",
            "call_id": "call_1",
            "output": shot,
            "acknowledged_safety_checks": [{"id": "sc_1", "message": "Look out."}],
        },
        {"type": "function_call_output", "call_id": "call_2", "output": "ok"},
    ]


def test_pictures_are_loaded_and_encoded_once_in_a_long_session() -> None:
    pictures, renderer = Pictures(), Renderer()
    items: list[Item] = []
    for turn in range(50):
        items.append(ScreenReply(f"call_{turn}", pictures.add(shade=turn)))
        renderer.render(pictures.request(*items))
    assert set(pictures.loads.values()) == {1}


def test_text_that_is_no_unicode_does_not_break_a_request() -> None:
    """A screen's or a file's text may hold a lone surrogate."""
    assert parsed(Renderer(), [FromDeskhand("\udc80")])[0]["content"][0]["text"] == "\udc80"
