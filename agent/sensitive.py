"""What typed text gives away: card and account numbers, keys. Check digits keep ordinary numbers out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

SHORTEST = 11  # characters that the shortest of them has
_DIGITS = re.compile(r"(?<!\w)(?<!\d\.)\d[\d -]{12,}(?!\w)", re.ASCII)
_CARD_LIKE = re.compile(  # Visa, Mastercard, American Express, Diners, Discover, JCB, UnionPay: prefix and length
    r"4\d{15}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}"
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14,17}",
    re.ASCII,
)
_LONGEST_CARD = 19  # digits
_MOST_GROUPS = 6  # that a card number is written in
_IBAN = re.compile(r"(?<![A-Z0-9])(?=([A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}))", re.IGNORECASE | re.ASCII)
_IBAN_REGISTRY = """
AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24
FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28
LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25
QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30
"""  # of SWIFT: country and length
_IBAN_LENGTHS = {pair[:2]: int(pair[2:]) for pair in _IBAN_REGISTRY.split()}
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY|PuTTY-User-Key-File-\d|AGE-SECRET-KEY-1[0-9A-Z]{20}")
_ACCESS_KEY = re.compile(
    r"\b(?:sk-[\w-]{20}|gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{22}|glpat-[\w-]{20}|xox[abeoprs]-[\w-]{10}"
    r"|(?:AKIA|ASIA)[0-9A-Z]{16}\b|AIza[\w-]{35}|eyJ[\w-]{10,2000}\.eyJ[\w-]{10,8000}\.)"
)
_SOCIAL_SECURITY = re.compile(r"(?<![\d-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])", re.ASCII)


def holds(what: str, text: str) -> bool:
    """Whether the text holds such a thing. `what` is a key of `FINDERS`."""
    return len(text) >= SHORTEST and FINDERS[what](text)


def _card_number(text: str) -> bool:
    runs = (re.split(r"[ -]+", found[0].strip(" -")) for found in _DIGITS.finditer(text))
    return any(_CARD_LIKE.fullmatch(number) and _luhn(number) for groups in runs for number in _joined(groups))


def _joined(groups: Sequence[str]) -> Iterator[str]:
    """Every number that neighbouring groups of digits can make up: a date may stand right before a card's number."""
    for first in range(len(groups)):
        number = ""
        for group in groups[first : first + _MOST_GROUPS]:
            number += group
            if len(number) > _LONGEST_CARD:
                break
            yield number


def _luhn(digits: str) -> bool:
    """The check digit of card numbers, ISO/IEC 7812."""
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _iban(text: str) -> bool:
    """The check digits of account numbers, ISO 13616; what follows within the same breath is cut off."""
    for found in _IBAN.finditer(text):
        number = found[1].replace(" ", "").upper()
        length = _IBAN_LENGTHS.get(number[:2], 0)
        if length and len(number) >= length:
            number = number[:length]
            if int("".join(str(int(sign, 36)) for sign in number[4:] + number[:4])) % 97 == 1:
                return True
    return False


def _finder(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.search(text) is not None


FINDERS: Mapping[str, Callable[[str], bool]] = {
    "card number": _card_number,
    "bank account": _iban,
    "private key": _finder(_PRIVATE_KEY),
    "access key": _finder(_ACCESS_KEY),
    "social security number": _finder(_SOCIAL_SECURITY),
}
"""What can be looked for, by the name that rules use."""
