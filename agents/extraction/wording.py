"""From the chosen pieces to text that reads well: one sentence, a list with its lead-in, a table row in words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agents.extraction.units import ITEM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.extraction.units import Block, Line, Unit
    from knowledge.retrieval.search import Passage

SHORT = 5
"""Words; a shorter piece says too little without its heading."""
MAX_ITEMS = 15
CELL = re.compile(r"(?<!\\)\|")
NUMBER = re.compile(r"\[(\d{1,3})\]")
QUOTED = re.compile(r"^\s*>\s?", re.MULTILINE)
HEADING_NUMBER = re.compile(r"^\s*\d+(?:\.\d+)*[.)]?\s+")
SENTENCE_ENDS = (".", "!", "?", ":", "…", "。")


def word_unit(passage: Passage, unit: Unit, number: int) -> str:
    """Return one piece as a sentence with its citation."""
    text = passage.text[unit.start : unit.end]
    if unit.kind == "row":
        sentence = row_in_words(text, _header(passage, unit.block))
    else:
        sentence = _one_line(ITEM.sub("", text, count=1) if unit.kind == "item" else text)
        heading = passage.heading_path[-1].rstrip(":") if passage.heading_path else ""
        if len(sentence.split()) < SHORT and heading and "?" not in heading + sentence:
            sentence = f"{heading}: {sentence}"
    return cite(sentence, number)


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
    header, *rows = (split_row(passage.text[line.start : line.end]) for line in block.lines)
    introduction = _introduction(passage, block)
    lines = [f"{introduction}\n\n"] if introduction else []
    lines += [_table_row(header), _table_row(["---"] * len(header))]
    lines += [_table_row([*cells[:-1], f"{cells[-1]} [{number}]"]) for cells in rows]
    return lines


def word_code(passage: Passage, block: Block, number: int) -> str:
    """Return the sentence that introduces some code, cited, and the code as it stands."""
    first, last = block.lines[0], block.lines[-1]
    lead = _one_line(passage.text[block.lead.start : block.lead.end]) if block.lead else ""
    return f"{cite(lead, number)}\n\n{passage.text[first.start : last.end]}\n"


def _introduction(passage: Passage, block: Block) -> str:
    if block.lead:
        return _one_line(passage.text[block.lead.start : block.lead.end])
    heading = _one_line(HEADING_NUMBER.sub("", passage.heading_path[-1])) if passage.heading_path else ""
    return heading if not heading or heading.endswith(SENTENCE_ENDS) else f"{heading}:"


def _table_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def row_in_words(row: str, header: Sequence[str]) -> str:
    """Return a table row as prose: "Name: value" for two columns, "Name - column: value; column: value" for more."""
    cells = split_row(row)
    first, values = cells[0], cells[1:]
    if len(values) == 1:
        return f"{first}: {values[0]}"
    names = [*header[1:], *[""] * len(cells)]
    pairs = [f"{name}: {value}" if name else value for name, value in zip(names, values, strict=False) if value]
    return f"{first} - {'; '.join(pairs)}" if first else "; ".join(pairs)


def split_row(row: str) -> list[str]:
    """Return the cells of a Markdown table row."""
    return [_one_line(cell.replace("\\|", "|")) for cell in CELL.split(row.strip().strip("|"))]


def cite(sentence: str, number: int) -> str:
    """Return the sentence with its citation behind it, and a full stop where it has no end."""
    end = "" if sentence.endswith(SENTENCE_ENDS) or not sentence else "."
    return f"{sentence}{end} [{number}]"


def _header(passage: Passage, block: Block | None) -> list[str]:
    if block is None or len(block.lines) == 1:
        return []
    first = block.lines[0]
    return split_row(passage.text[first.start : first.end])


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
