"""Vectors of another model beside those that serve: made in the background, complete, switched to, and back.

A model moves from NEW over BUILDING to READY. From BUILDING on, new passages get its vectors as they are written; a job
makes those of the passages that were there before, a batch at a time, so that it may be killed at any moment and loses
one batch. A model is READY once no passage lacks its vectors, which is looked at under the lock that also those who
publish passages hold. Only such a model can be switched to; that is one row.

All but `embed_missing` needs a tenant scope.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.manager import JobManager
from procrastinate.tasks import configure_task

from knowledge import releasing
from knowledge.changes import locked_state, record_change, record_search_change
from knowledge.embedding.base import SHIPPED, EmbedderAwayError, EmbedderError, get_embedder
from knowledge.embedding.passages import Embedded, encode_chunks
from knowledge.embedding.serving import Definition, embedder_of, serving_name
from knowledge.models import FINISHED, Chunk, ChunkVectors, Document, EmbeddingModel
from knowledge.publishing import chunk_vectors
from knowledge.queries import knowledge_version
from tenants.models import AuditEvent
from tenants.scope import current_tenant_id, tenant_scope
from tenants.services import record_audit

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from django.db.models import QuerySet

    from knowledge.embedding.base import Embedder, PassageEncoding
    from knowledge.models import Release

EMBED = "knowledge.embed"
QUEUE = "ingestion"
LAST = -10  # priority: documents that wait to be read come first
SLICE_SECONDS = 20.0  # after which a job gives way to documents that came meanwhile
BATCH = 64  # chunks embedded, and then written, at once
SWITCHED = "embedding.switched"
NOBODY = "Askwell"  # who began what began by itself, in the audit trail
State = EmbeddingModel.State
log = logging.getLogger(__name__)

# Django's own connection: the job commits, or rolls back, with the rows it is about.
_jobs = JobManager(DjangoConnector())


class CannotSwitchError(Exception):
    """A model cannot be put into, or out of, service; `str()` is a sentence that says why."""


def lacking(name: str) -> QuerySet[Chunk]:
    """The chunks without vectors of a model."""
    made = ChunkVectors.objects.filter(chunk=OuterRef("pk"), model=name)
    chunks: QuerySet[Chunk] = Chunk.objects.filter(~Exists(made))
    return chunks


def is_own(row: EmbeddingModel) -> bool:
    """Whether this is the installation's own model."""
    return not row.model and row.name == get_embedder().name


def own_row() -> EmbeddingModel:
    """The row of the installation's own model, so that it can be watched, and switched back to, as others can.

    Raises:
        EmbedderError: there is none that could be used.
    """
    name = get_embedder().name
    row: EmbeddingModel | None = EmbeddingModel.objects.filter(name=name).first()
    if row is None:
        complete = Chunk.objects.exists() and not lacking(name).exists()
        row = EmbeddingModel(tenant_id=current_tenant_id(), name=name, state=State.READY if complete else State.NEW)
        row.progress = FINISHED if complete else 0
        row.dimensions = get_embedder().dimensions if name == SHIPPED else None
        row.save()
    return row


def begin(row: EmbeddingModel, *, actor: str) -> None:
    """Have a worker embed every passage with this model; what has its vectors already is passed over."""
    row.state, row.error = State.BUILDING, ""
    row.save(update_fields=["state", "error", "changed_at"])
    record_audit(actor=actor, action="embedding.begun", target=row.name)
    enqueue(row)


def enqueue(row: EmbeddingModel) -> None:
    """Ask a worker for the vectors that are missing, in the open transaction; harmless when it was asked already."""
    deferrer = configure_task(
        name=EMBED,
        job_manager=_jobs,
        queue=QUEUE,
        priority=LAST,
        lock=f"embedding:{row.pk}",
        queueing_lock=f"embedding:{row.pk}",
    )
    try:
        with transaction.atomic():
            deferrer.defer(tenant_id=row.tenant_id, model_id=row.pk)
    except AlreadyEnqueued:
        log.info("The vectors of model %s are waited for already", row.pk)


def cancel(row: EmbeddingModel, *, actor: str) -> bool:
    """Stop making vectors; those that were made stay, and the next begin goes on from there."""
    if row.name == serving_name(row.tenant_id):
        return False
    stopped = EmbeddingModel.objects.filter(pk=row.pk, state=State.BUILDING).update(
        state=State.NEW, changed_at=timezone.now()
    )
    if stopped:
        record_audit(actor=actor, action="embedding.stopped", target=row.name)
    return bool(stopped)


def switch(row: EmbeddingModel, *, actor: str) -> Release | None:
    """Have searches use this model from now on; with the release gate on, once it has let the change through.

    Raises:
        CannotSwitchError: passages lack its vectors.
    """
    if not releasing.gate_is_on():
        serve(row.name, actor=actor)
        return None
    _check_complete(row.name)
    label = f"Embedding model {row.name}"
    return releasing.request_release(change={"embedding": row.name}, label=label, actor=actor)


def serve(name: str, *, actor: str) -> None:
    """Have searches use this model from now on, in every process from their next question on.

    Raises:
        CannotSwitchError: there is no such model, or passages lack its vectors.
    """
    own = own_row()  # what serves without a row could not be switched back to
    state = locked_state()
    before = state.embedding or own.name
    if before == name:
        return
    _check_complete(name)
    state.embedding, state.version = ("" if name == own.name else name), state.version + 1
    state.save(update_fields=["embedding", "version"])
    record_audit(actor=actor, action=SWITCHED, target=name, detail={"from": before})


def _check_complete(name: str) -> None:
    row = EmbeddingModel.objects.filter(name=name).first()
    if row is None:
        raise CannotSwitchError(f"There is no embedding model {name} any more.")
    if row.state != State.READY or lacking(name).exists():
        raise CannotSwitchError(f"Not every passage has vectors of {name} yet. Embed all passages first.")


def before_this() -> str:
    """The name of the model that served before the last switch; empty where there was none."""
    last = AuditEvent.objects.filter(action=SWITCHED).order_by("-pk").first()
    return str(last.detail.get("from", "")) if last is not None else ""


def tidy(row: EmbeddingModel, *, actor: str) -> int:
    """Delete the vectors of a model that does not serve; returns how many chunks had some.

    Raises:
        CannotSwitchError: it serves.
    """
    if row.name == _name_now():
        raise CannotSwitchError(f"{row.name} serves. Switch to another model before its vectors are deleted.")
    EmbeddingModel.objects.filter(pk=row.pk).update(state=State.NEW, progress=0, error="", changed_at=timezone.now())
    vectors = ChunkVectors.objects.filter(model=row.name)
    count = vectors.count()
    vectors._raw_delete("default")  # noqa: SLF001 (no rows loaded)
    record_audit(actor=actor, action="embedding.tidied", target=row.name, detail={"passages": count})
    return int(count)


def delete(row: EmbeddingModel, *, actor: str) -> None:
    """Delete a model that does not serve, and its vectors.

    Raises:
        CannotSwitchError: it serves.
    """
    tidy(row, actor=actor)
    row.delete()
    record_search_change()
    record_audit(actor=actor, action="embedding.deleted", target=row.name)


def _name_now() -> str:
    """The name of the model that serves, under the lock that keeps it from changing."""
    return locked_state().embedding or get_embedder().name


def embed_missing(tenant_id: int, model_id: int, *, seconds: float = SLICE_SECONDS) -> bool:
    """Makes vectors that are missing, for so many seconds; needs no scope, opens short ones.

    Returns whether there is more to do. Running it twice at once, or again after a kill, does no harm.

    Raises:
        EmbedderAwayError: the model cannot be asked for now; its row says why.
    """
    until = time.monotonic() + seconds
    with tenant_scope(tenant_id):
        row = EmbeddingModel.objects.filter(pk=model_id, state=State.BUILDING).first()
        if row is None:
            return False
        total, left = Chunk.objects.count(), lacking(row.name).count()
    try:
        embedder = embedder_of(Definition.of(row))
        while time.monotonic() < until:
            with tenant_scope(tenant_id):
                chunks = list(lacking(row.name).select_related("document").order_by("pk")[:BATCH])
            if not chunks:
                return not _finish(row)
            encodings = encode_chunks([_embedded(chunk) for chunk in chunks], embedder)
            left -= len(chunks)
            if not _store(row, chunks, encodings, embedder, FINISHED * (total - left) // max(total, 1)):
                return False
    except EmbedderError as error:
        _note_failure(row, error)
        if isinstance(error, EmbedderAwayError):
            raise
        return False
    return True


def _embedded(chunk: Chunk) -> Embedded:
    sentences = tuple((begin, end) for begin, end in chunk.sentences)
    headings = tuple(chunk.heading_path)
    return Embedded(chunk.document.title, headings, chunk.text, sentences, chunk.kind, chunk.found_by)


def _store(
    row: EmbeddingModel,
    chunks: Sequence[Chunk],
    encodings: Sequence[PassageEncoding],
    embedder: Embedder,
    percent: int,
) -> bool:
    """Writes the vectors of the chunks that are still there; False when the model is not to be built any more."""
    with tenant_scope(row.tenant_id):
        building = EmbeddingModel.objects.filter(pk=row.pk, state=State.BUILDING)
        progress = max(0, min(percent, FINISHED - 1))
        if not building.update(progress=progress, error="", changed_at=timezone.now()):
            return False
        if row.dimensions is None:
            row.dimensions = embedder.dimensions
            building.update(dimensions=row.dimensions)
            record_search_change()
        kept = Chunk.objects.filter(pk__in=[chunk.pk for chunk in chunks]).select_for_update(no_key=True)
        there = set(kept.values_list("pk", flat=True))
        made = zip(chunks, encodings, strict=True)
        rows = [chunk_vectors(chunk, encoding, row.name) for chunk, encoding in made if chunk.pk in there]
        ChunkVectors.objects.bulk_create(rows, ignore_conflicts=True)  # another run may have been quicker
    return True


def _finish(row: EmbeddingModel) -> bool:
    """Calls the model complete, if it is; where it serves already, its passages have other vectors from now on."""
    with tenant_scope(row.tenant_id):
        serving = _name_now()
        if lacking(row.name).exists():
            return False
        building = EmbeddingModel.objects.filter(pk=row.pk, state=State.BUILDING)
        ended = building.update(state=State.READY, progress=FINISHED, error="", changed_at=timezone.now())
        if ended and row.name == serving:
            record_change(Document.objects.values_list("pk", flat=True))
    return True


def _note_failure(row: EmbeddingModel, error: EmbedderError) -> None:
    """Keeps the reason. What may pass is tried again by itself; the rest waits for somebody to mend it."""
    away = isinstance(error, EmbedderAwayError)
    log.warning("Passages of tenant %s could not be embedded with %s: %s", row.tenant_id, row.name, error)
    with tenant_scope(row.tenant_id):
        EmbeddingModel.objects.filter(pk=row.pk, state=State.BUILDING).update(
            state=State.BUILDING if away else State.FAILED, error=str(error), changed_at=timezone.now()
        )


def adopt() -> EmbeddingModel | None:
    """Begins the vectors of the model that serves where the passages lack them; returns its row, if it did.

    They lack them when the installation's own model is another one than it was. Until they are there, searches go by
    words. The oldest and the newest passage are looked at: every way to a lack begins or ends with one of them.
    """
    knowledge_version()
    name = serving_name(current_tenant_id())
    row = EmbeddingModel.objects.filter(name=name).first()
    mended = row is not None and row.state == State.FAILED and is_own(row)
    if row is not None and row.state != State.NEW and not mended:
        return None
    ends = [Chunk.objects.order_by(order).values("pk")[:1] for order in ("pk", "-pk")]
    if not any(lacking(name).filter(pk__in=end).exists() for end in ends):
        return None
    log.warning("Tenant %s has passages without vectors of %s, which serves: they are made", current_tenant_id(), name)
    row = row or own_row()
    begin(row, actor=NOBODY)
    return row


def resume(quiet_since: dt.datetime) -> None:
    """Enqueues the models that are to be built and have made no progress for a while."""
    for row in EmbeddingModel.objects.filter(state=State.BUILDING, changed_at__lt=quiet_since):
        enqueue(row)


def is_behind() -> bool:
    """Whether the model that serves lacks vectors, or cannot be used, so that passages are found by words alone."""
    try:
        name = serving_name(current_tenant_id())
    except EmbedderError:
        return True
    return bool(EmbeddingModel.objects.filter(name=name).exclude(state=State.READY).exists())
