"""How values from the shop are put into sentences: as text, never as markup, in the customer's language."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agents.dialogue import wording
from commerce.money import format_money

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

MAX_VALUE = 300  # characters of one value
SPECIAL = re.compile(r"([\\`*_\[\]<>|~])")
LEADING = re.compile(r"^([#>+\-=])")
NUMBERED = re.compile(r"^(\d+)([.)])(?=\s|$)")


def plain(value: object) -> str:
    """Return a value as one line in which Markdown has no meaning."""
    text = " ".join(str(value).split())[:MAX_VALUE]
    return NUMBERED.sub(r"\1\\\2", LEADING.sub(r"\\\1", SPECIAL.sub(r"\\\1", text)))


def written_money(amount: Decimal, currency: str, language: str) -> str:
    """Return an amount with its currency."""
    return plain(format_money(amount, currency, language))


def listed(values: Sequence[str], language: str, word: str = "and") -> str:
    """Return "a, b and c"."""
    if len(values) < 2:  # noqa: PLR2004 (nothing to join)
        return "".join(values)
    return f"{', '.join(values[:-1])} {wording.text(language, word)} {values[-1]}"


def described(options: dict[str, object]) -> str:
    """Return the options of a variant: "black, 256 GB"."""
    return plain(", ".join(str(value) for value in options.values())) if isinstance(options, dict) else ""


def named(name: str, options: dict[str, object] | None = None) -> str:
    """Return a name with its options in parentheses."""
    detail = described(options) if options else ""
    return f"{plain(name)} ({detail})" if detail else plain(name)
