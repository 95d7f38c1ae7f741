"""Pictures: a passage of their own, found by alternative text, caption and the sentences around them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from knowledge.chunking.packing import Part, split_block
from knowledge.models import ChunkKind
from knowledge.sentences import split_sentences

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knowledge.chunking.blocks import Block
    from knowledge.chunking.packing import Room

MAX_AROUND = 300  # characters of a sentence beside a picture
#: What a caption that was made for a picture begins with among what it is found by.
MARK = "Picture: "

_PICTURE = re.compile(r"!\[([^\]]*)\]\(([^()\s]*)\)")


def said_by(text: str) -> str:
    """Return the words of a picture's passage: alternative text and caption, "" where it has none."""
    return "\n".join(line.strip() for line in _PICTURE.sub(r"\1", text).split("\n") if line.strip())


def reference_of(text: str) -> str:
    """Return where a picture's passage says that the picture is in its file, "" for a text without a picture."""
    found = _PICTURE.search(text)
    return found[2] if found else ""


def split_picture(markdown: str, block: Block, beside: tuple[Block | None, Block | None], room: Room) -> Iterator[Part]:
    """Yield a picture with its caption as a passage; `beside` are the blocks before and after it."""
    around = [part for part in (_last(markdown, beside[0]), _first(markdown, beside[1])) if part]
    found_by = "\n".join(around)
    if room.count(found_by) * 2 > room.limit:
        found_by = ""
    for part in split_block(markdown, block, room.beside(found_by)):
        yield part._replace(kind=ChunkKind.IMAGE, found_by=found_by, apart=True)


def _last(markdown: str, block: Block | None) -> str:
    sentences = _sentences(markdown, block)
    return sentences[-1] if sentences else ""


def _first(markdown: str, block: Block | None) -> str:
    sentences = _sentences(markdown, block)
    return sentences[0] if sentences else ""


def _sentences(markdown: str, block: Block | None) -> list[str]:
    """Return the sentences of running text, those that are not too long to stand beside a picture."""
    if block is None or block.kind not in {"paragraph", "item"}:
        return []
    text = markdown[block.start : block.end]
    found = (" ".join(text[start:end].split()) for start, end in split_sentences(text))
    return [sentence for sentence in found if len(sentence) <= MAX_AROUND]
