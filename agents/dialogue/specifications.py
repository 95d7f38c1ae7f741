"""Which specification of a product a customer asks for, and the value that is on record."""
# ruff: noqa: E501, RUF001 - patterns of four languages, one a line

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agents.dialogue.references import content, fold
from commerce.cards import written

if TYPE_CHECKING:
    from commerce.models import Product

PRICE, STOCK, WARRANTY, RATING = "price", "stock", "warranty", "rating"

PLAIN: tuple[tuple[str, re.Pattern[str]], ...] = (
    (WARRANTY, re.compile(r"\b(?:warranty|guarantee|garant[ií]a|garantie|gew[aä]hrleistung)\b", re.IGNORECASE)),
    (STOCK, re.compile(r"\b(?:in stock|available|availability|lieferbar|verf[uü]gbar|auf lager|vorr[aä]tig|disponibles?|disponibilidad|en stock|existencias|disponibilit[eé])\b", re.IGNORECASE)),
    (RATING, re.compile(r"\b(?:ratings?|reviews?|rated|stars|bewertung\w*|valoraci\w+|opiniones|avis|notes?)\b", re.IGNORECASE)),
    (PRICE, re.compile(r"\b(?:costs?|prices?|priced|how much (?:is|are|for|does it cost|do they cost)|kostet|kosten|preise?|was kommt|cu[aá]nto (?:cuesta|vale|es)|cuestan?|precios?|co[uû]te(?:nt)?|prix|combien)\b", re.IGNORECASE)),
)  # fmt: skip
FACTS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(rf"\b(?:{asked})", re.IGNORECASE), names)
    for asked, names in (
        (r"colou?rs?\b|color(?:es)?\b|farben?\b|couleurs?\b", ("colour", "color", "farbe", "couleur")),
        (r"battery\b|batteries\b|akku\w*|bater[ií]a|batterie|autonom\w+|(?:last|run)s?\b.{0,20}charge|running time|laufzeit", ("battery life", "battery", "capacity", "akku", "autonomía")),
        (r"weigh\w*|heavy|heavier|how light\b|lighter\b|schwer|gewicht|wieg\w*|pesa\w*|peso\b|p[èe]se\w*|poids|lourd\w*", ("weight", "gewicht", "peso", "poids")),
        (r"ram\b|memory\b|arbeitsspeicher|memoria\b|m[ée]moire", ("memory", "ram", "arbeitsspeicher", "memoria", "mémoire")),
        (r"storage|ssd\b|hard (?:disk|drive)|speicher\w*|almacenamiento|stockage|capacity|kapazit[äa]t|capacidad|capacit[ée]", ("storage", "capacity", "largest", "speicher")),
        (r"processor|cpu\b|chip\b|prozessor|procesador|processeur", ("processor", "cpu", "prozessor")),
        (r"display|screen|bildschirm|pantalla|[ée]cran|resolution|aufl[öo]sung|resoluci[oó]n|inch|zoll|pulgadas|pouces", ("display", "screen", "resolution", "bildschirm")),
        (r"ports?\b|sockets?\b|connections?\b|anschl[uü]ss\w*|puertos?|connecti\w+|prises?\b", ("ports", "sockets", "usb sockets", "connector", "inputs")),
        (r"camera\w*|megapixel|kamera\w*|c[aá]maras?|appareil photo", ("cameras", "camera", "kamera")),
        (r"dimensions?|how (?:big|large|thick|tall|wide)|measurements?|abmessung\w*|wie gro(?:ß|ss)|maße|dimensiones|tama[ñn]o|taille\b", ("size", "dimensions", "thickness", "display", "maße")),
        (r"operating system|\bos\b|windows|android|betriebssystem|sistema operativo|syst[èe]me d", ("operating system", "os")),
        (r"waterproof|water.?(?:resist\w*|proof)|ip ?\d\d|wasser\w*|resistente al agua|[ée]tanche", ("protection", "water resistance")),
        (r"noise.?cancel\w*|anc\b|ger[äa]uschunterdr\w*|cancelaci[oó]n de ruido|r[ée]duction (?:de|du) bruit", ("noise cancelling",)),
        (r"bluetooth", ("bluetooth", "wireless", "connects by")),
        (r"graphics|gpu\b|grafik\w*|gr[aá]ficos?|graphique", ("graphics", "gpu")),
        (r"materials?\b|made of|mat[eé]riau\w*|aus was", ("material",)),
        (r"power output|watts?\b|leistung|potencia|puissance", ("usb-c output", "power", "output", "wireless output")),
        (r"sizes?\b|gr[öo](?:ß|ss)en?\b|tallas?\b", ("size", "sleeve size", "display")),
    )
)  # fmt: skip
QUESTION = re.compile(
    r"\b(?:can|could|may|should|why|how do|how can|is it normal|won['’]?t|doesn['’]?t|puedo|kann|darf|puis-je|peut-on|warum|pourquoi|por qu[eé]|means?|bedeutet|significa|signifie)\b",
    re.IGNORECASE,
)
"""Asks whether or how something can be done: for the documents to say."""


LASTING = re.compile(
    r"^(?!.*\b(?:takes?|fully|full|dauert|tarda|faut|prend)\b).*(?:\b(?:how long|lasts?|hours|life|wie lange|h[äa]lt|l[äa]uft|laufzeit|dura\w*|cu[aá]nto tiempo|combien de temps|tient|autonomie)\b.*\b(?:batter\w*|charge|akku\w*|bater\w*|ladung|carga)|\b(?:batter\w*|akku\w*|bater\w*)\b.*\b(?:lasts?|life|hours|h[äa]lt|dura|tient)\b)",
    re.IGNORECASE,
)
YES_OR_NO = re.compile(
    r"^\W*(?:and |so )?(?:does|do|is|are|has|have|hat|ist|sind|tiene|tienen|es|a-t-il|est-ce)\b", re.IGNORECASE
)
FOR_IT = re.compile(r"\b(?:for|zum|für|para|pour)\b", re.IGNORECASE)
NO_PART = content(
    "cost price much warranty stock available availability rating review star long how what does tell know have current currently new today now still exactly please precio cuesta vale garantía "
    "preis kostet garantie lager verfügbar prix coûte stock disponible combien cuánto viel lange time period shop store sell buy get want like year month one piece version model variant"
)
MOST_UNEXPLAINED = 2
"""Words of a question beside those of the product and of the specification: with more it asks for something else."""


def _unexplained(product: Product, text: str) -> set[str]:
    """Words that are neither the product's nor usual in questions for a fact."""
    options = {w for v in product.variants.all() for w in content(" ".join(map(str, _mapping(v.options).values())))}
    own = (
        f"{product.name} {product.code} {product.category} {product.brand} {' '.join(map(str, product.aliases or []))}"
    )
    return content(text) - content(own) - options - NO_PART


def is_about_a_part(product: Product, text: str) -> bool:
    """Return whether a text asks for the price of something for a product: "a new screen for the Pro 12"."""
    return bool(FOR_IT.search(text)) and bool(_unexplained(product, text))


def asked_facts(text: str) -> list[str]:
    """Return which of price, stock, warranty and rating a text asks for."""
    return [name for name, pattern in PLAIN if pattern.search(text)]


def find_facts(product: Product, text: str) -> list[tuple[str, str]]:
    """Return (name, value) of the specification that a text asks for: by its own name, else by a usual word for it."""
    facts = {str(name): written(value) for name, value in _mapping(product.specifications).items()}
    names = {fold(name): name for name in facts}
    if LASTING.search(text) and (lasting := names.get("battery life")):
        return [(lasting, facts[lasting])]
    if len(_unexplained(product, text)) > MOST_UNEXPLAINED:
        return []
    found = _by_name(product, text, facts) or _by_usual_word(text, facts, names)
    if YES_OR_NO.search(text):
        said = content(text)
        return [(name, value) for name, value in found if said & content(value)]
    return found


def _by_name(product: Product, text: str, facts: dict[str, str]) -> list[tuple[str, str]]:
    asked = content(text) - content(product.name)
    scored = [(len(content(name)), name) for name in facts if content(name) and content(name) <= asked]
    if scored:
        best = max(score for score, _ in scored)
        return [(name, facts[name]) for score, name in scored if score == best]
    return []


def _by_usual_word(text: str, facts: dict[str, str], names: dict[str, str]) -> list[tuple[str, str]]:
    for pattern, wanted in FACTS:
        if pattern.search(text):
            for name in wanted:
                exact = names.get(fold(name))
                if exact:
                    return [(exact, facts[exact])]
    return []


def find_choices(product: Product, text: str) -> tuple[str, list[str], list[str]] | None:
    """Return the option a text asks for, its values, and those of them that cannot be had now."""
    names: dict[str, list[str]] = {}
    had: dict[str, set[str]] = {}
    for variant in product.variants.all():
        for name, value in _mapping(variant.options).items():
            values = names.setdefault(str(name), [])
            if written(value) not in values:
                values.append(written(value))
            if variant.available:
                had.setdefault(str(name), set()).add(written(value))
    asked = content(text)
    for name, values in names.items():
        usual = next((wanted for pattern, wanted in FACTS if pattern.search(text)), ())
        if content(name) <= asked or fold(name) in map(fold, usual):
            return name, values, [value for value in values if value not in had.get(name, set())]
    return None


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
