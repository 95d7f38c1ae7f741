"""From the database to the rows of a snapshot."""

from __future__ import annotations

import logging
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db.models import BinaryField, F, FilteredRelation, Func, Q

from knowledge.chunking.pictures import said_by
from knowledge.embedding.serving import serving_embedder, serving_name
from knowledge.indexes.buffers import WIRE_HEADER, pack_numbers, unpack_halves, unpack_numbers, unpack_sentences
from knowledge.indexes.language import detect_language
from knowledge.indexes.snapshot import Row, Snapshot
from knowledge.indexes.whitening import prior_of
from tenants.models import Tenant
from tenants.scope import current_tenant_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.db.models import QuerySet

    from knowledge.embedding.base import Embedder
    from knowledge.indexes.faiss import FaissIndex
    from knowledge.models import Chunk

try:
    from knowledge.indexes import faiss
except ImportError as error:  # a platform without FAISS searches with pgvector
    logging.getLogger(__name__).warning("FAISS cannot be loaded, so pgvector searches: %s", error)
    faiss = None  # type: ignore[assignment]  # the absence of a module has no other name

HAS_FAISS = faiss is not None
SAMPLE = 64  # chunks that the language and the cut of the vocabulary are judged by
BARE = 1  # dimensions of rows without vectors
NO_VECTORS = [bytes(WIRE_HEADER + 2), bytes(1), pack_numbers(np.zeros(0, np.int32))]  # as they would be stored
NO_MODEL = ""  # the name of none


def empty_snapshot(rows: Sequence[Row], *, indexed: bool = True, embedder: Embedder | None = None) -> Snapshot:
    """A snapshot for rows like these, without them; needs the tenant's scope.

    Args:
        rows: what language and model's knowledge of it are judged by.
        indexed: whether paragraph vectors get an index; without one, every row is a candidate.
        embedder: whose vectors the rows have; None: the one that serves.
    """
    embedder = embedder or serving_embedder(current_tenant_id())
    dimensions = len(rows[0].paragraph) if rows else embedder.dimensions
    sample = [row.text for row in rows[:: max(len(rows) // SAMPLE, 1)]]
    default = Tenant.objects.values_list("language", flat=True).get(pk=current_tenant_id())
    paragraphs: FaissIndex | None = None
    if indexed and faiss is not None:
        paragraphs = faiss.FaissIndex(dimensions)
    return Snapshot.empty(
        detect_language(sample, default),
        prior_of(NO_MODEL if dimensions == BARE else embedder.name, dimensions),
        paragraphs,
        model=embedder.name,
        pieces_per_word=embedder.pieces_per_word("\n".join(sample)),
    )


def read_rows(chunks: QuerySet[Chunk], model: str | None = None) -> list[Row]:
    """The chunks with their vectors of a model; needs the tenant's scope.

    Those without have zeros instead, of which there are `BARE` where no chunk has any.

    Args:
        chunks: which.
        model: whose vectors; None: those of the one that serves.
    """
    name = serving_name(current_tenant_id()) if model is None else model
    vectors = FilteredRelation("vectors", condition=Q(vectors__model=name))
    wire = Func(F("made__paragraph"), function="halfvec_send", output_field=BinaryField())
    values = chunks.annotate(made=vectors).values_list(
        "pk",
        "document_id",
        "document__title",
        "heading_path",
        "text",
        "found_by",
        wire,
        "made__sentences",
        "made__token_ids",
    )
    rows = [_row(*row) for row in values.order_by("pk").iterator(chunk_size=2000)]
    dimensions = max((len(row.paragraph) for row in rows), default=BARE)
    paragraph, sentences = np.zeros(dimensions, np.float32), np.zeros((1, dimensions), np.int8)
    return [
        row if len(row.paragraph) == dimensions else row._replace(paragraph=paragraph, sentences=sentences)
        for row in rows
    ]


def _row(chunk: int, document: int, title: str, headings: Iterable[str], *texts_and_vectors: Any) -> Row:
    text, found_by, *vectors = texts_and_vectors
    if vectors[0] is None:
        vectors = NO_VECTORS
    paragraph = unpack_halves(vectors[0])
    return Row(
        chunk=chunk,
        document=document,
        text=" ".join([title, *headings, "" if found_by in text else found_by, said_by(text)]),
        fingerprint=int.from_bytes(blake2b((found_by + text).encode(), digest_size=8).digest(), signed=True),
        paragraph=paragraph,
        sentences=unpack_sentences(vectors[1], len(paragraph)),
        token_ids=unpack_numbers(vectors[2]),
    )
