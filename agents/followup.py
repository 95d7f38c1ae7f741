# ruff: noqa: E501, RUF001, SIM905 - word lists and patterns, one language a line; customers type the typographic apostrophe
"""Follow-up questions without a model: does a question lean on what came before, and on what?

English gets substitution ("how long does *it* take to charge?" -> "... *the X1 battery* ..."); Spanish, German and
French get the topic behind the question, which is all that a search needs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from agents.phrases import known_language
from agents.words import FUNCTION_WORDS

MAX_ELLIPSIS = 4
"""Words; a question this short with at most one word of its own lives on the one before it."""
MAX_NOUNS = 2
"""Lower-case words after a name that may belong to it ("X1 *battery*")."""

OPENERS = {
    "en": r"(?:(?:and|but|or|so|ok(?:ay)?|also|then)[\s,]+)+(?:what about|how about)?|(?:what about|how about|same for)\b",
    "es": r"¿?\s*(?:y|pero|o|entonces)\b[\s,¿]*(?:qué hay de|qué tal)?|¿?\s*qué (?:hay|pasa) (?:de|con)\b",
    "de": r"(?:und|aber|oder|dann)\b[\s,]*(?:was ist mit|wie sieht es mit)?|(?:was ist mit|wie sieht es mit)\b",
    "fr": r"(?:et|mais|ou|alors)\b[\s,]*(?:qu['’]en est-il d[eu]|pour)?|qu['’]en est-il d[eu]\b",
}
PRONOUNS = {
    "en": r"(?i:it|its|it's|they|them|their|theirs|this|these|those|that one|this one|the other one|he|she|him|her|that"
    r"|ones?(?=\s*[?.!,]|\s*$|\s+of\s+(?:them|these|those)))",
    "es": r"(?i:ello|ella|ellas|ellos|eso|esto|ese|esa|esos|esas|este|esta|lo|la misma|el mismo)",
    # Case matters: "Sie" and "Ihre" speak to us.
    "de": r"es|er|sie|ihn|ihm|ihre|ihren|seine|seinen|[Dd]iese[rsnm]?|dafür|damit|dazu|davon|darauf",
    "fr": r"(?i:il|elle|ils|elles|ça|cela|ceci|celui-ci|celle-ci|son|sa|ses|cet|cette|ces)",
}
EMPTY_PRONOUNS = {
    "en": r"is it (?:possible|ok|okay|allowed|true)\b|it is possible|\bthat (?=(?:i|you|we|they|it|the|my|your|there|an?)\b)",
    "es": r"lo que\b",
    "de": r"gibt es\b|es gibt\b|ist es möglich\b|geht es\b",
    "fr": r"y a-t-il\b|il y a\b|faut-il\b|il faut\b|est-il possible\b",
}
ARTICLES = frozenset(
    "el la los las un una del de al der die das den dem des ein eine einen le les l d du une au aux".split()
)
WHOLE_THING = re.compile(
    r"\b(?:cost|costs|price|buy|order|weigh|weighs|weight|deliver|delivered|stock|warranty)\b", re.IGNORECASE
)
REMARK = re.compile(r"[^.!?]{1,30}[.!]\s+(?=\S)")
ASKS_FOR_ONE = re.compile(r"\b(?:which|who|recommend|suggest|best|welche[rs]?|cuál|quel(?:le)?)\b", re.IGNORECASE)
REPLACEABLE = re.compile(
    r"\b(its|their|theirs|it's|it|they|them|that one|this one|those|these|this|that)\b", re.IGNORECASE
)
CONTRACTION = "it's"
POSSESSIVE = frozenset({"its", "their", "theirs"})
DEMONSTRATIVE = frozenset({"this", "that", "these", "those"})
VERBS = frozenset(
    [
        "last",
        "lasts",
        "take",
        "takes",
        "come",
        "comes",
        "cost",
        "costs",
        "work",
        "works",
        "weigh",
        "weighs",
        "support",
        "supports",
        "charge",
        "charges",
        "include",
        "includes",
        "cover",
        "covers",
        "return",
        "returns",
        "ship",
        "ships",
        "deliver",
        "fit",
        "fits",
        "connect",
        "run",
        "runs",
        "use",
        "uses",
        "using",
        "buy",
        "order",
        "cancel",
        "change",
        "open",
        "close",
        "start",
        "stop",
        "make",
        "makes",
        "give",
        "gives",
        "show",
        "shows",
        "pay",
        "pays",
        "send",
        "sends",
        "mean",
        "means",
        "happen",
        "happens",
        "replace",
        "repair",
        "fix",
        "set",
        "reset",
        "update",
        "install",
        "turn",
        "keep",
        "keeps",
        "hold",
        "holds",
        "contain",
        "contains",
        "offer",
        "offers",
        "last?",
        "compare",
        "pair",
        "pairs",
    ]
)
DETERMINERS = frozenset({"a", "an", "the", "my", "your", "our"})
TOKEN = re.compile(r"[^\W_]+(?:[-.'’][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Topic:
    """What a question is about: its name, if it has one, and the noun phrase around the name."""

    phrase: str
    name: str


def is_dependent(question: str, language: str) -> bool:
    """Return whether `question` can probably not be understood without the one before it."""
    language = known_language(language)
    remark = REMARK.match(question)
    if remark and not _names(remark[0]):
        question = question[remark.end() :]
    if re.match(rf"\W*(?:{OPENERS[language]})", question, re.IGNORECASE):
        return True
    tokens = TOKEN.findall(question)
    own = [token for token in tokens if token.lower() not in FUNCTION_WORDS]
    meant = re.sub(EMPTY_PRONOUNS[language], "", question, flags=re.IGNORECASE)
    pronoun = re.search(rf"\b(?:{PRONOUNS[language]})\b", meant)
    if pronoun:
        return not _names(meant[: pronoun.start()]) and not (language == "en" and _stands_alone(question))
    return len(tokens) <= MAX_ELLIPSIS and len(own) <= 1 and not _names(question)


def carry_topic(question: str, asked: list[str], reply: str, language: str) -> str:
    """Return `question` with the topic of the conversation put in.

    Args:
        question: a dependent question.
        asked: the customer's earlier questions, oldest first.
        reply: the last answer, for a name the questions did not have.
        language: of the conversation.
    """
    language = known_language(language)
    previous = _resolve(asked, language)
    topic = find_topic(previous, language)
    if (
        not topic.name
        and ASKS_FOR_ONE.search(previous)
        and (named := [name for name in _names(reply) if _distinctive(name)])
    ):
        topic = Topic(named[0], named[0])
    bare = re.sub(rf"^\W*(?:{OPENERS[language]})\s*", "", question, flags=re.IGNORECASE).strip() or question
    if not topic.phrase:
        return question
    if (substituted := _swap_name(bare, previous, topic)) is not None:
        return substituted
    if language == "en" and (replaced := _replace_pronoun(bare, topic)) is not None:
        return replaced
    about = topic.phrase
    if language == "en":
        own = [token for token in TOKEN.findall(bare) if token.lower() not in FUNCTION_WORDS | VERBS]
        about = (topic.name if own else topic.phrase) if topic.name else _content(previous)
    return f"{_capitalised(bare.rstrip('?¿ .!'))} ({about})?"


def find_topic(question: str, language: str = "en") -> Topic:
    """Return what a standalone question is about; empty when nothing stands out."""
    names = sorted(_names(question), key=lambda name: not _distinctive(name))
    if language != "en":
        return Topic(_marked_words(question), names[0] if names and _distinctive(names[0]) else "")
    if names:
        return Topic(_noun_phrase(question, names[0]), names[0])
    return Topic(max(_noun_runs(question), key=len, default=""), "")


def _noun_phrase(question: str, name: str) -> str:
    """Return `name` with the nouns that belong to it: those behind it, or the one it is said of."""
    subject = re.match(
        rf"\s*(?:which|what)\s+(.+?)\s+(?:{'|'.join(VERBS)})\b.*{re.escape(name)}", question, re.IGNORECASE
    )
    if subject and not FUNCTION_WORDS & set(subject[1].lower().split()):
        return f"{subject[1]} for the {name}"
    nouns: list[str] = []
    rest = question[question.index(name) + len(name) :]
    following = re.match(r"(?:[ -][a-zà-ÿ]+)*", rest)
    for word in (following[0] if following else "").replace("-", " ").split():
        if word in FUNCTION_WORDS | VERBS or len(nouns) == MAX_NOUNS:
            break
        nouns.append(word)
    if (
        nouns
        and re.match(r"\s*(?:is|are|was|were)\b", question, re.IGNORECASE)
        and rest.rstrip(" ?").endswith(nouns[-1])
    ):
        nouns.pop()  # "is the X1 battery *replaceable*?"
    owner = re.search(rf"\b(\w+) (?:of|for|on|in) (?:the |my |a )?{re.escape(name)}", question)
    if owner and owner[1].lower() not in FUNCTION_WORDS | VERBS:
        nouns.append(owner[1])
    return " ".join([name, *nouns])


def _content(question: str) -> str:
    return " ".join(token for token in TOKEN.findall(question) if token.lower() not in FUNCTION_WORDS)


def _resolve(asked: list[str], language: str) -> str:
    """Return the last question that stands alone, so that a chain of follow-ups keeps its topic."""
    for text in reversed(asked):
        if not is_dependent(text, language):
            return text
        if _names(text):
            return text
    return asked[-1] if asked else ""


def _names(text: str) -> list[str]:
    """Return product-like names: runs of words with a capital or a digit, not just the capital that begins a sentence."""
    names = []
    for match in re.finditer(r"[^\W\d_]*[A-ZÀ-Þ0-9][\w-]*(?: (?:[A-ZÀ-Þ][\w-]*|\d[\w-]*))*", text):
        run = match[0]
        first, *rest = run.split(" ")
        starts_sentence = not text[: match.start()].strip() or text[: match.start()].rstrip()[-1] in ".!?¿¡:\n•*-"
        if starts_sentence and not _distinctive(first):
            run = " ".join(rest) if first.lower() in FUNCTION_WORDS | VERBS or not rest else run
        if run and run != "I" and not run.isdigit() and (rest or not starts_sentence or _distinctive(first)):
            names.append(run)
    return names


def _distinctive(word: str) -> bool:
    return any(letter.isdigit() for letter in word) or bool(re.search(r"[a-z][A-Z]| [A-Z]", word))


def _marked_words(question: str) -> str:
    """Return names and the words behind articles: light, and good enough where only a search reads it."""
    tokens = TOKEN.findall(question)
    marked = [
        token
        for before, token in zip(["", *tokens], tokens, strict=False)
        if token.lower() not in FUNCTION_WORDS
        and (before.lower() in ARTICLES or (before and (_distinctive(token) or token[0].isupper())))
    ]
    return " ".join(marked)


def _noun_runs(question: str) -> list[str]:
    """Return runs of content words; a verb is left out unless a determiner makes it a noun ("the *return* policy")."""
    runs: list[list[str]] = [[]]
    after_determiner = False
    for token in TOKEN.findall(question):
        word = token.lower()
        if word in FUNCTION_WORDS or (word in VERBS and not (after_determiner and not runs[-1])):
            runs.append([])
            after_determiner = word in DETERMINERS
        else:
            runs[-1].append(token)
    return [" ".join(run) for run in runs if run]


def _stands_alone(question: str) -> bool:
    """An "it" that stands for nothing ("how long does *it* take to get *a refund*?") beside a noun phrase of the question's own."""
    if not re.search(r"\b(?:does|will|would|can) it (?:take|cost)\b", question, re.IGNORECASE):
        return False
    return bool(re.search(r"\b(?:a|an|my|your|to [A-Z]\w+)\b", question))


def _swap_name(bare: str, previous: str, topic: Topic) -> str | None:
    """Ask the previous question about another name ("and the G1?"); None when `bare` is more than a name."""
    names = _names(f"the {bare}")
    rest = [token.lower() for token in TOKEN.findall(bare.replace(names[0], ""))] if names else []
    if not names or not topic.name or not _distinctive(names[0]) or not all(word in FUNCTION_WORDS for word in rest):
        return None
    return previous.replace(topic.name, names[0])


def _replace_pronoun(bare: str, topic: Topic) -> str | None:
    """Put the topic in the place of the first pronoun; None when there is none to replace."""
    match = REPLACEABLE.search(bare)
    if match is None:
        return None
    pronoun = match[0].lower()
    phrase = topic.name if topic.name and WHOLE_THING.search(bare) else topic.phrase
    before, after = bare[: match.start()], bare[match.end() :]
    following = TOKEN.match(after.lstrip())
    names_noun = following is not None and following[0].lower() not in FUNCTION_WORDS | VERBS
    if pronoun in DEMONSTRATIVE and names_noun and topic.name:
        return _capitalised(f"{before}the {topic.name}{after}")
    if pronoun in POSSESSIVE:
        return _capitalised(f"{before}the {topic.name or phrase}'s{after}")
    return _capitalised(f"{before}the {phrase}{' is' if pronoun == CONTRACTION else ''}{after}")


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
