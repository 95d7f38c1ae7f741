"""A text as a reader sees it: in plain digits, dashes and spaces, whatever letters it was written with."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20e3\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\U000e0000-\U000e0fff\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
)
"""A class of characters that show nothing."""
DIGITS = "\\d\u00b2\u00b3\u00b9\u2070-\u2079\u2080-\u2089\u2460-\u249b\u24ea-\u24ff\u2776-\u2793\U0001f100-\U0001f10a"
"""A class of all digits: also raised, lowered and in circles."""
NOTHING = "\x01"
"""What stands in a view for something that shows nothing."""

_ODD = re.compile(r"[^\x09\x0a\x0d\x20-\x7e]")


def as_seen(text: str) -> str:
    """Return a text of the same length in plain digits, dashes and spaces, as a reader sees it."""
    return text if text.isascii() and text.isprintable() else _ODD.sub(_plain, text)


def _plain(match: re.Match[str]) -> str:
    return _plain_letter(match[0])


@lru_cache(maxsize=2048)
def _plain_letter(letter: str) -> str:
    digit = unicodedata.digit(letter, None)
    if digit is not None:
        return str(digit)
    category = unicodedata.category(letter)
    if category in {"Cf", "Cc", "Mn", "Me"}:
        return NOTHING
    if category == "Pd" or letter == "\N{MINUS SIGN}":
        return "-"
    if category == "Zs":
        return " "
    normal = unicodedata.normalize("NFKC", letter)
    return normal if len(normal) == 1 else letter
