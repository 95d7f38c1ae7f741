"""A message in clauses, because people ask for two things in one sentence; English, Spanish, German and French."""
# ruff: noqa: E501, RUF001 - patterns of four languages, one a line; customers type the typographic apostrophe

from __future__ import annotations

import re
from dataclasses import dataclass

from agents.routing.shortcuts import find_shortcut
from knowledge.sentences import split_sentences

MAX_CLAUSES = 12
MIN_WORDS = 2
"""Words a clause must have to want something on its own."""

_SUBJECT = (
    r"(?:i|i['’]?(?:m|d|ll|ve)|we|you|it|they|he|she|the|my|your|this|that|is|are|was|were|am|do|does|did|can|could|would|will|should|have|has|how|what|when|where|which|who|why"
    r"|please|pls|plz|tell|let|give|send|cancel|change|refund|return|exchange|replace|track|check|compare|show|help|update|explain|find|get|know|want|need|there|if|whether"
    r"|qu[eé]|cu[aá]ndo|d[oó]nde|c[oó]mo|cu[aá]l(?:es)?|cu[aá]nto|por qu[eé]|quiero|quisiera|necesito|puedo|puede[ns]?|podr[ií]an?|mi|el|la|los|las|tambi[eé]n|me|hay|tienen|es|est[aá]|dime|si"
    r"|ich|wir|sie|er|es|das|der|die|mein[e]?|wie|was|wann|wo|welche[rs]?|warum|wer|kann|k[oö]nnen|k[oö]nnten|habe?n?|hat|ist|sind|gibt|bitte|m[oö]chte|will|brauche|ob|sagen"
    r"|je|j['’]|nous|vous|il|elle|le|les|mon|ma|mes|comment|quand|o[uù]|quel(?:le)?s?|combien|pourquoi|qui|est-ce|peut|peux|pouvez|pourriez|c['’]est|dites|avez|puis-je|veux|voudrais|aimerais)"
)
_JOINERS = (
    r"(?:and also|and then|and|but also|but|also|plus|as well as|besides|additionally|moreover|y tambi[eé]n|y|e|pero|adem[aá]s|und auch|und|aber|au[ßs]erdem|sowie|et aussi|et|mais|de plus|ainsi que"
    r"|by the way|btw|another thing|por cierto|übrigens|au fait)"
)
JOINT = re.compile(
    rf"(?:\s*[,;–—]\s*|\s+-\s+|\s+)(?:{_JOINERS})\b[\s,:]+(?={_SUBJECT}\b|j['’])|\s*;\s*|\s+(?:–|—|-)\s+|\s*,\s*(?={_SUBJECT}\b|j['’])|\n+",
    re.IGNORECASE,
)
CONDITION = re.compile(
    r"^\W*(?:if|when|since|because|as|although|si|cuando|como|porque|wenn|falls|weil|da|quand|lorsque|comme|parce)\b",
    re.IGNORECASE,
)
CLOSINGS = re.compile(
    r"^\W*(?:(?:please|pls|plz|thanks?(?: you)?|thank you very much|many thanks|asap|urgent(?:ly)?|sorry|excuse me|i have (?:a|two|some) questions?|quick question|two (?:things|questions)"
    r"|can you help(?: me)?|could you help(?: me)?|help(?: me)?|i need (?:some )?help|hope you(?:'re| are) (?:well|doing well)|por favor|gracias|disculpe|perd[oó]n|tengo (?:una|dos) (?:duda|pregunta)s?"
    r"|bitte|danke|entschuldigung|ich habe (?:eine|zwei) fragen?|s['’]il vous pla[iî]t|svp|merci|pardon|j['’]ai (?:une|deux) questions?)\W*)+$",
    re.IGNORECASE,
)
OPENING = re.compile(
    r"^\W*(?:(?:hi|hello|hey|hola|hallo|bonjour|bonsoir|salut|good (?:morning|afternoon|evening|day)|guten (?:tag|morgen|abend)|buen[oa]s (?:d[ií]as|tardes|noches)|dear (?:sir|madam|team|support))"
    r"(?: (?:there|team|all|everyone|guys|madame|monsieur|zusammen))?)(?:[\s,.!:-]+|$)",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a message that may want something of its own: `message[start:end]`."""

    text: str
    start: int
    end: int


def split_clauses(text: str, language: str) -> tuple[Clause, ...]:
    """The clauses of a message, in order, without greetings, thanks and the like; none when it has nothing else."""
    clauses: list[Clause] = []
    for start, end in split_sentences(text):
        clauses += [clause for clause in _parts(text, start, end) if not _is_small_talk(clause.text, language)]
    return tuple(clauses[:MAX_CLAUSES])


def _parts(text: str, start: int, end: int) -> list[Clause]:
    """The clauses of one sentence; what is too short for one stays with its neighbour."""
    opening = OPENING.match(text[start:end])
    start += opening.end() if opening else 0
    bounds = [start]
    for joint in JOINT.finditer(text, start, end):
        part = text[bounds[-1] : joint.start()]
        rest = text[joint.end() : end]
        condition = CONDITION.match(part) and "," in joint[0]
        if _words(part) > MIN_WORDS and _words(rest) >= MIN_WORDS and not condition:
            bounds += [joint.start(), joint.end()]
    bounds.append(end)
    pairs = zip(bounds[::2], bounds[1::2], strict=True)
    return [Clause(text[a:b].strip(), a, b) for a, b in pairs if text[a:b].strip()]


def _words(text: str) -> int:
    return len(_TOKEN.findall(text))


def _is_small_talk(clause: str, language: str) -> bool:
    if CLOSINGS.match(clause):
        return True
    shortcut = find_shortcut(clause, language)
    return shortcut is not None and shortcut.kind != "handover"
