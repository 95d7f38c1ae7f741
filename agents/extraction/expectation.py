# ruff: noqa: E501, ISC004 - patterns of four languages, one a line
"""What kind of answer a question expects, as far as its words say: an amount, a price, a time, a weight.

A sentence that holds no figure cannot answer "how many". English, Spanish, German and French; other questions expect
nothing.
"""

from __future__ import annotations

import re
from functools import lru_cache

_FIGURE = r"(?<![A-Za-z])\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|dos|tres|cuatro|cinco|zwei|drei|vier|fünf|deux|trois|quatre|cinq)\b"
_DURATION = (
    rf"(?:{_FIGURE})[^.;]*?\b(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|segundos?|minutos?|horas?|días?|semanas?|meses"
    r"|años?|sekunden?|minuten?|stunden?|tagen?|wochen?|monaten?|jahren?|secondes?|heures?|jours?|semaines?|mois|ans?|années?)\b"
)
_MONEY = r"[$€£¥]\s?\d|\d\s?(?:[$€£¥]|%|USD|EUR|GBP|dollars?|euros?|pounds?|cents?)|\b(?:free|gratis|kostenlos|gratuit)"
_WEIGHT = r"\d\s?(?:kg|g|lbs?|oz|pounds?|ounces?|grams?|kilo\w*)\b"
_TIME = rf"{_FIGURE}|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\b(?:immediately|at once|today|tomorrow)\b"

EXPECTATIONS = tuple(
    (re.compile(asked, re.IGNORECASE), re.compile(given, re.IGNORECASE))
    for asked, given in (
        (
            r"\b(?:how long|how quickly|how soon|how fast|cuánto (?:tiempo|tarda|dura)|wie lange|combien de temps)\b",
            _DURATION,
        ),
        (r"\b(?:how heavy|weighs?|weight|cuánto pesa|wie (?:schwer|viel wiegt)|wiegt|pèse|poids)\b", _WEIGHT),
        (
            r"\b(?:how much (?:is|are|does|do|will|would)\b.*|what (?:is|are) the (?:price|cost|fee)|prices?|costs?|fees?|cuánto (?:cuesta|vale)"
            r"|cuestan?|wie ?viel kostet|kostet|kosten|combien coûte|coûtent?|prix)\b",
            _MONEY,
        ),
        (r"\b(?:how many|how much|how often|how far|how big|how old|cuánt[oa]s?|wie ?viele?|combien)\b", _FIGURE),
        (r"\b(?:when|what time|which day|until when|cuándo|wann|quand)\b", _TIME),
    )
)

NUMBER = re.compile(r"\b\d+\b")


@lru_cache(maxsize=1024)
def _expected(question: str) -> re.Pattern[str] | None:
    return next((given for asked, given in EXPECTATIONS if asked.search(question)), None)


def expects_figure(question: str) -> bool:
    """Return whether `question` asks for a figure at all."""
    return _expected(question) is not None


def meets_expectation(question: str, text: str) -> bool:
    """Return whether `text` holds the kind of figure that `question` asks for; False when it asks for none.

    Numbers of the question's own ("the UltraBook 13") are no answer to it.
    """
    given = _expected(question)
    if given is None:
        return False
    for own in set(NUMBER.findall(question)):
        text = re.sub(rf"(?<![\d.,$€£]){own}(?![\d.,%])", " ", text)
    return bool(given.search(text))
