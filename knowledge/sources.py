"""What can be added: files, texts, addresses, and files of many documents; and what became of each."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePath

from django.core.files.base import ContentFile, File

from knowledge.models import Document, DocumentVersion
from knowledge.readers.base import ReadError, clean
from knowledge.readers.jsonl import iter_jsonl

MAX_BYTES = 100 * 1024 * 1024  # of one file
MAX_ID = 500  # characters
JSONL = (".jsonl", ".ndjson")


class DocumentRefused(Exception):  # noqa: N818 (a refusal, with a sentence for the curator)
    """A document cannot be added; `str()` says why and what to do."""

    def __init__(self, external_id: str, sentence: str) -> None:
        super().__init__(sentence)
        self.external_id = external_id


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument:
    """A document to add: a file (`data`), a text that needs no reading (`text`), or an address (`url`).

    Attributes:
        external_id: its id; the same id again is a new version.
        data: a file's bytes, or the file itself, open for reading.
        publish: whether it goes live by itself when it has been read.
    """

    external_id: str
    filename: str = ""
    data: "bytes | File[bytes] | None" = None
    text: str | None = None
    url: str = ""
    title: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    publish: bool = True

    def refusal(self) -> DocumentRefused | None:
        """Why this cannot be added; None when it can."""
        if not self.external_id or len(self.external_id) > MAX_ID or "\x00" in self.external_id:
            return self._refused(f"The id must have 1 to {MAX_ID} characters. Give it another.")
        if self.data is not None:
            size = len(self.data) if isinstance(self.data, bytes) else self.data.size
            if not size:
                return self._refused("The file is empty. Check that it is the right one.")
            if size > MAX_BYTES:
                return self._refused(f"The file is larger than {MAX_BYTES // 2**20} MB. Split it into smaller files.")
        elif not self.url and not (self.text or "").strip():
            return self._refused("There is no text. Write or choose something to add.")
        return None

    def _refused(self, sentence: str) -> DocumentRefused:
        return DocumentRefused(self.external_id[:MAX_ID], sentence)

    def content_hash(self) -> str:
        """SHA-256 of the file, or of title and text; empty for an address, which nobody has fetched yet."""
        if self.data is None:
            return hashlib.sha256(f"{self.title}\0{self.text}".encode()).hexdigest() if self.text else ""
        digest = hashlib.sha256()
        for part in [self.data] if isinstance(self.data, bytes) else self.data.chunks():
            digest.update(part)
        return digest.hexdigest()

    def file(self) -> "File[bytes]":
        """The file, to be stored."""
        data = self.data if isinstance(self.data, File) else ContentFile(self.data or b"")
        data.name = self.filename
        return data


class Outcome(StrEnum):
    """What became of an added document."""

    NEW = "new"
    NEW_VERSION = "new version"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Added:
    """A document that was added.

    Attributes:
        version: what is to be read; None when nothing has to be done.
        duplicates: ids of other documents with the same content.
    """

    document: Document
    version: DocumentVersion | None
    outcome: Outcome
    duplicates: tuple[str, ...] = ()


def from_jsonl(data: bytes, filename: str) -> Iterator[NewDocument | DocumentRefused]:
    """The documents of a JSON Lines file, one a line; a line that is none is refused by itself."""
    for record in iter_jsonl(data):
        if isinstance(record, ReadError):
            yield DocumentRefused(filename, str(record))
        else:
            yield NewDocument(
                external_id=record.id,
                filename=filename,
                text=record.text,
                title=record.title[:300],
                metadata=record.metadata,
            )


def from_path(path: Path) -> Iterator[NewDocument | DocumentRefused]:
    """The documents of a file, or of everything in a folder; the id is the path below that folder."""
    if not path.exists():
        yield DocumentRefused(str(path), "There is no such file or folder.")
    elif path.is_dir():
        for file in sorted(p for p in path.rglob("*") if p.is_file() and not _hidden(p.relative_to(path))):
            yield from _from_file(file, file.relative_to(path).as_posix())
    else:
        yield from _from_file(path, path.name)


def _hidden(path: PurePath) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _from_file(path: Path, external_id: str) -> Iterator[NewDocument | DocumentRefused]:
    try:
        if path.stat().st_size > MAX_BYTES:
            yield DocumentRefused(external_id, f"The file is larger than {MAX_BYTES // 2**20} MB. Split it.")
            return
        data = path.read_bytes()
    except OSError as error:
        yield DocumentRefused(external_id, f"The file cannot be read: {error.strerror}.")
        return
    if path.suffix.lower() in JSONL:
        yield from from_jsonl(data, path.name)
    else:
        yield NewDocument(external_id=clean(external_id), filename=clean(path.name), data=data)
