"""Which pieces make the answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agents.extraction.scoring import Scored, score_units
from agents.extraction.wording import word_list, word_unit
from agents.words import content_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.extraction.units import Block
    from agents.llm.base import Evidence
    from knowledge.retrieval.search import Passage, SearchResult

SENTENCES = 2
"""Two sentences hold the gold answer of 89 % of SQuAD questions, one 79 %."""
FAR_BELOW = 1.2
"""How far below the best a second sentence may score; what is farther down is about something else."""
ROW_REACH = 0.3
"""How far apart two rows of one table may score and still both be meant ("the X1 or the G1?")."""
SAME = 0.6
"""Jaccard similarity of content words from which a sentence repeats another."""
LIST_REACH = 0.6
"""How far below the best piece a step list may score and still answer a procedural question."""

PROCEDURE = re.compile(
    r"\bhow (?:do|can|should|would|to|may)\b(?! (?:long|much|many))"
    r"|\b(?:steps?|instructions|procedure|what (?:should|must|do) i do)\b"
    r"|\bcómo (?:puedo|se|debo|hago|\w+o\b)|\bpasos\b"
    r"|\bwie (?:kann|soll|muss|\w+e) ich\b|\bwie \w+t man\b|\bschritte?\b"
    r"|\bcomment (?:puis-je|faire|dois-je|\w+er)\b|\bétapes\b",
    re.IGNORECASE,
)


def compose(evidence: Evidence) -> Iterator[str]:
    """Yield the answer in pieces of text that join to the whole, passage numbers as citations."""
    scored = score_units(evidence.question, evidence.result)
    if not scored:
        return
    passages = evidence.result.passages
    chosen = _choose(scored, evidence.result)
    steps = _step_list(evidence.question, scored, chosen)
    if steps:
        yield from word_list(passages[steps.passage - 1], _block(steps), steps.passage)
        return
    for index, piece in enumerate(chosen):
        passage = passages[piece.passage - 1]
        if piece.unit.kind == "prose" and piece.unit.block and piece.unit.block.kind == "list":
            yield ("\n\n" if index else "") + "".join(word_list(passage, piece.unit.block, piece.passage)) + "\n"
        else:
            yield (_joint(passages, chosen[index - 1], piece) if index else "") + word_unit(
                passage, piece.unit, piece.passage
            )


def _block(piece: Scored) -> Block:
    if piece.unit.block is None:
        raise ValueError("the piece is in no list")
    return piece.unit.block


def _step_list(question: str, scored: list[Scored], chosen: list[Scored]) -> Scored | None:
    """Return a piece of the list that tells how to do what `question` asks, None when it asks for no procedure.

    Only a list that has a chosen step, or lies close beside the best piece, counts: other steps do something else.
    """
    if not PROCEDURE.search(question):
        return None
    best = max(chosen, key=lambda piece: piece.score)
    near = [piece for piece in scored if piece.passage == best.passage and piece.score >= best.score - LIST_REACH]
    steps = [piece for piece in (*chosen, *near) if _is_procedure(piece.unit.block)]
    return max(steps, key=lambda piece: piece.score, default=None)


def _is_procedure(block: Block | None) -> bool:
    return block is not None and block.numbered and len(block.lines) > 1


def _choose(scored: list[Scored], result: SearchResult) -> list[Scored]:
    """Return the best pieces that do not repeat each other: the best document first, each in reading order."""
    chosen: list[Scored] = []
    for piece in sorted(scored, key=lambda piece: -piece.score):
        if len(chosen) == SENTENCES or (chosen and piece.score < chosen[0].score - FAR_BELOW):
            break
        if not any(_repeats(result, piece, other) or _rivals(piece, other) for other in chosen):
            chosen.append(piece)
    documents = list(dict.fromkeys(result.passages[piece.passage - 1].document_id for piece in chosen))
    return sorted(
        chosen,
        key=lambda piece: (
            documents.index(result.passages[piece.passage - 1].document_id),
            piece.passage,
            piece.unit.start,
        ),
    )


def _repeats(result: SearchResult, piece: Scored, other: Scored) -> bool:
    one, two = (content_words(_text(result.passages[p.passage - 1], p)) for p in (piece, other))
    return bool(one | two) and len(one & two) >= SAME * len(one | two)


def _rivals(piece: Scored, other: Scored) -> bool:
    """The rows of one table are alternatives: a clearly worse one answers another question."""
    same_table = piece.unit.kind == "row" and piece.unit.block is not None and piece.unit.block == other.unit.block
    return same_table and piece.passage == other.passage and abs(piece.score - other.score) > ROW_REACH


def _text(passage: Passage, piece: Scored) -> str:
    return passage.text[piece.unit.start : piece.unit.end]


def _joint(passages: tuple[Passage, ...], before: Scored, piece: Scored) -> str:
    """Sentences of one document flow on; another document begins a paragraph."""
    same = passages[before.passage - 1].document_id == passages[piece.passage - 1].document_id
    return " " if same and "row" not in {before.unit.kind, piece.unit.kind} else "\n\n"
