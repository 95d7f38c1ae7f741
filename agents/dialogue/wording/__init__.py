"""What a dialogue without a model says, one module a language with the same keys and placeholders in each."""

from __future__ import annotations

from agents.dialogue.wording import de, en, es, fr

TEXTS: dict[str, dict[str, str]] = {"en": en.TEXTS, "es": es.TEXTS, "de": de.TEXTS, "fr": fr.TEXTS}


def text(language: str, key: str) -> str:
    """Return the text of this key; KeyError when there is none."""
    return TEXTS.get(language, en.TEXTS)[key]
