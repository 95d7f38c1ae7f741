"""Questions that ask for several things, cut into parts that can be looked up one by one.

Small tables say how questions begin and how they are joined in some languages; question marks, commas and the shape of
an enumeration say the rest in any. A cut is made only where both sides ask something by themselves: what is cut wrongly
still has the whole question looked up first.
"""

# ruff: noqa: RUF001 (question marks of other scripts are what is meant)

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import regex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knowledge.retrieval.passages import Passage

MAX_PARTS = 4
MAX_LENGTH = 600  # characters; what is longer tells a story
MIN_WORDS = 3  # of a sentence that asks
MIN_JOINED = 4  # words of a part of a sentence
MIN_LETTERS = 5  # of a part in a script without spaces
MAX_ITEM = 4  # words of one thing in an enumeration

# How questions begin, by language: en, de, es, fr, it, pt, nl.
_OPENERS = """
    what which who whom whose when where why how is are was were do does did can could may must shall should will would
    has have had
    was welche welcher welches welchen welchem wer wem wen wessen wann wo wohin woher warum wieso weshalb wie wieviel
    womit wofür ist sind war kann können könnt darf dürfen muss müssen soll gibt habt haben hat wird werden
    qué cuál cuáles quién quiénes cuándo dónde adónde cómo cuánto cuánta cuántos cuántas puedo puede pueden podría hay
    es son está están tienen tiene
    quoi quel quelle quels quelles qui quand où pourquoi comment combien est-ce puis-je peut-on pouvez-vous avez-vous
    faut-il dois-je
    cosa quale quali chi quando dove perché quanto quanta quanti quante posso può possono
    qual quais quem onde porque como posso pode podem
    wat wie wanneer waar waarom hoe hoeveel kan kunnen mag moet heeft
"""
# What may stand before them: "in which", "seit wann", "en qué".
_BEFORE = (
    "in|on|at|for|by|from|to|with|of|during|under|about|into|seit|bis|ab|mit|für|von|zu|an|auf|bei|aus|nach|unter|en|a|"
    "de|desde|hasta|con|para|por|à|dans|pour|avec|par|depuis|sur|da|di|per|su|em|com|op|van|met|voor"
)
# What asks wherever it stands; words that begin relative clauses, too, do not, nor does "wie" amid a clause.
_ASK = (
    "what|how|why|wieviel|warum|wieso|weshalb|womit|wofür|qué|cuál|cuáles|quién|quiénes|cuándo|dónde|adónde|cómo|"
    "cuánto|cuánta|cuántos|cuántas|quel|quelle|quels|quelles|pourquoi|comment|combien|cosa|quale|quali|perché|qual|"
    "quais|wat|welke|hoe|hoeveel|waarom"
)
# What joins two questions, and the last two things of an enumeration.
_JOINTS = "and|also|plus|und|außerdem|sowie|y|e|además|et|aussi|anche|também|en|ook"
_ALSO = "also|plus|außerdem|auch|además|también|aussi|également|anche|ook"
_AND_OR = "and|or|und|oder|sowie|y|e|o|u|et|ou|en"
# What says that two things are compared.
_COMPARED = (
    "difference|differences|differ|compare|compared|comparison|versus|better|unterschied|unterschiede|unterscheiden|"
    "unterscheidet|vergleich|vergleiche|besser|diferencia|diferencias|comparar|mejor|différence|différences|comparer|"
    "meilleur|differenza|confronta|migliore|diferença|melhor|verschil|vergelijk"
)
_VERSUS = "and|or|with|to|than|vs\\.?|versus|und|oder|mit|als|gegenüber|y|o|con|que|et|ou|avec|à|e|com|en|met"
# Words that stand for something named before: a part that has one is looked up beside the first.
_PRONOUNS = (
    "it its they them their this that these those he she his her er sie es ihn ihm ihr dessen deren esto eso ello ella "
    "él ellos ellas lo il elle ils elles cela ça celui celle ele ela isso hij zij het"
)

_FLAGS: Any = regex.IGNORECASE | regex.VERBOSE
_OPENER = "|".join(sorted(map(regex.escape, set(_OPENERS.split())), key=len, reverse=True))
_OPENER = rf"(?:(?:{_BEFORE})\s+)?(?:{_OPENER})\b"
_BEGINS = regex.compile(rf"[\s¿¡\"'(«“„]*{_OPENER}", _FLAGS)
_JOINED = regex.compile(rf"[\s,;]+(?:(?:{_JOINTS}),?\s+)+(?=[¿\s]*{_OPENER})", _FLAGS)
_ASKING = regex.compile(rf"\b(?:{_ASK})\b|(?:^|[,;])\s*wie\b", regex.IGNORECASE)
_OPENING = regex.compile(rf"\b{_OPENER}", _FLAGS)
_JOINT = regex.compile(rf"[\s,;]+(?:(?:{_JOINTS}),?\s+)+", _FLAGS)
_AND_ALSO = regex.compile(rf"[\s,;]+(?:{_JOINTS})\s+(?:{_ALSO}),?\s+", _FLAGS)
_SENTENCE = regex.compile(r"[^.!?؟？。！\n]*[.!?؟？。！\n]*")
_ASKS = regex.compile(r"[?؟？]\W*$|;\s*$")
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
_PRONOUN = regex.compile(rf"\b(?:{'|'.join(_PRONOUNS.split())})\b", regex.IGNORECASE)
_ENUMERATED = regex.compile(
    rf"^(?P<first>[^,;:]+),\s+(?P<middle>(?:[^,;:]+,\s+)*?)(?P<before>[^,;:]+?)(?:,)?\s+(?:{_AND_OR})\s+"
    rf"(?P<last>[^,;:]+?)(?P<end>\s*[?.!؟？]*\s*)$",
    regex.IGNORECASE,
)
_COMPARES = regex.compile(rf"\b(?:{_COMPARED}|vs)\b", regex.IGNORECASE)
_PAIR = regex.compile(
    rf"(?:(?:\b(?:between|zwischen|entre|tra|fra|tussen)|[,:])\s+)"
    rf"(?P<one>[^,;:?]+?),?\s+(?:{_VERSUS})\s+(?P<other>[^,;:?]+?)(?P<end>\s*[?.!؟？]*\s*)$",
    regex.IGNORECASE,
)


def split(question: str) -> tuple[str, ...]:
    """The parts of a question that asks for several things, 2 to 4; none for any other."""
    text = " ".join(question.split())
    if not text or len(text) > MAX_LENGTH:
        return ()
    parts = _with_subject(_sentences(text) or _joined(text)) or _compared(text) or _enumerated(text)
    return tuple(parts) if 1 < len(parts) <= MAX_PARTS else ()


def merge(results: Sequence[Sequence[Passage]], k: int) -> list[Passage]:
    """The best of each result in turn, the whole question's first of all and then last in each turn.

    So each part's best two are among the first five of a question of two parts.
    """
    merged: dict[int, Passage] = {}
    for number, (whole, *others) in enumerate(zip_longest(*results)):
        for passage in (*others, whole) if number else (whole, *others):
            if passage is not None:
                merged.setdefault(passage.chunk, passage)
    return list(merged.values())[:k]


def _sentences(text: str) -> list[str]:
    """The questions of a text of several; sentences between them that ask nothing belong to none."""
    sentences = [part for found in _SENTENCE.findall(text) if (part := found.strip())]
    asking = [part for part in sentences if _ASKS.search(part) and _stands(part)]
    if len(asking) < 2:  # noqa: PLR2004 (several)
        return []
    return [part for sentence in asking for part in (_joined(sentence) or [sentence])]


def _joined(text: str) -> list[str]:
    """The questions that a sentence joins; one that ends as a question may begin as it likes."""
    if not (_BEGINS.match(text) or _ASKS.search(text)):
        return []
    parts = [part.strip() for part in _JOINED.split(text)]
    if len(parts) > 1:
        return parts if all(_stands(part, MIN_JOINED) for part in parts) else []
    return _cut(text, _AND_ALSO, _OPENING) or _cut(text, _JOINT, _ASKING)


def _cut(text: str, joint: regex.Pattern[str], asks: regex.Pattern[str]) -> list[str]:
    """The two sides of the joint that is nearest to the middle, of those that have something that asks on both."""
    cuts = [(text[: found.start()], text[found.end() :]) for found in joint.finditer(text)]
    cuts = [sides for sides in cuts if all(asks.search(side) and _stands(side, MIN_JOINED) for side in sides)]
    nearest = min(cuts, key=lambda sides: abs(len(sides[0]) - len(sides[1])), default=None)
    return list(nearest or ())


def _compared(text: str) -> list[str]:
    """A comparison, asked of each of two things."""
    found = _PAIR.search(text) if _COMPARES.search(text) else None
    if found is None or not all(_is_item(found[name]) for name in ("one", "other")):
        return []
    before, end = text[: found.start("one")], found["end"]
    return [f"{before}{found[name]}{end}" for name in ("one", "other")]


def _enumerated(text: str) -> list[str]:
    """A question that ends in an enumeration, asked of each thing; its first is as long as its second."""
    found = _ENUMERATED.match(text) if _BEGINS.match(text) else None
    if found is None:
        return []
    others = [item for part in f"{found['middle']}{found['before']}".split(",") if (item := part.strip())]
    others.append(found["last"].strip())
    first = [word.span() for word in _WORD.finditer(found["first"])]
    count = len(_WORD.findall(others[0]))
    if len(others) < 2 or not all(map(_is_item, others)) or len(first) < count + MIN_WORDS:  # noqa: PLR2004 (three things make an enumeration)
        return []
    start = first[-count][0]
    items = [found["first"][start:], *others]
    return [f"{text[:start]}{item}{found['end']}" for item in items]


def _is_item(text: str) -> bool:
    words = _WORD.findall(text)
    return 0 < len(words) <= MAX_ITEM and not all(word.isdecimal() for word in words)


def _stands(part: str, least: int = MIN_WORDS) -> bool:
    """Whether a part is long enough to ask something by itself."""
    if _UNSPACED.search(part):
        return sum(map(len, _WORD.findall(part))) >= MIN_LETTERS
    return len(_WORD.findall(part)) >= least


def _with_subject(parts: Sequence[str]) -> list[str]:
    """The parts; one that only points to something is looked up with the first, which names it."""
    return [f"{part} {parts[0]}" if n and _PRONOUN.search(part) else part for n, part in enumerate(parts)]
