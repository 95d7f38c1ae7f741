"""Questions and their answers: under headings that ask, behind labels ("Q:"), after questions on lines of their own."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from knowledge.chunking.blocks import Block

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MAX_QUESTION = 300  # characters; what is longer is text that ends with a question

# ruff: noqa: RUF001 - question marks of other scripts are meant
_MARKS = ("?", "？", "؟", "⁇")
_LABELS = (
    "q|question|frage|f|pregunta|p|question|domanda|d|pergunta|vraag|вопрос|pytanie|fråga|spørgsmål"
    "|kysymys|soru|問|问|질문"
)
_ANSWERS = (
    "a|answer|antwort|respuesta|r|réponse|reponse|risposta|resposta|antwoord|ответ|odpowiedź|svar|vastaus|cevap|答|답변"
)
_LEAD = r"[ \t]*(?:[-*+•][ \t]+|\d{1,4}[.)][ \t]+)?[*_]{0,3}"
_NUMBER = r"(?:[ \t]?\d{1,3}[*_]{0,3}[:：.)]|[*_]{0,3}[ \t]?[:：])[*_]{0,3}[ \t]*"
_QUESTION = re.compile(rf"{_LEAD}(?:{_LABELS}){_NUMBER}", re.IGNORECASE)
ANSWER_LABEL = re.compile(rf"{_LEAD}(?:{_ANSWERS}){_NUMBER}", re.IGNORECASE)
_ANSWER_INSIDE = re.compile(rf"(?:^|\n|[?？؟]\s+){ANSWER_LABEL.pattern}", re.IGNORECASE)
_HEADING_NUMBER = re.compile(r"^[\s*_]*(?:\d+(?:\.\d+)*[.)]?\s+)?")


class Answer(NamedTuple):
    """A question with the blocks that answer it; the first of them may hold the question itself."""

    question: str
    blocks: tuple[Block, ...]


def is_question(text: str) -> bool:
    """Return whether a heading or line asks something."""
    return len(text) <= MAX_QUESTION and text.rstrip(" *_").endswith(_MARKS)


def question_of(text: str) -> str:
    """Return the question in a line or heading, without number, label and emphasis."""
    text = _QUESTION.sub("", text, count=1)
    return " ".join(_HEADING_NUMBER.sub("", text, count=1).strip(" *_").split())


def group_answers(markdown: str, blocks: Sequence[Block]) -> Iterator[Answer | Block]:
    """Yield a section's blocks in order, those that ask and answer together.

    A question without a label counts when its section asks at least two, as lists of questions do.
    """
    parted = [part for block in blocks for part in _parted(markdown, block)]
    labelled = [_is_labelled(markdown, block, following) for block, following in _pairs(parted)]
    alone = [_asks_alone(markdown, block, following) for block, following in _pairs(parted)]
    if sum(alone) < 2 and not any(labelled):  # noqa: PLR2004 - one alone is a figure of speech
        yield from blocks
        return
    group: list[Block] = []
    for block, asks in zip(parted, map(max, labelled, alone), strict=True):
        if asks and group:
            yield Answer(_question(markdown, group[0]), tuple(group))
            group = []
        if asks or group:
            group.append(block)
        else:
            yield block
    if group:
        yield Answer(_question(markdown, group[0]), tuple(group))


def _pairs(blocks: Sequence[Block]) -> Iterable[tuple[Block, Block | None]]:
    return zip_longest(blocks, blocks[1:])


def _parted(markdown: str, block: Block) -> Iterator[Block]:
    """Yield a paragraph or item in parts, a new one with each line that begins with a question's label."""
    begun = block.start
    if block.kind in {"paragraph", "item"}:
        position = block.start
        for line in markdown[block.start : block.end].split("\n"):
            if position > begun and _QUESTION.match(line) and markdown[begun:position].strip():
                yield Block(block.kind, begun, begun + len(markdown[begun:position].rstrip()))
                begun = position + len(line) - len(line.lstrip())
            position += len(line) + 1
    yield Block(block.kind, begun, block.end)


def _is_labelled(markdown: str, block: Block, following: Block | None) -> bool:
    """Return whether a block begins with a question's label and an answer's label comes in it or after it."""
    text = markdown[block.start : block.end]
    if block.kind not in {"paragraph", "item"} or not _QUESTION.match(text):
        return False
    if _ANSWER_INSIDE.search(text) or is_question(text.split("\n", 1)[0]):
        return True
    return following is not None and bool(ANSWER_LABEL.match(markdown, following.start, following.end))


def _asks_alone(markdown: str, block: Block, following: Block | None) -> bool:
    """Return whether a block is one line that asks, and what follows does not."""
    text = markdown[block.start : block.end]
    if block.kind != "paragraph" or "\n" in text or not is_question(text) or following is None:
        return False
    return not is_question(markdown[following.start : following.end])


def _question(markdown: str, block: Block) -> str:
    text = markdown[block.start : block.end]
    inside = _ANSWER_INSIDE.search(text)
    if inside:
        text = text[: inside.start() + len(inside[0]) - len(inside[0].lstrip("?？؟"))]
    elif not is_question(text):
        text = next((line for line in text.split("\n") if is_question(line)), text)
    return question_of(text)[:MAX_QUESTION]
