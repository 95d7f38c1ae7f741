# ruff: noqa: E501, SIM905 - word lists of four languages read better as text
"""Words of a text, and which of them carry meaning, for the four languages of the demo.

Short lists of function words, written for this purpose; other languages lose nothing but a little sharpness.
"""

from __future__ import annotations

from functools import lru_cache

import regex

WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+(?:['’][\p{L}]+)?")  # noqa: RUF001 - the typographic apostrophe is meant
COMPOUND = regex.compile(r"\b(\p{L}+)-(?=(\p{L}+))")
"""Two parts that are also written as one word: Wi-Fi and wifi, e-mail and email."""

FUNCTION_WORDS = frozenset(
    # English
    "a an the and or but if then than so as at by for from in into of off on onto to with without about after before between "
    "is are was were be been being am do does did done have has had having can could may might must shall should will would "
    "i me my mine we us our you your yours he him his she her it its they them their this that these those there here "
    "what which who whom whose when where why how not no nor only also too very just any some such each both either more most "
    "all own same other out up down over under again once get got please tell know want need like much many long "
    "it's i'm what's don't doesn't can't isn't i've "
    # Spanish
    "el la los las un una unos unas y o u e pero si de del al a en con sin por para sobre entre hasta desde que qué cual cuál "
    "cuales cuáles quien quién cuando cuándo donde dónde como cómo cuanto cuánto cuanta cuánta cuantos cuántos es son era fue "
    "ser estar está están hay ha han he mi mis tu tus su sus lo le les se me te nos yo él ella ellos eso esto ese esta este "
    "no sí más muy también ya puedo puede pueden tiene tienen tengo quiero "
    # German
    "der die das den dem des ein eine einen einem einer eines und oder aber wenn dann als an auf aus bei bis für gegen in im "
    "ins mit nach ohne um von vom vor zu zum zur über unter zwischen ist sind war waren sein bin hat haben habe hatte wird "
    "werden kann können könnte muss müssen soll darf ich mich mir mein meine meinen wir uns unser du dich dein sie er es ihn "
    "ihm ihr ihre was welche welcher welches wer wen wem wann wo warum wie viel viele nicht kein keine nur auch noch sehr man "
    "dies diese dieser dieses lange "
    # French
    "le la les un une des et ou mais si de du d au aux à en dans avec sans pour par sur sous entre vers chez que qu quoi quel "
    "quelle quels quelles qui quand où comment combien pourquoi est sont était être a ont ai as avoir fait je me mon ma mes tu "
    "ton ta tes il elle on nous notre vous votre vos ils elles leur leurs ce cet cette ces ça cela se son sa ses ne pas plus "
    "très aussi puis peux peut l j c n s t m".split()
)


def words(text: str) -> list[str]:
    """Return the words of `text` in lower case, in order."""
    return [match.lower() for match in WORD.findall(text)]


@lru_cache(maxsize=4096)  # the sentences of popular passages come back in every other turn
def content_words(text: str) -> frozenset[str]:
    """Return the words of `text` that are not function words, lower case and cut to a light stem."""
    compounds = [one + other for one, other in COMPOUND.findall(text.lower())]
    return frozenset(stem(word) for word in (*words(text), *compounds) if word not in FUNCTION_WORDS)


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """Cut a plural or verb ending, crudely and alike for all languages: enough to match "laptops" with "laptop"."""
    if word.endswith("ies") and len(word) > len("pies"):
        return word.removesuffix("ies") + "y"
    for ending in ("'s", "’s", "ing", "es", "ed", "s", "e"):  # noqa: RUF001 - the typographic apostrophe is meant
        if word.endswith(ending) and len(word) - len(ending) >= 3:  # noqa: PLR2004 - a stem keeps three letters
            return _without_double(word.removesuffix(ending)) if ending in {"ing", "ed"} else word.removesuffix(ending)
    return word


def _without_double(stem: str) -> str:
    """Undo the doubling before an ending, "shipp(ing)" but not "sell(ing)" (rule 1b of Porter, 1980)."""
    return stem[:-1] if stem[-1] == stem[-2] and stem[-1] not in "aeioulsz" else stem
