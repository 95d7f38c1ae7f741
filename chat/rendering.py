"""Replies as HTML: Markdown rendered on the server, then sanitised, so that nothing a model writes can run or load.

No images, no HTML of the text's own, and no links except to addresses that the server itself put into the citations.
"""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

MARKER = re.compile(r"\s?\[(\d{1,3})\]")
DIGITS = re.compile(r"\[\d{0,3}\Z")
TAGS = {
    "a", "blockquote", "br", "code", "del", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p",
    "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {
    "a": {"href", "class", "data-n", "aria-label", "rel"}, "ol": {"start"}, "code": {"class"}, "table": {"class"},
    "div": {"class", "tabindex", "role", "aria-label"}, "th": {"scope", "class"}, "td": {"class"},
}  # fmt: skip
CLASSES = {"cite", "table", "table-wrap", "num"}
RELATION = "noopener nofollow"
NO_LINKS = "\0"  # no address begins like this
LEVELS_DOWN = 2  # a reply's first heading is an h3 on the page


def render_reply(text: str, *, slug: str = "", message: str = "", citations: Sequence[Mapping[str, Any]] = ()) -> str:
    """Safe HTML of a reply.

    `citations` hold n, title and url; a marker `[n]` of one of them becomes a link to its source, any other is dropped.
    """
    known = {int(c["n"]): c for c in citations}
    links = {str(c["url"]) for c in citations if str(c.get("url", "")).startswith(("https://", "http://"))}
    path = f"/{slug}/messages/{message}/sources/"
    env = {"known": known, "links": links, "path": path, "allowed": []}
    return _sanitise(_markdown.render(text, env), links, path)


def render_partial(text: str) -> str:
    """Safe HTML of a reply that is still being written: what is open is closed, and markers wait for their sources."""
    return render_reply(_closed(text))


def render_document(text: str) -> str:
    """Safe HTML of a document's Markdown, to read: no links, of pictures their words, brackets with numbers as such."""
    return _sanitise(_documents.render(text, {"links": set(), "allowed": []}), set(), NO_LINKS)


def _closed(text: str) -> str:
    """Markdown with a code fence, emphasis or marker that the text breaks off in closed or left out."""
    text = DIGITS.sub("", text)
    lines = text.split("\n")
    fences = [line.strip() for line in lines if line.lstrip().startswith(("```", "~~~"))]
    if len(fences) % 2:
        return f"{text}\n{fences[-1][:3]}"
    last = lines[-1]
    if set(last.strip()) <= set("=-") and last.strip():
        return "\n".join(lines[:-1])  # might become a rule; would make a heading of the paragraph above for a moment
    for mark in ("**", "`"):
        if last.count(mark) % 2:
            text = text[: -len(mark)] if text.endswith(mark) else text.rstrip() + mark
    return text


def _sanitise(html: str, links: set[str], path: str) -> str:
    def attribute(tag: str, name: str, value: str) -> str | None:
        if name == "href":
            return value if value in links or value.startswith(path) else None
        if name == "class" and tag != "code":
            return value if value in CLASSES else None
        return value

    return nh3.clean(
        html, tags=TAGS, attributes=ATTRIBUTES, attribute_filter=attribute, url_schemes={"http", "https"}, link_rel=None
    )


def _cite(state: StateCore) -> None:
    """Turns markers in running text into citation tokens; what stands in code stays as it is."""
    for block in state.tokens:
        if block.type == "inline" and block.children and "known" in state.env:
            block.children = [piece for token in block.children for piece in _split(token, state.env["known"])]


def _split(token: Token, known: Mapping[int, Mapping[str, Any]]) -> list[Token]:
    if token.type != "text" or "[" not in token.content:
        return [token]
    pieces, at = [], 0
    for marker in MARKER.finditer(token.content):
        pieces.append(Token("text", "", 0, content=token.content[at : marker.start()], level=token.level))
        if int(marker[1]) in known:
            pieces.append(Token("citation", "", 0, content=str(int(marker[1])), level=token.level))
        at = marker.end()
    return [*pieces, Token("text", "", 0, content=token.content[at:], level=token.level)]


class _Renderer(RendererHTML):
    """HTML in the shape of the product's stylesheet."""

    # ruff: noqa: ARG002 (the library calls every rule with the same four arguments)

    def citation(self, tokens: Sequence[Token], idx: int, options: Any, env: Mapping[str, Any]) -> str:
        n = int(tokens[idx].content)
        label = escape(f"Source {n}: {env['known'][n].get('title', '')}")
        return f'<a class="cite" href="{env["path"]}{n}/" data-n="{n}" aria-label="{label}">{n}</a>'

    def table_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return '<div class="table-wrap" tabindex="0" role="region" aria-label="Table"><table class="table">\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "</table></div>\n"

    def th_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return '<th scope="col">'

    def td_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "<td>"

    def heading_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return f"<{_lowered(tokens[idx].tag)}>"

    def heading_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return f"</{_lowered(tokens[idx].tag)}>\n"

    def image(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return f"<em>{escape(f'Picture: {tokens[idx].content}')}</em>" if tokens[idx].content else "<em>Picture</em>"

    def link_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Mapping[str, Any]) -> str:
        href = str(tokens[idx].attrs.get("href", ""))
        allowed = href in env["links"]
        env["allowed"].append(allowed)
        return f'<a href="{escape(href)}" rel="{RELATION}">' if allowed else ""

    def link_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Mapping[str, Any]) -> str:
        return "</a>" if env["allowed"].pop() else ""


def _lowered(tag: str) -> str:
    return f"h{min(6, int(tag[1]) + LEVELS_DOWN)}"


def _parser(*disabled: str) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False}, renderer_cls=_Renderer)
    return parser.enable(["table", "strikethrough"]).disable(["html_block", "html_inline", "reference", *disabled])


_documents = _parser()
_markdown = _parser("image")
_markdown.core.ruler.push("citations", _cite)
