"""From the chosen pieces to text that reads well: one sentence, a list with its lead-in, a table row in words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agents.extraction.units import FENCE, ITEM, header_in
from agents.words import content_words
from knowledge.chunking.answers import ANSWER_LABEL
from knowledge.chunking.pictures import MARK, said_by
from knowledge.chunking.tables import cells_of
from knowledge.models import ChunkKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.extraction.units import Block, Line, Unit
    from knowledge.retrieval.search import Passage

SHORT = 5
"""Words; a shorter piece says too little without its heading."""
NAMELESS = {"", "value", "values", "wert", "werte", "valor", "valores", "valeur", "valeurs"}  # of a list of properties
MAX_ITEMS = 15
MAX_COLUMNS = 4
"""Beside its first, a row's columns that are all told."""
CELL = re.compile(r"(?<!\\)\|")
NUMBER = re.compile(r"\[(\d{1,3})\]")
QUOTED = re.compile(r"^\s*>\s?", re.MULTILINE)
HEADING_NUMBER = re.compile(r"^\s*\d+(?:\.\d+)*[.)]?\s+")
SENTENCE_ENDS = (".", "!", "?", ":", "…", "。")


def word_unit(passage: Passage, unit: Unit, number: int, question: str = "") -> str:
    """Return one piece as a sentence with its citation; `question` chooses among many columns."""
    text = passage.text[unit.start : unit.end]
    if unit.kind == "row":
        sentence = row_in_words(text, _header(passage, unit.block), content_words(question))
    else:
        text = ANSWER_LABEL.sub("", text, count=1) if passage.kind == ChunkKind.ANSWER else text
        text = picture_in_words(passage) if passage.kind == ChunkKind.IMAGE else text
        sentence = _one_line(ITEM.sub("", text, count=1) if unit.kind == "item" else text)
        heading = passage.heading_path[-1].rstrip(":") if passage.heading_path else ""
        if len(sentence.split()) < SHORT and heading and "?" not in heading + sentence:
            sentence = f"{heading}: {sentence}"
    return cite(sentence, number)


def picture_in_words(passage: Passage) -> str:
    """Return what is said of a picture: its own words, else the caption that it is found by."""
    lines = said_by(passage.text).split("\n")
    lines = lines if any(lines) else [passage.found_by.split("\n", 1)[0].removeprefix(MARK)]
    return " ".join(line if line.endswith(SENTENCE_ENDS) or line == lines[-1] else f"{line}." for line in lines)


def word_list(passage: Passage, block: Block, number: int) -> list[str]:
    """Return a list as lines: what introduces it or its heading, then its items, each with its citation."""
    introduction = _introduction(passage, block)
    lines = [f"{introduction}\n\n"] if introduction else []
    items = [passage.text[line.start : line.end] for line in block.lines] + _items_beyond(passage, block)
    for index, item in enumerate(items[:MAX_ITEMS], 1):
        marker = f"{index}." if block.numbered else "-"
        lines.append(f"{marker} {cite(_one_line(ITEM.sub('', item, count=1)), number)}\n")
    return lines


def word_table(passage: Passage, block: Block, number: int) -> list[str]:
    """Return a table as Markdown lines, each row with its citation, under what introduces it or its heading."""
    rows = [split_row(passage.text[line.start : line.end]) for line in block.lines]
    header = _header(passage, block)
    rows = rows[1:] if header_in(passage.text, block) or not header else rows
    header = header or split_row(passage.text[block.lines[0].start : block.lines[0].end])
    introduction = _introduction(passage, block)
    lines = [f"{introduction}\n\n"] if introduction else []
    lines += [_table_row(header), _table_row(["---"] * len(header))]
    lines += [_table_row([*cells[:-1], f"{cells[-1]} [{number}]"]) for cells in rows]
    return lines


def word_code(passage: Passage, block: Block, number: int) -> str:
    """Return what introduces some code, or its heading, cited, and the code as it stands."""
    lead = _introduction(passage, block) or passage.title
    code = passage.text[block.lines[0].start : block.lines[-1].end]
    opened, closed = FENCE.match(code), FENCE.match(code.rsplit("\n", 1)[-1])
    mark = opened[0].strip() if opened else "```"
    code = code if opened else f"{mark}\n{code}"
    return f"{cite(lead, number)}\n\n{code}" + ("\n" if closed else f"\n{mark}\n")


def _introduction(passage: Passage, block: Block) -> str:
    if block.lead:
        return _one_line(passage.text[block.lead.start : block.lead.end])
    heading = _one_line(HEADING_NUMBER.sub("", passage.heading_path[-1])) if passage.heading_path else ""
    return heading if not heading or heading.endswith(SENTENCE_ENDS) else f"{heading}:"


def _table_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def row_in_words(row: str, header: Sequence[str], asked: frozenset[str] = frozenset()) -> str:
    """Return a table row as prose: "Name - column: value; column: value", "Name: value" where that names nothing.

    Of a wide table only the columns whose names have words of `asked`, where there are such. A part of a row comes
    with one name more than it has cells: the row's own.
    """
    cells = split_row(row)
    names = [*header, *[""] * len(cells)]
    cells = [header[0], *cells] if len(header) == len(cells) + 1 else cells
    first, values = cells[0], cells[1:]
    if len(values) == 1 and names[1].casefold() in NAMELESS:
        return f"{first}: {values[0]}"
    pairs = [(name, value) for name, value in zip(names[1:], values, strict=False) if value]
    if len(pairs) > MAX_COLUMNS:
        pairs = [pair for pair in pairs if asked & content_words(pair[0])] or pairs[:MAX_ITEMS]
    said = "; ".join(f"{name}: {value}" if name else value for name, value in pairs)
    return f"{first} - {said}" if first else said


def split_row(row: str) -> list[str]:
    """Return the cells of a Markdown table row."""
    return [_one_line(cell.replace("\\|", "|")) for cell in CELL.split(row.strip().strip("|"))]


def cite(sentence: str, number: int) -> str:
    """Return the sentence with its citation behind it, and a full stop where it has no end."""
    end = "" if sentence.endswith(SENTENCE_ENDS) or not sentence else "."
    return f"{sentence}{end} [{number}]"


def _header(passage: Passage, block: Block | None) -> list[str]:
    """Return the names of a table's columns: its first row, or for the rest of a long table what it is found by."""
    if block is None:
        return []
    names = header_in(passage.text, block)
    if not names and passage.kind == ChunkKind.TABLE and "|" in passage.found_by:
        names = cells_of(passage.found_by.rsplit("\n", 1)[-1])
    return [_one_line(name) for name in names]


def _items_beyond(passage: Passage, block: Block) -> list[str]:
    """Return the items that follow in the section when the passage ends inside its list."""
    last: Line = block.lines[-1]
    if passage.text[last.end :].strip() or not passage.context:
        return []
    at = passage.context.find(passage.text)
    if at < 0:
        return []
    items: list[str] = []
    for line in passage.context[at + len(passage.text) :].splitlines():
        if ITEM.match(line):
            items.append(line)
        elif line.strip() and items and line[:1] in " \t":
            items[-1] += " " + line.strip()
        elif line.strip():
            break
    return items


def _one_line(text: str) -> str:
    """Return `text` on one line; a bracketed number of the document's own must not pass for a citation."""
    return NUMBER.sub(r"(\1)", " ".join(QUOTED.sub("", text).split()))
