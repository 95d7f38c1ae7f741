"""Where an answer comes from, to read: a passage highlighted in its surroundings, or in its whole document."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from django.db.models import F, IntegerField, QuerySet, Value
from django.db.models.functions import Length, Substr
from django.http import Http404
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.safestring import SafeString, mark_safe

from chat.rendering import render_document
from knowledge import queries as knowledge
from knowledge.chunking.pictures import MARK
from knowledge.chunking.tables import cells_of, header_of
from knowledge.models import Chunk, ChunkKind, Document, DocumentVersion

AROUND = 1_500  # characters of a section shown before and after the passage
PART = 60_000  # characters of a document on one page
BREAK_WITHIN = 2_000  # characters after a part's nominal end in which it may end at a blank line

FENCE_REACH = 200_000  # characters in which the beginning of a code block is looked for
FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")

# Noncharacters of Unicode: they mean nothing in any text, and survive Markdown and sanitising.
BEGIN, END = "\ufdd0", "\ufdd1"
FREE_OF_MARKS = {ord(BEGIN): "\ufffd", ord(END): "\ufffd"}
TAG = re.compile(r"(<[^>]*>)")
#: What begins a line of Markdown without being its text; a mark before it would turn the block into plain text.
BLOCK_SYNTAX = re.compile(r"(?:[ \t]*(?:#{1,6}[ \t]+|[-*+][ \t]+|\d{1,9}[.)][ \t]+|>[ \t]?|\|[ \t]*)|[ \t]+|\n)+")


@dataclass(frozen=True, slots=True)
class Source:
    """What the panel shows of one citation. `html` is safe; `changed`: the document is not what it was."""

    n: int
    title: str
    facts: str
    path: list[str]
    html: SafeString
    link: str
    changed: bool


def readable_documents(*, staff: bool) -> QuerySet[Document]:
    """Documents whose text may be read: those that may answer today, and to staff the others as well."""
    documents = Document.objects.exclude(current=None) if staff else knowledge.live_documents()
    return documents.select_related("current").defer("current__markdown")


def source_of(citation: Mapping[str, Any], slug: str) -> Source:
    """A citation with its surroundings; with its stored quote alone when the passage no longer exists."""
    chunk = (
        Chunk.objects.filter(pk=citation.get("chunk"))
        .select_related("document", "version")
        .defer("version__markdown")
        .first()
    )
    heading = [part for part in [citation.get("heading")] if part]
    quote = str(citation.get("quote", ""))
    if chunk is None:
        html = highlighted(quote, 0, len(quote))
        return Source(citation["n"], str(citation.get("title", "")), "", heading, html, "", changed=True)
    start, end = _span(citation, chunk)
    current = chunk.document.current_id == chunk.version_id and chunk.document.state == Document.State.LIVE
    link = f"{reverse('chat:document', args=[slug, chunk.document_id])}?start={start}&end={end}#passage"
    return Source(
        n=citation["n"],
        title=str(chunk.document),
        facts=facts_of(chunk.document, chunk.version, chunk.page),
        path=list(chunk.heading_path) or heading,
        html=_excerpt(chunk, start, end),
        link=link if current else "",
        changed=not current,
    )


def document_page(document: Document, wanted: Mapping[str, str]) -> dict[str, Any]:
    """The context of a document's page: one part of its text, with the wanted passage marked in it."""
    version = document.current
    if version is None:
        raise Http404("Nothing to read yet")
    length = DocumentVersion.objects.filter(pk=version.pk).values_list(Length("markdown"), flat=True).get()
    parts = max(1, -(-length // PART))
    start, end = _wanted_span(version, wanted)
    part = min(parts, _number(wanted, "part") or (start or 0) // PART + 1)
    begin, text = _part(version, part, parts)
    if start is not None and start < begin and part > 1:
        part -= 1  # the part began a little later, at a blank line
        begin, text = _part(version, part, parts)
    marked = start is not None and begin <= start < begin + len(text)
    html = highlighted(text, start - begin, end - begin) if marked and start is not None else _safe(text)
    return {
        "document": document,
        "facts": facts_of(document, version, None),
        "html": html,
        "marked": marked,
        "part": part,
        "parts": parts,
    }


def facts_of(document: Document, version: DocumentVersion, page: int | None) -> str:
    """The line under a document's title: its kind, the page, since when it holds."""
    facts = [PurePath(version.filename).suffix.lstrip(".").upper() or "Text"]
    if page:
        facts.append(f"page {page} of {len(version.pages)}" if version.pages else f"page {page}")
    elif len(version.pages) > 1:
        facts.append(f"{len(version.pages)} pages")
    if document.valid_from:
        facts.append(f"valid since {date_format(document.valid_from, 'j F Y')}")
    return ", ".join(facts)


def highlighted(markdown: str, start: int, end: int) -> SafeString:
    """The Markdown as safe HTML, with characters `start` to `end` inside <mark>; the first has the id "passage".

    The bounds travel through the renderer as two noncharacters and become tags afterwards, one pair for each piece of
    text between two other tags, so that a passage may run over several paragraphs or cells.
    """
    text = markdown.translate(FREE_OF_MARKS)
    end = max(0, min(end, len(text)))
    start = max(0, min(start, end))
    syntax = BLOCK_SYNTAX.match(text, start, end) if start == 0 or text[start - 1] == "\n" else None
    start = syntax.end() if syntax else start
    end = start + len(text[start:end].rstrip(" \t\n|"))
    rendered = render_document(text[:start] + BEGIN + text[start:end] + END + text[end:])
    return _with_marks(rendered)


def _with_marks(html: str) -> SafeString:
    inside, pieces = False, []
    for piece in TAG.split(html):
        if piece.startswith("<"):
            pieces.append(piece.replace(BEGIN, "").replace(END, ""))
            continue
        before, begun, rest = piece.partition(BEGIN)
        if begun or inside:
            marked, ended, after = (rest if begun else piece).partition(END)
            pieces.append((before if begun else "") + _mark(marked) + after)
            inside = not ended
        else:
            pieces.append(piece)
    return mark_safe("".join(pieces).replace("<mark>", '<mark id="passage">', 1))  # noqa: S308 (sanitised by the renderer; marks added)


def _safe(markdown: str) -> SafeString:
    return mark_safe(render_document(markdown))  # noqa: S308 (sanitised by the renderer)


def _mark(text: str) -> str:
    return f"<mark>{text}</mark>" if text.strip() else text


def _span(citation: Mapping[str, Any], chunk: Chunk) -> tuple[int, int]:
    """The cited characters in the version's text; the whole chunk where the citation names none inside it."""
    match citation.get("span"):
        case [int(start), int(end)] if chunk.start <= start < end <= chunk.end:
            return start, end
        case _:
            return chunk.start, chunk.end


def _excerpt(chunk: Chunk, start: int, end: int) -> SafeString:
    begin = max(chunk.parent_start, start - AROUND)
    text = _text(chunk.version, begin, min(chunk.parent_end, end + AROUND))
    if begin > chunk.parent_start:
        line = text.find("\n", 0, start - begin) + 1
        begin, text = begin + line, text[line:]
    lead = _lead(chunk, begin, text)
    if chunk.kind == ChunkKind.IMAGE and chunk.found_by.startswith(MARK):
        text += f"\n\n{chunk.found_by.partition(chr(10))[0]} (Described by a model.)"
    return highlighted(lead + text, len(lead) + start - begin, len(lead) + end - begin)


def _lead(chunk: Chunk, begin: int, text: str) -> str:
    """What must stand before an excerpt that begins inside a table or code, for it to be shown as such."""
    if chunk.kind == ChunkKind.CODE:
        return _open_fence(_text(chunk.version, max(0, begin - FENCE_REACH), begin))
    first, _, rest = text.partition("\n")
    names = cells_of(chunk.found_by.rpartition("\n")[2])
    if chunk.kind != ChunkKind.TABLE or not first.startswith("|") or header_of([first, rest.partition("\n")[0]]):
        return ""
    if len(names) != len(cells_of(first)):
        return ""
    return f"| {' | '.join(name.replace('|', chr(92) + '|') for name in names)} |\n|{' --- |' * len(names)}\n"


def _open_fence(before: str) -> str:
    """The line that opens the code which a text ends in; "" where it ends outside of code."""
    opened = ""
    for line in before.split("\n"):
        if not opened and (mark := FENCE.match(line)):
            opened = mark[1]
        elif opened and line.strip().startswith(opened) and not line.strip().strip(opened[0]):
            opened = ""
    return f"{opened}\n" if opened else ""


def _text(version: DocumentVersion, begin: int, end: int) -> str:
    """Some characters of a version's text, cut in the database: the whole may be megabytes."""
    cut = Substr(F("markdown"), Value(begin + 1), Value(max(0, end - begin), output_field=IntegerField()))
    text: str = DocumentVersion.objects.filter(pk=version.pk).values_list(cut, flat=True).get()
    return text


def _part(version: DocumentVersion, part: int, parts: int) -> tuple[int, str]:
    """Where part 1..parts begins, and its text: from one blank line to another."""
    first, last = (part - 1) * PART, part * PART
    text = _text(version, first, last + BREAK_WITHIN)
    begin = _after_break(text, 0) if part > 1 else 0
    end = _after_break(text, PART) if part < parts else len(text)
    return first + begin, text[begin:end]


def _after_break(text: str, position: int) -> int:
    found = text.find("\n\n", position, position + BREAK_WITHIN)
    return found + 2 if found >= 0 else position


def _wanted_span(version: DocumentVersion, wanted: Mapping[str, str]) -> tuple[int | None, int]:
    chunk = Chunk.objects.filter(version=version, pk=_number(wanted, "chunk") or 0).first()
    if chunk is not None:
        return chunk.start, chunk.end
    start, end = _number(wanted, "start"), _number(wanted, "end")
    return (start, end) if start is not None and end is not None and start < end else (None, 0)


def _number(wanted: Mapping[str, str], name: str) -> int | None:
    """A whole number of the query, None for anything else; long ones are no numbers of ours."""
    text = wanted.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < len(str(2**63)) else None
