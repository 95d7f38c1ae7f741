"""Names in code: found by what they are made of (getUserName by "user name"), and codes as a whole (ERR_1042)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

# What hardly any other text has; a pattern that begins with a few letters costs a tenth of one that does not.
_MARK = re.compile(r"[A-Z_-](?:(?<=[a-z].)|(?<=[A-Z].)[A-Z][a-z]{2}|(?<=_)[^\W_]|(?<=-)[-\d])")
_NAME = regex.compile(r"(?<![\p{L}\p{M}\p{N}_])(--)?[\p{L}\p{N}]+(?:[_-][\p{L}\p{N}]+)*(?![\p{L}\p{M}_])")
_HUMP = regex.compile(r"\p{Lu}+(?=\p{Lu}\p{Ll})|\p{Lu}?\p{Ll}+|\p{Lu}+|\p{N}+")
_HUMPED = regex.compile(r"\p{Ll}\p{Lu}|\p{Lu}{2}\p{Ll}{2}")
_CODE = regex.compile(r"\p{L}-\p{N}|\p{N}-\p{L}")
SHORTEST = 2  # letters of a part; "iPhone" has none


def identifier_words(text: str) -> list[str]:
    """The words in lower case by which identifiers in `text` are found beside its runs of letters and digits.

    The parts of names in camel case, and the whole of names joined by underscores, of long options, and of codes
    whose letters and digits are joined by a sign.
    """
    if _MARK.search(text) is None:
        return []
    names = (found for word in text.split() if _MARK.search(word) for found in _NAME.finditer(word))
    return [part.lower() for found in names for part in _further(found[0], option=bool(found[1]))]


def _further(name: str, *, option: bool) -> Iterator[str]:
    runs = name.replace("-", "_").strip("_").split("_")
    if len(runs) > 1 and (option or "_" in name or (_CODE.search(name) and not runs[0].isdecimal())):
        yield "".join(runs)
    for run in runs:
        parts: list[str] = _HUMP.findall(run) if _HUMPED.search(run) else []
        if all(len(part) >= SHORTEST or part.isdecimal() for part in parts):
            yield from parts
