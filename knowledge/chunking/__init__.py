"""Cuts a document into passages by structure: never across a heading, tables, code and list items whole if they fit."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from knowledge.chunking.answers import Answer, group_answers, is_question, question_of
from knowledge.chunking.blocks import Block, Section, find_sections
from knowledge.chunking.packing import CountPieces, Part, Room, pack, split_block
from knowledge.chunking.pictures import said_by, split_picture
from knowledge.chunking.tables import caption_of, split_table
from knowledge.models import ChunkKind
from knowledge.sentences import split_sentences

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from knowledge.chunking.blocks import Span
    from knowledge.readers.base import ReadDocument

__all__ = ["READER", "ChunkDraft", "chunk_document", "split_sentences"]

READER = 2
"""The edition of the readers and of this package: raised when documents that are read again give other passages."""
MAX_PIECES = 220
# A passage that is embedded together with what it is found by leaves room for the title in the model's window.
FOUND_BY_SHARE = 0.9
# A section longer than this gives its passages a nearer context than the whole of itself.
MAX_PARENT_CHARS = 4000


@dataclass(frozen=True, slots=True)
class ChunkDraft:
    """A passage of a document; offsets are in the document's Markdown, and `markdown[start:end] == text`.

    Attributes:
        ordinal: 0, 1, 2, ... in the order of the document.
        heading_path: the headings above, outermost first.
        page: 1-based, where the passage begins; None for a format without pages.
        parent_start: where the context around the passage (its section, if that is short) begins.
        parent_end: where that context ends.
        sentences: (start, end) inside `text`; together they cover all but white space.
        kind: what it is made of.
        found_by: what it is found by beside its text: a table's caption and header, a question, a picture's
            surroundings.
    """

    ordinal: int
    text: str
    start: int
    end: int
    heading_path: tuple[str, ...]
    page: int | None
    parent_start: int
    parent_end: int
    sentences: tuple[Span, ...]
    kind: ChunkKind = ChunkKind.PROSE
    found_by: str = ""

    @property
    def says_something(self) -> bool:
        """Whether there is anything to find: a picture without words, or a table's rule, is not."""
        return any(map(str.isalnum, said_by(self.text)))


def chunk_document(
    document: ReadDocument, count_pieces: CountPieces, *, max_pieces: int = MAX_PIECES
) -> list[ChunkDraft]:
    """Cut a document into passages of at most `max_pieces` wordpieces, together with what they are found by.

    Every character that is neither white space nor part of a heading's line lies in exactly one passage. A heading is
    found in the `heading_path` of the passages under it; one with nothing under it is a passage of its own.

    Args:
        document: what a reader returned.
        count_pieces: wordpieces of a text; called a bounded number of times for each character.
        max_pieces: of a passage; a single character may exceed it.
    """
    drafts: list[ChunkDraft] = []
    room = Room(count_pieces, max_pieces)
    sections = list(find_sections(document.markdown))
    for section, following in zip_longest(sections, sections[1:]):
        parts = pack(_parts(document.markdown, section, room), max_pieces)
        if not parts and section.heading and (following is None or following.level <= section.level):
            start, end = section.heading
            parts = [Part(start, end, 0)]
        drafts.extend(_drafts(document, section, parts, len(drafts)))
    return drafts


def _parts(markdown: str, section: Section, room: Room) -> Iterator[Part]:
    title = section.path[-1] if section.path else ""
    beside = Room(room.count, max(int(room.limit * FOUND_BY_SHARE), 1))
    if is_question(title) and section.blocks:
        yield from _answer(markdown, Answer(question_of(title), tuple(section.blocks)), beside)
        return
    groups = list(group_answers(markdown, section.blocks))
    for before, group, after in zip([None, *groups], groups, [*groups[1:], None], strict=False):
        if isinstance(group, Answer):
            yield from _answer(markdown, group, beside)
        else:
            yield from _block(markdown, group, (_near(before), _near(after)), room, beside)


def _near(group: Answer | Block | None) -> Block | None:
    return None if isinstance(group, Answer) else group


def _block(
    markdown: str, block: Block, near: tuple[Block | None, Block | None], room: Room, beside: Room
) -> Iterator[Part]:
    before = near[0]
    if block.kind == "image":
        yield from split_picture(markdown, block, near, beside)
    elif block.kind == "table" and room.pieces(markdown[block.start : block.end]) > room.limit:
        caption = caption_of(markdown[before.start : before.end]) if before and before.kind == "paragraph" else ""
        yield from split_table(markdown, block, beside, caption)
    else:
        yield from split_block(markdown, block, room)


def _answer(markdown: str, answer: Answer, room: Room) -> Iterator[Part]:
    """Yield the passages of one answer, one if it fits, each found by the question."""
    question = answer.question if room.count(answer.question) * 2 <= room.limit else ""
    inner = room.beside(question)
    parts = [part for block in answer.blocks for part in _block(markdown, block, (None, None), inner, inner)]
    asked = [
        part._replace(
            kind=part.kind if part.apart else ChunkKind.ANSWER,
            found_by="\n".join(text for text in (question, part.found_by) if text),
        )
        for part in parts
    ]
    yield from (part._replace(apart=True) for part in pack(asked, inner.limit))


def _drafts(document: ReadDocument, section: Section, parts: Sequence[Part], ordinal: int) -> Iterator[ChunkDraft]:
    markdown = document.markdown
    spans = [(part.start, part.end) for part in parts]
    for index, (parent_start, parent_end) in enumerate(_parents(section.start, spans)):
        part = parts[index]
        text = markdown[part.start : part.end]
        whole = ((0, len(text)),)
        yield ChunkDraft(
            ordinal=ordinal + index,
            text=text,
            start=part.start,
            end=part.end,
            heading_path=section.path,
            page=max(1, bisect_right(document.pages, part.start)) if document.pages else None,
            parent_start=parent_start,
            parent_end=parent_end,
            sentences=whole if part.kind == ChunkKind.IMAGE else tuple(split_sentences(text)),
            kind=part.kind,
            found_by=part.found_by,
        )


def _parents(start: int, spans: list[Span]) -> list[Span]:
    """Return the context of each passage: the section, or in a long one the passages around it that fit."""
    end = spans[-1][1] if spans else start
    if end - start <= MAX_PARENT_CHARS:
        return [(start, end)] * len(spans)
    found: list[Span] = []
    group: list[Span] = []
    for span in spans:
        if group and span[1] - group[0][0] > MAX_PARENT_CHARS:
            found.extend([(group[0][0], group[-1][1])] * len(group))
            group = []
        group.append(span)
    if group:
        found.extend([(group[0][0], group[-1][1])] * len(group))
    return found
