"""Pieces of Markdown: table, heading, list item, code block, and text that must not be taken for one of them."""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

_SPACE = re.compile(r"\s+")
# What would open a heading or a code block at the start of a line; text from other formats never means it.
_OPENERS = re.compile(r"^(\s*)(#{1,6}\s|```|~~~)", re.MULTILINE)
MAX_HEADING_LEVEL = 6
# What programs call a picture when nobody has said what it shows.
_NO_WORDS = re.compile(
    r"(?i)\W*(?:(?:picture|image|graphic|grafik|bild|imagen|immagine|photo|img|logo|icon|figure|object)?[\s_-]*\d*"
    r"|\S+\.(?:png|jpe?g|gif|webp|svg|bmp|tiff?|emf|wmf))\W*$"
)


def one_line(text: str) -> str:
    """Return the text with every run of white space as one space."""
    return _SPACE.sub(" ", text).strip()


def literal(text: str) -> str:
    """Escape the starts of lines that Markdown would read as a heading or a fence."""
    return _OPENERS.sub(r"\1\\\2", text)


def heading(level: int, text: str) -> str:
    """Return a heading line, "" for blank text; levels past 6 become 6."""
    text = one_line(text)
    return f"{'#' * max(1, min(level, MAX_HEADING_LEVEL))} {text}" if text else ""


def code_block(text: str, language: str = "") -> str:
    """Return a fenced block whose fence is longer than any run of backticks inside."""
    text = text.strip("\n")
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}" if text.strip() else ""


def list_item(text: str, *, depth: int = 0, number: int | None = None) -> str:
    """Return one list item, nested by two (bullets) or three (numbers) spaces a level."""
    marker = "-" if number is None else f"{number}."
    return f"{'   ' * depth}{marker} {one_line(text)}"


def table(rows: Iterable[Sequence[str]]) -> str:
    """Return rows as a Markdown table, the first as its header.

    Empty rows and columns are dropped; short rows are filled up. One column becomes paragraphs, for a table of one
    column is layout.
    """
    cells = [[_cell(cell) for cell in row] for row in rows]
    cells = [row for row in cells if any(row)]
    width = max((len(row) for row in cells), default=0)
    used = [column for column in range(width) if any(len(row) > column and row[column] for row in cells)]
    if len(used) <= 1:
        return "\n\n".join(literal(cell.replace("\\|", "|")) for row in cells for cell in row if cell)
    lines = ["| " + " | ".join(row[column] if column < len(row) else "" for column in used) + " |" for row in cells]
    lines.insert(1, "|" + " --- |" * len(used))
    return "\n".join(lines)


def _cell(text: str) -> str:
    return one_line(text).replace("|", "\\|") if text else ""


def picture(words: str, reference: str = "", caption: str = "") -> str:
    """Return a picture as a block: its alternative text, where the file keeps it, and its caption on the next line.

    "" for a picture that has no words and that the file does not hold, either.
    """
    words = "" if _NO_WORDS.match(words) else one_line(words.replace("[", "(").replace("]", ")"))
    caption = literal(one_line(caption))
    if not words and not caption and not reference:
        return ""
    return f"![{words}]({quote(reference, safe='/.-_')})" + (f"\n{caption}" if caption else "")


def blocks(parts: Iterable[str]) -> str:
    """Join blocks by blank lines, leaving out the empty ones."""
    return "\n\n".join(part for part in parts if part.strip())
