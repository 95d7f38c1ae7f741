"""An HTML tree as Markdown: the walk over its elements."""

import re
from collections.abc import Callable

from lxml import html

from knowledge.readers.html_tables import flat, is_layout, one_header, span, table_of, take_hanging
from knowledge.readers.markup import code_block, heading, literal, one_line, picture, table

_DROPPED = frozenset(
    [
        "script",
        "style",
        "noscript",
        "template",
        "svg",
        "math",
        "canvas",
        "iframe",
        "object",
        "embed",
        "audio",
        "video",
        "map",
        "head",
        "title",
        "meta",
        "link",
        "button",
        "select",
        "option",
        "input",
        "textarea",
        "datalist",
        "form-control",
        "progress",
        "meter",
        "frameset",
        "frame",
        "applet",
    ]
)
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "center",
        "dd",
        "details",
        "dialog",
        "dir",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hgroup",
        "hr",
        "html",
        "legend",
        "li",
        "main",
        "menu",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "tr",
        "td",
        "th",
        "ul",
        "caption",
    ]
)
_LANGUAGE = re.compile(r"(?:language|lang|highlight-source|brush:)[-: ]?([\w+#-]+)")
_BREAK = "\x01"  # a line break inside a block; no HTML text holds this character
MAX_DEPTH = 400  # elements; real pages stay below 60
_MAX_CODE_CHARS = 5000

Drop = Callable[[html.HtmlElement], bool]
Kept = Callable[[str], str]


def text_length(element: html.HtmlElement) -> int:
    """Return how many characters of text, scripts left out, an element holds."""
    dropped = {"script", "style", "noscript"}
    own = len((element.text or "").strip()) if element.tag not in dropped else 0
    return own + sum(
        len((child.tail or "").strip()) + (len((child.text or "").strip()) if child.tag not in dropped else 0)
        for child in element.iterdescendants()
        if isinstance(child.tag, str)
    )


class Markdown:
    """Turns one element into Markdown blocks.

    Args:
        drop: says which elements to leave out besides scripts and controls.
        kept: says where the file keeps the picture that an address names, "" where it does not.
    """

    def __init__(self, drop: Drop | None = None, kept: Kept = lambda _: "") -> None:
        self._drop = drop
        self._kept = kept
        self._blocks: list[str] = []
        self._line: list[str] = []

    def convert(self, root: html.HtmlElement) -> str:
        """Return the Markdown of an element and everything in it."""
        self._children(root, 0)
        self._end_block()
        return "\n\n".join(self._blocks)

    def _is_dropped(self, element: html.HtmlElement) -> bool:
        return element.tag in _DROPPED or (self._drop is not None and self._drop(element))

    def _children(self, element: html.HtmlElement, depth: int) -> None:
        if element.text:
            self._line.append(element.text)
        for child in element:
            if isinstance(child.tag, str) and not self._is_dropped(child):
                if depth < MAX_DEPTH:
                    self._element(child, depth + 1)
                else:
                    self._line.append(str(child.text_content()))
            if child.tail:
                self._line.append(child.tail)

    def _element(self, element: html.HtmlElement, depth: int) -> None:
        tag = element.tag
        special = _SPECIAL.get(tag)
        if special is not None:
            special(self, element, depth)
        elif tag in _BLOCKS:
            self._end_block()
            self._children(element, depth)
            self._end_block()
        else:
            self._children(element, depth)

    def _end_block(self) -> None:
        text = "".join(self._line)
        self._line.clear()
        lines = [one_line(line) for line in text.split(_BREAK)]
        block = "\n".join(line for line in lines if line)
        if block:
            self._blocks.append(literal(block))

    def _nested(self, element: html.HtmlElement, depth: int) -> list[str]:
        """Return the blocks of an element's children, apart from those around it."""
        inner = Markdown(self._drop, self._kept)
        inner._children(element, depth)
        inner._end_block()
        return inner._blocks

    def _heading(self, element: html.HtmlElement, depth: int) -> None:
        self._end_block()
        text = one_line(" ".join(self._nested(element, depth))).strip("¶#§ ")
        if text:
            self._blocks.append(heading(int(element.tag[1]), text))

    def _line_break(self, element: html.HtmlElement, depth: int) -> None:  # noqa: ARG002 - one signature for all
        self._line.append(_BREAK)

    def _image(self, element: html.HtmlElement, depth: int) -> None:  # noqa: ARG002 - one signature for all
        """A picture by itself is a block; one among words, an icon mostly, is its alternative text."""
        alt = one_line(element.get("alt") or "")
        if _stands_alone(element) and not "".join(self._line).strip():
            block = picture(alt, self._kept(element.get("src") or ""))
            self._blocks.extend([block] if block else [])
        elif len(alt.split()) > 1:
            self._line.append(f" {alt} ")

    def _figure(self, element: html.HtmlElement, depth: int) -> None:
        """A picture and its caption are one block; other figures are what is in them."""
        self._end_block()
        images = [image for image in element.iter("img") if not self._is_dropped(image)]
        if len(images) != 1 or element.find(".//table") is not None or element.find(".//pre") is not None:
            self._children(element, depth)
            self._end_block()
            return
        captions = [one_line(str(caption.text_content())) for caption in element.iter("figcaption")]
        image = images[0]
        block = picture(image.get("alt") or "", self._kept(image.get("src") or ""), " ".join(captions))
        self._blocks.extend([block] if block else [])

    def _inline_code(self, element: html.HtmlElement, depth: int) -> None:  # noqa: ARG002 - one signature for all
        text = one_line(str(element.text_content()))
        self._line.append(f"`{text}`" if text and "`" not in text else text)

    def _preformatted(self, element: html.HtmlElement, depth: int) -> None:
        self._end_block()
        for line_break in element.iter("br"):
            line_break.tail = "\n" + (line_break.tail or "")
        text = str(element.text_content()).replace("\r", "").strip("\n")
        if len(text) > _MAX_CODE_CHARS and element.find("code") is None:
            self._blocks.append(literal(text))  # a whole text file shown in a browser, not code
        elif element.xpath(".//p|.//table|.//h1|.//h2|.//ul"):
            self._children(element, depth)
            self._end_block()
        elif text.strip():
            names = " ".join([element.get("class") or "", *(child.get("class") or "" for child in element)])
            found = _LANGUAGE.search(names)
            self._blocks.append(code_block(text, found[1] if found else ""))

    def _list(self, element: html.HtmlElement, depth: int) -> None:
        self._end_block()
        number = _start(element) if element.tag == "ol" else None
        items: list[str] = []
        for child in element:
            if not isinstance(child.tag, str) or self._is_dropped(child):
                continue
            inner = self._nested(child, depth)
            if child.tag in {"ul", "ol"} and items:
                items[-1] += "\n" + _indent("\n\n".join(self._list_blocks(child, depth)))
            elif inner:
                items.append(_item(inner, number))
                number = None if number is None else number + 1
        if items:
            self._blocks.append("\n".join(items))

    def _list_blocks(self, element: html.HtmlElement, depth: int) -> list[str]:
        inner = Markdown(self._drop, self._kept)
        inner._list(element, depth + 1)
        return inner._blocks

    def _quote(self, element: html.HtmlElement, depth: int) -> None:
        self._end_block()
        text = "\n\n".join(self._nested(element, depth))
        if text:
            self._blocks.append("\n".join(f"> {line}".rstrip() for line in text.split("\n")))

    def _term(self, element: html.HtmlElement, depth: int) -> None:
        """A term of a definition list stands before its definition, on one line when short."""
        self._end_block()
        term = one_line(" ".join(self._nested(element, depth)))
        if term.endswith("?"):  # what is asked stands by itself, as in other lists of questions
            self._blocks.append(literal(term))
        elif term:
            following = element.getnext()
            if following is not None and following.tag == "dd":
                self._line.append(term.rstrip(":") + ": ")
            else:
                self._blocks.append(literal(term))

    def _definition(self, element: html.HtmlElement, depth: int) -> None:
        first, *rest = self._nested(element, depth) or [""]
        if first.startswith(("- ", "|", "```", "#", ">")):
            self._end_block()
            self._blocks.append(first)
        else:
            self._line.append(first)
            self._end_block()
        self._blocks.extend(rest)

    def _table(self, element: html.HtmlElement, depth: int) -> None:
        self._end_block()
        rows = [row for row in element.iter("tr") if table_of(row) is element]
        cells = [[cell for cell in row if cell.tag in {"td", "th"} and not self._is_dropped(cell)] for row in rows]
        caption = element.find("caption")
        if caption is not None and not self._is_dropped(caption):
            self._blocks.extend(self._nested(caption, depth))
        if is_layout(element, cells):
            for cell in (cell for row in cells for cell in row):
                self._blocks.extend(self._nested(cell, depth))
            return
        text = table(one_header(self._grid(cells, depth), cells))
        if text:
            self._blocks.append(text)

    def _grid(self, cells: list[list[html.HtmlElement]], depth: int) -> list[list[str]]:
        """Lay cells out on a grid; a cell over several rows is repeated in each, one over several columns is not."""
        grid: list[list[str]] = []
        hanging: dict[int, tuple[int, str]] = {}
        for row in cells:
            line: list[str] = []
            for cell in row:
                take_hanging(line, hanging)
                text = flat(self._nested(cell, depth))
                if (rows := span(cell, "rowspan")) > 1:
                    hanging[len(line)] = (rows - 1, text)
                line.extend([text, *[""] * (span(cell, "colspan") - 1)])
            take_hanging(line, hanging)
            grid.append(line)
        return grid


def _stands_alone(element: html.HtmlElement) -> bool:
    """Tell a picture in a block or link of its own from one among words."""
    parent = element.getparent()
    while parent is not None and parent.tag in {"a", "picture", "span", "noscript"}:
        parent = parent.getparent()
    inside = parent is not None and parent.tag not in {"body", "main", "article", "section", "div"}
    return not (inside and str(parent.text_content()).strip()) and not (element.tail or "").strip()


def _start(element: html.HtmlElement) -> int:
    value = (element.get("start") or "1").strip()
    return int(value) if value.isdecimal() else 1


def _item(blocks: list[str], number: int | None) -> str:
    marker = "- " if number is None else f"{number}. "
    first, *rest = blocks
    body = "\n".join([first, *(block if block.startswith(("- ", "1. ")) else f"\n{block}" for block in rest)])
    return marker + _indent(body, len(marker)).lstrip(" ")


def _indent(text: str, width: int = 2) -> str:
    return "\n".join(" " * width + line if line else line for line in text.split("\n"))


_SPECIAL: dict[str, Callable[[Markdown, html.HtmlElement, int], None]] = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), Markdown._heading),  # noqa: SLF001 - the same module
    **dict.fromkeys(("code", "kbd", "samp", "tt"), Markdown._inline_code),  # noqa: SLF001 - the same module
    **dict.fromkeys(("ul", "ol", "dir"), Markdown._list),  # noqa: SLF001 - the same module
    "br": Markdown._line_break,  # noqa: SLF001 - the same module
    "figure": Markdown._figure,  # noqa: SLF001 - the same module
    "img": Markdown._image,  # noqa: SLF001 - the same module
    "pre": Markdown._preformatted,  # noqa: SLF001 - the same module
    "blockquote": Markdown._quote,  # noqa: SLF001 - the same module
    "dt": Markdown._term,  # noqa: SLF001 - the same module
    "dd": Markdown._definition,  # noqa: SLF001 - the same module
    "table": Markdown._table,  # noqa: SLF001 - the same module
}
