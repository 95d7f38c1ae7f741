"""Secrets in text: keys of the usual services by their shapes, private keys, and the passwords of this very process."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings

from agents.guardrails.pii import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORTEST_OWN = 12
"""Characters of a password of our own that is looked for: shorter ones may be ordinary words."""
TOLD_BY = 16
"""So many first characters of a longer one are enough to know it."""
SHAPES = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"sk-[A-Za-z0-9_-]{16,}|[srp]k_(?:live|test)_[A-Za-z0-9]{12,}|whsec_[A-Za-z0-9+/=]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|"
    r"github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abposre]-[\w-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{12,}|AIza[\w-]{30,}|"
    r"ya29\.[\w-]{20,}|eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?|hf_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{20,}|pypi-[\w-]{20,}|"
    r"gsk_[A-Za-z0-9]{20,}|SG\.[\w-]{12,}\.[\w-]{12,}|dop_v1_[a-f0-9]{20,}|AccountKey=[\w+/=-]{16,})"
)
SIGNS = (
    "sk-", "k_live_", "k_test_", "whsec_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox",
    "AKIA", "ASIA", "AIza", "ya29.", "eyJ", "hf_", "npm_", "pypi-", "gsk_", "SG.", "dop_v1_", "AccountKey=",
)  # fmt: skip
"""One of which each shape holds: looked for first, since that is quick."""
WORDS = (
    "bearer",
    *(
        f"{a}{sep}{b}"
        for a, b in (("api", "key"), ("access", "token"), ("secret", "key"))
        for sep in ("", " ", "_", "-")
    ),
)
BEARER = re.compile(
    r"(?<![A-Za-z0-9])(?:bearer|api[ _-]?key|access[ _-]?token|secret[ _-]?key)"
    r"[\"'`*]?\s*[:=]?\s*[\"'`*]?([\w.~+/-]{16,}=*)",
    re.IGNORECASE,
)
KEY_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?-----")
KEY_END = re.compile(r"-----END [A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?-----")
KEY_LINE = re.compile(r"-{5,}(?:B[A-Z0-9 -]*)?")
"""How such a line may begin."""
LONGEST_MARK = 64
"""Characters of the line that begins or ends a private key."""


def find(text: str) -> Iterator[Span]:
    """Yield the credentials in a text, private keys left out: those have lines of their own, see `KEY_BEGIN`."""
    if any(sign in text for sign in SIGNS):
        for match in SHAPES.finditer(text):
            yield Span("secret", *match.span(), match[0])
    lowered = text.lower()
    if any(word in lowered for word in WORDS):
        for match in BEARER.finditer(text):
            if any(letter.isdigit() for letter in match[1]):
                yield Span("secret", *match.span(1), match[1])
    yield from find_own(text)


def find_own(text: str) -> Iterator[Span]:
    """Yield the passwords of this process that stand in a text."""
    own = _own()
    for match in own.finditer(text) if own else ():
        yield Span("own secret", *match.span(), match[0])


@cache
def _own() -> re.Pattern[str] | None:
    models = settings.ASKWELL
    database = settings.DATABASES["default"]
    values = (
        settings.SECRET_KEY,
        models.openai_api_key,
        models.fallback_api_key,
        str(database.get("PASSWORD") or ""),
        str(getattr(settings, "EMAIL_HOST_PASSWORD", "") or ""),
        re.sub(r"^\w+://(?:[^:@/]*:)?([^@/]*)@.*$|.*", r"\1", settings.REDIS_URL or ""),
    )
    told = {value[:TOLD_BY] for value in values if len(value) >= SHORTEST_OWN and " " not in value}
    return re.compile("|".join(rf"{re.escape(value)}[^\s`\[\]()<>]*" for value in sorted(told))) if told else None
