"""MDX without its programming: imports, exports, tags and expressions go, the text in them stays."""

import re

_STATEMENT = re.compile(
    r"^(?:import\s+(?:[\w{*\"'])|export\s+(?:const|let|var|function|default|class|async|\{|\*))", re.MULTILINE
)
_TAG_START = re.compile(r"<(/?)([A-Z][\w.]*|[a-z]+[\w-]*)(?=[\s/>])|<(/?)>")
_COMMENT = re.compile(r"\{/\*.*?\*/\}", re.DOTALL)
_STRING_EXPRESSION = re.compile(r"""(?<!\\)\{\s*(["'`])((?:(?!\1)[^\\{}\n])*)\1\s*\}""")
_EXPRESSION = re.compile(r"(?<![\\$\w{])\{[^{}\n|]*\}(?!\})")
_ATTRIBUTE = re.compile(r"""([\w-]+)=(?:"([^"]*)"|'([^']*)'|\{\s*(["'`])(.*?)\4\s*\})""", re.DOTALL)
_TELLING = ("title", "heading", "label", "text", "summary", "question", "description", "term")
_CLOSERS = {"{": "}", "(": ")", "[": "]"}
_MAX_TAG_CHARS = 20_000
_MAX_STATEMENT_CHARS = 200_000


def without_jsx(text: str) -> str:
    """Return MDX prose (code set aside) as Markdown."""
    text = _COMMENT.sub("", _without_statements(text))
    text = _STRING_EXPRESSION.sub(r"\2", _without_tags(text))
    return _without_indents(_EXPRESSION.sub("", text))


def _without_statements(text: str) -> str:
    """Drop `import` and `export` statements at the start of lines, each to the end of its last line."""
    parts: list[str] = []
    position = 0
    for found in _STATEMENT.finditer(text):
        if found.start() < position:
            continue
        parts.append(text[position : found.start()])
        position = _statement_end(text, found.start())
    parts.append(text[position:])
    return "".join(parts)


def _statement_end(text: str, start: int) -> int:
    open_brackets = 0
    limit = min(len(text), start + _MAX_STATEMENT_CHARS)
    for position in range(start, limit):
        character = text[position]
        if character in "{([":
            open_brackets += 1
        elif character in "})]":
            open_brackets -= 1
        elif character == "\n" and open_brackets <= 0 and text[position - 1] not in "=,>(":
            return position + 1
    return limit


def _without_tags(text: str) -> str:
    """Drop tags; attributes that say something to the reader (`title`, `label`, ...) become text."""
    parts: list[str] = []
    position = 0
    for found in _TAG_START.finditer(text):
        if found.start() < position:
            continue
        name = found[2] or ""
        end = _tag_end(text, found.end())
        if end is None or (name[:1].islower() and not found[1]):
            continue  # lower-case tags are HTML and left to the Markdown reader
        parts.append(text[position : found.start()])
        tag = text[found.start() : end]
        alone = not text[text.rfind("\n", 0, found.start()) + 1 : found.start()].strip()
        parts.append(_spoken(tag, alone=alone) if not found[1] else "")
        position = end
    parts.append(text[position:])
    return "".join(parts)


def _tag_end(text: str, start: int) -> int | None:
    """Return where a tag ends, over quoted strings and braces with `>` in them."""
    waiting: list[str] = []
    for position in range(start, min(len(text), start + _MAX_TAG_CHARS)):
        character = text[position]
        if waiting and character == waiting[-1]:
            waiting.pop()
        elif waiting and waiting[-1] in "\"'":
            continue
        elif character in "\"'" or character == "{":
            waiting.append(_CLOSERS.get(character, character))
        elif character == ">" and not waiting:
            return position + 1
    return None


def _spoken(tag: str, *, alone: bool) -> str:
    values = {name: double or single or quoted for name, double, single, _, quoted in _ATTRIBUTE.findall(tag)}
    said = [" ".join(values[name].split()) for name in _TELLING if values.get(name)]
    if not said:
        return " " if tag.endswith("/>") else ""
    return "\n\n" + "\n\n".join(said) + "\n\n" if alone else " " + " ".join(said) + " "


def _without_indents(text: str) -> str:
    """Move what stood inside tags to the left margin, except the inside of lists."""
    lines: list[str] = []
    in_list = False
    for line in text.split("\n"):
        stripped = line.lstrip()
        if re.match(r"[-*+] |\d+[.)] ", stripped):
            in_list = True
        elif stripped and not line[:1].isspace():
            in_list = False
        lines.append(line if in_list else stripped)
    return "\n".join(lines)
