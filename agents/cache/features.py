"""What a question asks about besides its meaning as a whole: everything that a near miss gets wrong.

Numbers with their units, dates, names, negation, direction, what kind of answer is wanted, and the concepts. See `comparison` for
what keeps two questions apart.
"""

# ruff: noqa: E501, SIM905 - patterns and lists of words of four languages, one a line

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from agents.cache import lexicon
from agents.routing.dates import DAYS, MONTHS, RELATIVE
from agents.routing.numbers import ARTICLES, NUMBERS

if TYPE_CHECKING:
    from agents.cache.lexicon import Token

MAX_WORDS = 60
"""Words of a question; who writes more tells a story, which nobody tells twice."""
THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:[ .,]\d{3})+(?![\d])")
UNIT_BEHIND = re.compile(
    r"(?<=\d)(?=(?:st|nd|rd|th|h|hrs?|s|secs?|min|gb|mb|tb|kb|kg|g|km|m|cm|mm|v|w|usd|eur|gbp|k)\b)"
)
VERSION = re.compile(r"\bv(?=\d)")
SIGNS = {"€": " euro ", "$": " dollar ", "£": " pound ", "%": " percent "}
UNITS = {
    "hour": "hour", "h": "hour", "hr": "hour", "hrs": "hour", "minute": "minute", "min": "minute", "second": "second",
    "day": "day", "week": "week", "month": "month", "year": "year", "gb": "gb", "mb": "mb", "tb": "tb", "kb": "kb",
    "kg": "kg", "g": "g", "km": "km", "m": "m", "cm": "cm", "mm": "mm", "v": "volt", "volt": "volt", "volts": "volt",
    "voltios": "volt", "w": "watt", "watt": "watt", "watts": "watt", "euro": "euro", "euros": "euro", "eur": "euro",
    "dollar": "dollar", "dollars": "dollar", "usd": "dollar", "pound": "pound", "pounds": "pound", "percent": "percent",
    "prozent": "percent", "s": "second", "sec": "second", "an": "year", "age2": "year", "meter": "m", "meters": "m",
}  # fmt: skip
DAYS_A_WEEK = 7

NEGATIONS = {
    "en": "not no never none cannot cant dont doesnt didnt wont isnt arent wasnt couldnt shouldnt wouldnt hasnt havent neither nor nobody nothing",
    "es": "no nunca ningun ninguna nada nadie tampoco",
    "de": "nicht kein keine keinen keiner keinem nie niemals nichts niemand",
    "fr": "pas jamais aucun aucune rien personne plus",
}  # fmt: skip
NEGATED = {"en": re.compile(r"n['’]t\b"), "fr": re.compile(r"\b(?:ne|n['’])\s*\w+(?:\s+\w+)?\s+plus\b")}  # noqa: RUF001 (typed so)
FROM = {"en": "from", "es": "desde", "de": "vom aus ab", "fr": "depuis"}
TO = {"en": "to into", "es": "a al hacia", "de": "nach zum zur ins", "fr": "a au vers"}
PASSED = frozenset(
    "the a an my your our their el la los las mi su der die das dem den mein meine le les l mon ma du des".split()
)
WHETHER = {
    "en": r"(?:can|could|may|is|are|do|does|did|will|would|must|should|am|has|have)\b(?! there (?:a|any) way)",
    "es": r"(?:puedo|puede|se puede|es|esta|hay|tiene|tienen|acepta|hacen|ofrecen|necesito)\b",
    "de": r"(?:zurucknehmt|kann|kannst|konnen|ist|sind|darf|durfen|gibt es|habt|haben|hat|muss|geht|nehmt|liefert|funktioniert)\b",
    "fr": r"(?:puis|peut|peux|est ce|est|sont|avez|faut|y a|acceptez|livrez|proposez)\b",
}
WHICH = {
    "en": r"^\W*(?:what|which)\b(?! (?:is|are) the (?:best )?way)",
    "es": r"^\W*(?:que|cual|cuales)\b(?! (?:manera|hago))",
    "de": r"^\W*(?:was|welche[rsnm]?)\b(?! (?:muss|tun))",
    "fr": r"^\W*(?:quel|quels|quelle|quelles|que)\b(?! faire)",
}
HOW = {
    "en": r"\bhow (?:do|can|could|to|does one|should)\b|\bhow\W*$|\bhow (?:that|it|this)\b|^how\b(?! (?:much|many|long|often|far|old|soon|fast|late|early|high|big|heavy))",
    "es": r"\bcomo\b",
    "de": r"\bwie (?:kann|storniere|sperre|komme|setze|andere|mache|man|geht|gelange|bekomme)\b|\bwie\W*$|^wie\b(?! (?:lange?|viele?|hoch|teuer|oft|weit|alt|gross|schnell|spat))",
    "fr": r"\bcomment\b",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Features:
    """What a question asks about.

    Attributes:
        language: "en", "es", "de" or "fr".
        concepts: what it is about, of `concepts.txt`, those that carry meaning.
        words: stems of words and names of no concept; names with digits among them.
        weak: concepts that carry little meaning.
        asks: kinds of answer ("COST", "TIME", …), empty for how, whether and what.
        mood: "how", "whether" or "".
        numbers: (number, unit), the unit perhaps empty.
        counted: (number, what stands before it, what behind it).
        dates: months, weekdays and relative days.
        negated: whether it denies something; `denied` what, as far as that can be told.
        origin, target: what follows "from" and "to".
    """

    language: str
    concepts: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    weak: frozenset[str] = frozenset()
    asks: frozenset[str] = frozenset()
    mood: str = ""
    numbers: tuple[tuple[str, str], ...] = ()
    counted: tuple[tuple[str, str, str], ...] = ()
    dates: frozenset[str] = frozenset()
    negated: bool = False
    denied: frozenset[str] = frozenset()
    origin: frozenset[str] = frozenset()
    target: frozenset[str] = frozenset()
    relative: bool = False
    """Whether it speaks of today, tomorrow and the like, so that tomorrow it is another question."""

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        sets = ("concepts", "words", "weak", "asks", "dates", "denied", "origin", "target")
        return {
            **{name: sorted(getattr(self, name)) for name in sets}, "language": self.language, "mood": self.mood,
            "numbers": [list(number) for number in self.numbers], "counted": [list(count) for count in self.counted], "negated": self.negated, "relative": self.relative,
        }  # fmt: skip


@dataclass(slots=True)
class _Reader:
    """Reads the words of one question from the left."""

    language: str
    words: list[str]
    tokens: list[Token] = field(default_factory=list)
    numbers: list[tuple[str, str]] = field(default_factory=list)
    counted: list[tuple[str, str, str]] = field(default_factory=list)
    dates: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    origin: set[str] = field(default_factory=set)
    target: set[str] = field(default_factory=set)
    negated: bool = False
    _counting: bool = False
    """Whether the token before this was a number."""
    _waiting: str = ""
    """What the next meaningful token is to: "denied", "origin" or "target"."""

    def read(self) -> None:
        """Read everything."""
        known = lexicon.vocabularies()[self.language]
        place = 0
        while place < len(self.words):
            for length in range(min(lexicon.LONGEST, len(self.words) - place), 1, -1):
                name = known.find(tuple(self.words[place : place + length]))
                if name:
                    for token in lexicon.named(name):
                        self._take(token)
                    place += length
                    break
            else:
                place += self._word(place)

    def _word(self, place: int) -> int:
        word = self.words[place]
        if (number := self._number(word)) and not (word in NUMBERS and word in ARTICLES):
            return self._measure(number, place)
        if self._date(word, place) or self._mark(word):
            return 1
        for token in lexicon.meaning(word, self.language):
            self._take(token)
        if self._waiting in {"origin", "target"} and word not in PASSED:
            self._waiting = ""
        return 1

    def _number(self, word: str) -> str:
        if word[0].isdigit() and re.fullmatch(r"\d+(?:[.,]\d+)*", word):
            return word.replace(",", ".").rstrip(".")
        return str(_NUMBERS[word]) if word in _NUMBERS else ""

    def _measure(self, number: str, place: int) -> int:
        self._waiting = ""
        following = self.words[place + 1] if place + 1 < len(self.words) else ""
        meant = lexicon.meaning(following, self.language) if following else ()
        unit = UNITS.get(following) or (UNITS.get(meant[0].name, "") if meant else "")
        if unit == "week" and number.isdigit():
            number, unit = str(int(number) * DAYS_A_WEEK), "day"
        self.numbers.append((number, unit))
        self.counted.append((number, self.tokens[-1].name if self.tokens else "", ""))
        self._counting = not unit
        return 2 if unit else 1

    def _date(self, word: str, place: int) -> bool:
        if word in _MONTHS and (len(word) > _SHORT or self._beside_number(place)):
            self.dates.add(f"month {_MONTHS[word]}")
        elif (day := _DAYS.get(word, _DAYS.get(word.removesuffix("s")))) is not None and len(word) > _SHORT:
            self.dates.add(f"weekday {day}")
        else:
            return False
        return True

    def _beside_number(self, place: int) -> bool:
        around = self.words[max(place - 1, 0) : place + 2]
        return any(word[0].isdigit() for word in around)

    def _mark(self, word: str) -> bool:
        if word in _marks(NEGATIONS, self.language):
            self.negated, self._waiting = True, "denied"
        elif word in _marks(FROM, self.language) or (word == "von" and _marks(TO, "de") & set(self.words)):
            self._waiting = "origin"
        elif word in _marks(TO, self.language):
            self._waiting = "target"
        else:
            return False
        return True

    def _take(self, token: Token) -> None:
        if self._counting and not token.name.startswith("~"):
            self.counted[-1] = (*self.counted[-1][:2], token.name)
        self._counting = False
        self.tokens.append(token)
        if token.name == "~without":
            self.negated, self._waiting = True, "denied"
        elif token.name[0] == "~" or (token.known and token.name.isupper()):
            return
        elif self._waiting:
            getattr(self, self._waiting).add(token.name)
            self._waiting = ""


_SHORT = 3
_MONTHS = {lexicon.fold(name): number for name, number in MONTHS.items()}
_DAYS = {lexicon.fold(name): number for name, number in DAYS.items()}
_NUMBERS = {
    lexicon.fold(name): number
    for name, number in {
        **NUMBERS, "eleven": 11, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17,
        "eighteen": 18, "dieciseis": 16, "dieciocho": 18, "sechzehn": 16, "siebzehn": 17, "achtzehn": 18, "seize": 16,
        "treinta": 30, "dreissig": 30, "trente": 30, "ninety": 90, "sixty": 60,
    }.items()
    if name not in ARTICLES
}  # fmt: skip
_RELATIVE = re.compile(
    r"\b(?:" + "|".join(sorted((re.escape(lexicon.fold(word)) for word in RELATIVE), key=len, reverse=True)) + r"|now|ahora|jetzt|maintenant|tonight)\b"
)  # fmt: skip


@cache
def _words_of(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _marks(words: dict[str, str], language: str) -> frozenset[str]:
    return _words_of(words[language])


def read_features(question: str, language: str) -> Features | None:
    """Return what `question` asks about; None when it is too long or in a language that cannot be read.

    Args:
        question: one message of a customer.
        language: of the conversation, which decides where the message itself does not.
    """
    written = lexicon.language_of(question, language)
    if not lexicon.speaks(written):
        return None
    plain = question.lower()
    for sign, word in SIGNS.items():
        plain = plain.replace(sign, word)
    plain = THOUSANDS.sub(lambda match: re.sub(r"[ .,]", "", match[0]), plain)
    folded = UNIT_BEHIND.sub(" ", VERSION.sub("", lexicon.fold(plain)))
    words = lexicon.WORD.findall(folded)
    if not words or len(words) > MAX_WORDS:
        return None
    reader = _Reader(written, words)
    reader.read()
    if written in NEGATED and NEGATED[written].search(question.lower()):
        reader.negated = True
    return _collected(reader, folded)


def _collected(reader: _Reader, folded: str) -> Features:
    known = {token.name for token in reader.tokens if token.known}
    if "AMOUNT" in known and re.search(r"how much\W*$|cuanto\W*$|combien\W*$", folded):
        known = known - {"AMOUNT"} | {"COST"}
    if re.search(r"\bwhat\b.*\bfor\W*$|\bpara que\b|\bwofur\b|\ba quoi\b", folded):
        known = known | {"PURPOSE"}
    if "-include" in known and not re.search(r"how much|kostet|kosten|coute|cuest", folded):
        known = known - {"COST"}  # "is it in the price" asks for no price
    asks = frozenset(name for name in known if name.isupper())
    weak = frozenset(name for name in known if name.startswith("~"))
    return Features(
        language=reader.language,
        concepts=frozenset(known - asks - weak),
        words=frozenset(token.name for token in reader.tokens if not token.known),
        weak=weak,
        asks=asks,
        mood=_mood(folded, reader.language) if not asks - {"WHERE"} else "",
        numbers=tuple(sorted(reader.numbers)),
        counted=tuple(reader.counted),
        dates=frozenset(reader.dates),
        negated=reader.negated,
        denied=frozenset(reader.denied),
        origin=frozenset(reader.origin),
        target=frozenset(reader.target),
        relative=bool(_RELATIVE.search(folded)),
    )


def _mood(folded: str, language: str) -> str:
    if re.search(HOW[language], folded):
        return "how"
    if re.search(WHICH[language], folded):
        return "which"
    return "whether" if re.search(rf"(?:^|[,.!?]\s*)\W*{WHETHER[language]}", folded) else ""
