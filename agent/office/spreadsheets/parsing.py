"""Dates, numbers and sums of money as people write them, read only where there is no doubt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

Order: TypeAlias = Literal["dmy", "mdy", "ymd"]
CURRENCIES: Final = {
    "€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "₹": "INR", "₩": "KRW", "₽": "RUB", "₺": "TRY", "₴": "UAH",
    "₪": "ILS", "฿": "THB", "₫": "VND", "zł": "PLN", "Kč": "CZK", "US$": "USD", "A$": "AUD", "C$": "CAD", "R$": "BRL",
    "CA$": "CAD", "AU$": "AUD", "HK$": "HKD", "NZ$": "NZD", "S$": "SGD", "Fr.": "CHF", "SFr.": "CHF", "Euro": "EUR",
    "euro": "EUR", "EURO": "EUR", "Rs.": "INR", "Rs": "INR",
}  # fmt: skip
_CODES: Final = (
    "EUR USD GBP CHF JPY CNY INR AUD CAD NZD SEK NOK DKK PLN CZK HUF RON BGN TRY RUB UAH ILS ZAR BRL MXN SGD HKD KRW "
    "THB VND"
)
_CODE_SET = frozenset(_CODES.split())
_MONTHS = (
    "jan january januar janvier enero", "feb february februar février fevrier febrero", "mar march märz mrz mars marzo",
    "apr april avril abril", "may mai mayo", "jun june juni juin junio", "jul july juli juillet julio",
    "aug august août aout agosto", "sep sept september septembre septiembre", "oct october okt oktober octobre octubre",
    "nov november novembre noviembre", "dec december dez dezember décembre decembre diciembre",
)  # fmt: skip
_MONTH = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}
_DIGITS = re.compile(r"(\d{1,4})[./\-\s](\d{1,2})[./\-\s](\d{1,4})\.?")
_DAY_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th|\.)?[\s\-]*(?:of\s+)?([^\W\d_]{3,10})\.?[\s,\-]*(\d{4}|\d{2})")
_MONTH_DAY = re.compile(r"([^\W\d_]{3,10})\.?\s*(\d{1,2})(?:st|nd|rd|th)?,?\s*(\d{4})")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_TIME = re.compile(
    r"[T\s,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*([AaPp]\.?[Mm]\.?)?\s*(?:Z|UTC|[+-]\d{2}:?\d{2})?$"
)
_WEEKDAY = re.compile(r"^[^\W\d_]{2,10}\.?,\s*")
_NUMBER = re.compile(r"[+-]?\d[\d.,'’ \u00a0\u202f]*(?:[eE][+-]?\d+)?")
_SPACES = re.compile(r"[ '’\u00a0\u202f]")


@dataclass(frozen=True, slots=True)
class Money:
    """A sum and its currency's code, "" where none was told."""

    amount: float
    currency: str


def order_of(texts: Iterable[str]) -> Order | None:
    """Whether days or months come first, where some of the texts leave no doubt and none contradicts."""
    seen: set[Order] = set()
    for text in texts:
        match = _DIGITS.match(text.strip())
        if match is None or len(match[1]) > 2:
            continue
        first, second = int(match[1]), int(match[2])
        if first > 12 >= second or "." in match[0][:3]:
            seen.add("dmy")
        elif second > 12 >= first:
            seen.add("mdy")
    return seen.pop() if len(seen) == 1 else None


def read_date(text: str, order: Order | None = None, form: str | None = None) -> datetime | None:
    """A date, or None where it is none or could be two.

    Args:
        order: of day, month and year where all are numbers.
        form: as `strptime` wants it, and nothing else then.
    """
    plain = " ".join(text.split())
    if form:
        try:
            return datetime.strptime(plain, form).replace(tzinfo=None)  # noqa: DTZ007 (cells have no time zone)
        except ValueError:
            return None
    clock = _TIME.search(plain)
    day = _WEEKDAY.sub("", plain[: clock.start()] if clock else plain)
    found = _numbers(day, order) or _named(day)
    if found is None:
        return None
    hour, minute, second = _clock(clock)
    try:
        return datetime(*found, hour, minute, second)  # noqa: DTZ001 (cells have no time zone)
    except ValueError:
        return None


def _clock(match: re.Match[str] | None) -> tuple[int, int, int]:
    if match is None:
        return 0, 0, 0
    hour, half = int(match[1]), (match[4] or "").lower()
    if half:
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    return hour, int(match[2]), int(match[3] or 0)


def _numbers(text: str, order: Order | None) -> tuple[int, int, int] | None:
    if match := _COMPACT.fullmatch(text):
        return int(match[1]), int(match[2]), int(match[3])
    match = _DIGITS.fullmatch(text)
    if match is None:
        return None
    one, two, three = int(match[1]), int(match[2]), int(match[3])
    if len(match[1]) == 4:
        return one, two, three
    if len(match[1]) > 2 or len(match[3]) not in (2, 4):
        return None
    if order == "ymd":
        return _year(one, match[1]), two, three
    year = _year(three, match[3])
    if one > 12 or order == "dmy" or (order is None and "." in text):
        return year, two, one
    if two > 12 or order == "mdy":
        return year, one, two
    return (year, one, two) if one == two else None


def _named(text: str) -> tuple[int, int, int] | None:
    if (match := _DAY_MONTH.fullmatch(text)) and (month := _MONTH.get(match[2].lower())):
        return _year(int(match[3]), match[3]), month, int(match[1])
    if (match := _MONTH_DAY.fullmatch(text)) and (month := _MONTH.get(match[1].lower())):
        return int(match[3]), month, int(match[2])
    return None


def _year(number: int, text: str) -> int:
    """Two digits mean 1930 to 2029, as spreadsheet programs take them."""
    return number if len(text) > 2 else number + (2000 if number < 30 else 1900)


def decimal_of(texts: Iterable[str]) -> Literal[".", ","] | None:
    """What parts the decimals, where some of the texts leave no doubt and none contradicts."""
    seen: set[Literal[".", ","]] = set()
    for text in texts:
        match = _NUMBER.search(text)
        if match and (mark := _mark_of(_SPACES.sub("", match[0]))):
            seen.add(mark)
    return seen.pop() if len(seen) == 1 else None


def _mark_of(number: str) -> Literal[".", ","] | None:
    dot, comma = number.rfind("."), number.rfind(",")
    if dot >= 0 and comma >= 0:
        return "." if dot > comma else ","
    mark, at = (".", dot) if dot >= 0 else (",", comma)
    if at < 0:
        return None
    other: Literal[".", ","] = "," if mark == "." else "."
    if number.count(mark) > 1:
        return other
    if len(number) - at - 1 != 3 or number[:at].lstrip("+-") in ("0", ""):
        return "." if mark == "." else ","
    return None


def read_number(text: str, decimal: Literal[".", ","] | None = None) -> float | None:
    """A number, or None where it is none or could be two: "1,234" without `decimal`."""
    plain = _SPACES.sub("", text.strip().replace("−", "-").replace("–", "-"))
    negative = (plain.startswith("(") and plain.endswith(")")) or (plain.endswith("-") and len(plain) > 1)
    plain = plain.strip("()").removesuffix("-")
    if not re.fullmatch(r"[+-]?(?:\d[\d.,]*|[.,]\d+)(?:[eE][+-]?\d+)?", plain):
        return None
    mark = decimal or _mark_of(plain)
    if mark is None and ("," in plain or "." in plain):
        if "," in plain:
            return None
        mark = "."  # "1.234" without any hint: programs write numbers so
    whole, _, rest = plain.partition(mark) if mark else (plain, "", "")
    if mark and (mark in rest or ("." if mark == "," else ",") in rest):
        return None
    groups = re.split(r"[.,]", whole.lstrip("+-"))
    if len(groups) > 1 and (any(len(group) != 3 for group in groups[1:]) or not 1 <= len(groups[0]) <= 3):
        return None
    number = float(re.sub(r"[.,]", "", whole or "0") + (f".{rest}" if rest else ""))
    if number == float("inf"):
        return None
    return -number if negative else number


def read_percent(text: str, decimal: Literal[".", ","] | None = None) -> float | None:
    """0.25 for "25 %"."""
    if not text.strip().endswith("%"):
        return None
    number = read_number(text.strip()[:-1], decimal)
    return None if number is None else round(number / 100, 15)


def read_money(text: str, decimal: Literal[".", ","] | None = None) -> Money | None:
    """A sum of money, with its currency where that is told."""
    plain = " ".join(text.replace("\u00a0", " ").split())
    negative = plain.startswith(("-", "−"))
    plain = plain.lstrip("-−").strip() if negative else plain
    bracketed = plain.startswith("(") and plain.endswith(")")
    plain = plain[1:-1].strip() if bracketed else plain
    before = re.match(r"^([^\d.,+\-()]+)", plain)
    after = re.search(r"([^\d.,+\-()]+)$", plain)
    told = [mark[1].strip() for mark in (before, after) if mark and mark[1].strip()]
    if len(told) > 1 or (told and not _code(told[0])):
        return None
    inner = plain[before.end() if before else 0 : after.start() if after else len(plain)]
    if inner.endswith((".-", ",-", ".–", ",–")):
        inner = inner[:-2]
    amount = read_number(inner, decimal)
    if amount is None:
        return None
    return Money(-amount if negative or bracketed else amount, _code(told[0]) if told else "")


def _code(mark: str) -> str:
    return CURRENCIES.get(mark) or (mark.upper() if mark.upper() in _CODE_SET else "")


def money_format(currency: str) -> str:
    """The number format of a currency."""
    marks = {"USD": "[$$-409]#,##0.00", "GBP": "[$£-809]#,##0.00", "EUR": "#,##0.00 [$€-1]", "JPY": "[$¥-411]#,##0"}
    return marks.get(currency, f"#,##0.00 [${currency}]" if currency else "#,##0.00")


def read_boolean(text: str) -> bool | None:
    """yes and no, true and false."""
    return {"true": True, "yes": True, "y": True, "false": False, "no": False, "n": False}.get(text.strip().lower())


def common_type(texts: Sequence[str]) -> Literal["text", "number", "date", "percent", "currency", "boolean"]:
    """What all of these are, empty ones left out; numbers with leading zeros are text."""
    told = [text.strip() for text in texts if text.strip()]
    if not told or any(re.match(r"[+-]?0\d", text) or len(re.sub(r"\D", "", text)) > 15 for text in told):
        return "date" if told and _all_dates(told) else "text"
    decimal = decimal_of(told)
    if all(read_number(text, decimal) is not None for text in told):
        return "number"
    if _all_dates(told):
        return "date"
    if all(read_percent(text, decimal) is not None for text in told):
        return "percent"
    if all(read_money(text, decimal) is not None for text in told):
        return "currency"
    return "boolean" if all(text.lower() in ("true", "false") for text in told) else "text"


def sorting_type(texts: Sequence[str]) -> str:
    """What these are sorted as: what all of them are, or numbers where most are."""
    kind = common_type(texts)
    if kind == "text" and texts:
        decimal = decimal_of(texts)
        numbers = sum(read_number(text, decimal) is not None for text in texts)
        return "number" if numbers * 2 > len(texts) else "text"
    return kind


def _all_dates(texts: Sequence[str]) -> bool:
    order = order_of(texts)
    return all(read_date(text, order) is not None for text in texts)
