"""Whether an identifier stands in what the customer typed: as a whole, not inside of something longer.

An identifier that a model has from anywhere else proves nothing, so what is matched here is only the customer's text.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SPELLED_AT = re.compile(r"\s*[(\[{]\s*at\s*[)\]}]\s*", re.IGNORECASE)
SPELLED_DOT = re.compile(r"\s*[(\[{]\s*dot\s*[)\]}]\s*", re.IGNORECASE)
NOT_IN_ADDRESS = re.compile(r"[\s<>()\[\]{},;:\"\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}«»„|]+")
"""What ends an address. Anything else between two of these belongs to one address, however odd it looks."""
QUOTES = "'*`\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}"
"""Signs that are put around an address."""
AROUND_WORD = "'\N{RIGHT SINGLE QUOTATION MARK}.!?¡¿*_~`…-"
WORD_BREAK = re.compile(r"[\s_,;:!?()\[\]{}\"<>/|=\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}«»„]+")
POSSESSIVE = re.compile(r"'s$")
CODE = re.compile(r"(?<![\w#.,/-])(\d{6}|\d{3}[ -]\d{3})(?![\w/-]|[.,]\d)")
MAX_TEXT = 20_000
"""Characters of a message that are looked at."""
LONGEST_POSTCODE = 2
"""Words a postcode is written in."""
MIN_ORDER_DIGITS = 4
"""Of an order's number that is typed without its letters."""


def stands_email(email: str, typed: Iterable[str]) -> bool:
    """Return whether this e-mail address was typed, in whatever case, not as a part of another."""
    wanted = _folded(email)
    return "@" in wanted and any(wanted in _addresses(text) for text in typed)


def stands_name(name: str, typed: Iterable[str]) -> bool:
    """Return whether each part of a name was typed as a whole word, in whatever case and with or without accents."""
    parts = [part.strip(AROUND_WORD) for part in _plain(name).split()]
    if not any(letter.isalpha() for part in parts for letter in part):
        return False
    words = {word for text in typed for word in _words(text)}
    return all(part in words or words.issuperset(part.split("-")) for part in parts if part)


def stands_postcode(postcode: str, typed: Iterable[str]) -> bool:
    """Return whether this postcode was typed as a word or two, in whatever case and with or without spaces."""
    wanted = "".join(_plain(postcode).split())
    return bool(wanted) and any(wanted in _runs(_words(text), LONGEST_POSTCODE) for text in typed)


def stands_order(code: str, typed: Iterable[str]) -> bool:
    """Return whether an order's number was typed: with or without "#", hyphens and spaces, or its digits alone."""
    wanted = _bare(code)
    digits = re.sub(r"\D", "", wanted)
    accepted = {wanted, digits} if len(digits) >= MIN_ORDER_DIGITS else {wanted}
    if not wanted:
        return False
    return any(_bare(run) in accepted for text in typed for run in _runs(_words(text), LONGEST_POSTCODE))


def typed_codes(typed: Sequence[str], *, messages: int, at_most: int) -> list[str]:
    """Return the one-time codes in the last messages, newest first, digits alone."""
    found = [match for text in reversed(typed[-messages:]) for match in CODE.findall(_folded(text))]
    return list(dict.fromkeys(re.sub(r"\D", "", code) for code in found))[:at_most]


def _addresses(text: str) -> Iterator[str]:
    """Yield whatever may be an address in a text, without the punctuation around it."""
    spelled = SPELLED_DOT.sub(".", SPELLED_AT.sub("@", _folded(text)))
    for word in NOT_IN_ADDRESS.split(spelled):
        if "@" in word:
            yield _unquoted(word)


def _unquoted(word: str) -> str:
    """Drop what ends a sentence, then pairs of quotes: a sign before an address is otherwise a part of it."""
    while True:
        ended = word.rstrip(".!?…")
        if len(ended) > 1 and ended[0] in QUOTES and ended[-1] in QUOTES:
            word = ended[1:-1]
        else:
            return ended


def _words(text: str) -> list[str]:
    """Return the words of a text, folded; those of an e-mail address are none, so that it names nobody."""
    words = (word.strip(AROUND_WORD) for word in WORD_BREAK.split(_plain(text)) if "@" not in word)
    return [POSSESSIVE.sub("", part) for word in words for part in _sentences(word) if part]


def _sentences(word: str) -> list[str]:
    """Return the words around a full stop that no space follows: "Mia.My postcode"; a number keeps its own."""
    return [word] if any(letter.isdigit() for letter in word) else [part.strip(AROUND_WORD) for part in word.split(".")]


def _runs(words: list[str], longest: int) -> Iterator[str]:
    """Yield each word, and neighbours written together."""
    for size in range(1, longest + 1):
        for start in range(len(words) - size + 1):
            yield "".join(words[start : start + size])


def _bare(code: str) -> str:
    return re.sub(r"[#\s-]+", "", _plain(code))


def _plain(text: str) -> str:
    """Fold a text: compatibility forms, case, accents and the many apostrophes and hyphens are one."""
    composed = unicodedata.normalize("NFKD", _folded(text).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    bare = "".join(letter for letter in composed if not unicodedata.combining(letter))
    return bare.replace("\N{NON-BREAKING HYPHEN}", "-").replace("\N{HYPHEN}", "-")


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text[:MAX_TEXT]).casefold().strip()
