"""Forms of a shop's own order numbers, as regular expressions: which ones can be used without harm."""

from functools import lru_cache
from typing import Any

import regex

LONGEST_ID = 40  # characters of an order number
MAX_PATTERN = 120  # characters of a pattern
MAX_PATTERNS = 20
PATTERN_LIMIT = 0.01  # seconds a pattern may take for one text
NESTED = regex.compile(r"\([^()]*[+*}][^()]*\)(?:[+*]|\{\d*,)")  # an endless number of ways to fit one text


def check_patterns(patterns: Any) -> list[str]:
    """What is wrong with a tenant's order patterns, in words for the curator who wrote them; empty when nothing is."""
    if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
        return ["Write a list of regular expressions."]
    problems = [f"Write at most {MAX_PATTERNS} patterns."] if len(patterns) > MAX_PATTERNS else []
    return problems + [f"“{pattern[:80]}”: {problem}" for pattern in patterns if (problem := _problem(pattern))]


@lru_cache(maxsize=256)
def compiled(patterns: tuple[str, ...]) -> tuple[regex.Pattern[str], ...]:
    """The patterns that can be used; one that cannot is left out, so that a bad row stops no conversation."""
    return tuple(regex.compile(p, regex.IGNORECASE) for p in patterns[:MAX_PATTERNS] if not _problem(p))


def _problem(pattern: str) -> str:
    if not pattern or len(pattern) > MAX_PATTERN:
        return f"write 1 to {MAX_PATTERN} characters."
    try:
        expression = regex.compile(pattern, regex.IGNORECASE)
    except regex.error as error:
        return f"this is no regular expression: {error}."
    if NESTED.search(pattern):
        return "do not repeat what is repeated already, as in (a+)+."
    try:
        if any(expression.fullmatch(word, timeout=PATTERN_LIMIT) for word in ("", "order", "refund", "please")):
            return "it fits ordinary words. Ask for digits: SO\\d{6}."
        for sample in ("a" * LONGEST_ID, "1" * LONGEST_ID, "A1" * (LONGEST_ID // 2), "1-" * (LONGEST_ID // 2)):
            expression.fullmatch(sample + "!", timeout=PATTERN_LIMIT)
    except TimeoutError:
        return "it takes too long for some texts. Write it more simply."
    return ""
