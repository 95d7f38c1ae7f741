# ruff: noqa: E501, RUF001, S105 - a pattern reads best on one line; typographic quotes are meant; it looks for secrets, it is none
"""Signs of an injection that a reviewer can read: each has a weight 0..1 and a sentence.

English, Spanish, German and French, as the agent speaks; other languages are left to the examples of `injection`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_LOOKED_AT = 8000  # characters
_I = re.IGNORECASE
_SECRET = (
    r"(?:system ?-?prompts?|(?:hidden|initial|secret|original|first) (?:prompt|instructions?|configuration)|pass ?(?:word|code|phrase)|"
    r"secret|access (?:code|key)|contraseñas?|clave(?: secreta)?|palabra secreta|kennwort|passwort|geheimnis|(?:geheime[nrs]?|geheim) \w+|"
    r"mot de passe|(?:clé|mot|code) secr[eè]te?|prompt|senha|password)"
)


class Rule(NamedTuple):
    """One sign: what a reviewer reads, how much it says (0..1), and how it is found."""

    reason: str
    weight: float
    pattern: re.Pattern[str]


RULES = (
    Rule(
        "Asks to set aside the rules",
        0.6,
        re.compile(
            r"\b(?:ignor\w*|disregard|forget|bypass|override|overrides?)\b(?!\W+(?:my|our|the) (?:last|previous|earlier|first) (?:message|question|mail))[^.?!\n]{0,50}?\b(?:instructions?|rules|guidelines|prompt|told|the above|previous (?:orders|tasks?|context)|restrictions|actual data|limits)\b"
            r"|\b(?:ignor|olvid)\w*\b[^.?!\n]{0,40}\b(?:instrucciones|reglas|te dijeron|normas)\b"
            r"|\b(?:ignorier|vergiss|missacht|beachte)\w*\b[^.?!\n]{0,50}\b(?:anweisungen|regeln|gesagt wurde|vorgaben)\b"
            r"|\b(?:ignore|oublie|tiens pas compte)\w*\b[^.?!\n]{0,40}\b(?:instructions (?:précédentes|d'avant)|règles|qu'on t'a dit)\b",
            _I,
        ),
    ),
    Rule(
        "Sets aside what came before “regardless”",
        0.5,
        re.compile(
            r"\bregardless of (?:any |your |all )?(?:previous|earlier|prior|rules|instructions|tasks?)\b|\bno matter what you were told\b|\bthough you (?:may|must|should)(?: ?n[o']t)\b",
            _I,
        ),
    ),
    Rule(
        "Asks for the assistant's secrets or instructions",
        0.55,
        re.compile(
            rf"\b(?:your|tu|tus|dein\w*|ihr system\w*|ton|ta|tes|votre|sua)\s+(?:\w+\s+)?{_SECRET}\b"
            rf"|\b(?:reveal|disclose|leak|divulge|expose|revela\w*|verrat\w*|verrätst?|révèle\w*)\b[^.?!\n]{{0,40}}\b{_SECRET}\b"
            r"|\b(?:repeat|print|quote|output|translate|summari[sz]e)\b[^.?!\n]{0,30}\b(?:text|everything|words|message)s? (?:above|before)\b"
            r"|\b(?:system ?prompt|hidden prompt|secret (?:key|code|word|phrase)|admin(?:istrator)? password)\b(?=[^.]{0,80}(?:\?|$|\.|!))",
            _I,
        ),
    ),
    Rule(
        "Pretends to be the system or the end of a passage",
        0.75,
        re.compile(
            r"<\|\w+\|>|</?\s*(?:passage|system|instructions?|im_start)\b|<\s*system|\[/?\s*(?:system|inst)\s*\]|^\s*#+\s*(?:new )?(?:system|instructions?)\b|^\s*(?:system|assistant)\s*:|\b(?:system|admin(?:istrator)?|training data|policy|developer) override\b",
            _I | re.MULTILINE,
        ),
    ),
    Rule(
        "Declares another mode or character without rules",
        0.5,
        re.compile(
            r"\bDAN\b|\bjailbreak|\b(?:enter\w*|enabl\w*|activat\w*|initiat\w*|switch to)\b[^.?!\n]{0,30}['\"“‘]?\b(?:developer|debug|maintenance|admin|god|root|verification|system)[\w ]{0,15}(?:mode|reset|check)\b[^.?!\n]{0,60}[.:,]"
            r"|\bas an ai (?:developed|made|trained|created|model)|\byou are (?:now|no longer)\b[^.?!\n]{0,60}\b(?:assistant|bot|ai|rules|restrictions|application|filters?)\b|\b(?:modo desarrollador|entwicklermodus|mode développeur) (?:activ|aktiv)",
            _I,
        ),
    ),
    Rule(
        "Holds encoded text or asks for an encoding",
        0.45,
        re.compile(
            r"(?:\b[0-9a-f]{2}\s+){10,}|\b[0-9a-f]{40,}\b|(?:\b[01]{8}\b\s*){4,}|\b(?=\w*[a-z])(?=\w*[A-Z])(?=\w*\d)[A-Za-z0-9+/]{28,}={0,2}"
            r"|\b(?:rot-?13|rot13|caesar|c[ií]pher|leet ?speak|morse)\b|\b(?:in|as|en|als|to|into) (?:base ?64|hexadecimal|binary|hex|morse\w*|reverse order)\b|\bdecode (?:this|the following)\b|\bbase ?64\b[^.?!\n]{0,30}\b(?:string|encoded|decode)",
            _I,
        ),
    ),
    Rule(
        "Puts a request together from pieces",
        0.6,
        re.compile(
            r"\b(?:following|these) parts\b|\bparts? (?:1|one|a)\b[^\n]{0,120}\bparts? (?:2|two|b)\b[^\n]{0,100}['\"“]|\b(?:interlace|concatenate|join|combine|append)\b[^\n]{0,60}['\"“]|\b[a-z] ?= ?['\"“][^\n]{0,120}\b[a-z] ?= ?['\"“]"
            r"|\bteil 1\b.{0,60}\bteil 2\b.{0,60}antwort|\bparte 1\b.{0,60}\bparte 2\b.{0,60}(?:contest|respond)|\bpartie 1\b.{0,60}\bpartie 2\b.{0,60}répon",
            _I,
        ),
    ),
    Rule(
        "Says the same over and over",
        0.55,
        re.compile(
            r"\b(\w{2,})\b(?:\W+\1\b){7,}|\b([\w' ]{8,80}[?.!,]?)\s*(?:\2\s*){3,}|\brepeat\b[^.?!\n]{3,60}\b(?:\d{2,}|ten|twenty|forty|fifty|hundred) times\b",
            _I,
        ),
    ),
    Rule(
        "Gives an invented exchange to be continued",
        0.55,
        re.compile(
            r"\bQ(?:uestion)?\s*:[^\n]{3,}?\bA(?:nswer)?\s*:.{1,2000}?\bQ(?:uestion)?\s*:|\buser\s*:.{0,400}\bassistant\s*:",
            _I | re.DOTALL,
        ),
    ),
    Rule(
        "Hides an instruction in quoted material",
        0.6,
        re.compile(
            r"<!--[^>]{0,400}\b(?:ignor\w*|state|say|tell|reply|assistant|world|instead)\b|\b(?:ignore|instead of|disregard)\b[^.\n]{0,60}\b(?:and|,) (?:just )?(?:state|say|reply|tell)\b|\b(?:we might|we|to) (?:state|say)(?: that)? the (?:sum|capital|answer|result)\b"
            r"|\b(?:note|message|attention|important)\b[^.\n]{0,20}\bto (?:the )?(?:assistant|ai|model|llm)s?\b|\bai (?:assistants?|models?) reading\b|\bhinweis an die ki\b|\bnota para la ia\b|\bnote à l.ia\b",
            _I,
        ),
    ),
    Rule(
        "Wraps the wish in a made-up world or game",
        0.3,
        re.compile(
            r"\b(?:imagine|suppose|pretend|let's (?:say|play|pretend|imagine)|hypothetical\w*|role ?-?play)\b[^.?!\n]{0,100}\b(?:world|universe|game|forest|story|secret\w*|passwords?|personal data|survey|research|discussion|rules|restrictions|you are|you're|no privacy)\b"
            r"|\bin (?:a|an|another) (?:fictional|parallel|dystopian|imaginary|alternate)\b|\bfictional (?:story|scenario|world)\b",
            _I,
        ),
    ),
    Rule(
        "Claims authority to be told something kept",
        0.5,
        re.compile(
            rf"\b(?:i'?m|i am|as|soy|ich bin|je suis|sou)\b[^.?!\n]{{0,30}}\b(?:boss|ceo|president|developer|administrator|director|expert|police|agent|accountant|supervisor|manager|professor|scientist|jefe|chef|patron|directeur|chefe|presidente)\b[^\n]{{0,160}}\b(?:{_SECRET}|share your|you (?:to )?share|users?'?s?|database|disclose)\b",
            _I,
        ),
    ),
    Rule(
        "Asks for what belongs to other people",
        0.4,
        re.compile(
            r"\bthe user(?:'s|’s| (?:live|current|was|were to))|\blist of (?:all )?(?:the )?(?:users|customers|accounts)\b|\b(?:print|dump|show|list)\b[^.?!\n]{0,20}\b(?:your|the|all)\b[^.?!\n]{0,15}\b(?:database|user table|customers|users)\b|\bother (?:customers|users)['’]? |\bselect\s+\*\s+from\b",
            _I,
        ),
    ),
    Rule(
        "Has the assistant send data to an address",
        0.6,
        re.compile(r"!\[[^\]]*\]\(\s*https?:|\b(?:send|post|append|upload)\b[^.?!\n]{0,60}\bhttps?://", _I),
    ),
    Rule(
        "Holds invisible characters",
        0.5,
        re.compile("[\u200b-\u200f\u2060-\u2064\u202a-\u202e\U000e0000-\U000e007f]{2,}"),
    ),
)


def find_signs(text: str) -> list[Rule]:
    """Return the rules that a text breaks, heaviest first."""
    looked_at = text[:MAX_LOOKED_AT]
    return sorted((rule for rule in RULES if rule.pattern.search(looked_at)), key=lambda rule: -rule.weight)
