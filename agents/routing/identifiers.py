"""Order ids, e-mail addresses and postcodes in a message."""
# ruff: noqa: E501, RUF001, SIM905 - patterns and lists of words, one a line; dashes of all lengths are typed

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import regex

from agents.routing.entities import Entity
from commerce.patterns import LONGEST_ID, PATTERN_LIMIT, compiled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agents.routing.entities import Taken

MIN_DIGITS = 4  # of a bare number that the word "order" makes an id

EMAIL = regex.compile(
    r"(?<![\p{L}\p{N}._%+'@-])"
    r"([\p{L}\p{N}](?:[\p{L}\p{N}._%+'-]{0,62}[\p{L}\p{N}_+-])?)"
    r"(\s?(?:@|\(at\)|\[at\]|\{at\})\s?|\s+at\s+(?=[\p{L}\p{N}-]+(?:\s*\.\s*|\s+dot\s+)\p{L}))"
    r"((?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?(?:\.|\s?\(dot\)\s?|\s?\[dot\]\s?|\s+dot\s+)){1,4}\p{L}{2,24})"
    r"(?![\p{L}\p{N}@])",
    regex.IGNORECASE,
)
AT = re.compile(r"@|[(\[{]at[)\]}]|\sat\s", re.IGNORECASE)  # without one there is no address; most texts have none
DOT = re.compile(r"\s*(?:\(dot\)|\[dot\]|\sdot\s)\s*", re.IGNORECASE)

MAIL_HOSTS = frozenset(
    "gmail.com googlemail.com hotmail.com outlook.com yahoo.com icloud.com live.com aol.com proton.me protonmail.com gmx.de gmx.net web.de "
    "t-online.de orange.fr free.fr laposte.net wanadoo.fr hotmail.es hotmail.fr yahoo.es yahoo.fr example.com mail.com".split()
)
"""Hosts whose name behind a spelt-out "at" makes an address of any word before it."""

_DIGITS = r"[0-9OoIl]"  # a letter that looks like a digit is one, between digits
_GLUE = r"[\s\-_–—.:#]{0,3}"
ORD = re.compile(
    rf"(?<![A-Za-z0-9])#?\s?[O0]RD{_GLUE}((?=[OoIl]{{0,2}}\d){_DIGITS}{{3,10}})(?![A-Za-z0-9])", re.IGNORECASE
)
W_NUMBER = re.compile(rf"(?<![A-Za-z0-9])#?\s?W[\s\-_]?((?=\d){_DIGITS}{{6,8}})(?![A-Za-z0-9])", re.IGNORECASE)
W_DIGITS = 7
HASH = re.compile(r"(?<![\w#])#\s?(\d{4,12})(?![\w-])")

_WORDS = (
    r"(?:o(?:r?der|rdr|rdre|redr|rderr)s?|ord|pedidos?|[oó]rden(?:es)?|compra|bestell(?:ung(?:en)?|nummer|nr)|auftr(?:ag|äge)s?(?:nummer|nr)?|commandes?"
    r"|purchase)"
)
_NUMBER_WORDS = r"(?:number|num(?:ber)?|no|nr|id|ref(?:erence)?|code|número|nummer|numéro|n[°ºo]|mit der nummer)"
_LINKS = r"(?:is|was|es|ist|est|lautet|with|con|avec|de|del|du)"
AFTER_ORDER = re.compile(
    rf"\b{_WORDS}\b[\s.,:=#-]{{0,3}}(?:{_NUMBER_WORDS}(?!\w)[\s.:=#°º-]{{0,3}})?(?:{_LINKS}\b[\s:#]{{1,3}})?"
    rf"(#?(?:[A-Za-z]{{1,5}}[-_/]?)?\d[\d-]{{{MIN_DIGITS - 1},11}})(?![\w€$£%]|[.,]\d)",
    re.IGNORECASE,
)
ANOTHER = re.compile(
    r"\s*(?:,|;|&|\+|/|and|or|y|e|und|oder|et|ou)\s*(?:#\s?)?(\d{4,12})(?![\w€$£%]|[.,]\d|-\d)", re.IGNORECASE
)
NOT_AN_ID = re.compile(
    r"\s*(?:x\b|pieces?\b|units?\b|items?\b|pcs\b|times\b|st[üu]ck|unidades|pi[eè]ces|€|\$|£|usd|eur|gbp|dollars?|euros?|mah|gb|tb)",
    re.IGNORECASE,
)

_POST_WORD = (
    r"(?:zip(?:\s?-?code)?|post\s?-?(?:al\s)?code|postal|plz|postleitzahl|code postal|c[oó]digo postal|\bc\.?p\.?)"
)
POST_AFTER_WORD = re.compile(
    rf"\b{_POST_WORD}\b[\s:=.-]{{0,3}}(?:(?:is|es|ist|est|lautet)\s+)?"
    r"(\d{5}(?:-\d{4})?|\d{4}(?:\s?[A-Z]{2}\b)?|[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}|[A-Z]\d[A-Z]\s?\d[A-Z]\d)(?![\w-])",
    re.IGNORECASE,
)
POST_FORM = re.compile(r"\b([A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}|[A-Z]\d[A-Z]\s\d[A-Z]\d)\b")
POST_BARE = re.compile(
    r"(?<![\w#€$£.,+/-])(\d{5}(?:-\d{4})?)(?![\w€$£%/-]|[.,]\d|\s?(?:mah|gb|tb|usd|eur|gbp|dollars?|euros?)\b)",
    re.IGNORECASE,
)
SEPARATORS = re.compile(r"[\s_-]+")
_TOKEN = re.compile(r"#?[A-Za-z0-9]+(?:[-_/.][A-Za-z0-9]+)*")


def find_emails(text: str, taken: Taken) -> Iterator[Entity]:
    """E-mail addresses, also with "(at)" or "at … dot" spelt out."""
    if not AT.search(text):
        return
    for match in EMAIL.finditer(text, timeout=1.0):
        if _is_address(match) and taken.take(*match.span()):
            domain = DOT.sub(".", match[3]).replace(" ", "")
            yield Entity("email", f"{match[1]}@{domain}".lower(), match[0], *match.span())


def _is_address(match: regex.Match[str]) -> bool:
    """Whether "bob at gmail.com" is an address; "look at amazon.com" is none."""
    if not match[2].strip().isalpha() or DOT.search(match[3]):
        return True
    local_is_name = any(not letter.isalpha() for letter in match[1])
    return local_is_name or match[3].lower() in MAIL_HOSTS


def find_orders(text: str, taken: Taken, patterns: Sequence[str]) -> Iterator[Entity]:
    """Order ids: the tenant's own forms, `ORD-1002` and `#W2378156` however they are typed, numbers after "order"."""
    yield from _own(text, taken, list(compiled(tuple(patterns))))
    for expression, form in ((ORD, _ord), (W_NUMBER, _w)):
        for match in expression.finditer(text):
            if (value := form(match[1])) and taken.take(*match.span()):
                yield Entity("order", value, match[0], *match.span())
    for match in AFTER_ORDER.finditer(text):
        if taken.is_free(*match.span(1)) and not NOT_AN_ID.match(text, match.end()):
            yield from _numbers(text, taken, match)
    for match in HASH.finditer(text):
        if taken.take(*match.span()):
            yield Entity("order", _number(match[1]), match[0], *match.span(), 0.8)


def find_postcodes(text: str, taken: Taken) -> Iterator[Entity]:
    """Postcodes: any of the usual forms after a word for it, unmistakable forms and bare five digits elsewhere."""
    for expression, score in ((POST_AFTER_WORD, 1.0), (POST_FORM, 0.9), (POST_BARE, 0.6)):
        for match in expression.finditer(text):
            if taken.take(*match.span(1)):
                yield Entity("postcode", " ".join(match[1].upper().split()), match[1], *match.span(1), score)


def _own(text: str, taken: Taken, patterns: list[regex.Pattern[str]]) -> Iterator[Entity]:
    """What has a form of the tenant's own, with missing or other separators put right."""
    if not patterns:
        return
    tokens = list(_TOKEN.finditer(text))
    for first, begin in enumerate(tokens):
        for end in tokens[first : first + 3][::-1]:
            span = begin.start(), end.end()
            if span[1] - span[0] <= LONGEST_ID and taken.is_free(*span):
                value = _fitting(text[slice(*span)], patterns)
                if value and taken.take(*span):
                    yield Entity("order", value, text[slice(*span)], *span)
                    break


def _fitting(written: str, patterns: list[regex.Pattern[str]]) -> str:
    """The spelling of `written` that one of the patterns has; empty when none has. Drops patterns that take too long."""
    if not any(letter.isdigit() for letter in written):
        return ""
    bare = SEPARATORS.sub("", written.lstrip("#"))
    dashed = re.sub(r"(?<=[A-Za-z])-?(?=\d)", "-", SEPARATORS.sub("-", written.lstrip("#")), count=1)
    spellings = dict.fromkeys((written, written.lstrip("#"), bare, dashed, f"#{bare}", f"#{dashed}"))
    for pattern in patterns.copy():
        try:
            if found := next((s for s in spellings if pattern.fullmatch(s, timeout=PATTERN_LIMIT)), None):
                return _cased(found, pattern)
        except TimeoutError:
            patterns.remove(pattern)
    return ""


def _cased(spelling: str, pattern: regex.Pattern[str]) -> str:
    r"""Capitals where the pattern has capitals: `so123456` of `SO\\d{6}` is SO123456."""
    exact = regex.compile(pattern.pattern)
    for cased in (spelling, spelling.upper(), spelling.lower()):
        if exact.fullmatch(cased, timeout=PATTERN_LIMIT):
            return cased
    return spelling


def _numbers(text: str, taken: Taken, match: re.Match[str]) -> Iterator[Entity]:
    """The number after "order", and those in a row with it: "orders 1002 and 1003"."""
    next_one: re.Match[str] | None = match
    while next_one and taken.take(*next_one.span(1)):
        yield Entity("order", _number(next_one[1]), next_one[1], *next_one.span(1), 0.9)
        next_one = ANOTHER.match(text, next_one.end())


def _number(written: str) -> str:
    """The id that a number, or letters with a number, stands for."""
    bare = written.lstrip("#").upper()
    if not bare.isdigit():
        return bare
    return f"#W{bare}" if len(bare) == W_DIGITS else f"ORD-{bare}"


def _ord(digits: str) -> str:
    return f"ORD-{_as_digits(digits)}"


def _w(digits: str) -> str:
    read = _as_digits(digits)
    return f"#W{read}" if len(read) == W_DIGITS else ""


def _as_digits(written: str) -> str:
    return written.translate(str.maketrans("OoIl", "0011"))
