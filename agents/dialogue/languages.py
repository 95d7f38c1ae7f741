"""The language a customer writes in, where it is one of those the agent speaks."""
# ruff: noqa: E501 - word lists read better on long lines

from __future__ import annotations

from agents.phrases import PHRASES, known_language
from agents.words import words
from knowledge.indexes.language import detect_language

TELLING = {
    "en": "where order orders my the what when which how much is does please cancel return refund arrive cost want would like compare with tell show has do you have can i it on and of to in for not this that your are was a an",
    "es": "dónde donde pedido pedidos mi mis cuándo cuando cuánto cuesta qué quiero quisiera cancelar devolver reembolso llega por favor correo compara con estado hola y los auriculares tienen tiene hay puedo pueden el la las un una es de en se para venden",
    "de": "wo meine mein bestellung bestellungen wann kommt kostet ich möchte bitte stornieren zurückgeben paket das der die ist mit und vergleiche vergleich welche wie viel lieferung haben sie hat kann kannst können gibt es was ein eine einen nicht wird zu für auf und auch mir uns warum wer tun",
    "fr": "où ma mon mes commande commandes quand combien coûte je voudrais veux annuler retourner remboursement colis est les le avec compare quel quelle adresse suis s'il avez vous un une des de la puis je peux il ce que dans pour pas ne vendez",
}
SHORT = 3
"""Words of a text that by itself tells no language."""
_WORDS = {language: frozenset(text.split()) for language, text in TELLING.items()}


def language_of(text: str, default: str) -> str:
    """Return the language of a text: by words that customers of a shop use, then by function words, else `default`."""
    default = known_language(default)
    said = words(text)
    counts = {language: sum(word in telling for word in said) for language, telling in _WORDS.items()}
    best = max(counts.values())
    leading = [language for language, count in counts.items() if count == best]
    if best and len(leading) == 1:
        return leading[0]
    if best and default in leading:
        return default
    if len(said) <= SHORT:
        return default
    found = detect_language([text], default)
    return found if found in PHRASES else default
