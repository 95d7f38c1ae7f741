# ruff: noqa: E501, RUF001 - patterns of four languages, one a line; customers type the typographic apostrophe
"""Turns that need no search: greetings, thanks, goodbyes, and the wish for a person."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from agents.phrases import known_language

Kind = Literal["greeting", "thanks", "goodbye", "handover", "unclear"]


@dataclass(frozen=True, slots=True)
class Shortcut:
    """What kind of turn it is, and the language it was recognised in."""

    kind: Kind
    language: str


_PERSON_EN = (
    r"(?:(?:a|an|the|another|your|some)\s+)?(?:(?:real|live|actual|human|support|service|customer)\s+)*"
    r"(?:person|human(?: being)?|agent|representative|rep|someone|somebody|operator|advisor|adviser|colleague|employee|manager"
    r"|supervisor|staff|customer (?:service|support|care))\b"
)
_PERSON_ES = r"(?:(?:una?|el|la|alg[uú]n)\s+)?(?:persona|humano|agente|operador[ae]?|asesora?|representante|alguien|empleado|encargado)\b"
_PERSON_DE = (
    r"(?:(?:eine[rmn]?|de[mnr])\s+)?(?:(?:echten|richtigen|menschlichen)\s+)?"
    r"(?:menschen|person|mitarbeiter(?:in)?|kolleg(?:en|in)|berater(?:in)?|jemand(?:em|en)?|kundendienst|kundenservice)\b"
)
_PERSON_FR = (
    r"(?:(?:une?|le|la|l['’])\s*)?(?:vraie?\s+)?"
    r"(?:personne|humain|agent|conseill(?:er|ère)|quelqu['’]un|opérat(?:eur|rice)|responsable|employée?)\b"
)

HANDOVER = {
    "en": (
        rf"\b(?:talk|speak|chat|connect me|transfer me|put me through|pass me on|hand me over|forward me)\b"
        rf"(?:\s+(?:directly|now|please))*\s+(?:to|with)\s+{_PERSON_EN}"
        rf"|\b(?:i\s+(?:want|need)|i(?:['’]d| would)\s+(?:like|prefer)|get me|give me)\s+(?:a|an)\s+"
        r"(?:(?:real|live|actual)\s+)?(?:person|human(?: being)?|representative|human agent|live agent|real agent)\b"
        r"|^\W*(?:(?:a |an )?(?:real |live |human )?(?:human|person|agent|representative|operator)|talk to (?:a )?human)"
        r"(?:,?\s+please)?\W*$"
        r"|^\W*(?:please\s+)?(?:pass|hand|put|transfer|connect|forward) me (?:on|over|through)(?:,?\s+please)?\W*$"
    ),
    "es": (
        rf"\b(?:hablar|hable|comunicarme|chatear|pas[ea]r?me|p[aá]seme|p[oó]ngame|transfi[eé]rame)\b\s+(?:con|a)\s+{_PERSON_ES}"
        r"|\b(?:quiero|necesito|prefiero)\s+(?:una\s+persona|un\s+(?:humano|agente))\b"
    ),
    "de": (
        rf"\bmit\s+{_PERSON_DE}.{{0,30}}\b(?:sprechen|reden|chatten|verbinden|verbunden)\b"
        rf"|\b(?:verbinden|sprechen|reden)\b.{{0,20}}\bmit\s+{_PERSON_DE}"
        r"|\b(?:leiten|leite|verbinden|verbinde)\b.{0,10}\bmich\b.{0,10}\b(?:weiter|bitte)\b"
    ),
    "fr": (
        rf"\b(?:parler|parle|discuter|échanger|passez-moi|passer|transférez-moi|mettez-moi en relation)\b\s*(?:à|avec)?\s*{_PERSON_FR}"
        r"|\b(?:je veux|je voudrais|il me faut)\s+(?:une\s+(?:vraie\s+)?personne|un\s+(?:humain|conseiller))\b"
    ),
}
REFUSED_HANDOVER = re.compile(r"\b(?:don['’]?t|do not|never|no quiero|nicht|kein|ne veux pas|sans)\b", re.IGNORECASE)

WHOLE: dict[str, dict[Kind, str]] = {
    "en": {
        "greeting": (
            r"(?:hi+|hello+|hey+|hiya|howdy|good (?:morning|afternoon|evening|day)|greetings)(?: there| everyone| again| all)?"
            r"(?:[\s,.!]*(?:how are you(?: doing)?(?: today)?|how(?:'|’)?s it going|what'?s up|nice to meet you))?"
            r"|how are you(?: doing)?(?: today)?"
        ),
        "thanks": (
            r"(?:ok(?:ay)?|great|perfect|super|cool|good|nice|got it)?[\s,.!]*"
            r"(?:many thanks|thanks?(?: you)?(?: (?:so|very) much| a lot)?|thx|cheers|much appreciated)"
            r"(?:[\s,.!]*(?:that (?:helps|helped)(?: a lot)?|for (?:your|the) help|great|bye|goodbye))?"
            r"|(?:ok(?:ay)?|great|perfect|got it|that helps|that'?s all)"
        ),
        "goodbye": r"(?:good\s?bye|bye(?:[ -]bye)?|see you(?: later| soon)?|have a (?:nice|good|great) (?:day|evening|weekend|one))",
    },
    "es": {
        "greeting": r"(?:hola|buenas|buenos d[ií]as|buenas (?:tardes|noches)|saludos)(?:[\s,.!]*(?:qu[eé] tal|c[oó]mo est[aá]s?))?",
        "thanks": r"(?:vale|perfecto|genial|de acuerdo)?[\s,.!]*(?:muchas |mil )?gracias(?: por (?:su|tu|la) ayuda)?",
        "goodbye": r"(?:adi[oó]s|hasta (?:luego|pronto|ma[ñn]ana)|chao)",
    },
    "de": {
        "greeting": r"(?:hallo|hi|guten (?:morgen|tag|abend)|moin|servus|gr[uü](?:ß|ss) (?:gott|dich))(?:[\s,.!]*wie geht(?:'s| es (?:dir|ihnen)))?",
        "thanks": r"(?:ok|super|prima|alles klar|perfekt)?[\s,.!]*(?:vielen |herzlichen |besten )?dank(?:e(?: sch[oö]n| sehr)?)?(?: f[uü]r (?:die|ihre|deine) hilfe)?",
        "goodbye": r"(?:auf wiedersehen|tsch[uü](?:ss|ß)|bis (?:bald|dann|sp[aä]ter)|sch[oö]nen tag(?: noch)?)",
    },
    "fr": {
        "greeting": r"(?:bonjour|bonsoir|salut|coucou)(?: à tous| madame| monsieur)?(?:[\s,.!]*(?:ça va|comment allez-vous))?",
        "thanks": r"(?:d['’]accord|parfait|super|ok)?[\s,.!]*merci(?: (?:beaucoup|bien|infiniment))?(?: pour votre aide)?",
        "goodbye": r"(?:au revoir|à (?:bientôt|plus tard|demain)|bonne (?:journée|soirée))",
    },
}
MAX_SHORTCUT = 200
"""Characters; whoever writes more has something to ask."""
HAS_WORD = re.compile(r"\w")

_handover = {language: re.compile(pattern, re.IGNORECASE) for language, pattern in HANDOVER.items()}
_whole = {
    language: {kind: re.compile(rf"\W*(?:{pattern})\W*", re.IGNORECASE) for kind, pattern in kinds.items()}
    for language, kinds in WHOLE.items()
}


def find_shortcut(question: str, language: str) -> Shortcut | None:
    """Return the shortcut `question` allows, trying the tenant's language first, or None when it has to be looked up."""
    if not HAS_WORD.search(question):
        return Shortcut("unclear", language)
    if len(question) > MAX_SHORTCUT:
        return None
    first = known_language(language)
    for candidate in (first, *(other for other in WHOLE if other != first)):
        for kind, pattern in _whole[candidate].items():
            if pattern.fullmatch(question):
                return Shortcut(kind, candidate)
        match = _handover[candidate].search(question)
        if match and not REFUSED_HANDOVER.search(question[: match.start()]):
            return Shortcut("handover", candidate)
    return None
