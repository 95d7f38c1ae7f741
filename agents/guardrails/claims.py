# ruff: noqa: SIM905, E501, RUF001 - word lists of four languages read better as text; a dash stands between a number and its unit
"""What of a sentence must stand in its source exactly: numbers with their units, names and codes, a negation."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from agents.words import content_words, stem, words
from knowledge.indexes.language import detect_language

NUMBER = re.compile(
    r"(?<![\w.,])(\d[\d.,\u202f']*\d|\d)(?:\s*[-–]?\s*([%€$£°]|[^\W\d_]{1,14})(?:\s+([^\W\d_]{1,14}))?)?"
)
CODE = re.compile(r"\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{2,}\b")
NAME = re.compile(rf"(?<=[\w,;:)] )[A-Z][\w-]{{3,}}|{CODE.pattern}")
CLAUSE_END = re.compile(
    r"[,;:.!?](?:\s|$)|\s(?:but|because|since|if|unless|pero|porque|aber|weil|wenn|mais|parce)\s", re.IGNORECASE
)
IDIOM = re.compile(r"\b(?:nothing but|not only|no more than|not more than|no later than|if not)\b", re.IGNORECASE)
SHARED = 0.3
"""Share of a clause's words that a clause of the passage must hold to be about the same."""
LIKE_NAME = 4
"""Letters in which a name must be the same: "Peruvian" is of "Peru"."""
SPELT = {
    word: str(number)
    for words_ in (
        "zero one two three four five six seven eight nine ten eleven twelve",
        "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce",
        "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
        "zéro un deux trois quatre cinq six sept huit neuf dix onze douze",
    )
    for number, word in enumerate(words_.split())
    if word not in {"one", "uno", "un", "null", "once"}  # articles and other words, too
}
UNITS = {
    form: name
    for name, forms in {
        "second": "second seconds sec s segundo segundos sekunde sekunden seconde secondes",
        "minute": "minute minutes min mins minuto minutos minuten",
        "hour": "hour hours h hr hrs hora horas stunde stunden heure heures",
        "day": "day days día días tag tage tagen jour jours",
        "week": "week weeks semana semanas woche wochen semaine semaines",
        "month": "month months mes meses monat monate monaten mois",
        "year": "year years año años jahr jahre jahren an ans année années",
        "dollar": "$ dollar dollars usd dólares",
        "euro": "€ euro euros eur",
        "pound": "pound pounds lb lbs libras pfund livres",
        "cent": "cent cents céntimos",
        "percent": "% percent per prozent por pour",
        "kg": "kg kilo kilos kilogram kilograms kilogramm",
        "g": "g gram grams gramm",
        "oz": "oz ounce ounces",
        "m": "m metre metres meter meters metros mètres",
        "cm": "cm centimetre centimetres",
        "km": "km kilometre kilometres kilometer",
        "inch": "inch inches in zoll pulgadas pouces",
        "foot": "feet foot ft",
        "mile": "mile miles",
        "ml": "ml",
        "litre": "litre litres liter liters l litros",
        "gb": "gb",
        "mb": "mb",
        "tb": "tb",
        "w": "w watt watts",
        "kw": "kw",
        "wh": "wh",
        "v": "v volt volts",
    }.items()
    for form in forms.split()
}
TIMES = frozenset({"second", "minute", "hour", "day", "week", "month", "year"})
NEGATIONS = frozenset(
    "not no never nothing nobody none neither nor without cannot unless except excluded impossible unable free "
    "no nunca nada nadie ninguno ninguna sin tampoco nicht kein keine keinen keiner nie niemals nichts niemand ohne "
    "ne pas jamais rien personne aucun aucune sans".split()
)
_OPPOSITES = (
    "open closed|open close|include exclude|included excluded|before after|more less|larger smaller|large small|old new|"
    "online offline|first last|above below|over under|always never|allowed forbidden|inside outside|"
    "forwards backwards|left right|on off|hot cold|early late|earlier later|minimum maximum|least most|most fewest|"
    "increase decrease|rise fall|personal transferable|red white|red green|black white|blue red|accepted refused|"
    "kept deleted|keep delete|kept lost|weekday weekend|monday tuesday|saturday sunday|fast slow|high low|higher lower|"
    "breakfast dinner|lunch dinner|day night|morning evening|abierto cerrado|incluido excluido|antes después|offen geschlossen|"
    "vor nach|größer kleiner|inklusive exklusive|ouvert fermé|inclus exclu|avant après|plus moins"
)


def _opposites() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for pair in _OPPOSITES.split("|"):
        one, other = (stem(word) for word in pair.split())
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return {word: frozenset(others) for word, others in found.items()}


OPPOSITES = _opposites()


class Claims(NamedTuple):
    """What a text says exactly.

    Attributes:
        numbers: each with its units, "" where it stands alone.
        names: names and codes in lower case.
    """

    numbers: dict[str, frozenset[str]]
    names: frozenset[str]


@lru_cache(maxsize=2048)  # the sentences of popular passages come back
def claims_of(text: str) -> Claims:
    """Return what a text says exactly."""
    numbers: dict[str, set[str]] = {}
    plain = text.lower()
    for match in NUMBER.finditer(plain):
        before = plain[: match.start()].rstrip()[-1:]
        unit = UNITS.get(before if before in "$€£" else "") or _unit(match[2], match[3])
        numbers.setdefault(_number(match[1]), set()).add(unit)
    said = words(text)
    for place, word in enumerate(said):
        if value := SPELT.get(word):
            numbers.setdefault(value, set()).add(_unit(*[*said[place + 1 : place + 3], "", ""][:2]))
    found = CODE.findall(text) if detect_language([text], "") == "de" else NAME.findall(text)  # its nouns are no names
    names = frozenset(name.lower() for name in found)
    return Claims({number: frozenset(units) for number, units in numbers.items()}, names)


def _unit(first: str | None, second: str | None) -> str:
    """The unit behind a number, one word between them at most: "five working days"."""
    return UNITS.get(first or "") or UNITS.get(second or "", "")


def contradicts(sentence: str, passage: str, where: str = "") -> str:
    """Return what of a sentence its passage does not hold exactly: "number", "unit" or "name"; or nothing.

    `where` is what names the passage: its title and headings.
    """
    claimed, held = claims_of(sentence), claims_of(f"{passage} {where}")
    for number, units in claimed.numbers.items():
        if number not in held.numbers:
            return "number"
        known = held.numbers[number] - {""}
        if known and units - {""} and not units & known:
            return "unit"
    text = f"{passage} {where}".lower()
    if (spans := _spans(sentence)) - (known_spans := _spans(text)) and known_spans and not spans & known_spans:
        return "unit"
    return "name" if any(name[:LIKE_NAME] not in text for name in claimed.names) else ""


def _spans(text: str) -> frozenset[str]:
    """The units of time that a text names."""
    return frozenset(UNITS[word] for word in words(text) if UNITS.get(word) in TIMES)


def denies(sentence: str, passage: str) -> bool:
    """Return whether a sentence says no where the passage says yes, or the other way round.

    Each clause is compared with the clause of the passage that shares most words with it; a word in place of its
    opposite counts as a no.
    """
    clauses = [(content_words(clause), clause) for clause in _clauses(passage)]
    for clause in _clauses(sentence):
        said = content_words(clause)
        held, source = max(clauses, key=lambda pair: len(said & pair[0]) / (len(said) + len(pair[0])))
        if (
            len(said & held) >= max(1.0, SHARED * len(said))
            and _noes(clause) % 2 != (_noes(source) + _swapped(said, held)) % 2
        ):
            return True
    return False


def _clauses(text: str) -> list[str]:
    """The parts of a text between commas and conjunctions that say something."""
    return [part for part in CLAUSE_END.split(IDIOM.sub(" ", text)) if content_words(part)] or [text]


def _noes(clause: str) -> int:
    return sum(
        word in NEGATIONS or word.endswith("n't")
        for word in clause.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split()
    )


def _swapped(said: frozenset[str], held: frozenset[str]) -> int:
    """Return 1 where a word stands in place of its opposite."""
    return int(any(OPPOSITES[word] & held and word not in held for word in said & OPPOSITES.keys()))


def _number(digits: str) -> str:
    """A number as it is compared: without separators of thousands, a point before decimals."""
    digits = re.sub(r"[\u202f']", "", digits).rstrip(".,")
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", digits):
        return re.sub(r"[.,]", "", digits)
    digits = digits.replace(",", ".")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
