"""How a passage is cut into windows that the model can read at once, without losing which sentence a piece is of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from knowledge.embedding.base import PassageInput

WINDOW = 256  # pieces the model was trained to read at once, with CLS and SEP
TITLE_PIECES = 48  # a longer title would crowd out the text
CLS, SEP, UNKNOWN = "[CLS]", "[SEP]", "[UNK]"

# Closed-class words carry no topic: without them a passage keeps about 60 % of its token vectors and ranks the same.
FUNCTION_WORDS = frozenset(
    """a about after again all also am an and any are as at be because been before being between both but by can could
    did do does doing down during each few for from further had has have having he her here hers him his how i if in
    into is it its itself just me more most my no nor not now of off on once only or other our out over own s same she
    should so some such t than that the their them then there these they this those through to too under until up very
    was we were what when where which while who whom why will with would you your""".split()  # noqa: SIM905 (reads as the list of words that it is)
)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """One input of the model: `[CLS] title . pieces [SEP]`.

    Attributes:
        passage: index of the passage it belongs to.
        ids: int64 [s], the whole input.
        start: position in `ids` of the first piece of the text.
        sentences: int16 [p], the sentence of each piece of the text.
    """

    passage: int
    ids: NDArray[np.int64]
    start: int
    sentences: NDArray[np.int16]


class Cutter:
    """Cuts passages with one vocabulary. Safe to share between threads."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._cls, self._sep = tokenizer.token_to_id(CLS), tokenizer.token_to_id(SEP)
        self._unknown = tokenizer.token_to_id(UNKNOWN)
        self._stop = tokenizer.token_to_id(".")
        self.content = content_pieces(tokenizer)

    def ids(self, text: str) -> list[int]:
        """The pieces of `text`, without special ones."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def letters_or_pieces(self, text: str) -> int:
        """The number of pieces, an unknown piece counting as its letters."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        pieces = zip(encoding.ids, encoding.offsets, strict=True)
        return sum(end - begin if piece == self._unknown else 1 for piece, (begin, end) in pieces)

    def whole(self, text: str) -> NDArray[np.int64]:
        """One input with the beginning of `text`, as much as fits."""
        return np.array([self._cls, *self.ids(text)[: WINDOW - 2], self._sep], np.int64)

    def windows(self, number: int, passage: PassageInput) -> Iterator[Window]:
        """Windows of whole sentences; a sentence longer than a window is cut where the window is full."""
        title = self.ids(passage.title)[:TITLE_PIECES]
        head = [self._cls, *title, self._stop] if title else [self._cls]
        encoding = self._tokenizer.encode(passage.text, add_special_tokens=False)
        ids = np.array(encoding.ids, np.int64)
        sentences = _sentence_of(encoding.offsets, passage.sentences)
        for begin, end in _spans(sentences, WINDOW - 1 - len(head)):
            whole = np.concatenate([head, ids[begin:end], [self._sep]]).astype(np.int64)
            yield Window(number, whole, len(head), sentences[begin:end])


def content_pieces(tokenizer: Tokenizer) -> NDArray[np.bool_]:
    """Which ids of the vocabulary carry meaning: no special pieces, punctuation or function words."""
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    content = np.zeros(max(vocabulary.values()) + 1, bool)
    for piece, number in vocabulary.items():
        word = piece.removeprefix("##")
        special = piece.startswith("[") and piece.endswith("]") and len(piece) > 1
        content[number] = not special and piece not in FUNCTION_WORDS and any(c.isalnum() for c in word)
    return content


def _sentence_of(offsets: list[tuple[int, int]], sentences: tuple[tuple[int, int], ...]) -> NDArray[np.int16]:
    """The sentence in which each piece begins (the one before, for pieces between two sentences)."""
    starts = np.array([begin for begin, _ in offsets], np.int64)
    if not sentences:
        return np.zeros(len(starts), np.int16)
    bounds = np.array([begin for begin, _ in sentences], np.int64)
    return np.maximum(np.searchsorted(bounds, starts, side="right") - 1, 0).astype(np.int16)


def _spans(sentences: NDArray[np.int16], room: int) -> Iterator[tuple[int, int]]:
    """Consecutive ranges of at most `room` pieces that end with a sentence where that is possible."""
    begin, total = 0, len(sentences)
    while total - begin > room:
        end = begin + room
        cut = int(np.searchsorted(sentences, sentences[end], side="left"))
        end = cut if cut > begin else end
        yield begin, end
        begin = end
    yield begin, total
