"""Which API and dialect a model's name means, and what is missing to reach it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.errors import UserFault
from agent.models.chat import ChatModel
from agent.models.playbook import PlaybookModel
from agent.models.responses import ResponsesModel
from agent.models.web import is_private
from tests.support.command import Deskhand
from ui.doctor.machine import check_dialects, check_key
from ui.models import dialect_of, make_model
from ui.settings.options import Provider

LOCAL = "http://localhost:8000/v1"


@pytest.mark.parametrize(
    ("name", "api", "dialect", "chosen"),
    [
        ("gpt-6.1-terra", "", "", ""),
        ("gpt-6.1-terra", "chat", "", "json"),
        ("some-model", "", "", ""),
        ("some-model", "chat", "", "json"),
        ("some-model", "", "functions", "functions"),
        ("Qwen/Qwen3-VL-8B-Instruct", "", "", "qwen3-vl"),
        ("Qwen/Qwen3-VL-8B-Instruct", "responses", "", ""),
        ("Qwen/Qwen3-VL-8B-Instruct", "chat", "json", "json"),
        ("playbook:budget", "chat", "json", ""),
    ],
)
def test_the_user_chooses_and_else_the_name_does(name: str, api: str, dialect: str, chosen: str) -> None:
    provider = Provider(api_key="sk-of-the-test", base_url=LOCAL, api=api, dialect=dialect)
    assert dialect_of(name, provider) == chosen
    kind = PlaybookModel if name.startswith("playbook:") else ChatModel if chosen else ResponsesModel
    model = make_model(name, provider, chosen)
    assert type(model) is kind and (kind is PlaybookModel or model.name == name)


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        (Provider(dialect="klingon"), "there is no dialect 'klingon'; there are evocua, functions, glm-v,"),
        (Provider(dialect="json", api="responses"), "leave out --api responses, or --dialect"),
    ],
)
def test_what_cannot_be_chosen_is_said(provider: Provider, said: str) -> None:
    with pytest.raises(UserFault) as raised:
        dialect_of("some-model", provider)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        (Provider(), "needs the address of its server: --base-url"),
        (Provider(base_url="https://api.example.test/v1"), "needs an API key: set OPENAI_API_KEY"),
        (Provider(base_url="http://[::1"), "OPENAI_API_KEY"),
    ],
)
def test_what_is_missing_is_said(provider: Provider, said: str) -> None:
    with pytest.raises(UserFault) as raised:
        make_model("qwen3-vl:8b", provider, "qwen3-vl")
    assert said in str(raised.value)


def test_a_dialect_that_is_gone_is_said() -> None:
    with pytest.raises(UserFault, match="knows no dialect 'old'"):
        make_model("m", Provider(base_url=LOCAL), "old")


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("http://localhost:11434/v1", True),
        ("http://127.0.0.1:8000/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://192.168.1.20:1234/v1", True),
        ("http://10.0.0.5/v1", True),
        ("http://gpu-box:8000/v1", True),
        ("http://gpu.local/v1", True),
        ("https://api.openai.com/v1", False),
        ("https://8.8.8.8/v1", False),
        ("https://localhost.example.com/v1", False),
        ("http://[::1/v1", False),
        ("", False),
    ],
)
def test_which_addresses_are_ones_own(address: str, private: bool) -> None:
    assert is_private(address) == private


def test_wrong_choices_are_one_line_and_make_no_session(tmp_path: Path) -> None:
    deskhand = Deskhand(tmp_path / "home", OPENAI_BASE_URL=LOCAL)
    for flags, said in (
        (("--dialect", "klingon"), "there is no dialect 'klingon'"),
        (("--model", "ui-tars-1.5", "--max-cost", "1"), "no price is known for ui-tars-1.5"),
    ):
        ran = deskhand("run", "Work", *flags)
        assert (ran.returncode, said in ran.stderr, ran.stderr.count("\n")) == (2, True, 1), ran.stderr
    assert not (tmp_path / "home" / "data" / "sessions").exists()


def test_the_doctor_knows_what_a_server_of_ones_own_wants(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DESKHAND_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    for address, status in ((LOCAL, "ok"), ("https://api.example.test/v1", "skipped")):
        monkeypatch.setenv("OPENAI_BASE_URL", address)
        assert check_key().status == status
    assert "ui-tars-1.5" in check_dialects().detail
