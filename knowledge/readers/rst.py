"""reStructuredText as Markdown, with what Sphinx adds to it; a reader of its own, for documents out of their project.

After the reStructuredText Markup Specification: sections, lists, literal blocks, tables, directives, roles, links.
"""

import csv
import re
import textwrap
from collections.abc import Iterator

from knowledge.readers.base import ReadDocument, build
from knowledge.readers.charset import decode
from knowledge.readers.markup import blocks, code_block, heading, table
from knowledge.readers.rst_tables import grid_table, simple_table

_ADORNMENT = re.compile(r"^([!-/:-@\[-`{-~])\1{2,}\s*$")
_DIRECTIVE = re.compile(r"^\.\. (?:\|[^|]+\| )?([\w:.+-]+?)::(?:\s+(.*))?$")
_EXPLICIT = re.compile(r"^\.\.(?:\s|$)")
_FOOTNOTE = re.compile(r"^\.\. \[([^\]]+)\]\s+(.*)$")
_OPTION = re.compile(r"^\s*:([\w-]+):(?:\s+(.*))?$")
_FIELD = re.compile(r"^:([^:`\n]+):(?:\s+(.*))?$")
_GRID_BORDER = re.compile(r"^\s*\+(?:[-=]+\+)+\s*$")
_SIMPLE_BORDER = re.compile(r"^\s*=+(?:\s+=+)+\s*$")
_CODE = frozenset(
    {
        "code-block",
        "code",
        "sourcecode",
        "parsed-literal",
        "literalinclude",
        "prompt",
        "doctest",
        "testcode",
        "highlight",
        "math",
    }
)
_DROPPED = frozenset(
    [
        "image",
        "toctree",
        "contents",
        "index",
        "raw",
        "include",
        "meta",
        "only-hidden",
        "role",
        "default-role",
        "highlight",
        "currentmodule",
        "module",
        "tabularcolumns",
        "sectnum",
        "header",
        "footer",
        "class",
        "automodule",
        "autoclass",
        "autofunction",
        "autosummary",
        "literalinclude",
        "unicode",
        "replace",
        "date",
        "target-notes",
        "rst-class",
        "cssclass",
    ]
)
_ROLE = re.compile(r":(?:[\w.+-]+:)*[\w.+-]+:`([^`]+)`")
_LINK = re.compile(r"`([^`<]+?)\s*<[^`>]+>`__?")
_REFERENCE = re.compile(r"`([^`]+)`__?")
_LITERAL = re.compile(r"``(.+?)``")
_STRONG = re.compile(r"\*\*(?=\S)([^*\n]{1,500}?)(?<=\S)\*\*|(?<![\w*])\*(?=\S)([^*\n]{1,500}?)(?<=\S)\*(?![\w*])")
_SUBSTITUTION = re.compile(r"\|([^|\s][^|\n]{0,80})\|_{0,2}")
_WORD_REFERENCE = re.compile(r"\b([A-Za-z][\w.-]*[A-Za-z0-9])__?(?=[\s.,;:!?)]|$)")
_NUMBERED = re.compile(r"^(\s*)(?:#|(\d+))[.)]\s+")
_BULLET = re.compile(r"^(\s*)[*+•-]\s+")


def read_rst(data: bytes, filename: str) -> ReadDocument:
    """Read a reStructuredText file; directives that include other files are left out."""
    text = decode(data).replace("\r\n", "\n").replace("\r", "\n").expandtabs(8)
    markdown = _Rst(text).markdown()
    found = re.search(r"^# (.+)$", markdown, re.MULTILINE)
    return build(filename=filename, markdown=markdown, titles=[found[1] if found else None])


class _Rst:
    """One text; the headings' adornments get their levels in the order they come up."""

    def __init__(self, text: str, styles: list[str] | None = None) -> None:
        self._lines = text.split("\n")
        self._styles = styles if styles is not None else []
        self._at = 0

    def markdown(self) -> str:
        return blocks(self._blocks())

    def _blocks(self) -> Iterator[str]:
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if not line.strip():
                self._at += 1
            elif (title := self._section()) is not None:
                yield title
            elif _EXPLICIT.match(line):
                yield self._explicit()
            elif _GRID_BORDER.match(line) or _SIMPLE_BORDER.match(line):
                yield self._table()
            elif line.startswith((" ", "\t")):
                yield self._nested(textwrap.dedent("\n".join(self._indented(0))))
            else:
                yield from self._paragraph()

    def _nested(self, text: str) -> str:
        return _Rst(text, self._styles).markdown()

    def _line(self, offset: int) -> str:
        position = self._at + offset
        return self._lines[position] if 0 <= position < len(self._lines) else ""

    def _section(self) -> str | None:
        """Take a section title, underlined or with lines above and below; a line alone is a transition."""
        first, second, third = self._line(0), self._line(1), self._line(2)
        over, under = _ADORNMENT.match(first), _ADORNMENT.match(second)
        if over and second.strip() and _ADORNMENT.match(third) and third.strip()[:1] == over[1]:
            self._at += 3
            return heading(self._level(over[1] * 2), _inline(second.strip()))
        if over and not second.strip():
            self._at += 1
            return ""
        if under and not over and not first.startswith(" ") and len(second.strip()) >= min(len(first.strip()), 4):
            self._at += 2
            return heading(self._level(under[1]), _inline(first.strip()))
        return None

    def _level(self, style: str) -> int:
        if style not in self._styles:
            self._styles.append(style)
        return self._styles.index(style) + 1

    def _indented(self, minimum: int) -> list[str]:
        """Take the lines indented by more than `minimum`, blank ones between them included."""
        taken: list[str] = []
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if line.strip() and len(line) - len(line.lstrip()) <= minimum and (minimum or not line.startswith(" ")):
                break
            taken.append(line)
            self._at += 1
        while taken and not taken[-1].strip():
            taken.pop()
        return taken

    def _explicit(self) -> str:
        """Take what begins with two dots: a directive, a footnote, a target, or a comment."""
        line = self._line(0)
        self._at += 1
        directive, footnote = _DIRECTIVE.match(line), _FOOTNOTE.match(line)
        content = self._indented(0)
        if footnote:
            return f"[{footnote[1]}] {_inline(' '.join([footnote[2], *map(str.strip, content)]))}"
        return self._directive(directive[1], (directive[2] or "").strip(), content) if directive else ""

    def _directive(self, name: str, argument: str, content: list[str]) -> str:
        options: dict[str, str] = {}
        while content and (found := _OPTION.match(content[0])):
            options[found[1]] = found[2] or ""
            content = content[1:]
        body = textwrap.dedent("\n".join(content)).strip("\n")
        name = name.rpartition(":")[2] if name.startswith(("py:", "c:", "js:")) else name
        if name in _CODE and body:
            return code_block(body, argument if name in {"code-block", "code", "sourcecode"} else "")
        if name in _DROPPED:
            return options.get("alt", "")
        if name in {"list-table", "csv-table"}:
            rows = _list_rows(body) if name == "list-table" else _csv_rows(options.get("header", ""), body)
            return blocks([_inline(argument), table([[_inline(cell) for cell in row] for row in rows])])
        if name == "figure":
            argument = ""
        return blocks([_inline(argument), self._nested(body)])

    def _table(self) -> str:
        taken: list[str] = []
        while self._at < len(self._lines) and (
            self._line(0).strip() or (taken and _SIMPLE_BORDER.match(taken[0]) and self._in_simple(taken))
        ):
            taken.append(self._line(0))
            self._at += 1
        taken = textwrap.dedent("\n".join(taken)).split("\n")
        rows = grid_table(taken) if taken[0].startswith("+") else simple_table(taken)
        return table([[_inline(cell) for cell in row] for row in rows])

    def _in_simple(self, taken: list[str]) -> bool:
        """Tell a blank line inside a simple table: its last border has not come yet."""
        borders = sum(_SIMPLE_BORDER.match(line) is not None for line in taken)
        later = self._lines[self._at : self._at + 50]
        return borders < 3 and any(_SIMPLE_BORDER.match(line) for line in later)  # noqa: PLR2004 - top, head, bottom

    def _paragraph(self) -> Iterator[str]:
        """Take a paragraph, a list item or a field; a literal block after two colons comes with it."""
        taken: list[str] = []
        while self._at < len(self._lines) and self._line(0).strip():
            if (
                taken
                and not self._line(0).startswith(" ")
                and (_ITEM_START.match(self._line(0)) or _EXPLICIT.match(self._line(0)))
            ):
                break
            taken.append(self._line(0))
            self._at += 1
        item = _ITEM_START.match(taken[0])
        if item:
            yield from self._item(taken, item)
            return
        if len(taken) > 1 and taken[1].startswith(" ") and not taken[0].rstrip().endswith("::"):
            yield from self._definition(taken)
            return
        text = "\n".join(taken).rstrip()
        literal = text.endswith("::")
        if literal:
            text = (
                text[:-2].rstrip() + ":"
                if text[:-2].strip() and not text[:-2].endswith((" ", "\n"))
                else text[:-2].rstrip()
            )
        field = _FIELD.match(text)
        if text:
            yield (
                f"{field[1]}: {_inline(field[2] or '')}"
                if field
                else "\n".join(_inline(line.lstrip("| ")) for line in text.split("\n"))
            )
        if literal:
            yield code_block(textwrap.dedent("\n".join(self._indented(0))))

    def _item(self, taken: list[str], item: re.Match[str]) -> Iterator[str]:
        """Take a list item with everything indented under it."""
        width = item.end()
        rest = self._indented(0) if self._at < len(self._lines) else []
        body = textwrap.dedent("\n".join([" " * width + taken[0][width:], *taken[1:], *rest]))
        number = _NUMBERED.match(taken[0])
        marker = f"{number[2] or 1}. " if number else "- "
        inner = self._nested(body)
        yield marker + textwrap.indent(inner, " " * len(marker)).lstrip()

    def _definition(self, taken: list[str]) -> Iterator[str]:
        """Take a term and, indented under it, its definition."""
        rest = self._indented(0)
        body = self._nested(textwrap.dedent("\n".join([*taken[1:], *rest])))
        term = _inline(taken[0].strip())
        yield f"{term}: {body}" if body and not body.startswith(("- ", "|", "`", "#")) else blocks([term, body])


_ITEM_START = re.compile(r"^(?:[*+•-]|(?:#|\d{1,3}|[a-zA-Z])[.)]|\(\d{1,3}\))\s+(?=\S)")


def _inline(text: str) -> str:
    """Return text without roles, link targets and emphasis; inline code keeps its marks."""
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        kept.append(f"`{found[1]}`")
        return f"\ue000{len(kept) - 1}\ue001"

    text = _LITERAL.sub(keep, text.replace("\ue000", "").replace("\ue001", ""))
    text = _ROLE.sub(lambda found: _role(found[1]), text)
    text = _REFERENCE.sub(r"\1", _LINK.sub(r"\1", text))
    text = _STRONG.sub(lambda found: found[1] or found[2], _SUBSTITUTION.sub(r"\1", text))
    text = _WORD_REFERENCE.sub(r"\1", re.sub(r"`([^`\n]+)`", r"\1", text))
    text = re.sub(r"\\(.)", r"\1", text)
    return re.sub("\ue000(\\d+)\ue001", lambda found: kept[int(found[1])], text)


def _role(text: str) -> str:
    """Return what a role shows: the text before its target, or the last part of a name abbreviated by a tilde."""
    shown = re.sub(r"\s*<[^<>]*>\s*$", "", text)
    return shown[1:].rpartition(".")[2] if shown.startswith("~") else shown.lstrip("!")


def _list_rows(body: str) -> list[list[str]]:
    rows: list[list[str]] = []
    for line in body.split("\n"):
        if found := re.match(r"^\* +- ?(.*)$", line):
            rows.append([found[1]])
        elif rows and (found := re.match(r"^ +- ?(.*)$", line)):
            rows[-1].append(found[1])
        elif rows and line.strip():
            rows[-1][-1] += f" {line.strip()}"
    return rows


def _csv_rows(header: str, body: str) -> list[list[str]]:
    lines = [line for line in [header, *body.split("\n")] if line.strip()]
    return list(csv.reader(lines, skipinitialspace=True))
