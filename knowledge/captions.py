"""Captions of the pictures in documents: which are missing, the pictures themselves, and what becomes of a caption.

Who looks at a picture is none of this app's business: a job is deferred by its name, after the document is live, and
whoever carries it out asks here for pictures and brings captions. A document never waits for them, and one whose
pictures nobody describes is found by their alternative text and what stands beside them.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import transaction
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.manager import JobManager
from procrastinate.tasks import configure_task

from knowledge.changes import record_change
from knowledge.chunking.pictures import MARK, reference_of, said_by
from knowledge.embedding.passages import Embedded, encode_chunks
from knowledge.embedding.serving import kept_embedders, serving_embedder
from knowledge.models import Chunk, ChunkKind, ChunkVectors, DocumentVersion
from knowledge.publishing import chunk_vectors
from knowledge.readers.base import ReadError
from knowledge.readers.sandbox import read_pictures_in_sandbox
from tenants.scope import tenant_scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from knowledge.embedding.base import PassageEncoding

DESCRIBE = "agents.describe_pictures"
QUEUE = "upkeep"
MAX_PICTURES = 40  # of one version
AT_ONCE = 8  # pictures read from a file at a time, at most 4 MB each
MAX_CAPTION = 400  # characters
log = logging.getLogger(__name__)
_jobs = JobManager(DjangoConnector())


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture without a caption, and what is known of it.

    Attributes:
        data: PNG, JPEG, GIF or WebP.
        words: its alternative text and caption, "" where it has none.
        around: the sentences beside it.
    """

    chunk: int
    data: bytes
    title: str
    headings: tuple[str, ...]
    words: str
    around: str


def enqueue(version_ids: Iterable[int]) -> None:
    """Ask for the captions of these versions, where they have pictures; needs the tenant's scope."""
    read = [DocumentVersion.State.LIVE, DocumentVersion.State.HELD]
    versions = DocumentVersion.objects.filter(pk__in=list(version_ids), state__in=read, chunks__kind=ChunkKind.IMAGE)
    for version in versions.only("pk", "tenant_id").distinct():
        lock = f"pictures:{version.pk}"
        deferrer = configure_task(name=DESCRIBE, job_manager=_jobs, queue=QUEUE, lock=lock, queueing_lock=lock)
        try:
            with transaction.atomic():
                deferrer.defer(tenant_id=version.tenant_id, version_id=version.pk)
        except AlreadyEnqueued:
            log.info("The pictures of version %s wait already", version.pk)


def pictures_without_caption(tenant_id: int, version_id: int) -> Iterator[Picture]:
    """The pictures of a version that nobody has described, as many as are looked at; opens its own short scopes."""
    with tenant_scope(tenant_id):
        version = DocumentVersion.objects.filter(pk=version_id).select_related("document").defer("markdown").first()
        images = Chunk.objects.filter(version=version_id, kind=ChunkKind.IMAGE).order_by("ordinal")
        wanted = {reference_of(chunk.text): chunk for chunk in images[:MAX_PICTURES]}
    if version is None or not version.file:
        return
    missing = [name for name, chunk in wanted.items() if name and not chunk.found_by.startswith(MARK)]
    for first in range(0, len(missing), AT_ONCE):
        try:
            found = read_pictures_in_sandbox(Path(version.file.path), missing[first : first + AT_ONCE])
        except ReadError as error:
            log.warning("The pictures of version %s could not be read: %s", version_id, error)
            return
        for name, data in found.items():
            chunk = wanted[name]
            words = said_by(chunk.text)
            headings = tuple(chunk.heading_path)
            yield Picture(chunk.pk, data, version.document.title, headings, words, chunk.found_by)


def keep_captions(tenant_id: int, captions: Mapping[int, str]) -> int:
    """Have chunks of pictures found by these captions from now on; returns how many of them were still there.

    Opens its own short scopes; embeds outside of them.

    Raises:
        EmbedderError: nothing was kept.
    """
    with tenant_scope(tenant_id):
        chunks = list(Chunk.objects.filter(pk__in=list(captions), kind=ChunkKind.IMAGE).select_related("document"))
    found_by = {chunk.pk: _with_caption(chunk.found_by, captions[chunk.pk]) for chunk in chunks}
    inputs = [_embedded(chunk, found_by[chunk.pk]) for chunk in chunks]
    embedders = [serving_embedder(tenant_id), *kept_embedders(tenant_id)]
    made = {embedder.name: encode_chunks(inputs, embedder) for embedder in embedders}
    with tenant_scope(tenant_id):
        there = {chunk.pk: chunk for chunk in Chunk.objects.select_for_update().filter(pk__in=found_by)}
        for chunk in there.values():
            # A picture without words was switched off for want of anything to be found by, not by a curator.
            chunk.enabled = chunk.enabled or not said_by(chunk.text)
            chunk.found_by = found_by[chunk.pk]
        Chunk.objects.bulk_update(there.values(), ["found_by", "enabled"])
        ChunkVectors.objects.filter(chunk__in=there, model__in=made).delete()
        ChunkVectors.objects.bulk_create(_vectors(chunks, there, made))
        record_change({chunk.document_id for chunk in there.values()})
    return len(there)


def _vectors(
    chunks: Sequence[Chunk], there: Mapping[int, Chunk], made: Mapping[str, list[PassageEncoding]]
) -> Iterator[ChunkVectors]:
    for name, encodings in made.items():
        for chunk, encoding in zip(chunks, encodings, strict=True):
            if chunk.pk in there:
                yield chunk_vectors(there[chunk.pk], encoding, name)


def _with_caption(around: str, caption: str) -> str:
    caption = " ".join(caption.split())[:MAX_CAPTION]
    return f"{MARK}{caption}\n{around}".strip()


def _embedded(chunk: Chunk, found_by: str) -> Embedded:
    sentences = tuple((begin, end) for begin, end in chunk.sentences)
    headings = tuple(chunk.heading_path)
    return Embedded(chunk.document.title, headings, chunk.text, sentences, chunk.kind, found_by)
