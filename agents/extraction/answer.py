"""Which pieces make the answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agents.extraction.scoring import (
    DANGLING_PENALTY,
    EXACT,
    LEAD_BONUS,
    OWN_QUESTION,
    RANK_PENALTY,
    Scored,
    score_units,
)
from agents.extraction.units import header_in
from agents.extraction.wording import split_row, word_code, word_list, word_table, word_unit
from agents.words import content_words
from knowledge.models import ChunkKind

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
MAX_CODE = 12
MAX_LINES = 12
"""Lines of code, or of a list or table, that are shown as a whole."""

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
    shown: list[tuple[int, Block]] = []
    before: Scored | None = None
    for piece in chosen:
        passage, block = passages[piece.passage - 1], piece.unit.block
        if (piece.passage, block) in shown:
            continue
        whole = block and _whole_block(evidence.question, passage, piece)
        if block and whole:
            shown.append((piece.passage, block))
            yield ("\n\n" if before else "") + whole.rstrip() + "\n"
        else:
            joint = "\n" if shown and before else _joint(passages, before, piece) if before else ""
            yield joint + word_unit(passage, piece.unit, piece.passage, evidence.question)
        before = piece


def _whole_block(question: str, passage: Passage, piece: Scored) -> str:
    """Return the list, table or code that a piece belongs to where all of it is the answer, else nothing.

    That is so when the piece introduces it, or when the section is what is asked for and none of its lines above all.
    """
    block, number = _block(piece), piece.passage
    if piece.unit.kind == "code":
        return word_code(passage, block, number)
    if piece.unit.kind == "prose":
        if block.kind == "code":
            return word_code(passage, block, number) if len(block.lines) <= MAX_CODE else ""
        words = word_table if block.kind == "table" else word_list
        return "".join(words(passage, block, number)) if len(block.lines) <= MAX_LINES or block.kind == "list" else ""
    if piece.fit.heading < OWN_QUESTION or len(block.lines) > MAX_LINES or _names_one(question, passage, block):
        return ""
    words = word_table if block.kind == "table" else word_list
    return "".join(words(passage, block, number)) if len(block.lines) > 1 else ""


def _names_one(question: str, passage: Passage, block: Block) -> bool:
    """Return whether `question` has words that some lines of `block` have and others lack, apart from its headings'."""
    asked = content_words(question) - content_words(" ".join((passage.title, *passage.heading_path)))
    lines = block.lines[1:] if header_in(passage.text, block) else block.lines
    texts = [passage.text[line.start : line.end] for line in lines]
    shared = [asked & content_words(split_row(text)[0] if block.kind == "table" else text) for text in texts]
    return any(shared) and not all(shared)


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
    for piece in _by_score(scored):
        if chosen and piece.dangling and _before(piece, scored) not in chosen:
            continue
        reach = FAR_BELOW + DANGLING_PENALTY if piece.dangling else FAR_BELOW
        if len(chosen) == SENTENCES or (chosen and piece.score < chosen[0].score - reach):
            break
        if not any(_repeats(result, piece, other) or _rivals(result, piece, other) for other in chosen):
            chosen.append(piece)
    chosen = _with_what_it_refers_to(chosen, scored)
    chosen = _with_list_of_section(chosen, scored, result)
    documents = list(dict.fromkeys(result.passages[piece.passage - 1].document_id for piece in chosen))
    return sorted(
        chosen,
        key=lambda piece: (
            documents.index(result.passages[piece.passage - 1].document_id),
            result.passages[piece.passage - 1].start,
            piece.unit.start,
        ),
    )


def _by_score(scored: list[Scored]) -> list[Scored]:
    """Return the pieces, best first; one that refers to the best, which stands before it, is worth its full score."""
    best = max(scored, key=lambda piece: piece.score)
    after = scored.index(best) + 1

    def worth(place: int) -> float:
        piece = scored[place]
        follows = place == after and piece.dangling and piece.passage == best.passage
        return piece.score + DANGLING_PENALTY if follows else piece.score

    places = sorted(range(len(scored)), key=lambda place: -worth(place))
    return [best, *(scored[place] for place in places if scored[place] is not best)]


def _with_what_it_refers_to(chosen: list[Scored], scored: list[Scored]) -> list[Scored]:
    """Return the best piece with the sentence before it in place of the second, if it refers to that."""
    if not chosen or not chosen[0].dangling:
        return chosen
    before = _before(chosen[0], scored)
    return chosen if before is None or before.unit.kind != "prose" else [chosen[0], before]


def _before(piece: Scored, scored: list[Scored]) -> Scored | None:
    place = scored.index(piece)
    return scored[place - 1] if place and scored[place - 1].passage == piece.passage else None


def _with_list_of_section(chosen: list[Scored], scored: list[Scored], result: SearchResult) -> list[Scored]:
    """Return the best piece and the list or table that its section begins with, where that section is what is asked."""
    best = chosen[0]
    if best.fit.heading < EXACT:
        return chosen
    section = _section(best, result)
    opening = [piece for piece in scored if piece.fit.opens and _section(piece, result) == section][: len(LEAD_BONUS)]
    block = next((piece for piece in opening if piece.unit.block), None)
    if block is None or block in chosen or _names_one(result.query, result.passages[block.passage - 1], _block(block)):
        return chosen
    return [best, block]


def _section(piece: Scored, result: SearchResult) -> tuple[int, tuple[str, ...]]:
    passage = result.passages[piece.passage - 1]
    return passage.document_id, passage.heading_path


def _repeats(result: SearchResult, piece: Scored, other: Scored) -> bool:
    one, two = (content_words(_text(result.passages[p.passage - 1], p)) for p in (piece, other))
    return bool(one | two) and len(one & two) >= SAME * len(one | two)


def _rivals(result: SearchResult, piece: Scored, other: Scored) -> bool:
    """The rows of one table are alternatives: a clearly worse one answers another question."""
    if piece.unit.kind != "row" or other.unit.kind != "row":
        return False
    apart = abs(piece.score - other.score)
    if piece.passage == other.passage:
        return piece.unit.block == other.unit.block and apart > ROW_REACH
    one, two = (result.passages[number - 1] for number in (piece.passage, other.passage))
    same_table = _section(piece, result) == _section(other, result) and one.kind == two.kind == ChunkKind.TABLE
    return same_table and apart > ROW_REACH + RANK_PENALTY


def _text(passage: Passage, piece: Scored) -> str:
    return passage.text[piece.unit.start : piece.unit.end]


def _joint(passages: tuple[Passage, ...], before: Scored, piece: Scored) -> str:
    """Sentences of one document flow on; another document begins a paragraph."""
    same = passages[before.passage - 1].document_id == passages[piece.passage - 1].document_id
    return " " if same and "row" not in {before.unit.kind, piece.unit.kind} else "\n\n"
