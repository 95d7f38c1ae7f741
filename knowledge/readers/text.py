"""Plain text, and Markdown with its web dialect MDX."""

import html
import re

from knowledge.readers.base import ReadDocument, build
from knowledge.readers.charset import decode
from knowledge.readers.jsx import without_jsx
from knowledge.readers.markup import picture
from knowledge.readers.pictures import data_reference

_FRONT_MATTER = re.compile(r"\A\s*---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELD = re.compile(r"^([A-Za-z][\w-]*):[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_FENCE = re.compile(r"^[ \t]*(?:[-*+][ \t]+|\d+[.)][ \t]+)?(`{3,}|~{3,})")
_INLINE_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
_TABLE = re.compile(r"<table\b.*?</table>", re.IGNORECASE | re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_IMAGE = re.compile(r"!\[([^\]\n]*)\]\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)")
_OWN_LINE = re.compile(r"^[ \t]*!\[([^\]\n]*)\]\(([^()\n]*(?:\([^()\n]*\)[^()\n]*)*)\)[ \t]*$", re.MULTILINE)
_PICTURE_MARK = "\ue002"  # "![" while other images and links are taken apart
_LINK = re.compile(r"(?<!!)\[([^\[\]\n]*(?:\[[^\[\]\n]*\][^\[\]\n]*)*)\]\((?:[^()\n]|\([^()\n]*\))*\)")
_REFERENCE = re.compile(r"\[([^\[\]\n]+)\]\[[^\[\]\n]*\]")
_DEFINITION = re.compile(r"^ {0,3}\[[^\]\n]+\]:[ \t]+\S+.*$\n?", re.MULTILINE)
_STRONG = re.compile(r"(\*\*|__)(?=\S)([^*\n]{1,500}?)(?<=\S)\1")
_SETEXT = re.compile(r"^(?![ \t]*(?:[-*+>|#]|\d+[.)]\s))(\S[^\n]*)\n(=+|-{2,})[ \t]*$", re.MULTILINE)
_HEADING_ID = re.compile(r"^(#{1,6} .*?)[ \t]*\\?\{#[^}]*\}[ \t]*#*$", re.MULTILINE)
_CLOSED_HEADING = re.compile(r"^(#{1,6} .*?)[ \t]+#+[ \t]*$", re.MULTILINE)
_ADMONITION = re.compile(
    r"^[ \t]*(?::{3,}|!{3}|\?{3}\+?)[ \t]*(?:\{?[\w-]+\}?)?[ \t]*(?:\[(.*?)\]|\"(.*?)\"|(.*?))[ \t]*$", re.MULTILINE
)
_LINE_BREAK = re.compile(r"(?i)<br\s*/?>")
_CODE_TAG = re.compile(r"(?is)<(code|kbd|samp)\b[^<>]*>([^<>`\n]*)</\1>")
_HTML_NAMES = (
    "a|abbr|address|article|aside|b|big|blockquote|center|cite|code|dd|del|details|dfn|div|dl|dt|em|figcaption|figure|font|footer"
    "|h[1-6]|header|hr|i|iframe|img|input|ins|kbd|label|li|main|mark|nav|ol|p|picture|pre|q|s|samp|script|section|small|source|span"
    "|strong|style|sub|summary|sup|svg|path|table|tbody|td|tfoot|th|thead|time|tr|u|ul|var|video|audio|button|form|object|embed"
)
_TAG = re.compile(rf"(?i)</?(?:{_HTML_NAMES})(?:\s[^<>]*)?/?>")
_HTML_HEADING = re.compile(r"(?is)<h([1-6])\b[^>]*>(.*?)</h\1>")
_SCRIPT = re.compile(r"(?is)<(script|style)\b.*?</\1>")


def read_text(data: bytes, filename: str) -> ReadDocument:
    """Read a plain text file as it is."""
    return build(filename=filename, markdown=decode(data))


def read_markdown(data: bytes, filename: str) -> ReadDocument:
    """Read Markdown or MDX: front matter gives the title, tags and link targets go, their text stays."""
    text = decode(data).replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    fields, text = front_matter(text)
    body = plain_markdown(text, jsx=filename.lower().endswith(".mdx"))
    description = fields.get("description", "")
    if description and description[:60] not in body:
        body = f"{description}\n\n{body}"
    metadata: dict[str, str] = {
        key: fields[key] for key in ("description", "author", "category", "slug") if key in fields
    }
    return build(
        filename=filename,
        markdown=body,
        titles=[fields.get("title"), fields.get("sidebar_label")],
        language=fields.get("lang", "") or fields.get("language", ""),
        metadata=metadata,
    )


def front_matter(text: str) -> tuple[dict[str, str], str]:
    """Split YAML front matter off; only its flat `key: value` lines are read, quotes removed."""
    found = _FRONT_MATTER.match(text)
    if not found or not _FIELD.search(found[1]):
        return {}, text
    fields = {key.lower(): _unquoted(value) for key, value in _FIELD.findall(found[1])}
    return {key: value for key, value in fields.items() if value not in {"", "|", ">", "null", "~"}}, text[
        found.end() :
    ]


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1].replace('\\"', '"').replace("''", "'")
    return value


def plain_markdown(text: str, *, jsx: bool = False) -> str:
    """Return Markdown without tags, link targets, images, comments and emphasis; code is left as it is."""
    prose, kept = _set_code_aside(text)
    if jsx:
        prose = without_jsx(prose)
    prose = _without_html(prose)
    prose = _ADMONITION.sub(lambda found: found[1] or found[2] or found[3] or "", prose)
    prose = _HEADING_ID.sub(r"\1", _SETEXT.sub(_atx, prose))
    prose = _CLOSED_HEADING.sub(r"\1", prose)
    prose = _DEFINITION.sub("", prose)
    prose = _LINK.sub(r"\1", _IMAGE.sub(r"\1", _OWN_LINE.sub(_picture, prose)))
    prose = _STRONG.sub(r"\2", _REFERENCE.sub(r"\1", prose))
    prose = html.unescape(re.sub(r"\\([{}<>#_*\[\]()~`!-])", r"\1", prose)) if "&" in prose or "\\" in prose else prose
    return _put_back(prose, kept).replace(_PICTURE_MARK, "![")


def _picture(found: re.Match[str]) -> str:
    """A picture on lines of its own is a block, set aside like code from what is done to prose."""
    block = picture(found[1], data_reference(found[2].split(" ")[0].strip("<>")))
    return block.replace("![", _PICTURE_MARK, 1) if block else found[1]


def _atx(found: re.Match[str]) -> str:
    return f"{'#' if found[2][0] == '=' else '##'} {found[1]}"


def _without_html(text: str) -> str:
    text = _SCRIPT.sub("", _COMMENT.sub("", text))
    if "<" not in text:
        return text
    text = _TABLE.sub(_html_table, text)
    text = _HTML_HEADING.sub(lambda found: f"\n\n{'#' * int(found[1])} {' '.join(found[2].split())}\n\n", text)
    text = _CODE_TAG.sub(r"`\2`", _LINE_BREAK.sub(" ", text))
    return _TAG.sub("", text)


def _html_table(found: re.Match[str]) -> str:
    # Parsing HTML is only paid for by the rare file that has such a table.
    from knowledge.readers.web import fragment_markdown

    return f"\n\n{fragment_markdown(found[0])}\n\n"


def _set_code_aside(text: str) -> tuple[str, list[str]]:
    """Replace code by marks of private-use characters, which `_put_back` finds again."""
    kept: list[str] = []

    def keep(code: str) -> str:
        kept.append(code)
        return f"\ue000{len(kept) - 1}\ue001"

    lines: list[str] = []
    block: list[str] = []
    fence = ""
    for line in text.replace("\ue000", "").replace("\ue001", "").split("\n"):
        opening = _FENCE.match(line)
        if fence:
            block.append(line)
            if line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                lines.append(keep(_dedented(block)))
                fence = ""
        elif opening and "`" not in line[opening.end() :]:
            fence, block = opening[1], [line]
        else:
            lines.append(_INLINE_CODE.sub(lambda found: keep(found[0]), line))
    if fence:
        lines.append(keep("\n".join([*_dedented(block).split("\n"), fence])))
    return "\n".join(lines), kept


def _dedented(block: list[str]) -> str:
    """Move a fence that is indented as part of a list or a tag to the left margin."""
    width = len(block[0]) - len(block[0].lstrip())
    first, *rest = [line[width:] if not line[:width].strip() else line.lstrip() for line in block]
    fence = re.sub(r"^(`{3,}|~{3,})[ \t]*(?:\{\.)?([\w+#.-]*).*$", r"\1\2", first)
    return "\n".join(
        [fence, *rest[:-1], *(line.strip() if set(line.strip()) <= {"`", "~"} else line for line in rest[-1:])]
    )


def _put_back(text: str, kept: list[str]) -> str:
    return re.sub("\ue000(\\d+)\ue001", lambda found: kept[int(found[1])], text)
