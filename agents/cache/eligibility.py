"""Which questions may be answered from the cache, and which answers may be kept: never where a customer mattered."""
# ruff: noqa: E501, RUF001 - patterns of four languages, one a line; customers type the typographic apostrophe

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agents.followup import is_dependent
from agents.routing.entities import Taken
from agents.routing.identifiers import find_emails, find_orders, find_postcodes
from agents.routing.shortcuts import find_shortcut
from knowledge.sentences import split_sentences

if TYPE_CHECKING:
    from agents.context import Turn
    from agents.events import Answer
    from agents.preparation import Prepared

LONGEST = 300
"""Characters; whoever writes more tells of their own case."""
SURE = 0.5
"""Confidence from which an answer may be given again."""
HARMLESS_TOOLS = frozenset({"search_knowledge"})
"""Tools that read nothing but the documents."""

LONG_NUMBER = re.compile(r"\d(?:[ ./-]?\d){5,}")
"""Phone, card, account and order numbers; thousands with separators are amounts."""
AMOUNT = re.compile(r"(?<![\w.,])\d{1,3}(?:[ .,]\d{3})+(?![\w.,]\d)")
TOKEN = re.compile(r"\S{24,}|\b(?=\w*\d)(?=\w*[A-Za-z])\w{10,}\b")
STREET = re.compile(
    r"\b\d{1,5}\s+(?:[A-Z][\w.]+\s+){1,3}(?:st(?:reet)?|ave(?:nue)?|r(?:oa)?d|lane|ln|drive|dr|blvd|boulevard|court|ct|way|place|pl)\b"
    r"|\b[A-ZÄÖÜ][\wäöüß-]*(?:straße|strasse|str\.|weg|platz|allee|gasse)\s+\d{1,4}\b|\b(?:calle|avenida|plaza|rue|avenue de|boulevard)\s+.{2,40}\d{1,4}\b",
    re.IGNORECASE,
)
NAMED = re.compile(
    r"\b(?:my name(?:'s| is)|this is|i am called|me llamo|mi nombre es|soy|ich hei(?:ß|ss)e|mein name ist|je m['’]appelle|mon nom est)\s+\w+"
    r"|\b(?:I am|I['’]m|ich bin|je suis)\s+(?-i:[A-Z][a-z]+ [A-Z])|\b(?:mr|mrs|ms|dr|herr|frau|señora?|sra?|monsieur|madame|mme)\.?\s+(?-i:[A-Z])",
    re.IGNORECASE,
)
OWN = re.compile(
    r"\b(?:my|our|mi|mis|nuestr[oa]s?|mein(?:e[rnms]?)?|unser(?:e[rnms]?)?|mon|ma|mes|notre|nos)\s+(?:(?:last|latest|recent|current|open|new|old|último|letzte[rn]?|dernière?)\s+)?"
    r"(?:orders?|parcels?|packages?|deliver(?:y|ies)|shipments?|refunds?|returns?|invoices?|purchases?|complaints?|points|balance|booking|reservation"
    r"|pedidos?|paquetes?|envíos?|entregas?|reembolsos?|devoluci(?:ón|ones)|facturas?|compras?|reservas?|saldo"
    r"|bestellung(?:en)?|pakete?|lieferung(?:en)?|sendung(?:en)?|erstattung(?:en)?|rückgaben?|rechnung(?:en)?|buchung(?:en)?|guthaben"
    r"|commandes?|colis|livraisons?|remboursements?|retours?|factures?|achats?|réservations?|solde)\b"
    r"|\bi (?:have )?(?:ordered|bought|returned|received|paid|got)\b|\b(?:he|hemos) (?:pedido|comprado|devuelto|recibido|pagado)\b"
    r"|\b(?:ich|wir) habe?n? .{0,60}\b(?:bestellt|gekauft|bekommen|bezahlt|zurückgeschickt)\b|\b(?:j['’]ai|nous avons) (?:commandé|acheté|reçu|payé|retourné)\b",
    re.IGNORECASE,
)
"""What is the customer's own in a shop: whoever asks may mean one order, which a record answers and no document."""
QUESTION = re.compile(
    r"\?\s*$|^\W*(?:how|what|when|where|which|who|why|can|could|do|does|did|is|are|may|will|would|should|qu[eé]|c[oó]mo|cu[aá]ndo|d[oó]nde|cu[aá]l|puedo|hay"
    r"|wie|was|wann|wo|welche[rs]?|wer|warum|kann|gibt|ist|sind|darf|comment|quand|où|quel(?:le)?s?|combien|pourquoi|puis|est)\b",
    re.IGNORECASE,
)


def may_ask(turn: Turn, prepared: Prepared) -> bool:
    """Return whether the question stands by itself and is anybody's, so that an answer given before could fit it."""
    return (
        prepared.answers.cache
        and bool(prepared.models.primary or prepared.models.strong)
        and turn.decision is None
        and not turn.quiet
        and not prepared.actions
        and not prepared.calls
        and 0 < len(turn.question) <= LONGEST
        and not is_personal(turn.question)
        and not (prepared.acts and OWN.search(turn.question))
        and _stands_alone(turn)
        and all(_is_neutral(message.text, turn.language) for message in turn.history if message.role == "customer")
    )


def may_keep(turn: Turn, prepared: Prepared, answer: Answer) -> bool:
    """Return whether an answer came from the documents alone and is good enough to be given to others.

    A model is shown the conversation, so what was said before must have been no more than a greeting.
    """
    trace = answer.trace
    if trace.get("input", {}).get("careful"):
        return False
    used = {call.get("tool") for call in trace.get("tools", ())}
    return (
        used <= HARMLESS_TOOLS
        and "withdrawn" not in trace
        and not (trace.get("input") or {}).get("careful")
        and trace.get("rewritten", turn.question) == turn.question
        and answer.known
        and not answer.degraded
        and not answer.cached
        and answer.finish == "stop"
        and bool(answer.citations)
        and bool(trace.get("provider")) and trace["provider"] != "extractive"
        and answer.confidence >= max(SURE, prepared.answers.min_confidence)
        and may_ask(turn, prepared)
        and all(find_shortcut(message.text, turn.language) for message in turn.history if message.role == "customer")
    )  # fmt: skip


def _stands_alone(turn: Turn) -> bool:
    """Return whether the question leans on nothing said before; "it" in the first message of a conversation does not."""
    customer = (message.text for message in turn.history if message.role == "customer")
    said = any(not find_shortcut(text, turn.language) for text in customer)
    return not (said and is_dependent(turn.question, turn.language))


def is_personal(text: str) -> bool:
    """Return whether `text` names a person, an order, an address, a number or a token that belongs to one."""
    taken = Taken(text)
    if any(find_emails(text, taken)) or any(find_orders(text, taken, ())):
        return True
    if any(entity.score > _BARE for entity in find_postcodes(text, taken)):
        return True
    plain = AMOUNT.sub("", text)
    return bool(LONG_NUMBER.search(plain) or TOKEN.search(plain) or STREET.search(text) or NAMED.search(text))


_BARE = 0.6
"""Score of five digits that are a postcode or a price."""


def _is_neutral(text: str, language: str) -> bool:
    """Return whether an earlier message only asks or greets: what a customer tells of themselves changes answers."""
    sentences = [text[start:end].strip() for start, end in split_sentences(text)] or [text]
    return all(not each or QUESTION.search(each) or find_shortcut(each, language) for each in sentences)
