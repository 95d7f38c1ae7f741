"""Typing errors of a question, put right by the words of the corpus before anything is looked up.

A word is taken for an error only if neither the corpus nor the embedder's vocabulary knows it, and for the word that is
one edit away (Damerau, 1964): two neighbours swapped rather than another edit, then the one that is more frequent.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, NamedTuple

import regex

from knowledge.indexes.analysis import Analyser
from knowledge.indexes.vocabulary import is_spelt

if TYPE_CHECKING:
    from knowledge.embedding.base import Embedder
    from knowledge.indexes.lexical import LexicalIndex
    from knowledge.indexes.vocabulary import Vocabulary

MISTAKABLE = 5  # letters from which one edit away is still the same word; "cars" is no slip of "card"
UNSURE = 7  # the same where the embedder's vocabulary does not tell which words exist: "Worauf" is no slip of "Woraus"
FOREIGN = 1.5  # pieces per word of such a language
LONGEST = 40  # letters; what is longer is no word, and has too many neighbours
MOST = 8  # unknown words of one question that are looked up, a third of a millisecond each

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_SENTENCE_START = regex.compile(r"(?:^|[.!?¿¡:\n])[^\p{L}\p{N}]*\Z")
_LOOK_BACK = 8  # characters before a word in which the end of a sentence is looked for


class Correction(NamedTuple):
    """A question as it was probably meant.

    Attributes:
        text: the question with its errors put right.
        changes: (as written, as understood), in order.
    """

    text: str
    changes: tuple[tuple[str, str], ...]


class _Word(NamedTuple):
    start: int
    end: int
    written: str
    plain: str  # as the corpus has it: lower case, compatibility forms unified


def correct(query: str, lexical: LexicalIndex, embedder: Embedder, pieces_per_word: float = 1.0) -> Correction:
    """The question with its typing errors put right; names and numbers stay as they are.

    Args:
        query: in any language; scripts without spaces between words are left alone.
        lexical: the corpus' words.
        embedder: whose vocabulary is taken for words that exist.
        pieces_per_word: of the corpus, by that vocabulary.
    """
    surest = UNSURE if pieces_per_word > FOREIGN else MISTAKABLE
    words = [_Word(found.start(), found.end(), found[0], _plain(found[0])) for found in _WORD.finditer(query)]
    text, changes, end = [], [], 0
    for word in _unknown(words, lexical, embedder):
        meant = _meant(word.plain, lexical.vocabulary, may_be_right=len(word.plain) < surest or _is_name(word, query))
        if meant:
            replacement = _cased(meant, word.written)
            changes.append((word.written, replacement))
            text += [query[end : word.start], replacement]
            end = word.end
    return Correction("".join([*text, query[end:]]), tuple(changes))


def _plain(word: str) -> str:
    return unicodedata.normalize("NFKC", word).lower()


def _unknown(words: list[_Word], lexical: LexicalIndex, embedder: Embedder) -> list[_Word]:
    """The first words that nobody knows."""
    long = [word for word in words if MISTAKABLE <= len(word.plain) <= LONGEST and is_spelt(word.plain)]
    counts = lexical.vocabulary.count([word.plain for word in long])
    new = [word for word, count in zip(long, counts.tolist(), strict=True) if not count]
    stems = lexical.words.found(Analyser(lexical.language).word_keys([[word.plain for word in new]]))
    new = [word for word, found in zip(new, stems.tolist(), strict=True) if not found]
    return [word for word in new[: 2 * MOST] if embedder.count_pieces(word.plain) > 1][:MOST]


def _is_name(word: _Word, query: str) -> bool:
    """Whether a capital says that nobody but its owner knows how it is spelt."""
    if not word.written[0].isupper() or query.isupper():
        return False
    return not _SENTENCE_START.search(query, max(word.start - _LOOK_BACK, 0), word.start) or word.written.isupper()


def _meant(word: str, vocabulary: Vocabulary, *, may_be_right: bool) -> str:
    """The word of the corpus that was probably meant, "" for none; if it may be right, only clear slips count."""
    likely = [*swaps(word), *doubles(word)] if may_be_right else swaps(word)
    for candidates in (likely, () if may_be_right else edits(word, vocabulary.alphabet(word))):
        counts = vocabulary.count(candidates)
        if counts.any():
            return candidates[int(counts.argmax())]
    return ""


def swaps(word: str) -> list[str]:
    """All that two neighbouring letters in the other order make of it."""
    return [
        word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1) if word[at] != word[at + 1]
    ]


def doubles(word: str) -> list[str]:
    """All that a letter doubled, or a double one made single, makes of it."""
    more = [word[:at] + word[at] + word[at:] for at in range(1, len(word))]
    less = [word[:at] + word[at + 1 :] for at in range(1, len(word)) if word[at] == word[at - 1]]
    return more + less


def edits(word: str, alphabet: str) -> list[str]:
    """All that a letter dropped, replaced or added makes of it; the first letter is seldom mistaken and is kept."""
    parts = [(word[:at], word[at:]) for at in range(1, len(word) + 1)]
    dropped = [left + right[1:] for left, right in parts if right]
    replaced = [left + letter + right[1:] for left, right in parts if right for letter in alphabet]
    added = [left + letter + right for left, right in parts for letter in alphabet]
    return [*dropped, *replaced, *added]


def _cased(word: str, like: str) -> str:
    """The word with capitals where `like` has them."""
    if like.isupper():
        return word.upper()
    return word[:1].upper() + word[1:] if like[:1].isupper() else word
