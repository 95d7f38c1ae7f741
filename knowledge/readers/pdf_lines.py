"""Lines of text on PDF pages: their words and cells, their order, and which are running titles."""

# ruff: noqa: RUF001 - signs of many languages are what this module is about

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

# A gap this many times the size of the text parts cells or columns; justified text stays below it.
_CELL_GAP = 1.15
_SAME_HEIGHT_SHARE = 0.6
_STRETCHED = 2.2  # times the usual gap of a line, from this many gaps on:
_MIN_GAPS = 4
_NEIGHBOURS = 8  # lines before and after, which show the edges of a column
_LOOK_BACK = 200  # lines
_MAX_RAGGED_SHARE = 0.15
_MARGIN_LINES = 3  # at the top and bottom of a page may be running titles
_MIN_REPEATED_PAGES = 3
_MARKER = re.compile(r"^(?:[•◦▪●○■□‣⁃∙·➢➤✓✔❖\uf0b7\uf0a7\uf0d8\uf076*–—-]|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})[.)])$")
_CONTENTS = re.compile(r"(?:\.\s?){4,}\s*\d{0,4}$|…{2,}\s*\d{0,4}$")
_MAX_CONTENTS_SHARE = 0.3
# Ligatures and the shapes of Arabic letters, which fonts encode apart from the letters they stand for.
_SHAPES = re.compile("[\ufb00-\ufb06\ufb50-\ufdff\ufe70-\ufefc]+")
PAGE_NUMBER = re.compile(
    r"(?i)^(?:page|seite|página|pagina|p\.|s\.)?\s*[-–—]?\s*(?:\d{1,4}|[ivxlc]{1,7})\s*[-–—]?(?:\s*(?:/|of|von|de|di)\s*\d{1,4})?$"
)
RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff]")


@dataclass(slots=True)
class Word:
    """A word and its box in points, y upwards."""

    text: str
    left: float
    right: float
    bottom: float
    top: float


@dataclass(slots=True)
class Line:
    """Words that stand side by side.

    Attributes:
        words: of a cell, all; of a line, the first.
        size: of the text, in points.
        cells: the words, parted where the gap is wide.
    """

    words: list[Word]
    left: float
    right: float
    bottom: float
    top: float
    size: float
    bold: bool
    mono: bool
    upright: bool
    text: str
    cells: list["Line"]

    @classmethod
    def of(cls, words: list[Word], *, size: float, bold: bool, mono: bool, upright: bool = True) -> "Line":
        """Make a line, parted into cells where words stand far apart."""
        size = max(size, 1.0)
        line = cls._plain(words, size, bold=bold, mono=mono, upright=upright)
        gaps = [max(word.left - before.right, before.left - word.right) for before, word in pairwise(words)]
        wide = _CELL_GAP * size
        if len(gaps) >= _MIN_GAPS and RIGHT_TO_LEFT.search(words[0].text):
            # Arabic text is stretched to the margin by far more than Latin text.
            wide = max(wide, _STRETCHED * median(gaps))
        runs: list[list[Word]] = [[words[0]]]
        for gap, word in zip(gaps, words[1:], strict=True):
            marks_item = len(runs) == 1 and len(runs[0]) == 1 and _MARKER.match(words[0].text)
            if gap > wide and not marks_item:
                runs.append([word])
            else:
                runs[-1].append(word)
        # Of most lines the first word is all that is asked for later; a book has millions of words.
        line.words = words[:1]
        if len(runs) > 1:
            line.cells = [cls._plain(run, size, bold=bold, mono=mono, upright=upright) for run in runs]
        return line

    @classmethod
    def _plain(cls, words: list[Word], size: float, *, bold: bool, mono: bool, upright: bool) -> "Line":
        line = cls(
            words=words,
            left=min(word.left for word in words),
            right=max(word.right for word in words),
            bottom=min(word.bottom for word in words),
            top=max(word.top for word in words),
            size=size,
            bold=bold,
            mono=mono,
            upright=upright,
            text=_readable(" ".join(word.text for word in words)),
            cells=[],
        )
        line.cells = [line]
        return line

    def beside(self, other: "Line") -> bool:
        """Tell whether two lines stand at the same height, not one above the other."""
        shared = min(self.top, other.top) - max(self.bottom, other.bottom)
        apart = self.left >= other.right or other.left >= self.right
        return apart and shared > _SAME_HEIGHT_SHARE * min(self.top - self.bottom, other.top - other.bottom)

    def joined(self, other: "Line") -> "Line":
        """Return both lines as one, their cells side by side."""
        return Line(
            words=self.words,
            left=min(self.left, other.left),
            right=max(self.right, other.right),
            bottom=min(self.bottom, other.bottom),
            top=max(self.top, other.top),
            size=self.size,
            bold=self.bold and other.bold,
            mono=self.mono and other.mono,
            upright=self.upright,
            text=f"{self.text} {other.text}",
            cells=[*self.cells, *other.cells],
        )


def _readable(text: str) -> str:
    return _SHAPES.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)


def side_by_side(lines: list[Line]) -> list[Line]:
    """Join lines that follow each other at the same height: the cells of a row come as lines of their own."""
    found: list[Line] = []
    for line in lines:
        if found and found[-1].beside(line) and not (found[-1].mono and line.mono):
            found[-1] = found[-1].joined(line)
        else:
            found.append(line)
    return found


def _running_key(line: Line) -> str:
    return re.sub(r"\d+", "0", line.text.strip().lower())


def running_titles(pages: list[list[Line]]) -> set[str]:
    """Return the texts, digits made alike, that stand at the edge of at least a third of the pages."""
    counts: Counter[str] = Counter()
    for lines in pages:
        counts.update({_running_key(line) for line in _edges(lines)})
    needed = max(_MIN_REPEATED_PAGES, len(pages) // 3)
    return {key for key, count in counts.items() if count >= needed}


def _edges(lines: list[Line]) -> list[Line]:
    if len(lines) <= 2 * _MARGIN_LINES:
        return lines
    order = sorted(lines, key=lambda line: line.top, reverse=True)
    return order[:_MARGIN_LINES] + order[-_MARGIN_LINES:]


def is_running(line: Line, lines: list[Line], running: set[str]) -> bool:
    if not any(line is edge for edge in _edges(lines)):
        return False
    if _running_key(line) in running:
        return True
    lowest, highest = min(line.bottom for line in lines), max(line.top for line in lines)
    at_edge = line.bottom <= lowest + line.size or line.top >= highest - line.size
    return at_edge and len(lines) > 1 and PAGE_NUMBER.match(line.text) is not None


def in_order(lines: list[Line]) -> list[Line]:
    """Return lines from top to bottom where the order of the content is not that of reading.

    Content in columns is left as it is: there, what comes later may well stand higher.
    """
    misplaced = 0
    for index, line in enumerate(lines):
        above = lines[max(0, index - _LOOK_BACK) : index]
        if any(
            line.bottom > other.top and min(line.right, other.right) > max(line.left, other.left) for other in above
        ):
            misplaced += 1
    if not misplaced or not all(line.upright for line in lines):
        return lines
    order = sorted(lines, key=lambda line: (-line.bottom, line.left))
    ragged = sum(_beside_but_uneven(before, line) for before, line in pairwise(order))
    if ragged > _MAX_RAGGED_SHARE * len(lines):
        return lines
    return order


def _beside_but_uneven(before: Line, line: Line) -> bool:
    """Tell lines of neighbouring columns, whose base lines differ, unlike those of a table's row."""
    apart = before.left >= line.right or line.left >= before.right
    overlap = min(before.top, line.top) - max(before.bottom, line.bottom)
    return apart and overlap > 0.1 * line.size and abs(before.bottom - line.bottom) > 0.2 * line.size


def without_contents(pages: list[list[Line]]) -> list[list[Line]]:
    """Drop the lines of a table of contents (dots, then a page number), unless they are most of the text."""
    total = sum(map(len, pages))
    found = sum(_CONTENTS.search(line.text) is not None for lines in pages for line in lines)
    if not found or found > _MAX_CONTENTS_SHARE * total:
        return pages
    return [[line for line in lines if not _CONTENTS.search(line.text)] for lines in pages]


def edges_near(lines: list[Line], index: int) -> tuple[float, float]:
    """Return the left and right edge of the column that a line stands in, as its neighbours show."""
    line = lines[index]
    near = [
        other
        for other in lines[max(0, index - _NEIGHBOURS) : index + _NEIGHBOURS + 1]
        if min(other.right, line.right) > max(other.left, line.left) and other.size < 1.3 * line.size
    ]
    near.append(line)
    return min(other.left for other in near), max(other.right for other in near)
