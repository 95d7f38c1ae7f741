"""Amounts of money and quantities in a message."""
# ruff: noqa: E501, RUF001 - patterns of four languages, one a line; customers type the typographic apostrophe

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from agents.routing.entities import Entity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.routing.entities import Taken

CENT = Decimal("0.01")
MAX_QUANTITY = 999

SYMBOLS = {
    "$": "USD",
    "€": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "₹": "INR",
    "us$": "USD",
    "a$": "AUD",
    "c$": "CAD",
    "fr.": "CHF",
    "zł": "PLN",
}
WORDS = {
    "usd": "USD", "dollar": "USD", "dollars": "USD", "bucks": "USD", "buck": "USD", "dólares": "USD", "dolares": "USD", "dólar": "USD",
    "eur": "EUR", "euro": "EUR", "euros": "EUR", "gbp": "GBP", "pound": "GBP", "pounds": "GBP", "quid": "GBP", "libras": "GBP",
    "pfund": "GBP", "livres": "GBP", "chf": "CHF", "franken": "CHF", "francs": "CHF", "jpy": "JPY", "yen": "JPY", "cad": "CAD",
    "aud": "AUD", "inr": "INR", "rupees": "INR", "pln": "PLN", "sek": "SEK", "nok": "NOK", "dkk": "DKK", "czk": "CZK", "mxn": "MXN",
    "pesos": "MXN", "brl": "BRL",
}  # fmt: skip
NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100,
    "uno": 1, "una": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7, "ocho": 8, "nueve": 9, "diez": 10, "doce": 12,
    "veinte": 20, "cincuenta": 50, "cien": 100,
    "ein": 1, "eine": 1, "einen": 1, "zwei": 2, "drei": 3, "vier": 4, "fünf": 5, "sechs": 6, "sieben": 7, "acht": 8, "neun": 9, "zehn": 10,
    "zwölf": 12, "zwanzig": 20, "fünfzig": 50, "hundert": 100,
    "un": 1, "une": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "sept": 7, "huit": 8, "neuf": 9, "dix": 10, "douze": 12, "vingt": 20,
    "cinquante": 50, "cent": 100,
}  # fmt: skip
ARTICLES = frozenset({"una", "ein", "eine", "einen", "un", "une", "one", "uno"})

_NUMBER = r"\d{1,3}(?:[ .,'’]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d{1,9}(?:[.,]\d{1,2})?(?!\d)"
_WORD_NUMBER = "|".join(sorted(NUMBERS, key=len, reverse=True))
_SYMBOL = "|".join(re.escape(symbol) for symbol in sorted(SYMBOLS, key=len, reverse=True))
_CURRENCY = "|".join(sorted(WORDS, key=len, reverse=True))
BEFORE = re.compile(rf"(?<![\w.,])(-?)({_SYMBOL}|{_CURRENCY})\s?(-?)({_NUMBER})(?![\w%])", re.IGNORECASE)
BEHIND = re.compile(
    rf"(?<![\w.,/-])(-?)({_NUMBER}|\b(?:{_WORD_NUMBER}))(?:,-)?\s?(?:us\s)?({_SYMBOL}|(?:{_CURRENCY})\b)(?!\w)",
    re.IGNORECASE,
)
_PAYING = (
    r"(?:paid|pay|cost|costs|price|priced at|charged|refund(?:ed)?(?: of)?|for|worth|under|below|over|about|around|only|was|total(?:led)?(?: of)?"
    r"|pagu[eé]|cuesta|precio|por|bezahlt|kostet|preis|für|unter|payé|coûte|prix|pour|moins de)"
)
BARE = re.compile(
    rf"\b{_PAYING}\s+(?:me\s+|of\s+|the\s+)?(\d{{1,6}}[.,]\d{{2}})(?![\w.,%/]\w|\d|\s?(?:gb|mm|cm|kg|inch|v)\b)",
    re.IGNORECASE,
)

_COUNT = rf"(?:\d{{1,3}}|{_WORD_NUMBER})"
_PIECES = r"(?:pieces?|units?|pcs|items?|copies|pairs?|packs?|boxes|sets|st[üu]ck|exemplare?|unidades?|piezas?|pares|cajas|pi[eè]ces?|exemplaires?|paires?|unités?)"
QUANTITY = re.compile(
    rf"(?<![\w.,$€£#/-])(?:({_COUNT})\s?[x×](?![\w])|[x×]\s?({_COUNT})\b|(?:qty|quantity|quantities|menge|anzahl|cantidad|quantité)"
    rf"[\s:=.]{{0,3}}(?:of\s|de\s)?({_COUNT})\b|({_COUNT})[\s-]{_PIECES}\b|({_COUNT})\s+(?:of|von)\s+(?:the|them|these|those|my|your|our|den|diesen|each)\b"
    rf"|({_COUNT})\s+(?:de\s+)?(?:ellos|ellas|estos|estas|ces|ceux|celles|davon)\b)",
    re.IGNORECASE,
)
_VERBS = (
    r"(?:return|exchange|order(?:ed)?|buy|bought|cancel|want|need|send|sent|received|got|purchased?|get|have|devolver|comprar|compr[eé]|pedir|ped[ií]"
    r"|quiero|recib[ií]|zurückgeben|umtauschen|kaufen|gekauft|bestell(?:en|t|te)|möchte|brauche|retourner|échanger|acheter|acheté|commandé|commander|veux|reçu)"
)
COUNTED = re.compile(
    rf"\b{_VERBS}\s+(?:(?:only|just|all|the|my|other|nur|die|sólo|solo|los|las|les|seulement)\s+){{0,2}}({_COUNT})\s+(?=([^\W\d_][\w-]+))",
    re.IGNORECASE,
)
UNITS = re.compile(
    r"(?:days?|weeks?|months?|years?|hours?|minutes?|mins?|times?|stars?|inch(?:es)?|percent|gb|tb|mah|watts?|questions?|things?|emails?|e-mails?"
    r"|messages?|reasons?|problems?|issues?|orders?|dollars?|euros?|more|other|different|of|or|to|and|d[ií]as?|semanas?|mes(?:es)?|años?|horas?|veces"
    r"|preguntas?|tagen?|wochen?|monaten?|jahren?|stunden?|mal|fragen?|jours?|semaines?|mois|ans?|heures?|fois|questions?)\b",
    re.IGNORECASE,
)
BEFORE_PRODUCT = re.compile(
    rf"(?<![\w.,-])({_COUNT})\s+(?:(?:of|x|new|more|de)\s+)?(?:(?:the|my|those|these)\s+)?$", re.IGNORECASE
)


def find_amounts(text: str, taken: Taken, currency: str) -> Iterator[Entity]:
    """Amounts of money; one without a currency ("I paid 49.99") is in the shop's."""
    for match in BEFORE.finditer(text):
        if taken.take(*match.span()):
            sign = match[1] or match[3]
            yield Entity("amount", _decimal(sign + match[4]), match[0], *match.span(), 1.0, _currency(match[2]))
    for match in BEHIND.finditer(text):
        if taken.take(*match.span()):
            yield Entity("amount", _decimal(match[1] + match[2]), match[0], *match.span(), 1.0, _currency(match[3]))
    for match in BARE.finditer(text):
        if taken.take(*match.span(1)):
            yield Entity("amount", _decimal(match[1]), match[1], *match.span(1), 0.7, currency)


def find_quantities(text: str, taken: Taken, products: tuple[Entity, ...]) -> Iterator[Entity]:
    """How many: "3x", "two of them", "2 pieces", "return 2 shirts", and a number right before a product."""
    for match in QUANTITY.finditer(text):
        group = match.lastindex or 1
        if taken.take(*match.span(group)):
            yield from _quantity(match[group], *match.span(group), 1.0)
    for product in products:
        match_before = BEFORE_PRODUCT.search(text, max(0, product.start - 30), product.start)
        if match_before and match_before[1].lower() not in ARTICLES and taken.take(*match_before.span(1)):
            yield from _quantity(match_before[1], *match_before.span(1), 0.9)
    for match in COUNTED.finditer(text):
        counts = match[1].lower() not in ARTICLES and not UNITS.match(match[2])
        if counts and taken.take(*match.span(1)):
            yield from _quantity(match[1], *match.span(1), 0.8)


def _quantity(written: str, start: int, end: int, score: float) -> Iterator[Entity]:
    number = NUMBERS.get(written.lower()) or (int(written) if written.isdecimal() else 0)
    if 0 < number <= MAX_QUANTITY:
        yield Entity("quantity", number, written, start, end, score)


def _currency(written: str) -> str:
    return SYMBOLS.get(written.lower()) or WORDS[written.lower()]


def _decimal(written: str) -> Decimal:
    """A number as any of the four languages writes it: the last mark before one or two digits is the decimal one."""
    sign = -1 if written.startswith("-") else 1
    plain = written.lstrip("-").lower()
    if plain in NUMBERS:
        return Decimal(NUMBERS[plain]).quantize(CENT) * sign
    digits = re.sub(r"[ '’]", "", plain)
    decimals = re.search(r"[.,](\d{1,2})$", digits)
    whole = re.sub(r"\D", "", digits[: decimals.start()] if decimals else digits)
    return Decimal(f"{whole}.{decimals[1] if decimals else '00'}").quantize(CENT, ROUND_HALF_UP) * sign
