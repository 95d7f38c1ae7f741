"""Lines on pages as Markdown: headings, paragraphs, lists, code and tables."""

# ruff: noqa: RUF001 - signs of many languages are what this module is about

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from statistics import median

from knowledge.readers.markup import blocks, code_block, heading, literal, table
from knowledge.readers.pdf_lines import (
    PAGE_NUMBER,
    RIGHT_TO_LEFT,
    Line,
    edges_near,
    in_order,
    is_running,
    running_titles,
    side_by_side,
    without_contents,
)
from knowledge.readers.pdf_tables import Table, regions

_HEADING_RATIO = 1.12  # to the size of most text
_MAX_HEADING_CHARS = 160
_MAX_BOLD_HEADING_CHARS = 100
_MAX_HEADING_SIZES = 4
_PARAGRAPH_GAP = 1.55  # line distance in sizes of text
_SAMPLED_PAGES = 50
_MIN_SPACING = 0.8
_MAX_SPACING = 2.6  # sizes of text; lines further apart are not one paragraph
_MAX_MONO_SHARE = 0.6
_ITEM = re.compile(r"^(?:[•◦▪●○■□‣⁃∙·➢➤✓✔❖\uf0b7\uf0a7\uf0d8\uf076]\s*|[-–—*]\s+)(?=\S)")
_NUMBERED = re.compile(r"^(?:\(?\d{1,3}[.):]|\d{1,3}(?:\.\d{1,3})+[.):]?|\(?[a-zA-Z][.)]|\(?[ivx]{1,5}[.)])\s+\S")
_ENDED = re.compile(r"[.!?:;。！？؟।…][\"'”’»)\]]*$")
_PRIVATE = re.compile("[\ue000-\uf8ff]+")


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
        running = running_titles(pages)
        kept = [[line for line in lines if not is_running(line, lines, running)] for lines in pages]
        self._pages = [side_by_side(in_order(lines)) for lines in without_contents(kept)]
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
        return {
            size: named[size].most_common(1)[0][0] if size in named else min(ranks[size], _MAX_HEADING_SIZES)
            for size in sizes
        }

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
        if (
            stands_out
            and fits
            and _may_be_heading(line)
            and not line.text.endswith((".", ",", ";"))
            and not _ITEM.match(line.text)
        ):
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
        places = {id(line): edges_near(lines, index) for index, line in enumerate(lines)}
        for region in regions(lines):
            if isinstance(region, Table):
                parts.append(table(region.rows))
            else:
                edges = [places.get(id(line)) or edges_near(region, index) for index, line in enumerate(region)]
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
                while (
                    end < len(lines)
                    and _continues_heading(lines[end - 1], lines[end], edges[position])
                    and self._level(lines[end], number)
                ):
                    end += 1
                yield heading(level, _joined(lines[position:end]))
            elif line.mono and self._has_code:
                while end < len(lines) and lines[end].mono:
                    end += 1
                yield _code(lines[position:end])
            else:
                while (
                    end < len(lines)
                    and not self._level(lines[end], number)
                    and self._continues(lines, position, end, edges)
                ):
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
        if _ITEM.match(line.text) or (
            _NUMBERED.match(line.text) and (_ENDED.search(before.text) or _NUMBERED.match(lines[start].text))
        ):
            return False
        distance = before.bottom - line.bottom
        if not 0 < distance < self._gap * max(line.size, before.size):
            # At the top of the next column a sentence goes on.
            return distance <= 0 and not _ENDED.search(before.text) and line.text[:1].islower()
        usual = (
            median(lines[i - 1].bottom - lines[i].bottom for i in range(start + 1, end))
            if end - start > 1
            else distance
        )
        return distance <= 1.25 * usual and not _ends_paragraph(before, line, edges[end - 1])

    def _runs_on(self, lines: list[Line], position: int) -> bool:
        """Tell a bold line that is the beginning of a paragraph in bold rather than a heading."""
        following = lines[position + 1 : position + 4]
        return len(following) >= 3 and all(line.bold and len(line.text) > 40 for line in following)  # noqa: PLR2004 - lines, characters


def _may_be_heading(line: Line) -> bool:
    return len(line.cells) == 1 and line.upright and "://" not in line.text and not PAGE_NUMBER.match(line.text)


def _rounded(size: float) -> float:
    return round(size * 2) / 2


def _continues_heading(before: Line, line: Line, edges: tuple[float, float]) -> bool:
    """Tell the second line of a heading: the first is long, and no shorter than the second."""
    distance = before.bottom - line.bottom
    alike = abs(before.size - line.size) < 0.05 * line.size
    width = before.right - before.left
    long = width > 0.4 * (edges[1] - edges[0]) and width > 0.8 * (line.right - line.left)
    return alike and long and 0 < distance < 1.6 * line.size


def _paragraph_gap(pages: list[list[Line]]) -> float:
    """Return the line distance, in sizes of text, at which a paragraph ends: more where lines are widely spaced."""
    ratios = [
        (before.bottom - line.bottom) / line.size
        for lines in pages[:_SAMPLED_PAGES]
        for before, line in pairwise(lines)
        if abs(before.size - line.size) < 0.1 * line.size
        and _MIN_SPACING < (before.bottom - line.bottom) / line.size < _MAX_SPACING
    ]
    return max(_PARAGRAPH_GAP, 1.15 * median(ratios)) if ratios else _PARAGRAPH_GAP


def _ends_paragraph(before: Line, line: Line, edges: tuple[float, float]) -> bool:
    """Tell the last line of a paragraph: the next word would have fitted, or the next line is indented."""
    left, right = edges
    backwards = RIGHT_TO_LEFT.search(before.text) is not None
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
