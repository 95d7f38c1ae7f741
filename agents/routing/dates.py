"""Dates in a message, in four languages, as days on the calendar."""
# ruff: noqa: E501, RUF001 - patterns of four languages, one a line; customers type the typographic apostrophe

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

from agents.routing.entities import Entity
from agents.routing.numbers import NUMBERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agents.routing.entities import Taken

WEEK = 7
MONTHS_A_YEAR = 12
CENTURY = 2000
MAX_YEARS = 100
_MONTH_NAMES = (
    "january jan enero januar jänner janvier",
    "february feb febrero februar février fevrier",
    "march mar marzo märz maerz mars",
    "april apr abril avril",
    "may mayo mai",
    "june jun junio juni juin",
    "july jul julio juli juillet",
    "august aug agosto août aout",
    "september sept sep septiembre setiembre septembre",
    "october oct octubre oktober okt octobre",
    "november nov noviembre novembre",
    "december dec diciembre dezember dez décembre decembre",
)
_DAY_NAMES = (
    "monday mon lunes montag lundi",
    "tuesday tues tue martes dienstag mardi",
    "wednesday wed miércoles miercoles mittwoch mercredi",
    "thursday thurs thur thu jueves donnerstag jeudi",
    "friday fri viernes freitag vendredi",
    "saturday sat sábado sabado samstag sonnabend samedi",
    "sunday sun domingo sonntag dimanche",
)
_SHORT_DAYS = frozenset({"mon", "tue", "tues", "wed", "thu", "thur", "thurs", "fri", "sat", "sun"})
MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, 1) for name in names.split()}
DAYS = {name: number for number, names in enumerate(_DAY_NAMES) for name in names.split()}
RELATIVE = {
    "the day before yesterday": -2, "day before yesterday": -2, "anteayer": -2, "antes de ayer": -2, "vorgestern": -2, "avant-hier": -2,
    "yesterday": -1, "last night": -1, "ayer": -1, "anoche": -1, "gestern": -1, "hier": -1,
    "today": 0, "tonight": 0, "this morning": 0, "this afternoon": 0, "this evening": 0, "hoy": 0, "esta mañana": 0, "heute": 0, "aujourd'hui": 0,
    "aujourd’hui": 0, "ce matin": 0, "ce soir": 0,
    "the day after tomorrow": 2, "day after tomorrow": 2, "pasado mañana": 2, "übermorgen": 2, "après-demain": 2,
    "tomorrow": 1, "demain": 1,
    "last week": -7, "la semana pasada": -7, "letzte woche": -7, "vorige woche": -7, "la semaine dernière": -7,
    "next week": 7, "la próxima semana": 7, "la semana que viene": 7, "nächste woche": 7, "la semaine prochaine": 7,
    "last month": -30, "el mes pasado": -30, "letzten monat": -30, "le mois dernier": -30,
}  # fmt: skip
LATER = re.compile(
    r"^(?:next|coming|this coming|próximo|que viene|nächste[nr]?|kommende[nr]?|prochain)$", re.IGNORECASE
)

_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_DAY = "|".join(sorted(DAYS, key=len, reverse=True))
_YEAR = r"(?:,?\s*(?:de\s+|del\s+)?(\d{4}))?"
_COUNT = rf"(\d{{1,3}}|an?|{'|'.join(sorted(NUMBERS, key=len, reverse=True))}|couple of|a couple of|few)"
_UNIT = r"(days?|weeks?|months?|years?|d[ií]as?|semanas?|mes(?:es)?|años?|tage?n?|wochen?|monate?n?|jahre?n?|jours?|semaines?|mois|ans?)"
ISO = re.compile(r"(?<![\w-])(\d{4})-(\d{1,2})-(\d{1,2})(?![\w-])")
NUMERIC = re.compile(r"(?<![\w./-])(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?![\w/-]|\.\d)")
SHORT_DOTS = re.compile(r"(?<![\w./-])(\d{1,2})\.\s?(\d{1,2})\.(?!\w|\d)")
SHORT_SLASH = re.compile(r"(?<![\w./-])(\d{1,2})/(\d{1,2})(?![\w/-]|\.\d)")
DAY_MONTH = re.compile(
    rf"(?<![\w.,-])(\d{{1,2}})(?:st|nd|rd|th|er|\.|º)?\s*(?:of\s+|de\s+|-)?({_MONTH})\b\.?{_YEAR}(?!\w)", re.IGNORECASE
)
MONTH_DAY = re.compile(
    rf"\b({_MONTH})\.?\s+(?:the\s+)?(\d{{1,2}})(?:st|nd|rd|th)?\b(?![.,]?\d){_YEAR}(?![\w%])", re.IGNORECASE
)
WEEKDAY = re.compile(
    rf"\b(?:(last|past|previous|this|next|coming|on|since|by|until|el pasado|el próximo|el|letzte[nr]?|vorige[nr]?|nächste[nr]?|kommende[nr]?|am|seit"
    rf"|diese[nr]?|le|ce|depuis)\s+)?({_DAY})(?:\s+(pasado|que viene|dernier|prochain|próximo))?\b",
    re.IGNORECASE,
)
AGO = re.compile(
    rf"\b(?:{_COUNT}\s+{_UNIT}\s+(?:ago|back)\b|(?:hace|vor|il y a)\s+(?:unos\s+|etwa\s+|environ\s+)?{_COUNT}\s+{_UNIT}\b)",
    re.IGNORECASE,
)
AHEAD = re.compile(rf"\b(?:in|en|dentro de|dans)\s+{_COUNT}\s+{_UNIT}\b(?!\s+(?:ago|back))", re.IGNORECASE)
RELATIVES = re.compile(
    rf"(?<![\w-])({'|'.join(sorted(map(re.escape, RELATIVE), key=len, reverse=True))})(?![\w-])", re.IGNORECASE
)
BEFORE_TOMORROW_DE = re.compile(r"(?<![\w-])morgen(?![\w-])", re.IGNORECASE)
MORNING_DE = re.compile(r"(?:guten|heute|gestern|jeden|am)\s+$", re.IGNORECASE)
TOMORROW_ES = re.compile(r"(?<![\w-])mañana(?![\w-])", re.IGNORECASE)
MORNING_ES = re.compile(r"(?:la|por la|esta|de la|cada)\s+$", re.IGNORECASE)


def find_dates(text: str, taken: Taken, language: str, today: date) -> Iterator[Entity]:
    """Dates; without a year the nearest one is meant, "on Tuesday" is the last one unless it says next.

    Args:
        text: the message.
        taken: what belongs to other entities.
        language: decides whether 3/4 is in March ("en") or in April.
        today: what "yesterday" is counted from.
    """
    readers: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], date | None]], ...] = (
        (ISO, lambda m: _day(int(m[1]), int(m[2]), int(m[3]))),
        (NUMERIC, lambda m: _numeric(m, language)),
        (DAY_MONTH, lambda m: _named(int(m[1]), m[2], m[3], today)),
        (MONTH_DAY, lambda m: _named(int(m[2]), m[1], m[3], today)),
        (AGO, lambda m: _shift(today, m[1] or m[3], m[2] or m[4], -1)),
        (AHEAD, lambda m: _shift(today, m[1], m[2], 1)),
        (RELATIVES, lambda m: today + timedelta(days=RELATIVE[m[1].lower()])),
        (WEEKDAY, lambda m: _weekday(m, today)),
        (SHORT_DOTS, lambda m: _nearest(int(m[2]), int(m[1]), today)),
        (SHORT_SLASH, lambda m: _short(m, language, today)),
    )
    for expression, read in readers:
        for match in expression.finditer(text):
            day = read(match)
            if day and taken.take(*match.span()):
                yield Entity("date", day, match[0], *match.span(), 0.7 if expression in _GUESSES else 1.0)
    yield from _tomorrow(text, taken, today)


_GUESSES = (WEEKDAY, SHORT_DOTS, SHORT_SLASH)


def _tomorrow(text: str, taken: Taken, today: date) -> Iterator[Entity]:
    """The words that mean "tomorrow" unless they mean "morning"."""
    for word, morning in ((BEFORE_TOMORROW_DE, MORNING_DE), (TOMORROW_ES, MORNING_ES)):
        for match in word.finditer(text):
            before = text[max(0, match.start() - 12) : match.start()]
            if not morning.search(before) and taken.take(*match.span()):
                yield Entity("date", today + timedelta(days=1), match[0], *match.span(), 0.9)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _numeric(match: re.Match[str], language: str) -> date | None:
    first, second = int(match[1]), int(match[3])
    year = int(match[4]) if len(match[4]) > 2 else CENTURY + int(match[4])  # noqa: PLR2004 (digits of a short year)
    month_first = language.startswith("en") and match[2] == "/"
    if month_first and first <= MONTHS_A_YEAR:
        return _day(year, first, second) or _day(year, second, first)
    return _day(year, second, first) or _day(year, first, second)


def _short(match: re.Match[str], language: str, today: date) -> date | None:
    first, second = int(match[1]), int(match[2])
    if language.startswith("en") and first <= MONTHS_A_YEAR:
        return _nearest(first, second, today) or _nearest(second, first, today)
    return _nearest(second, first, today)


def _named(day: int, month: str, year: str | None, today: date) -> date | None:
    number = MONTHS[month.lower()]
    return _day(int(year), number, day) if year else _nearest(number, day, today)


def _nearest(month: int, day: int, today: date) -> date | None:
    """That day of the year which is nearest to today."""
    days = [found for year in (today.year - 1, today.year, today.year + 1) if (found := _day(year, month, day))]
    return min(days, key=lambda found: abs((found - today).days)) if days else None


def _weekday(match: re.Match[str], today: date) -> date | None:
    name, before, behind = match[2].lower(), match[1] or "", match[3] or ""
    if name in _SHORT_DAYS and not before:
        return None
    wanted = DAYS[name]
    words = [word for word in (*before.split()[-1:], behind) if word]
    if any(LATER.match(word) for word in words):
        return today + timedelta(days=(wanted - today.weekday() - 1) % WEEK + 1)
    return today - timedelta(days=(today.weekday() - wanted - 1) % WEEK + 1)


def _shift(today: date, count: str, unit: str, sign: int) -> date | None:
    number = _count(count) * sign
    if unit[0] in "dtjDTJ" and not unit.lower().startswith("jahr"):
        return _moved(today, number)
    if unit[0] in "wsWS":
        return _moved(today, number * WEEK)
    if unit[0] in "mM":
        months = today.year * MONTHS_A_YEAR + today.month - 1 + number
        year, month = divmod(months, MONTHS_A_YEAR)
        return next((day for last in range(today.day, 0, -1) if (day := _day(year, month + 1, last))), None)
    return _day(today.year + number, today.month, min(today.day, 28)) if abs(number) < MAX_YEARS else None


def _moved(today: date, days: int) -> date | None:
    try:
        return today + timedelta(days=days)
    except OverflowError:
        return None


def _count(written: str) -> int:
    word = written.lower()
    if word.isdecimal():
        return int(word)
    if "couple" in word:
        return 2
    return 3 if word == "few" else NUMBERS.get(word, 1)
