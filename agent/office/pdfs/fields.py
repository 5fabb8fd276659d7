"""The fields of a PDF's form, read from the tree that they are kept in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, cast

MOST = 20_000  # fields
_DEEPEST = 40
_READ_ONLY, _REQUIRED = 1, 2
_MULTILINE, _PASSWORD, _COMB = 1 << 12, 1 << 13, 1 << 24
_RADIO, _PUSH = 1 << 15, 1 << 16
_COMBO, _EDIT, _MULTIPLE = 1 << 17, 1 << 18, 1 << 21
_INHERITED = ("/FT", "/Ff", "/V", "/Opt", "/MaxLen", "/Q", "/DA")

Kind: TypeAlias = Literal["text", "check", "radio", "choice", "list", "button", "signature", "unknown"]


@dataclass(frozen=True, slots=True)
class Widget:
    """A field as it appears on a page (from 1; 0 where it is on none). `node` is the annotation."""

    node: Any
    page: int
    on: str = ""  # the state of a check box or radio button that means yes


@dataclass(frozen=True, slots=True)
class Field:
    """A field.

    Attributes:
        node: its dictionary; what it inherits is in `inherited`.
        value: text, the choices that are made, or the state that is on; "" for none.
        choices: what is kept, and what people see.
        label: what a person is told of it.
    """

    name: str
    kind: Kind
    node: Any
    value: str | tuple[str, ...]
    flags: int
    inherited: Mapping[str, Any]
    choices: tuple[tuple[str, str], ...] = ()
    widgets: tuple[Widget, ...] = ()
    label: str = ""
    calculated: bool = False

    @property
    def read_only(self) -> bool:
        return bool(self.flags & _READ_ONLY)

    @property
    def required(self) -> bool:
        return bool(self.flags & _REQUIRED)

    @property
    def multiline(self) -> bool:
        return self.kind == "text" and bool(self.flags & _MULTILINE)

    @property
    def comb(self) -> bool:
        return self.kind == "text" and bool(self.flags & _COMB)

    @property
    def password(self) -> bool:
        return self.kind == "text" and bool(self.flags & _PASSWORD)

    @property
    def editable(self) -> bool:
        """A choice that may be another than those that are offered."""
        return self.kind == "choice" and bool(self.flags & _EDIT)

    @property
    def multiple(self) -> bool:
        return self.kind == "list" and bool(self.flags & _MULTIPLE)

    @property
    def most(self) -> int | None:
        """Characters that fit."""
        told = self.inherited.get("/MaxLen")
        return int(told) if isinstance(told, int) and told > 0 else None


@dataclass
class _Walk:
    pages: Mapping[int, int]
    seen: set[int] = field(default_factory=set[int])
    found: list[Field] = field(default_factory=list[Field])


def form_of(document: Any) -> Any:
    """The form's dictionary, of a reader or a writer; None where there is none."""
    form: Any = resolved(document.root_object.get("/AcroForm"))
    return form if hasattr(form, "get") else None


def fields_of(document: Any) -> list[Field]:
    """All fields, those included that only a page knows of."""
    form = form_of(document)
    if form is None:
        return []
    walk = _Walk(dict(_widget_pages(document)))
    for node in listed(form.get("/Fields")):
        _visit(walk, node, "", {}, 0)
    for node in _orphans(document):
        _visit(walk, node, "", {}, 0)
    return walk.found


def resolved(value: Any) -> Any:
    """What a reference leads to."""
    return value.get_object() if value is not None and hasattr(value, "get_object") else value


def listed(value: Any) -> list[Any]:
    """What is in a list, references followed; nothing where there is none."""
    found = resolved(value)
    return [resolved(each) for each in cast("list[Any]", found)[:MOST]] if isinstance(found, list) else []


def references(value: Any) -> list[Any]:
    """What is in a list as it is kept, references not followed."""
    found = resolved(value)
    return list(cast("list[Any]", found)) if isinstance(found, list) else []


def is_stream(value: Any) -> bool:
    """Whether there is content, and not only a dictionary."""
    return hasattr(resolved(value), "get_data")


def mapping(value: Any) -> Mapping[str, Any]:
    """A dictionary, references followed; an empty one where there is none."""
    found = resolved(value)
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}


def annotations_of(page: Any) -> list[Any]:
    """The dictionaries of a page's annotations."""
    return [each for each in listed(page.get("/Annots")) if hasattr(each, "get")]


def identity(node: Any) -> int:
    """The same for one object, however it was reached."""
    reference = getattr(node, "indirect_reference", None)
    return reference.idnum if reference is not None else -id(node)


def _widget_pages(document: Any) -> Iterator[tuple[int, int]]:
    for number, page in enumerate(document.pages, start=1):
        for node in annotations_of(page):
            if node.get("/Subtype") == "/Widget":
                yield identity(node), number


def _orphans(document: Any) -> Iterator[Any]:
    for page in document.pages:
        for node in annotations_of(page):
            if node.get("/Subtype") == "/Widget" and "/T" in node and "/FT" in node and "/Parent" not in node:
                yield node


def _visit(walk: _Walk, node: Any, above: str, inherited: Mapping[str, Any], depth: int) -> None:
    if not hasattr(node, "get") or depth > _DEEPEST or len(walk.found) >= MOST or identity(node) in walk.seen:
        return
    walk.seen.add(identity(node))
    told = {**inherited, **{key: resolved(node[key]) for key in _INHERITED if key in node}}
    part = node.get("/T")
    name = above if part is None else f"{above}.{part}" if above else str(part)
    kids = listed(node.get("/Kids"))
    below = [kid for kid in kids if hasattr(kid, "get") and "/T" in kid]
    if below:
        for kid in below:
            _visit(walk, kid, name, told, depth + 1)
    elif name:
        shown = [kid for kid in kids if hasattr(kid, "get")] or [node]
        widgets = tuple(Widget(each, walk.pages.get(identity(each), 0), _on(each)) for each in shown)
        walk.found.append(_field(name, node, told, widgets))


def _field(name: str, node: Any, told: Mapping[str, Any], widgets: tuple[Widget, ...]) -> Field:
    flags = told.get("/Ff", 0)
    flags = int(flags) if isinstance(flags, int) else 0
    kind = _kind(told.get("/FT"), flags)
    actions = resolved(node.get("/AA"))
    return Field(
        name,
        kind,
        node,
        _value(kind, told.get("/V"), widgets),
        flags,
        told,
        _choices(kind, told.get("/Opt"), widgets),
        widgets,
        str(node.get("/TU", "")),
        hasattr(actions, "get") and "/C" in actions,
    )


def _kind(told: Any, flags: int) -> Kind:
    match told:
        case "/Tx":
            return "text"
        case "/Ch":
            return "choice" if flags & _COMBO else "list"
        case "/Sig":
            return "signature"
        case "/Btn":
            return "button" if flags & _PUSH else "radio" if flags & _RADIO else "check"
        case _:
            return "unknown"


def _on(widget: Any) -> str:
    """The name of the state that means yes."""
    states = mapping(mapping(widget.get("/AP")).get("/N"))
    if "/BBox" in states:
        return ""  # one appearance for all states
    return next((state[1:] for state in map(str, states) if state != "/Off"), "")


def _value(kind: Kind, value: Any, widgets: tuple[Widget, ...]) -> str | tuple[str, ...]:
    if kind == "signature":
        return "signed" if hasattr(value, "get") else ""
    if kind in ("check", "radio"):
        state = value if value is not None else next((w.node["/AS"] for w in widgets if "/AS" in w.node), "/Off")
        return "" if state in ("/Off", "") else str(state).removeprefix("/")
    if isinstance(value, list):
        return tuple(str(each) for each in listed(value))
    if hasattr(value, "get_data"):
        return value.get_data().decode("latin-1", "replace")
    return "" if value is None else str(value)


def _choices(kind: Kind, options: Any, widgets: tuple[Widget, ...]) -> tuple[tuple[str, str], ...]:
    told = [_pair(each) for each in listed(options)]
    if kind in ("check", "radio"):
        states = list(dict.fromkeys(widget.on for widget in widgets if widget.on))
        labels = [label for _, label in told]
        # The labels of radio buttons are in the order of the buttons.
        if len(labels) == len(widgets):
            by_state = {widget.on: label for widget, label in zip(widgets, labels, strict=True)}
            return tuple((state, by_state.get(state, state)) for state in states)
        return tuple((state, state) for state in states)
    return tuple(told)


def _pair(option: Any) -> tuple[str, str]:
    pair = listed(option)
    return (str(pair[0]), str(pair[1])) if len(pair) == 2 else (str(option), str(option))
