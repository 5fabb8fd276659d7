"""Which model a name means, and which API and dialect it is spoken to in."""

from __future__ import annotations

from agent.errors import UserFault
from agent.ports import Model
from ui.settings.options import Provider

PLAYBOOK = "playbook:"


def dialect_of(name: str, provider: Provider) -> str:
    """The dialect that a model is spoken to in; "" for playbooks and models of the Responses API.

    What the user names is taken; else a name that a dialect knows is a chat model, and all others are not.

    Raises:
        UserFault: there is no such dialect, or it cannot be had with this API.
    """
    if name.startswith(PLAYBOOK):
        return ""
    from agent.dialects.dialect import PLAIN, dialect_for, dialects

    if provider.dialect:
        known = sorted(dialect.name for dialect in dialects())
        if provider.dialect not in known:
            raise UserFault(f"there is no dialect {provider.dialect!r}; there are {', '.join(known)}")
        if provider.api == "responses":
            raise UserFault("--dialect is for chat models; leave out --api responses, or --dialect")
        return provider.dialect
    if provider.api == "responses":
        return ""
    found = dialect_for(name)
    if found is not None:
        return found.name
    return PLAIN if provider.api == "chat" else ""


def make_model(name: str, provider: Provider, dialect: str = "") -> Model:
    """The model that a name means: `playbook:NAMES`, one that speaks a dialect, or one of the Responses API.

    Raises:
        UserFault: no key, or no address.
    """
    if name.startswith(PLAYBOOK):
        from agent.models.playbook import PlaybookModel

        return PlaybookModel(name)
    return _chat(name, provider, dialect) if dialect else _responses(name, provider)


def _chat(name: str, provider: Provider, dialect: str) -> Model:
    if not provider.base_url:
        raise UserFault(
            f"{name} is a chat model and needs the address of its server: --base-url http://localhost:8000/v1, or "
            "another; for a model of OpenAI use --api responses"
        )
    from agent.dialects import dialect as dialects
    from agent.models.chat import ChatModel
    from agent.models.web import is_private

    if not provider.api_key and not is_private(provider.base_url):
        raise UserFault(f"{provider.base_url} needs an API key: set OPENAI_API_KEY to yours")
    try:
        ways = dialects.dialect(dialect)
    except KeyError:
        raise UserFault(f"this version knows no dialect {dialect!r}, in which the session was begun") from None
    return ChatModel(
        name,
        ways,
        base_url=provider.base_url,
        api_key=provider.api_key,
        timeout=provider.model_timeout,
        prices=provider.prices,
    )


def _responses(name: str, provider: Provider) -> Model:
    if not provider.api_key:
        raise UserFault("there is no API key: set OPENAI_API_KEY to yours; `deskhand demo` needs none")
    from agent.models.responses import ResponsesModel

    return ResponsesModel(
        name,
        api_key=provider.api_key,
        base_url=provider.base_url,
        timeout=provider.model_timeout,
        prices=provider.prices,
    )
