"""Has the user said yes in their own words? Only task, corrections and answers are ever looked at here."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

# In doubt a sentence is no yes: then the user is asked, which costs a moment.
_NO = re.compile(
    r"\b(?:no|not|never|none|nothing|without|neither|nor|don['’]?t|doesn['’]?t|mustn['’]?t|can['’]?t|cannot|avoid|except"
    r"|unless|refuse|stop|ask|check with|confirm with|tell me before|wait for"
    r"|nicht|nichts|nie|niemals|kein\w*|ohne|weder|außer|vermeide\w*|frag\w*|rückfrage\w*"
    r"|ne|pas|jamais|aucun\w*|sans|ni|sauf|évite\w*|demande\w*"
    r"|nunca|jamás|ningun[oa]?|ningún|sin|tampoco|salvo|evita\w*|pregunta\w*)\b|\bn['’]",
    re.IGNORECASE,
)
_SENTENCE_ENDS = re.compile(r"(?<=[.!?;])\s+|[\r\n]+")
_WORD = re.compile(r"[^\W_]{3,}")
_BROWSERS = re.compile(
    r"\s+[-–—]\s+(?:mozilla firefox|firefox|google chrome|chromium|microsoft edge|brave|vivaldi|opera|safari)"
    r"(?:\s.*)?$",
    re.IGNORECASE,
)
# What titles say without naming a site.
_GENERAL_WORDS = """
log login logon sign signin signon into the your you and for with from page home welcome account user name secure
portal online web website app service services dashboard inbox mail start please email password new tab untitled
com org net www https http html
anmelden anmeldung einloggen willkommen konto benutzer seite startseite bei und der die das mit
connexion connecter compte bienvenue accueil page une des les vous votre sur
iniciar sesión sesion acceder acceso cuenta bienvenido página pagina inicio los las una con para por
"""
_GENERAL = frozenset(_GENERAL_WORDS.split())


def allowed(words: Sequence[str], granted_by: Callable[[str], bool]) -> bool:
    """Whether the newest sentence that speaks of it allows it; one with a "not" or an "ask me" in it does not."""
    spoken = (sentence for said in reversed(words) for sentence in reversed(_sentences(said)))
    newest = next((sentence for sentence in spoken if granted_by(sentence)), None)
    return newest is not None and not _NO.search(newest)


def named(title: str, words: Sequence[str]) -> bool:
    """Whether the user's words hold a word that tells this window from others, a browser's own name left out."""
    site = _words(_BROWSERS.sub("", title)) - _GENERAL
    return bool(site) and any(not site.isdisjoint(_words(said)) for said in words)


@lru_cache(maxsize=256)
def _sentences(said: str) -> tuple[str, ...]:
    """Valid Unicode. A dot within an address ends no sentence."""
    text = said.encode("utf-8", "replace").decode("utf-8")
    return tuple(sentence for sentence in _SENTENCE_ENDS.split(text) if sentence)


@lru_cache(maxsize=256)
def _words(said: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in _WORD.findall(said))
