"""Lines on pages as Markdown: headings, paragraphs, lists, code and tables."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from knowledge.readers.markup import blocks, code_block, heading, literal, table
from knowledge.readers.pdf_tables import regions

# A gap this many times the size of the text parts cells or columns; justified text stays below it.
_CELL_GAP = 1.15
_SAME_HEIGHT_SHARE = 0.6
_STRETCHED = 2.2  # times the usual gap of a line, from this many gaps on:
_MIN_GAPS = 4
_HEADING_RATIO = 1.12  # to the size of most text
_MAX_HEADING_CHARS = 160
_MAX_BOLD_HEADING_CHARS = 100
_MAX_HEADING_SIZES = 4
_PARAGRAPH_GAP = 1.55  # line distance in sizes of text
_NEIGHBOURS = 8  # lines before and after, which show the edges of a column
_SAMPLED_PAGES = 50
_MAX_SPACING = 2.6  # sizes of text; lines further apart are not one paragraph
_LOOK_BACK = 200  # lines
_MAX_RAGGED_SHARE = 0.15
_MARGIN_LINES = 3  # at the top and bottom of a page may be running titles
_MIN_REPEATED_PAGES = 3
_MAX_MONO_SHARE = 0.6
_ITEM = re.compile(r"^(?:[•◦▪●○■□‣⁃∙·➢➤✓✔❖\uf0b7\uf0a7\uf0d8\uf076]\s*|[-–—*]\s+)(?=\S)")
_MARKER = re.compile(r"^(?:[•◦▪●○■□‣⁃∙·➢➤✓✔❖\uf0b7\uf0a7\uf0d8\uf076*–—-]|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})[.)])$")
_CONTENTS = re.compile(r"(?:\.\s?){4,}\s*\d{0,4}$|…{2,}\s*\d{0,4}$")
_MAX_CONTENTS_SHARE = 0.3
_NUMBERED = re.compile(r"^(?:\(?\d{1,3}[.):]|\d{1,3}(?:\.\d{1,3})+[.):]?|\(?[a-zA-Z][.)]|\(?[ivx]{1,5}[.)])\s+\S")
_ENDED = re.compile(r"[.!?:;。！？؟।…][\"'”’»)\]]*$")
_PAGE_NUMBER = re.compile(r"(?i)^(?:page|seite|página|pagina|p\.|s\.)?\s*[-–—]?\s*(?:\d{1,4}|[ivxlc]{1,7})\s*[-–—]?(?:\s*(?:/|of|von|de|di)\s*\d{1,4})?$")
# Ligatures and the shapes of Arabic letters, which fonts encode apart from the letters they stand for.
_SHAPES = re.compile("[\ufb00-\ufb06\ufb50-\ufdff\ufe70-\ufefc]+")
_PRIVATE = re.compile("[\ue000-\uf8ff]+")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff]")


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
        if len(gaps) >= _MIN_GAPS and _RIGHT_TO_LEFT.search(words[0].text):
            # Arabic text is stretched to the margin by far more than Latin text.
            wide = max(wide, _STRETCHED * median(gaps))
        runs: list[list[Word]] = [[words[0]]]
        for gap, word in zip(gaps, words[1:], strict=True):
            marks_item = len(runs) == 1 and len(runs[0]) == 1 and _MARKER.match(words[0].text)
            if gap > wide and not marks_item:
                runs.append([word])
            else:
                runs[-1].append(word)
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
        line = Line._plain(self.words + other.words, self.size, bold=self.bold and other.bold, mono=self.mono and other.mono, upright=self.upright)
        line.cells = [*self.cells, *other.cells]
        return line


def _readable(text: str) -> str:
    return _SHAPES.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)


def normalised(text: str) -> str:
    """Return the text in the form in which headings and running titles are compared."""
    return re.sub(r"[\W_]+", "", text.lower())


class Layout:
    """The lines of all pages, and what holds for the whole document: sizes, margins, headings.

    Args:
        pages: lines of each page in reading order.
        outline: heading level for (page index, normalised title).
    """

    def __init__(self, pages: list[list[Line]], outline: dict[tuple[int, str], int]) -> None:
        self._outline = outline
        running = _running_titles(pages)
        kept = [[line for line in lines if not _is_running(line, lines, running)] for lines in pages]
        self._pages = [_side_by_side(_in_order(lines)) for lines in _without_contents(kept)]
        sizes: Counter[float] = Counter()
        mono = bold = 0
        for line in (line for lines in self._pages for line in lines):
            sizes[_rounded(line.size)] += len(line.text)
            mono += len(line.text) if line.mono else 0
            bold += len(line.text) if line.bold else 0
        total = max(1, sizes.total())
        self._gap = _paragraph_gap(self._pages)
        self._body = sizes.most_common(1)[0][0] if sizes else 1.0
        self._has_code = mono <= _MAX_MONO_SHARE * total
        self._bold_stands_out = bold < total / 2
        self._levels = self._heading_levels()

    def _heading_levels(self) -> dict[float, int]:
        """Return the level of each size of heading, the largest 1; where the outline names one, its level."""
        counts: Counter[float] = Counter()
        named: dict[float, Counter[int]] = {}
        for number, lines in enumerate(self._pages):
            for line in lines:
                if self._is_large(line):
                    counts[_rounded(line.size)] += 1
                    level = self._outline.get((number, normalised(line.text)))
                    if level:
                        named.setdefault(_rounded(line.size), Counter())[level] += 1
        sizes = sorted(counts, reverse=True)
        if len(sizes) > _MAX_HEADING_SIZES:
            common = sorted(sizes, key=lambda size: counts[size], reverse=True)[: _MAX_HEADING_SIZES - 1]
            kept = sorted({sizes[0], *common}, reverse=True)
        else:
            kept = sizes
        ranks = {size: sum(other > size for other in kept) + 1 for size in sizes}
        return {size: named[size].most_common(1)[0][0] if size in named else min(ranks[size], _MAX_HEADING_SIZES) for size in sizes}

    def _is_large(self, line: Line) -> bool:
        return (
            line.size >= _HEADING_RATIO * self._body
            and len(line.text) <= _MAX_HEADING_CHARS
            and sum(map(str.isalpha, line.text)) > 1
            and _may_be_heading(line)
        )

    def _level(self, line: Line, number: int) -> int:
        """Return the heading level of a line, 0 for none."""
        if self._outline and (level := self._outline.get((number, normalised(line.text)))):
            return level
        if self._is_large(line):
            return self._levels[_rounded(line.size)]
        stands_out = line.bold and self._bold_stands_out and not line.mono and line.size >= 0.95 * self._body
        fits = len(line.text) <= _MAX_BOLD_HEADING_CHARS and any(map(str.isalpha, line.text))
        if stands_out and fits and _may_be_heading(line) and not line.text.endswith((".", ",", ";")) and not _ITEM.match(line.text):
            return max(self._levels.values(), default=1) + 1 if self._levels else 2
        return 0

    def title(self) -> str:
        """Return the largest text near the top of the first page that has text, "" when none stands out."""
        first = next((lines for lines in self._pages if lines), [])
        large = [line for line in first[:12] if self._is_large(line)]
        if not large:
            return ""
        size = max(line.size for line in large)
        found = [line.text for line in large if line.size >= 0.97 * size]
        return " ".join(found[:3])

    def pages(self) -> Iterator[str]:
        """Yield each page as Markdown."""
        for number, lines in enumerate(self._pages):
            yield self._page(lines, number)

    def _page(self, lines: list[Line], number: int) -> str:
        parts: list[str] = []
        places = {id(line): _edges_near(lines, index) for index, line in enumerate(lines)}
        for kind, region in regions(lines):
            if kind == "table":
                parts.append(table(region))
            else:
                edges = [places.get(id(line)) or _edges_near(region, index) for index, line in enumerate(region)]
                parts.extend(self._text(region, edges, number))
        return blocks(parts)

    def _text(self, lines: list[Line], edges: list[tuple[float, float]], number: int) -> Iterator[str]:
        """Yield the blocks of a run of lines; `edges` are those of the column each line stands in."""
        position = 0
        while position < len(lines):
            line = lines[position]
            end = position + 1
            level = self._level(line, number)
            if level and not (line.bold and line.size < _HEADING_RATIO * self._body and self._runs_on(lines, position)):
                while end < len(lines) and _continues_heading(lines[end - 1], lines[end], edges[position]) and self._level(lines[end], number):
                    end += 1
                yield heading(level, _joined(lines[position:end]))
            elif line.mono and self._has_code:
                while end < len(lines) and lines[end].mono:
                    end += 1
                yield _code(lines[position:end])
            else:
                while end < len(lines) and not self._level(lines[end], number) and self._continues(lines, position, end, edges):
                    end += 1
                yield _paragraph(lines[position:end])
            position = end

    def _continues(self, lines: list[Line], start: int, end: int, edges: list[tuple[float, float]]) -> bool:
        """Tell whether a line belongs to the paragraph that began at `start`."""
        before, line = lines[end - 1], lines[end]
        if abs(before.size - line.size) > 0.15 * line.size or line.upright != before.upright:
            return False
        if line.mono and not before.mono and self._has_code:
            return False
        if _ITEM.match(line.text) or (_NUMBERED.match(line.text) and (_ENDED.search(before.text) or _NUMBERED.match(lines[start].text))):
            return False
        distance = before.bottom - line.bottom
        if not 0 < distance < self._gap * max(line.size, before.size):
            # At the top of the next column a sentence goes on.
            return distance <= 0 and not _ENDED.search(before.text) and line.text[:1].islower()
        usual = median(lines[i - 1].bottom - lines[i].bottom for i in range(start + 1, end)) if end - start > 1 else distance
        return distance <= 1.25 * usual and not _ends_paragraph(before, line, edges[end - 1])

    def _runs_on(self, lines: list[Line], position: int) -> bool:
        """Tell a bold line that is the beginning of a paragraph in bold rather than a heading."""
        following = lines[position + 1 : position + 4]
        return len(following) >= 3 and all(line.bold and len(line.text) > 40 for line in following)  # noqa: PLR2004 - lines, characters


def _may_be_heading(line: Line) -> bool:
    return len(line.cells) == 1 and line.upright and "://" not in line.text and not _PAGE_NUMBER.match(line.text)


def _rounded(size: float) -> float:
    return round(size * 2) / 2


def _side_by_side(lines: list[Line]) -> list[Line]:
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


def _running_titles(pages: list[list[Line]]) -> set[str]:
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


def _is_running(line: Line, lines: list[Line], running: set[str]) -> bool:
    if not any(line is edge for edge in _edges(lines)):
        return False
    if _running_key(line) in running:
        return True
    lowest, highest = min(line.bottom for line in lines), max(line.top for line in lines)
    at_edge = line.bottom <= lowest + line.size or line.top >= highest - line.size
    return at_edge and len(lines) > 1 and _PAGE_NUMBER.match(line.text) is not None


def _continues_heading(before: Line, line: Line, edges: tuple[float, float]) -> bool:
    """Tell the second line of a heading: the first is long, and no shorter than the second."""
    distance = before.bottom - line.bottom
    alike = abs(before.size - line.size) < 0.05 * line.size
    width = before.right - before.left
    long = width > 0.4 * (edges[1] - edges[0]) and width > 0.8 * (line.right - line.left)
    return alike and long and 0 < distance < 1.6 * line.size


def _edges_near(lines: list[Line], index: int) -> tuple[float, float]:
    """Return the left and right edge of the column that a line stands in, as its neighbours show."""
    line = lines[index]
    near = [
        other
        for other in lines[max(0, index - _NEIGHBOURS) : index + _NEIGHBOURS + 1]
        if min(other.right, line.right) > max(other.left, line.left) and other.size < 1.3 * line.size
    ]
    near.append(line)
    return min(other.left for other in near), max(other.right for other in near)


def _paragraph_gap(pages: list[list[Line]]) -> float:
    """Return the line distance, in sizes of text, from which on a paragraph ends: more in text set with wide spacing."""
    ratios = [
        (before.bottom - line.bottom) / line.size
        for lines in pages[:_SAMPLED_PAGES]
        for before, line in pairwise(lines)
        if abs(before.size - line.size) < 0.1 * line.size and 0.8 < (before.bottom - line.bottom) / line.size < _MAX_SPACING
    ]
    return max(_PARAGRAPH_GAP, 1.15 * median(ratios)) if ratios else _PARAGRAPH_GAP


def _in_order(lines: list[Line]) -> list[Line]:
    """Return lines from top to bottom where the order of the content is not that of reading.

    Content in columns is left as it is: there, what comes later may well stand higher.
    """
    misplaced = 0
    for index, line in enumerate(lines):
        above = lines[max(0, index - _LOOK_BACK) : index]
        if any(line.bottom > other.top and min(line.right, other.right) > max(line.left, other.left) for other in above):
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


def _without_contents(pages: list[list[Line]]) -> list[list[Line]]:
    """Drop the lines of a table of contents (dots, then a page number), unless they are most of the text."""
    total = sum(map(len, pages))
    found = sum(_CONTENTS.search(line.text) is not None for lines in pages for line in lines)
    if not found or found > _MAX_CONTENTS_SHARE * total:
        return pages
    return [[line for line in lines if not _CONTENTS.search(line.text)] for lines in pages]


def _ends_paragraph(before: Line, line: Line, edges: tuple[float, float]) -> bool:
    """Tell whether a line is the last of its paragraph: the next word would have fitted, or the next line is indented."""
    left, right = edges
    backwards = _RIGHT_TO_LEFT.search(before.text) is not None
    room = (before.left - left) if backwards else (right - before.right)
    first = line.words[0]
    broken_early = room > (first.right - first.left) + 0.8 * before.size
    indent = (before.right - line.right) if backwards else (line.left - before.left)
    ended = _ENDED.search(before.text) is not None
    if 0.8 * line.size < indent < 4 * line.size and ended:
        return True
    return broken_early and (ended or not line.text[:1].islower())


def _joined(lines: list[Line]) -> str:
    """Join the lines of a paragraph; words divided at the end of a line become whole."""
    text = lines[0].text
    for line in lines[1:]:
        following = line.text
        if text.endswith("\u00ad"):
            text = text[:-1] + ("" if following[:1].islower() else "-") + following
        elif re.search(r"[^\W\d_]{2}-$", text) and following[:1].islower():
            text = text[:-1] + following
        elif _is_dense(text[-1:]) and _is_dense(following[:1]):
            text += following
        else:
            text += " " + following
    return text.replace("\u00ad", "-") if text.endswith("\u00ad") else text


def _is_dense(letter: str) -> bool:
    """Tell a letter of a script written without spaces between words (Chinese, Japanese)."""
    return "\u2e80" <= letter <= "\u9fff" or "\uff00" <= letter <= "\uffef"


def _paragraph(lines: list[Line]) -> str:
    text = _joined(lines)
    marker = _ITEM.match(text)
    if marker:
        return "- " + _PRIVATE.sub("", text[marker.end() :]).strip()
    return literal(_PRIVATE.sub("", text).strip())


def _code(lines: list[Line]) -> str:
    """Return lines in a monospaced font as a code block, indented as they are on the page."""
    left = min(line.left for line in lines)
    rows = []
    for line in lines:
        width = max((line.right - line.left) / max(1, len(line.text)), 1.0)
        rows.append(" " * min(40, round((line.left - left) / width)) + line.text.replace("\u00ad", "-"))
    if len(rows) == 1 and len(rows[0].split()) == 1:
        return f"`{rows[0].strip()}`" if "`" not in rows[0] else rows[0]
    return code_block("\n".join(rows))
