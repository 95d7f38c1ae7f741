"""What a customer wants and names: intents, several to a message, and entities; without a language model."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import regex
from django.utils import timezone

from agents.routing.clauses import Clause, split_clauses
from agents.routing.dates import find_dates
from agents.routing.entities import MAX_TEXT, Entities, Taken, without_repeats
from agents.routing.fitting import State, classifier, read_state
from agents.routing.identifiers import find_emails, find_orders, find_postcodes
from agents.routing.numbers import find_amounts, find_quantities
from agents.routing.shop import ShopForms, catalogue, read_shop
from agents.routing.shortcuts import HAS_WORD
from knowledge.embedding.base import get_embedder
from tenants.scope import tenant_scope

if TYPE_CHECKING:
    from datetime import date

    from agents.routing.catalogue import Catalogue
    from agents.routing.classifier import Classifier

FRESH = 3.0
"""Seconds for which a process believes what it read of examples and shop."""
FOUND = -0.35
"""Score (-1 to 1) from which a clause has an intent of its own."""
CLEAR = 0.25
"""By how much the first intent of a clause must lead the second for it to stand beside the whole message's."""
TWO = 2
OUT, FEW = 0.9, 3
"""From when on a message has no intent at all, and how many words may then be none that ask."""
LATIN = regex.compile(r"[\p{Latin}\P{L}]*")
EVEN, SLOPE = -0.45, 0.12
"""Score at which an intent is as likely right as wrong, and how fast that changes."""
HALF_OUT, OUT_SLOPE = 0.46, 0.035
"""Cosine to the nearest example at which a message is as likely out of scope as in it, and how fast that changes."""


@dataclass(frozen=True, slots=True)
class ScoredIntent:
    """An intent, how sure it is (0 to 1), and the part of the message that says so, `message[start:end]`."""

    name: str
    score: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a message wants and names.

    Attributes:
        intents: that of the whole message first, then the surest; empty without words or without examples.
        entities: what it names.
        clauses: the parts that were looked at, without greetings and thanks.
        out_of_scope: 0 to 1, how likely it is that no intent fits.
    """

    intents: tuple[ScoredIntent, ...]
    entities: Entities
    clauses: tuple[Clause, ...]
    out_of_scope: float


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read of a tenant, and until when it is believed."""

    state: State
    shop: ShopForms
    until: float


_known: dict[int, _Known] = {}


def understand(
    tenant_id: int, text: str, *, language: str, today: date | None = None, wait: bool = False
) -> Understanding:
    """Find the intents and entities of a message; opens its own short scopes, must not be called inside slow work.

    Args:
        tenant_id: whose intents, products and order ids.
        text: the message; the first 4,000 characters are looked at.
        language: of the conversation; clauses and entities are found in en, es, de and fr whichever it is.
        today: what "yesterday" is counted from; by default the day in the current time zone.
        wait: fit a stale classifier now, however many examples it has (for commands, not for a turn).

    Raises:
        EmbedderError: the embedder cannot be used.
    """
    text = text[:MAX_TEXT]
    known = _read(tenant_id, fresh=wait)
    products = catalogue(tenant_id, known.shop.version)
    entities = find_entities(text, known.shop, products, language=language, today=today)
    clauses = split_clauses(text, language)
    model = classifier(tenant_id, known.state, wait=wait)
    if not HAS_WORD.search(text):
        return Understanding((), entities, clauses, 0.0)
    intents, nearness = _decide(text, clauses or (Clause(text, 0, len(text)),), model)
    return Understanding(intents, entities, clauses, round(1 - _share((nearness - HALF_OUT) / OUT_SLOPE), 4))


def says_nothing(text: str, understanding: Understanding) -> bool:
    """Whether a message is so short and so unlike any wish that to ask back is better than to have looked in vain.

    In other scripts few words may say much, and no example is near any of them.
    """
    few = len(text.split()) <= FEW and "?" not in text and bool(LATIN.fullmatch(text))
    return few and understanding.out_of_scope >= OUT and not list(understanding.entities)


def find_entities(
    text: str, shop: ShopForms, products: Catalogue, *, language: str, today: date | None = None
) -> Entities:
    """Find the entities of a message. What one kind has taken, the later ones do not look at."""
    today = today or timezone.localdate()
    taken = Taken(text)
    emails = without_repeats(list(find_emails(text, taken)))
    orders = without_repeats(list(find_orders(text, taken, shop.patterns)))
    named = without_repeats(list(products.find(text, taken)))
    dates = without_repeats(list(find_dates(text, taken, language, today)))
    amounts = without_repeats(list(find_amounts(text, taken, shop.currency)))
    postcodes = without_repeats(list(find_postcodes(text, taken)))
    quantities = without_repeats(list(find_quantities(text, taken, named)))
    return Entities(orders, emails, named, dates, amounts, quantities, postcodes)


def forget() -> None:
    """Believe nothing that was read before, as a new process would begin."""
    _known.clear()


def _read(tenant_id: int, *, fresh: bool) -> _Known:
    known = _known.get(tenant_id)
    if known is None or fresh or time.monotonic() > known.until:
        with tenant_scope(tenant_id):
            known = _Known(read_state(tenant_id), read_shop(), time.monotonic() + FRESH)
        _known[tenant_id] = known
    return known


def _decide(text: str, clauses: tuple[Clause, ...], model: Classifier) -> tuple[tuple[ScoredIntent, ...], float]:
    """The intents of the whole message and of its clauses, and the cosine to the nearest example."""
    whole = Clause(text[clauses[0].start : clauses[-1].end], clauses[0].start, clauses[-1].end)
    parts = (whole,) if len(clauses) == 1 else (whole, *clauses)
    texts = [part.text for part in parts]
    all_best = model.best(get_embedder().encode_texts(texts), texts)
    if not all_best:
        return (), -1.0
    found: dict[str, tuple[float, Clause]] = {}
    for part, best in zip(parts[1:], all_best[1:], strict=True):
        if best.score >= FOUND and best.lead >= CLEAR and best.score > found.get(best.name, (-math.inf, part))[0]:
            found[best.name] = best.score, part
    name, score, lead, _ = all_best[0]
    clear = score >= FOUND and lead >= CLEAR
    if clear or name in found or len(found) < TWO:  # the sum of two wishes may look like a third, but not clearly
        found[name] = max((score, whole), found.get(name, (-math.inf, whole)), key=lambda pair: pair[0])
    ranked = sorted(found.items(), key=lambda item: (item[0] != name, -item[1][0]))  # the whole message's comes first
    intents = tuple(
        ScoredIntent(name, round(_sureness(score), 4), part.start, part.end) for name, (score, part) in ranked
    )
    return intents, max(best.nearness for best in all_best)


def _sureness(score: float) -> float:
    return _share((score - EVEN) / SLOPE)


def _share(value: float) -> float:
    """The logistic function."""
    return 1 / (1 + math.exp(-max(min(value, 60.0), -60.0)))
