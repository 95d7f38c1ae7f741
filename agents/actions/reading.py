"""A plain yes or no to the one change that was just proposed; anything else is no decision."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.models import Action

MAX_LENGTH = 80
"""Characters of a plain answer."""

YES = (
    "y", "yes", "yep", "yeah", "yup", "aye", "sure", "certainly", "definitely", "absolutely", "of course", "confirm",
    "confirmed", "i confirm", "i do confirm", "confirm it", "confirm that", "confirm this", "i agree", "agreed",
    "approved", "i approve", "go ahead", "please go ahead", "go for it", "do it", "please do", "do that", "do so",
    "proceed", "please proceed", "that is right", "that's right", "thats right", "that is correct", "that's correct",
    "correct", "sounds good", "that sounds good", "looks good", "that works", "make it so", "yes i do", "i do",
    "si", "claro", "claro que si", "por supuesto", "confirmo", "lo confirmo", "confirmado", "confirmar", "confirma",
    "adelante", "de acuerdo", "hazlo", "hagalo", "esta bien", "correcto", "exacto", "proceda", "procede", "conforme",
    "ja", "jawohl", "jo", "jep", "klar", "na klar", "sicher", "natürlich", "gerne", "gern",
    "bestätigt", "ich bestätige", "bestätigen", "einverstanden", "mach das",
    "machen sie das", "mach es", "mach", "genau", "richtig", "stimmt", "passt", "das passt", "so machen wir es",
    "oui", "ouais", "bien sur", "certainement", "je confirme", "confirme", "confirmez", "confirmer", "allez y",
    "vas y", "d'accord", "daccord", "je suis d'accord", "c'est bon", "c'est correct", "tout a fait", "absolument",
    "volontiers", "faites le", "fais le",
)  # fmt: skip
WEAK = (
    "ok",
    "okay",
    "okey",
    "k",
    "okie",
    "all right",
    "alright",
    "fine",
    "vale",
    "bueno",
    "in ordnung",
    "alles klar",
    "bien",
    "gut",
    "bon",
)
"""A yes as well, unless all that is said beside it is thanks: that may mean "I have read it"."""
NO = (
    "n", "no", "nope", "nah", "no way", "never", "don't", "dont", "do not", "don't do it", "dont do it", "do not do it",
    "don't do that", "do not do that", "please don't", "please do not", "i decline", "decline", "declined",
    "rather not",
    "i'd rather not", "not now", "better not", "i do not", "i don't", "i do not confirm", "i don't confirm", "i refuse",
    "no lo hagas", "no lo haga", "no confirmo", "no quiero", "mejor no", "de ninguna manera", "rechazo", "lo rechazo",
    "ahora no", "nein", "nee", "ne", "nö", "no danke", "nicht", "bitte nicht", "lieber nicht", "auf keinen fall",
    "jetzt nicht", "ich lehne ab", "ablehnen", "nein danke", "non", "pas du tout", "je refuse", "surtout pas",
    "non merci",
    "je ne confirme pas", "ne le faites pas", "ne fais pas ca", "pas maintenant", "plutot pas",
)  # fmt: skip
POLITE = ("please", "pls", "thanks", "thank you", "thank you very much", "many thanks", "thx", "por favor", "gracias",
          "muchas gracias", "bitte", "danke", "vielen dank", "danke schön", "bitte schön", "s'il vous plait",
          "s'il te plait", "svp", "stp", "merci", "merci beaucoup")  # fmt: skip


def without_accents(text: str) -> str:
    """Return the text with the marks on its letters dropped: they are often not typed."""
    return "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))


MEANING = {
    without_accents(phrase): kind
    for kind, phrases in (("polite", POLITE), ("weak", WEAK), ("yes", YES), ("no", NO))
    for phrase in phrases
}
THANKS = frozenset(
    phrase for phrase in POLITE if phrase.startswith(("than", "thx", "many", "grac", "much", "dank", "viel", "mer"))
)
LONGEST = max(len(phrase.split()) for phrase in MEANING)
BREAKS = re.compile(r"[\s,.!¡;:…\-\N{EN DASH}\N{EM DASH}]+")
WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


def read_decision(
    text: str,
    language: str,  # noqa: ARG001 (every language's yes counts in every tenant; the parameter is the caller's contract)
    open_actions: Sequence[Action],
    *,
    latest_reply: str,
) -> tuple[Action, bool] | None:
    """Return the action that a message decides on, and whether it confirms it; None when it does neither.

    Only a message that is nothing but a yes or no, in English, Spanish, German or French, decides; only where exactly
    one change is open, and only when that was proposed in the assistant's latest message.

    Args:
        text: the customer's message.
        language: of the conversation.
        open_actions: of `queries.open_actions`.
        latest_reply: id of the message before the customer's; empty where it is not known, which decides nothing.
    """
    confirmed = plain_answer(text)
    if confirmed is None or len(open_actions) != 1:
        return None
    [action] = open_actions
    return (action, confirmed) if latest_reply and str(action.reply) == latest_reply else None


def plain_answer(text: str) -> bool | None:
    """Return True for a plain yes, False for a plain no, None for anything else."""
    words = _words(text)
    if not words:
        return None
    phrases = _phrases(words)
    kinds = {MEANING.get(phrase, "other") for phrase in phrases}
    if "other" in kinds or {"yes", "no"} <= kinds or {"weak", "no"} <= kinds:
        return None
    if "no" in kinds:
        return False
    if "yes" in kinds:
        return True
    return True if "weak" in kinds and not THANKS & set(phrases) else None


def _words(text: str) -> list[str]:
    """Return the words in small letters, accents of Spanish and French dropped; none where anything else is written."""
    folded = unicodedata.normalize("NFKC", text).strip().casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    if not folded or len(folded) > MAX_LENGTH:
        return []
    words = [word for word in BREAKS.split(folded) if word]
    if not all(WORD.fullmatch(word) for word in words):
        return []
    return [without_accents(word) for word in words]


def _phrases(words: list[str]) -> list[str]:
    """Return the words grouped into the longest phrases that mean something."""
    phrases = []
    start = 0
    while start < len(words):
        for size in range(min(LONGEST, len(words) - start), 0, -1):
            phrase = " ".join(words[start : start + size])
            if phrase in MEANING or size == 1:
                phrases.append(phrase)
                start += size
                break
    return phrases
