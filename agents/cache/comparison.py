"""What keeps two questions apart: where one of their features contradicts the other's, no likeness joins them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from agents.cache import lexicon
from agents.routing.spelling import edit_distance

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agents.cache.features import Features

SHORTEST_NAME = 5
"""Letters from which a name may have one letter wrong; from `LONG` on two."""
LONG = 9
PLACES = frozenset({"euro", "dollar", "airport", "hotel", "shop", "abroad", "room", "train"})
CLASHES: tuple[set[str], ...] = ({"how", "whether"}, {"which", "whether"}, {"which", "how"})
PURPOSES = frozenset({"~get", "~use", "~find"})
"""Plain verbs that differ where both questions have one: to get a code is not to use it."""
MEASURES = {
    "warranty": {"TIME"}, "open": {"TIME"}, "limit": {"COUNT", "AMOUNT"}, "deposit": {"COST", "AMOUNT"},
    "interest": {"AMOUNT"}, "exchangerate": {"AMOUNT"},
}  # fmt: skip
"""Concepts that are a time or an amount themselves: "the warranty" and "how long is the warranty" ask the same."""


def contradiction(asked: Features, kept: Features) -> str:
    """Return in what the two questions contradict each other; empty when nothing keeps them apart."""
    checks = {
        "language": asked.language == kept.language,
        "numbers": _same_numbers(asked.numbers, kept.numbers),
        "counts": _same_counts(asked, kept),
        "dates": asked.dates == kept.dates,
        "negation": asked.negated == kept.negated and _agree(asked.denied, kept.denied),
        "direction": _same_direction(asked, kept),
        "question": _same_question(asked, kept),
        "names": _same_codes(asked.words, kept.words),
    }
    return next((name for name, fits in checks.items() if not fits), "")


def _agree(one: frozenset[str], other: frozenset[str]) -> bool:
    return not one or not other or bool(one & other)


def _same_numbers(one: Sequence[tuple[str, str]], other: Sequence[tuple[str, str]]) -> bool:
    if len(one) != len(other):
        return False
    return all(a[0] == b[0] and (a[1] or "year") == (b[1] or "year") for a, b in zip(one, other, strict=True))


def _same_counts(one: Features, other: Features) -> bool:
    """Whether the numbers belong to the same things: "3 rooms for adults" is not "a room for 3 adults"."""
    for number, before, behind in one.counted:
        for same, before_other, behind_other in other.counted:
            if same != number:
                continue
            swapped = behind_other in one.concepts | one.words and behind in other.concepts | other.words
            if behind != behind_other and swapped:
                return False
            owners = {place for value, place, _ in other.counted if value != number}
            if before != before_other and before in owners:
                return False
    return True


def _same_direction(one: Features, other: Features) -> bool:
    if one.origin & other.target or other.origin & one.target:
        return False
    if one.origin and other.origin:
        return bool(one.origin & other.origin)
    if one.origin or other.origin:
        return bool(_places(one.target) & _places(other.target))
    return _agree(_places(one.target), _places(other.target)) or not (one.target and other.target)


def _places(names: frozenset[str]) -> frozenset[str]:
    return names & PLACES | {name for name in names if name.islower() and name not in _concepts()}


@cache
def _concepts() -> frozenset[str]:
    return frozenset(name for known in lexicon.vocabularies().values() for name in known.phrases.values())


def _same_question(one: Features, other: Features) -> bool:
    differing = (one.asks ^ other.asks) - {"WHERE"}
    if differing:
        lacking = other if one.asks & differing else one
        measured = one.concepts & other.concepts & MEASURES.keys()
        free = lacking.mood != "whether" or "open" in measured
        return free and any(differing <= MEASURES[concept] for concept in measured)
    if one.asks == other.asks:
        uses = [feature.weak & PURPOSES for feature in (one, other)]
        bare = not one.asks and len(one.concepts | one.words) <= 1
        agree = uses[0] == uses[1] if bare else _agree(*uses)
        return {one.mood, other.mood} not in CLASHES and agree
    lacking = other if "WHERE" in one.asks else one
    return lacking.mood == "how"


def _same_codes(one: Iterable[str], other: Iterable[str]) -> bool:
    """Whether the names with digits are the same: "X2" is not "X3"."""
    return {word for word in one if _coded(word)} == {word for word in other if _coded(word)}


def _coded(word: str) -> bool:
    return any(letter.isdigit() for letter in word)


def leftovers(asked: Features, kept: Features) -> tuple[frozenset[str], frozenset[str]]:
    """Return the words and concepts of each question that the other one lacks, misspellings set aside."""
    first = asked.concepts | asked.words
    second = kept.concepts | kept.words
    only_first, only_second = set(first - second), set(second - first)
    for word in sorted(only_first & asked.words):
        twin = next((other for other in sorted(only_second & kept.words) if _misspelt(word, other)), None)
        if twin:
            only_first.discard(word)
            only_second.discard(twin)
    return frozenset(only_first), frozenset(only_second)


def _misspelt(word: str, other: str) -> bool:
    shortest = min(len(word), len(other))
    if shortest < SHORTEST_NAME or _coded(word) or _coded(other):
        return False
    allowed = 1 if shortest < LONG else 2
    return edit_distance(word, other, allowed) <= allowed
