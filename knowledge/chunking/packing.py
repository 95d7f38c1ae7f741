"""Parts of blocks that fit a passage, and neighbouring parts joined into passages."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from knowledge.models import ChunkKind
from knowledge.sentences import split_sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from knowledge.chunking.blocks import Block, Span

PIECE_CHARS = 48  # a run without white space is cut into parts of this length to be counted
KINDS = {"table": ChunkKind.TABLE, "code": ChunkKind.CODE, "image": ChunkKind.IMAGE}

_RUN = re.compile(r"\S+")

CountPieces = Callable[[str], int]


class Room(NamedTuple):
    """What a passage may hold: `limit` wordpieces, as `count` counts them."""

    count: CountPieces
    limit: int

    def pieces(self, text: str) -> int:
        """How many pieces `text` has; one more than there is room for when it is clearly too long to be counted."""
        return self.count(text) if len(text) <= self.limit * PIECE_CHARS else self.limit + 1

    def beside(self, text: str) -> Room:
        """What is left beside a text that is embedded with the passage; at least half."""
        return Room(self.count, max(self.limit - self.count(text), self.limit // 2, 1)) if text else self


class Part(NamedTuple):
    """A part of a document that fits a passage.

    Attributes:
        found_by: what it is found by beside its text.
        apart: whether it is a passage of its own, whatever room is left.
    """

    start: int
    end: int
    pieces: int
    kind: ChunkKind = ChunkKind.PROSE
    found_by: str = ""
    apart: bool = False


def pack(parts: Iterable[Part], limit: int) -> list[Part]:
    """Join neighbouring parts as long as they fit; the result is of the kind that most of its text is of."""
    packed: list[Part] = []
    group: list[Part] = []
    for part in parts:
        fits = sum(held.pieces for held in group) + part.pieces <= limit
        if group and (not fits or part.apart or group[0].apart or part.found_by != group[0].found_by):
            packed.append(_joined(group))
            group = []
        group.append(part)
    return [*packed, _joined(group)] if group else packed


def _joined(group: list[Part]) -> Part:
    lengths = Counter[ChunkKind]()
    for part in group:
        lengths[part.kind] += part.end - part.start
    pieces = sum(part.pieces for part in group)
    kind = lengths.most_common(1)[0][0]
    return group[0]._replace(end=group[-1].end, pieces=pieces, kind=kind)


def split_block(markdown: str, block: Block, room: Room) -> Iterator[Part]:
    """Yield a block whole if it fits, else its parts: lines of code, sentences of anything else."""
    kind, start, end = block
    pieces = room.pieces(markdown[start:end])
    if pieces <= room.limit:
        found: Iterable[tuple[int, int, int]] = [(start, end, pieces)]
    elif kind in {"table", "code"}:
        found = (part for span in lines(markdown, start, end) for part in fitting(markdown, *span, room))
    else:
        spans = split_sentences(markdown[start:end])
        found = (part for first, last in spans for part in fitting(markdown, start + first, start + last, room))
    for part in found:
        yield Part(*part, KINDS.get(kind, ChunkKind.PROSE))


def lines(markdown: str, start: int, end: int) -> Iterator[Span]:
    """Yield the lines that are not blank, without the white space around them."""
    position = start
    for line in markdown[start:end].split("\n"):
        if line.strip():
            yield position + len(line) - len(line.lstrip()), position + len(line.rstrip())
        position += len(line) + 1


def fitting(markdown: str, start: int, end: int, room: Room) -> Iterator[tuple[int, int, int]]:
    """Yield a stretch as (start, end, pieces) if it fits, else parts that do, cut between words where there are any."""
    pieces = room.pieces(markdown[start:end])
    if pieces <= room.limit:
        yield start, end, pieces
        return
    begun, held, last = start, 0, start
    for word_start, word_end in _words(markdown, start, end):
        pieces = room.count(markdown[word_start:word_end])
        if held and held + pieces > room.limit:
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
            stop = min(position + PIECE_CHARS, found.end())
            while stop < min(found.end(), position + 2 * PIECE_CHARS) and unicodedata.combining(markdown[stop]):
                stop += 1
            yield position, stop
            position = stop
