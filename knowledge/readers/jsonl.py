"""JSON Lines of documents: one {id, title, text, metadata} a line, or one {question, answer}."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from knowledge.readers.answers import QUESTION_LEVEL, answer_in
from knowledge.readers.base import ReadDocument, ReadError, build, clean
from knowledge.readers.charset import decode
from knowledge.readers.markup import blocks, heading, literal


@dataclass(frozen=True, slots=True)
class Record:
    """One line: a document of its own."""

    line: int
    id: str
    title: str
    text: str
    metadata: dict[str, str] = field(default_factory=dict)


def iter_jsonl(data: bytes) -> Iterator[Record | ReadError]:
    """Yield a record or, for a line that is none, an error that names the line; blank lines are passed over."""
    for number, line in enumerate(decode(data).split("\n"), 1):
        if line.strip("\ufeff \t\r\x00"):
            try:
                yield _record(number, line)
            except ReadError as error:
                yield error


def _record(number: int, line: str) -> Record:
    try:
        value = json.loads(line.strip("\ufeff \t\r\x00"))
    except (ValueError, RecursionError) as error:
        raise ReadError("line", f"Line {number} is not valid JSON. Correct it and add the file again.") from error
    if not isinstance(value, dict):
        raise ReadError("line", f"Line {number} is not a JSON object with an id, a title and a text.")
    text, title = value.get("text"), _scalar(value.get("title"))
    if text is None and (answered := answer_in(value)):
        title = title or _scalar(answered[0])
        text = blocks([heading(QUESTION_LEVEL, answered[0]), literal(answered[1])])
    if not isinstance(text, str) or not clean(text).strip():
        message = f'Line {number} has no "text", and no "question" with an "answer". Add one, or remove the line.'
        raise ReadError("line", message)
    metadata = value.get("metadata")
    return Record(
        line=number,
        id=_scalar(value.get("id")) or f"line-{number}",
        title=title,
        text=clean(text),
        metadata={clean(key): _scalar(item) for key, item in metadata.items()} if isinstance(metadata, dict) else {},
    )


def _scalar(value: Any) -> str:
    if value is None:
        return ""
    return " ".join(clean(value if isinstance(value, str) else json.dumps(value)).split())


def read_jsonl(data: bytes, filename: str) -> ReadDocument:
    """Read the whole file as one document, each record a section.

    Raises:
        ReadError: of the first malformed line.
    """
    sections: list[str] = []
    for record in iter_jsonl(data):
        if isinstance(record, ReadError):
            raise record
        asks = record.text.startswith(heading(QUESTION_LEVEL, record.title) or "\n")
        sections.append(blocks(["" if asks else heading(2, record.title or record.id), record.text]))
    return build(filename=filename, markdown=blocks(sections), titles=[_stem(filename)])


def _stem(filename: str) -> str:
    return filename.rsplit(".", 1)[0]
