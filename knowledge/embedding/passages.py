"""The vectors of chunks: what a chunk is found by is embedded with its text, as one more sentence of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from knowledge.chunking.pictures import said_by
from knowledge.embedding.base import PassageInput
from knowledge.models import ChunkKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knowledge.embedding.base import Embedder, PassageEncoding


class Embedded(NamedTuple):
    """What of a chunk is embedded; `headings` are those above it, outermost first."""

    title: str
    headings: tuple[str, ...]
    text: str
    sentences: tuple[tuple[int, int], ...]
    kind: str = ChunkKind.PROSE
    found_by: str = ""

    @property
    def lead(self) -> str:
        """What stands before the text when it is embedded: what it is found by and does not say itself."""
        return "" if self.found_by in self.text else f"{self.found_by}\n"

    def input(self) -> PassageInput:
        """The embedder's input; title and headings say what a passage is about where its own words do not."""
        lead = self.lead
        headings = [heading for heading in self.headings if heading not in lead.split("\n")]
        context = " . ".join(part for part in dict.fromkeys((self.title, *headings)) if part)
        if self.kind == ChunkKind.IMAGE:
            text = said_by(self.text)
            spans: tuple[tuple[int, int], ...] = ((0, len(text)),)
        else:
            text, spans = self.text, self.sentences
        if not lead:
            return PassageInput(context, text, spans)
        moved = ((start + len(lead), end + len(lead)) for start, end in spans)
        return PassageInput(context, lead + text, ((0, len(lead) - 1), *moved))


def encode_chunks(chunks: Sequence[Embedded], embedder: Embedder) -> list[PassageEncoding]:
    """The vectors of chunks, in order.

    A chunk that is found by more than its text has one sentence more, the last; its tokens come first.
    """
    encodings = embedder.encode_passages([chunk.input() for chunk in chunks])
    return [_lead_last(encoding) if chunk.lead else encoding for chunk, encoding in zip(chunks, encodings, strict=True)]


def _lead_last(encoding: PassageEncoding) -> PassageEncoding:
    last = len(encoding.sentences) - 1
    sentences = np.where(encoding.token_sentences == 0, last, encoding.token_sentences - 1)
    return replace(
        encoding, sentences=np.roll(encoding.sentences, -1, axis=0), token_sentences=sentences.astype(np.int16)
    )
