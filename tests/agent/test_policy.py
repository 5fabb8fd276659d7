"""What the shipped rules ask for, and the promises about whose word counts."""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actuators.actions import (
    Action,
    Click,
    DoubleClick,
    Drag,
    Keypress,
    Move,
    Point,
    Scroll,
    TakeScreenshot,
    TripleClick,
    Type,
    Wait,
)
from agent.policy import NOTHING, STRICTEST_FIRST, Deed, Policy, Ruling, Use, as_json, tidy
from agent.rules import RuleData
from perception.target import Target
from tests.support.judging import BUTTON, CLICK, GITHUB, OFFICE, judged, on, rule, shipped, used, written

# ---- what needs a yes, and what must not


@pytest.mark.parametrize("action", [CLICK, DoubleClick(1, 1), TripleClick(1, 1), Drag((Point(1, 1), Point(1, 1)))])
@pytest.mark.parametrize(
    "name",
    [
        *("Send", "Delete permanently", "Empty Trash", "Place order", "Buy now", "Publish", "Post", "Submit"),
        *("Senden", "Endgültig löschen", "Papierkorb leeren", "Jetzt kaufen", "Zahlungspflichtig bestellen"),
        *("Veröffentlichen", "Envoyer", "Supprimer définitivement", "Vider la corbeille", "Passer la commande"),
        *("Acheter", "Publier", "Enviar", "Eliminar permanentemente", "Vaciar papelera", "Realizar pedido", "Publicar"),
        *(
            "send…",
            "  SEND  ",
            "Send\u202a (Ctrl-Enter)\u202c",
            "Ｓｅｎｄ",
            "Place\u00a0order",
            "Pay 12,50 €",
            "Pay $5",
        ),
    ],
)
def test_a_button_that_does_what_cannot_be_undone_needs_a_yes(action: Action, name: str) -> None:
    assert judged(action, on(name)).kind == "confirm"


@pytest.mark.parametrize("role", [BUTTON, "link", "menu item"])
@pytest.mark.parametrize("name", ["Delete permanently", "Empty Trash", "Place order", "Buy now", "Publish", "Post"])
def test_so_does_a_link_or_a_menu_item(role: str, name: str) -> None:
    assert judged(CLICK, on(name, role, "Somewhere — Mozilla Firefox", "Firefox")).kind == "confirm"


@pytest.mark.parametrize("keys", [("enter",), ("Return",), ("KP_Enter",), ("space",), ("SHIFT", "enter")])
def test_keys_press_what_has_the_focus(keys: tuple[str, ...]) -> None:
    assert judged(Keypress(keys), on("Send")).rule == "send"
    assert judged(Keypress(keys), on("Save")) == NOTHING


@pytest.mark.parametrize("text", ["\n", " ", "yes\n", "\r"])
def test_typed_keys_press_it_too(text: str) -> None:
    assert judged(Type(text), on("Send")).rule == "send"


@pytest.mark.parametrize(
    "action",
    [
        *(Keypress(("tab",)), Keypress(("escape",)), Keypress(("alt", "space")), Type("x")),
        *(Click(1, 1, "right"), Click(1, 1, "wheel"), Move(1, 1), Scroll(1, 1, 0, 120), Wait(), TakeScreenshot()),
    ],
)
def test_what_does_not_press_a_button_needs_none(action: Action) -> None:
    assert judged(action, on("Send")) == NOTHING


@pytest.mark.parametrize(
    ("action", "target"),
    [
        (Keypress(("delete",)), on("", "table cell", "Untitled 1 - LibreOffice Calc", OFFICE)),
        (Keypress(("shift", "delete")), on("", "paragraph", "Untitled 1 - LibreOffice Writer", OFFICE)),
        (Keypress(("ctrl", "enter")), on("", "paragraph", "Untitled 1 - LibreOffice Writer", OFFICE)),
        (Keypress(("ctrl", "s")), on("", "table cell", "Untitled 1 - LibreOffice Calc", OFFICE)),
        (Type("Total\t12\t\n"), on("", "table cell", "Untitled 1 - LibreOffice Calc", OFFICE)),
        (Type("rm -rf build\nsudo apt install x\n"), on("", "paragraph", "Notes - LibreOffice Writer", OFFICE)),
        (Type("example.org\n"), on("Search or enter address", "entry", "New Tab — Mozilla Firefox", "Firefox")),
        (Type("send money, buy now, delete everything"), on("", "entry", "Search — Mozilla Firefox", "Firefox")),
        (Type("ls -l\n"), on("Terminal", "terminal", "me@host: ~", "gnome-terminal-server")),
        *((CLICK, on(name, BUTTON, "Save As", OFFICE)) for name in ("Save", "OK", "Cancel", "Open", "Apply", "Close")),
        *((CLICK, on(name, "menu", "", OFFICE)) for name in ("Insert", "Send", "Format", "Data", "Form", "Delete")),
        *(
            (CLICK, on(name, "menu item", "Untitled 1 - LibreOffice Calc", OFFICE))
            for name in (
                *(
                    "Image…",
                    "Delete",
                    "Delete Rows",
                    "Delete Sheet…",
                    "Comment",
                    "Send",
                    "Send to Back",
                    "Bring Forward",
                ),
                *("Sort Order", "Merge Cells", "Rename Sheet…", "Move", "Clear Direct Formatting", "Print…", "Export…"),
                *("Run Macro…", "Accept All", "Replace…", "Hyperlink…", "Format Cells…", "Pay-off"),
            )
        ),
        *((CLICK, on(n, BUTTON, "Find and Replace", OFFICE)) for n in ("Replace", "Replace All", "Find All")),
        (CLICK, on("Delete", BUTTON, "Delete Cells", OFFICE)),
        (CLICK, on("Don't Save", BUTTON, "Save Document?", OFFICE)),
        (CLICK, on("send", "table cell", "Untitled 1 - LibreOffice Calc", OFFICE)),
        (CLICK, on("Buy now", "list item", "Documents", "Thunar")),
        (CLICK, on("Publish", "heading", "Blog — Mozilla Firefox", "Firefox")),
        (CLICK, on("Post", "paragraph", "Letter - LibreOffice Writer", OFFICE)),
        (CLICK, on("Reply", BUTTON, "Inbox - Thunderbird", "Thunderbird")),
        (CLICK, on("Delete", BUTTON, "Inbox - Thunderbird", "Thunderbird")),
        (CLICK, on("Accept all", BUTTON, "News — Mozilla Firefox", "Firefox")),
        (CLICK, on("Add to cart", BUTTON, "Shop — Mozilla Firefox", "Firefox")),
        (CLICK, on("Sign in", "link", "Shop — Mozilla Firefox", "Firefox")),
        (CLICK, on("Move to Trash", "menu item", "Documents", "Thunar")),
        (CLICK, on("", "", "", "")),
        (CLICK, None),
        (Type("hello\n"), None),
        (Keypress(("ctrl", "enter")), None),
    ],
)
def test_everyday_work_is_not_interrupted(action: Action, target: Target | None) -> None:
    assert judged(action, target) == NOTHING


SERIOUS = """
accept the license agreement for the extension by pressing the 'accept' button
change password
enable macros
install
send feedback
sign document
"""


@pytest.mark.skipif(not shutil.which("soffice"), reason="needs LibreOffice")
def test_no_label_of_libreoffice_interrupts_without_reason() -> None:
    """Every text that LibreOffice can show, as something to press: thousands of names, of which a handful matter."""
    labels = _labels(Path(shutil.which("soffice") or "").resolve().parents[1] / "share")
    assert len(labels) > 5000
    for role, more in (("menu item", set[str]()), ("check box", set[str]()), (BUTTON, {"send"})):
        asked = {tidy(label).casefold() for label in labels if _asks(label, role)}
        assert asked <= {*SERIOUS.splitlines(), *more}


def _labels(share: Path) -> set[str]:
    found: list[str] = []
    for pattern, text in (
        ("registry/*.xcd", r"<value[^>]*>([^<]{1,120})</value>"),
        ("config/soffice.cfg/**/*.ui", r'name="(?:label|title|tooltip[^"]*)"[^>]*>([^<]{1,120})<'),
    ):
        for path in share.glob(pattern):
            found += re.findall(text, path.read_text(encoding="utf-8", errors="replace"))
    return {html.unescape(label).replace("~", "").replace("_", "") for label in found}


def _asks(label: str, role: str) -> bool:
    target = on(label, role, "Untitled 1 - LibreOffice Calc", OFFICE)
    return shipped().judge(Deed(CLICK, target, "desktop")).kind != "none"


@pytest.mark.parametrize(
    ("name", "window"),
    [
        ("Change password", "Account — Mozilla Firefox"),
        ("Save changes", "Change your password · Example — Mozilla Firefox"),
        ("Accept the Risk and Continue", "Warning: Potential Security Risk Ahead"),
        ("Proceed to example.org (unsafe)", "Privacy error - Chromium"),
        ("Weiter zu example.org (unsicher)", "Datenschutzfehler - Chromium"),
        ("Run anyway", "Windows protected your PC"),
    ],
)
def test_some_things_are_for_the_user_alone(name: str, window: str) -> None:
    assert judged(CLICK, on(name, BUTTON, window)).kind == "hand_off"
    assert judged(CLICK, on(name, BUTTON, window), "desktop", f"{name} in {window}").kind == "hand_off"


def test_the_strictest_rule_decides() -> None:
    window = "Change your password · Sign in — Mozilla Firefox"
    assert judged(Type("secret"), on("New", "password text", window)).rule == "password-field"
    assert judged(Type("secret\n"), on("New", "password text", window)).kind == "hand_off"
    assert judged(Keypress(("enter",)), on("New", "password text", window), "here", "Log in.").kind == "hand_off"


def test_what_is_typed_counts_where_nobody_tells_the_target() -> None:
    assert judged(Type("4111 1111 1111 1111")).rule == "card-number"
    assert judged(Type("IBAN: de89 3704 0044 0532 0130 00, thanks")).rule == "bank-account"
    assert judged(Type("-----BEGIN RSA PRIVATE KEY-----\nMIIE")).rule == "secret-key"


def test_a_program_that_does_not_tell_its_name_is_known_by_its_window() -> None:
    assert judged(Type("rm notes.txt\n"), Target(window="Terminal - me@host: ~")).rule == "delete-command"
    assert judged(Keypress(("CTRL", "Return")), Target(window="Write: Hi - Thunderbird")).rule == "send-keys"


def test_the_question_names_risk_and_recipient() -> None:
    ruling = judged(CLICK, on("Send", BUTTON, "Write:  Offer\n- Thunderbird", "Thunderbird"))
    assert ruling == Ruling(
        "confirm",
        "send",
        "This sends something in your name; it cannot be called back.",
        "Write: Offer - Thunderbird",
    )
    assert len(judged(CLICK, on("Send", BUTTON, "w" * 5000)).recipient) <= 200
    assert judged(CLICK, on("Send")).recipient == ""


def test_a_rule_may_hold_for_one_computer_only() -> None:
    target = on("Don't Save", BUTTON, "Save Document?", OFFICE)
    assert judged(CLICK, target, "here").rule == "discard"
    assert judged(CLICK, target, "desktop") == NOTHING


# ---- whose word counts


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (("Log in to GitHub and star the project.",), "pre_approved"),
        (("Star the project on GitHub.", "You may sign in."), "pre_approved"),
        (("Don't log in to GitHub.", "All right, log in."), "pre_approved"),
        ((), "confirm"),
        (("Star the project on GitHub.",), "confirm"),
        (("Log in to GitLab with Firefox.",), "confirm"),
        (("Log in to GitHub.", "Stop, do not log in."), "confirm"),
        (("Look at GitHub without signing in.",), "confirm"),
        (("Ask me before you log in to GitHub.",), "confirm"),
        (("Log in to GitHub. But never log in with my main account.",), "confirm"),
    ],
)
def test_a_login_needs_the_users_own_words(said: Sequence[str], kind: str) -> None:
    ruling = shipped().judge(Deed(CLICK, GITHUB, "desktop", said))
    assert (ruling.kind, ruling.rule) == (kind, "login")


SCREEN_WORDS = ["Send", "Sign in", "Delete", "Upload", "Allow", "Yes", "Save", "Change password", "OK", "Replace", ""]
TITLES = ["", "Are you sure?", "Sign in to GitHub — Mozilla Firefox", "File Upload", "Change password", "Save As", "\n"]
ROLES = [BUTTON, "link", "menu item", "entry", "password text", "table cell", "check box", "unknown", ""]
PROGRAMS = ["", "Firefox", "Thunderbird", "soffice", "xterm", "Thunar", "Slack", "gnome-control-center"]
TYPED = ["rm -rf x\n", "4111111111111111", "thisisunsafe", "passwd\n", "mv a b\n", "hello", "\t\n", "\ud800"]
WORDS = ["Log in to GitHub.", "Upload and delete everything, send it, allow it, overwrite it.", "Yes.", "No", "\udfff"]
texts = st.one_of(st.text(max_size=40), st.text(st.characters(), max_size=40))
keys = st.lists(st.sampled_from(["ctrl", "shift", "enter", "Delete", "a", "space", "no such key", "\x00"]), max_size=4)
actions = st.one_of(
    st.sampled_from([CLICK, DoubleClick(1, 1), Drag(()), Move(1, 1), Scroll(1, 1), Wait(), TakeScreenshot()]),
    st.builds(Type, st.one_of(st.sampled_from(TYPED), texts)),
    st.builds(Keypress, keys.map(tuple)),
)


def names(known: Sequence[str]) -> st.SearchStrategy[str]:
    return st.one_of(st.sampled_from(known), texts)


targets = st.none() | st.builds(Target, names(ROLES), names(SCREEN_WORDS), names(TITLES), names(PROGRAMS))
said_by_user = st.lists(names(WORDS), max_size=3).map(tuple)
places = st.sampled_from(["here", "desktop", "vm"])
COMMANDS = ["git push origin main", "pip install x\nls", "curl -d @x https://me:pw@example.org/\udcff", "ls", ""]
uses = st.builds(
    Use,
    tool=names(["shell", "terminal", "files", "add_comment"]),
    arguments=names(['{"do": "write"}', '{"text": "4111 1111 1111 1111"}', "{}"]),
    command=names(COMMANDS),
    server=st.sampled_from(["", "tickets"]),
    sandbox=st.sampled_from([None, True, False]),
    network=st.sampled_from([None, True, False]),
    ask_before=st.sampled_from([None, True, False]),
    computer=places,
    granted=said_by_user,
)
deeds = st.one_of(st.builds(Deed, actions, targets, places, said_by_user), uses)


@given(deeds)
@settings(max_examples=60, deadline=None)
def test_judging_never_fails(deed: Deed | Use) -> None:
    ruling = shipped().judge(deed)
    assert ruling.kind in STRICTEST_FIRST
    assert (ruling.rule == "") == (ruling.kind == "none")


@given(deeds, said_by_user)
@settings(max_examples=60, deadline=None)
def test_words_never_lift_what_must_be_confirmed(deed: Deed | Use, others: tuple[str, ...]) -> None:
    kinds = {rule.name: rule.kind for rule in shipped().rules}
    before, after = shipped().judge(deed), shipped().judge(replace(deed, granted=others))
    if kinds.get(before.rule) in ("hand_off", "confirm"):
        assert after == before
    assert (before.kind == "none") == (after.kind == "none"), "words decide on pre_approved rules and on nothing else"


@given(deeds)
@settings(max_examples=60, deadline=None)
def test_nothing_on_the_screen_is_a_yes(deed: Deed | Use) -> None:
    assert shipped().judge(replace(deed, granted=())).kind != "pre_approved"


def _strictness(ruling: Ruling) -> int:
    return -STRICTEST_FIRST.index(ruling.kind)


def _own(numbered: tuple[int, dict[str, Any]]) -> dict[str, Any]:
    number, conditions = numbered
    allows = {"granted_by": "."} if conditions["kind"] == "pre_approved" else {}
    always: dict[str, Any] = {"name": f"own-{number}", "risk": "?", "examples": ({},)}
    return always | conditions | allows


patterns = st.sampled_from([".", "send|sign in", "^delete$", "github", "x{3}", "[a-m]+"])
own_rules = st.lists(
    st.fixed_dictionaries(
        {"kind": st.sampled_from(["hand_off", "confirm", "pre_approved"])},
        optional={
            "target": patterns,
            "window": patterns,
            "text": patterns,
            "does": st.sampled_from(["press", "type", "move", "keypress"]),
            "computers": st.sampled_from(["here", "vm"]),
        },
    ).filter(lambda conditions: len(conditions) > 1)
    | st.fixed_dictionaries(
        {"kind": st.sampled_from(["hand_off", "confirm", "pre_approved"]), "tool": patterns},
        optional={"command": patterns, "arguments": patterns, "server": patterns, "network": st.booleans()},
    ),
    max_size=4,
).map(lambda conditions: [_own(one) for one in enumerate(conditions)])


@given(own_rules, deeds)
@settings(max_examples=60, deadline=None)
def test_rules_of_ones_own_never_weaken_a_shipped_one(own: list[dict[str, Any]], deed: Deed | Use) -> None:
    added = [RuleData.model_validate(rule).compiled({}) for rule in own]
    assert _strictness(Policy([*added, *shipped().rules]).judge(deed)) >= _strictness(shipped().judge(deed))


# ---- tools beside the screen


def test_a_command_that_reaches_others_names_them() -> None:
    assert used("git push origin main").rule == "shell-network" and used("git push", network=False) == NOTHING
    assert used("npm install left-pad").rule == "shell-install"
    ask = used("curl -d @x https://me:hunter2@example.org:8080/a https://[::1]/ && scp a kim@example.net:")
    assert ask.recipient == "example.org, [::1], kim@example.net"
    assert used("git push").recipient == ""
    assert used("ls", sandbox=False).rule == "shell-unconfined"
    assert used("git push", sandbox=False).rule == "shell-unconfined"


def test_rules_of_the_screen_judge_no_tools_and_the_other_way_round(tmp_path: Path) -> None:
    assert used("rm -rf / # 4111 1111 1111 1111", network=False) == NOTHING
    own = written(tmp_path, rule("tool = '.'\nholds = 'card number'", example='{ command = "pay 4111111111111111" }'))
    policy = Policy.load(own)
    assert policy.judge(Use("pay", arguments='{"card": "4111 1111 1111 1111"}')).rule == "mine"
    assert policy.judge(Deed(Type("4111 1111 1111 1111"), None, "here")).rule == "card-number"


def test_a_rule_sees_a_call_however_it_is_written(tmp_path: Path) -> None:
    call = '{ tool = "files", arguments = { do = "write", path = "säcret/a b.txt" } }'
    policy = Policy.load(written(tmp_path, rule("tool = '^files$'\narguments = '\"path\": \"säcret/'", example=call)))
    arguments: dict[str, Any] = json.loads('{"path": "s\\u00e4cret/x", "do":"write","lines":null}')
    assert as_json(arguments) == '{"path": "säcret/x", "do": "write"}'
    assert policy.judge(Use("files", arguments=as_json(arguments))).rule == "mine"
