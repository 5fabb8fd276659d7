"""Addresses, keys and headers of a provider: what can be said of them without asking it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from agent.errors import ModelFault


def check_settings(api_key: str, base_url: str) -> None:
    """Refuse what no request could be made with, before a library puts it into an error message.

    Raises:
        ModelFault: with the setting to mend; the key itself is not told.
    """
    if not api_key:
        raise ModelFault("there is no API key; set OPENAI_API_KEY", code="no_api_key")
    if not (api_key.isascii() and api_key.isprintable() and " " not in api_key):
        raise ModelFault("OPENAI_API_KEY holds characters that no key has; copy it again", code="bad_api_key")
    try:
        parts = urlsplit(base_url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good:
        raise not_an_address(base_url)


def is_private(base_url: str) -> bool:
    """Whether an address is of this machine or its own network: such servers want no key and cost nothing."""
    from ipaddress import ip_address

    try:
        host = (urlsplit(base_url).hostname or "").rstrip(".").lower()
    except ValueError:
        return False
    try:
        address = ip_address(host)
    except ValueError:
        # A name without a dot is one of the own network, or of containers beside this one.
        return bool(host) and (
            "." not in host or host.endswith((".localhost", ".local", ".lan", ".internal", ".home.arpa"))
        )
    return address.is_private or address.is_loopback or address.is_link_local


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a provider asks to wait: `retry-after-ms`, or `retry-after` as seconds or as a date."""
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        return seconds if seconds >= 0 else None
    try:
        until = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def not_an_address(base_url: str) -> ModelFault:
    """The fault of an address that no request could be sent to."""
    where = without_userinfo(base_url)
    told = f"OPENAI_BASE_URL is no web address: {where!r}; it looks like https://api.openai.com/v1"
    return ModelFault(told, code="bad_address")


def is_html(content_type: str, text: str) -> bool:
    """Whether a body is a web page, by its type or by its first letters."""
    return "html" in content_type.lower() or text.lstrip()[:15].lower().startswith(("<!doctype", "<html"))


def without_userinfo(url: str) -> str:
    """The address without the name and password that it may hold; fit to be told."""
    return re.sub(r"(?<=//)[^/@]*@", "", url)
