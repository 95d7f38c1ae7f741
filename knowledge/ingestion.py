"""From a file to passages that can be found: read, cut into chunks, embed, publish.

No transaction is open while anything slow happens. Large documents are written block by block; none of it can be found
before the block that completes the version makes it the current one.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import DatabaseError, InterfaceError, OperationalError
from psycopg_pool import PoolTimeout

from knowledge import captions, fetching, publishing, releasing
from knowledge.chunking import ChunkDraft, chunk_document
from knowledge.embedding.base import EmbedderAwayError, EmbedderError, PassageEncoding
from knowledge.embedding.batches import Encoding
from knowledge.embedding.passages import Embedded
from knowledge.embedding.serving import kept_embedders, serving_embedder
from knowledge.models import DocumentVersion, version_path
from knowledge.publishing import EncodedChunk, Work
from knowledge.queries import knowledge_version
from knowledge.readers.base import ReadDocument, ReadError
from knowledge.readers.sandbox import read_in_sandbox
from tenants.scope import tenant_scope

AWAY = (OperationalError, InterfaceError, PoolTimeout)  # the database cannot be reached: a later attempt may succeed
BLOCK = 512  # chunks written in one transaction
PROGRESS_EVERY = 0.5  # seconds between two writes of a progress bar
READ_SHARE = 20  # percent of the bar that reading takes
FAULT = (
    "A fault in Askwell stopped this document; the operator finds it in the log. Retry, or add it in another format."
)
BLANK = "There is no text in this file that could answer a question. Check that it is the right one."
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went with one version.

    Attributes:
        state: "live", "failed", or "skipped" when there was nothing to do (any more).
        error: a sentence for the curator, when it failed.
        away: it failed for want of the embedder, which may be there again later.
    """

    version: int
    external_id: str
    state: str
    error: str = ""
    chunks: int = 0
    away: bool = False


@dataclass(slots=True)
class _Job:
    """A version on its way."""

    work: Work
    document: ReadDocument = field(default_factory=lambda: ReadDocument(title="", markdown=""))
    drafts: list[ChunkDraft] = field(default_factory=list)
    file: str = ""
    content_hash: str = ""
    error: str = ""
    state: str = ""
    written: int = 0
    encoded: int = 0
    away: bool = False
    noted_at: float = field(default_factory=time.monotonic)

    def outcome(self) -> Outcome:
        return Outcome(self.work.version, self.work.external_id, self.state, self.error, len(self.drafts), self.away)


def ingest_versions(tenant_id: int, version_ids: Sequence[int], *, threads: int = 1) -> list[Outcome]:
    """Brings versions of one tenant live, or says of each why not; needs no scope, opens short ones.

    Args:
        tenant_id: whose versions they are.
        version_ids: done together: small documents share batches of the embedder and transactions.
        threads: how many files are read, and batches embedded, at a time.

    Raises:
        OperationalError, InterfaceError, PoolTimeout: the database is away. Calling again is harmless.
    """
    outcomes = _ingest(tenant_id, version_ids, threads)
    with tenant_scope(tenant_id):
        releasing.enqueue_checks(version_ids)
        captions.enqueue(version_ids)
    return outcomes


def _ingest(tenant_id: int, version_ids: Sequence[int], threads: int) -> list[Outcome]:
    with tenant_scope(tenant_id):
        jobs = [_Job(work) for work in publishing.begin(version_ids)]
        knowledge_version()  # so that the model that serves is the one of now
    try:
        prepare = partial(_prepare, count_pieces=serving_embedder(tenant_id).count_pieces)
    except EmbedderError as error:
        _fail_rest(jobs, error)
        return [job.outcome() for job in jobs]
    with ThreadPoolExecutor(threads, thread_name_prefix="ingestion") as pool:
        list(pool.map(prepare, jobs))
        with tenant_scope(tenant_id):
            for job in jobs:
                _note_read(job)
        ready = [job for job in jobs if not job.state]
        try:
            _embed_and_write(ready, tenant_id, pool)
        except AWAY:
            raise
        except EmbedderError as error:
            _fail_rest(ready, error)
        except Exception:  # whatever it is, the curator must see that it failed
            log.exception("Ingestion failed")
            _fail_rest(ready, FAULT)
    return [job.outcome() for job in jobs]


def _prepare(job: _Job, count_pieces: Callable[[str], int]) -> None:
    """Reads and cuts one document; touches no database."""
    try:
        job.document = _read(job)
        job.drafts = chunk_document(job.document, count_pieces)
        job.error = "" if job.drafts else BLANK
    except (ReadError, fetching.FetchError, EmbedderError) as error:
        job.error = str(error)
    except Exception:  # one document's fault must not stop the others
        log.exception("A document could not be read")
        job.error = FAULT


def _read(job: _Job) -> ReadDocument:
    work = job.work
    if work.url:
        return _fetch(job)
    if work.path:
        return read_in_sandbox(work.path, work.filename)
    return ReadDocument(title=work.title or work.external_id, markdown=work.text)


def _fetch(job: _Job) -> ReadDocument:
    work = job.work
    page = fetching.fetch(work.url)
    version = DocumentVersion(tenant_id=work.tenant)
    job.file = default_storage.save(version_path(version, page.filename), ContentFile(page.data))
    job.content_hash = hashlib.sha256(page.data).hexdigest()
    return read_in_sandbox(Path(default_storage.path(job.file)), page.filename)


def _note_read(job: _Job) -> None:
    if job.error:
        job.state = "failed" if publishing.fail(job.work, job.error) else "skipped"
    elif job.work.is_text:
        return  # its text is in its row already
    elif not publishing.note_read(job.work, job.document, file=job.file, content_hash=job.content_hash):
        job.state = "skipped"


def _blocks(jobs: Sequence[_Job]) -> Iterator[list[tuple[_Job, ChunkDraft]]]:
    """All chunks in order, in blocks; documents given up meanwhile are passed over."""
    chunks = ((job, draft) for job in jobs for draft in job.drafts if not job.state)
    while block := list(islice(chunks, BLOCK)):
        yield block


class _Begun(NamedTuple):
    """A block whose vectors are being made: by the model that serves, and by those kept up to date beside it."""

    block: list[tuple[_Job, ChunkDraft]]
    model: str
    encoding: Encoding
    beside: dict[str, Encoding]


def _embed_and_write(jobs: Sequence[_Job], tenant_id: int, pool: ThreadPoolExecutor) -> None:
    """All blocks; while one is written, the next is being embedded."""
    begun: _Begun | None = None
    try:
        for block in _blocks(jobs):
            before, begun = begun, _begin(block, tenant_id, pool)
            if before:
                _finish(before)
        if begun:
            _finish(begun)
    finally:
        for encoding in (begun.encoding, *begun.beside.values()) if begun else ():
            encoding.cancel()


def _begin(block: list[tuple[_Job, ChunkDraft]], tenant_id: int, pool: ThreadPoolExecutor) -> _Begun:
    embedder = serving_embedder(tenant_id)
    inputs = [_embedded(job, draft) for job, draft in block]
    beside = {other.name: Encoding(inputs, other, pool) for other in kept_embedders(tenant_id)}
    return _Begun(block, embedder.name, Encoding(inputs, embedder, pool), beside)


def _finish(begun: _Begun) -> None:
    def progress(places: Sequence[int]) -> None:
        for place in places:
            _note_progress(begun.block[place][0])

    encodings = begun.encoding.finish(progress)
    others = _finished_beside(begun.beside)
    passages = [
        EncodedChunk(job.work, draft, vectors, {name: beside[place] for name, beside in others.items()})
        for place, ((job, draft), vectors) in enumerate(zip(begun.block, encodings, strict=True))
    ]
    jobs = list({job.work.version: job for job, _ in begun.block}.values())
    for job, _ in begun.block:
        job.written += 1
    _write(jobs, passages, begun.model)


def _finished_beside(beside: Mapping[str, Encoding]) -> dict[str, list[PassageEncoding]]:
    """Encodings by the names of models that do not serve; one that fails is left out, and made complete later."""
    found = {}
    for name, encoding in beside.items():
        try:
            found[name] = encoding.finish()
        except EmbedderError as error:
            log.warning("Passages have no vectors of %s yet: %s", name, error)
    return found


def _embedded(job: _Job, draft: ChunkDraft) -> Embedded:
    title = job.work.title or job.document.title
    return Embedded(title, draft.heading_path, draft.text, draft.sentences, draft.kind, draft.found_by)


def _note_progress(job: _Job) -> None:
    """Moves a document's bar now and then; gives the document up when it is no longer ours."""
    job.encoded += 1
    now = time.monotonic()
    done = job.encoded == len(job.drafts)  # it is written next; a short document needs no bar
    if job.state or done or now - job.noted_at < PROGRESS_EVERY:
        return
    job.noted_at = now
    percent = READ_SHARE + (100 - READ_SHARE) * job.encoded // len(job.drafts)
    with tenant_scope(job.work.tenant):
        if not publishing.note_progress(job.work, percent):
            job.state = "skipped"


def _write(jobs: Sequence[_Job], passages: Sequence[EncodedChunk], model: str) -> None:
    """One transaction for the block; one for each document where something in the block cannot be stored."""
    finished = {job.work.version: job.document for job in jobs if job.written == len(job.drafts)}
    try:
        with tenant_scope(jobs[0].work.tenant):
            lost = publishing.write(passages, model, finished)
    except AWAY:
        raise
    except DatabaseError:
        if len(jobs) == 1:
            raise
        for job in jobs:
            _write_alone(job, [passage for passage in passages if passage.work is job.work], model)
        return
    for job in jobs:
        if job.work.version in lost:
            job.state = "skipped"
        elif job.work.version in finished:
            job.state = "live"


def _write_alone(job: _Job, passages: Sequence[EncodedChunk], model: str) -> None:
    try:
        _write([job], passages, model)
    except AWAY:
        raise
    except DatabaseError:
        log.exception("A document could not be stored")
        _fail_rest([job], FAULT)


def _fail_rest(jobs: Sequence[_Job], reason: str | EmbedderError) -> None:
    sentence = str(reason)
    for job in jobs:
        if not job.state:
            job.state, job.error, job.away = "failed", sentence, isinstance(reason, EmbedderAwayError)
            with tenant_scope(job.work.tenant):
                publishing.fail(job.work, sentence)
