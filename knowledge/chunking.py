"""Cuts a document into passages by structure: never across a heading, tables, code and list items whole if they fit."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

from knowledge.readers.base import ReadDocument
from knowledge.sentences import split_sentences

__all__ = ["ChunkDraft", "chunk_document", "split_sentences"]

MAX_PIECES = 220
# A section longer than this gives its passages a nearer context than the whole of itself.
MAX_PARENT_CHARS = 4000
_PIECE_CHARS = 48  # a run without white space is cut into parts of this length to be counted

_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*)$")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,4}[.)])[ \t]+\S")
_RUN = re.compile(r"\S+")

CountPieces = Callable[[str], int]
Span = tuple[int, int]


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


@dataclass(slots=True)
class _Section:
    """What stands under one heading, up to the next: `start` is that of the heading's line."""

    path: tuple[str, ...]
    level: int
    start: int
    heading: Span | None
    blocks: list[tuple[str, int, int]]  # (kind, start, end)


def chunk_document(
    document: ReadDocument, count_pieces: CountPieces, *, max_pieces: int = MAX_PIECES
) -> list[ChunkDraft]:
    """Cut a document into passages of at most `max_pieces` wordpieces.

    Every character that is neither white space nor part of a heading's line lies in exactly one passage. A heading is
    found in the `heading_path` of the passages under it; one with nothing under it is a passage of its own.

    Args:
        document: what a reader returned.
        count_pieces: wordpieces of a text; called a bounded number of times for each character.
        max_pieces: of a passage; a single character may exceed it.
    """
    drafts: list[ChunkDraft] = []
    sections = list(_sections(document.markdown))
    for section, following in zip_longest(sections, sections[1:]):
        spans = _pack(document.markdown, section.blocks, count_pieces, max_pieces)
        if not spans and section.heading and (following is None or following.level <= section.level):
            spans = [section.heading]
        drafts.extend(_drafts(document, section, spans, len(drafts)))
    return drafts


def _drafts(document: ReadDocument, section: _Section, spans: list[Span], ordinal: int) -> Iterator[ChunkDraft]:
    markdown = document.markdown
    for index, (parent_start, parent_end) in enumerate(_parents(section.start, spans)):
        begin, stop = spans[index]
        text = markdown[begin:stop]
        yield ChunkDraft(
            ordinal=ordinal + index,
            text=text,
            start=begin,
            end=stop,
            heading_path=section.path,
            page=max(1, bisect_right(document.pages, begin)) if document.pages else None,
            parent_start=parent_start,
            parent_end=parent_end,
            sentences=tuple(split_sentences(text)),
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


def _sections(markdown: str) -> Iterator[_Section]:
    path: list[tuple[int, str]] = []
    section = _Section((), 0, 0, None, [])
    for kind, start, end in _blocks(markdown):
        if kind != "heading":
            section.blocks.append((kind, start, end))
            continue
        if section.blocks or section.heading:
            yield section
        found = _HEADING.match(markdown[start:end])
        level, title = (len(found[1]), found[2]) if found else (1, markdown[start:end])
        path = [*(above for above in path if above[0] < level), (level, title)]
        offset = start + (found.start(2) if found else 0)
        section = _Section(tuple(text for _, text in path), level, start, (offset, offset + len(title)), [])
    if section.blocks or section.heading:
        yield section


def _blocks(markdown: str) -> Iterator[tuple[str, int, int]]:
    """Yield (kind, start, end) of the document's blocks: heading, code, table, item, paragraph."""
    kind, begun, end, fence, position = "", 0, 0, "", 0
    for line in markdown.split("\n"):
        text = line.rstrip()
        if fence:
            is_last = text.strip().startswith(fence) and not text.strip().strip(fence[0])
            fence = "" if is_last else fence
        else:
            new = _line_kind(text)
            if kind == "item" and new == "paragraph":
                new = "item"  # the item goes on
            elif kind and (new != kind or new in {"heading", "item", "code"}):
                yield kind, begun, end
                kind = ""
            if not kind:
                kind, begun = new, position + len(text) - len(text.lstrip())
            if new == "code" and (mark := _FENCE.match(text)):
                fence = mark[1]
        end = position + len(text) if text else end
        position += len(line) + 1
    if kind:
        yield kind, begun, end


def _line_kind(text: str) -> str:
    """Return what a line outside code belongs to, "" for a blank line."""
    stripped = text.lstrip()
    if not stripped:
        return ""
    if _HEADING.match(text):
        return "heading"
    if _FENCE.match(text):
        return "code"
    if stripped.startswith("|"):
        return "table"
    return "item" if _ITEM.match(text) else "paragraph"


def _pack(markdown: str, blocks: list[tuple[str, int, int]], count_pieces: CountPieces, limit: int) -> list[Span]:
    """Join neighbouring parts into passages as long as they fit."""
    spans: list[Span] = []
    held = 0
    for start, end, pieces in _parts(markdown, blocks, count_pieces, limit):
        if spans and held + pieces <= limit:
            spans[-1] = (spans[-1][0], end)
            held += pieces
        else:
            spans.append((start, end))
            held = pieces
    return spans


def _parts(
    markdown: str, blocks: list[tuple[str, int, int]], count_pieces: CountPieces, limit: int
) -> Iterator[tuple[int, int, int]]:
    """Yield (start, end, wordpieces) of blocks that fit, and of the parts of those that do not."""
    for kind, start, end in blocks:
        pieces = count_pieces(markdown[start:end]) if end - start <= limit * _PIECE_CHARS else limit + 1
        if pieces <= limit:
            yield start, end, pieces
        elif kind in {"table", "code"}:
            yield from _lines(markdown, start, end, count_pieces, limit)
        else:
            for sentence_start, sentence_end in split_sentences(markdown[start:end]):
                yield from _fitting(markdown, start + sentence_start, start + sentence_end, count_pieces, limit)


def _lines(
    markdown: str, start: int, end: int, count_pieces: CountPieces, limit: int
) -> Iterator[tuple[int, int, int]]:
    position = start
    for line in markdown[start:end].split("\n"):
        if line.strip():
            indent = len(line) - len(line.lstrip())
            yield from _fitting(markdown, position + indent, position + len(line.rstrip()), count_pieces, limit)
        position += len(line) + 1


def _fitting(
    markdown: str, start: int, end: int, count_pieces: CountPieces, limit: int
) -> Iterator[tuple[int, int, int]]:
    """Yield a sentence or row whole if it fits, else in parts that do, cut between words where there are any."""
    pieces = count_pieces(markdown[start:end]) if end - start <= limit * _PIECE_CHARS else limit + 1
    if pieces <= limit:
        yield start, end, pieces
        return
    begun, held, last = start, 0, start
    for word_start, word_end in _words(markdown, start, end):
        pieces = count_pieces(markdown[word_start:word_end])
        if held and held + pieces > limit:
            yield begun, last, held
            begun, held = word_start, 0
        held += pieces
        last = word_end
    if last > begun:
        yield begun, last, held


def _words(markdown: str, start: int, end: int) -> Iterator[Span]:
    """Yield words; a long run without white space comes in parts that keep combining marks with their letters."""
    for found in _RUN.finditer(markdown, start, end):
        position = found.start()
        while position < found.end():
            stop = min(position + _PIECE_CHARS, found.end())
            while stop < min(found.end(), position + 2 * _PIECE_CHARS) and unicodedata.combining(markdown[stop]):
                stop += 1
            yield position, stop
            position = stop
