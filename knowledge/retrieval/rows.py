"""The rows that a search ends with: chunks by id, under the tenant's policy, where they may still be shown."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import orjson
from django.db import connection
from django.db.models import F, FilteredRelation, Q, Subquery
from django.db.models.functions import Substr

from knowledge.indexes.buffers import pack_numbers, unpack_each, unpack_numbers
from knowledge.models import KnowledgeState
from knowledge.queries import note_version, retrievable_chunks, today
from knowledge.retrieval.rerank import TokenVectors
from tenants.scope import current_tenant_id

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from django.db.models import QuerySet

    from knowledge.models import Chunk

_COLUMNS = (
    "pk",
    "document_id",
    "document__external_id",
    "document__title",
    "document__source_url",
    "heading_path",
    "page",
    "text",
    "start",
    "end",
    "parent_start",
    "parent_end",
    "sentences",
    "made__tokens",
    "made__token_ids",
    "made__token_sentences",
    "kind",
    "found_by",
)
NO_NUMBERS = pack_numbers(np.zeros(0, np.int32))  # as they are stored
_ANY_ID = -1  # stands for the ids while a statement is compiled
_ONE_OF = '"id" IN (%s)'  # where it stands


class ChunkRow(NamedTuple):
    """A chunk's row, in the order of `_COLUMNS`."""

    chunk: int
    document_id: int
    document: str
    title: str
    url: str
    heading_path: list[str]
    page: int | None
    text: str
    start: int
    end: int
    parent_start: int
    parent_end: int
    sentences: list[list[int]]
    tokens: bytes
    token_ids: bytes
    token_sentences: bytes
    kind: str
    found_by: str


class Shown(NamedTuple):
    """What may be shown: chunks of what serves or, in a trial, of the versions `drafts`; with vectors of `model`."""

    model: str
    drafts: tuple[int, ...] = ()


def fetch_rows(chunks: Sequence[int], shown: Shown) -> tuple[dict[int, ChunkRow], int]:
    """The rows of these chunks that may be shown now, by id, and the knowledge version (0 if there are none)."""
    found, version = {}, 0
    for *values, version in _select("rows", chunks, shown):  # noqa: B007 (the same in every row)
        row = ChunkRow(*values)
        found[row.chunk] = row._replace(
            heading_path=orjson.loads(values[5]),
            sentences=orjson.loads(values[12]),
            tokens=row.tokens or b"",
            token_ids=row.token_ids or NO_NUMBERS,
            token_sentences=row.token_sentences or NO_NUMBERS,
        )
    if found:
        note_version(version)
    return found, version


def token_vectors(rows: Sequence[ChunkRow]) -> list[TokenVectors]:
    """The stored tokens of each row, and the sentence that each of them is in."""
    tokens = unpack_each([row.tokens for row in rows])
    sentences = [unpack_numbers(row.token_sentences).astype(np.int16) for row in rows]
    return list(map(TokenVectors, tokens, sentences))


def fetch_contexts(rows: Sequence[ChunkRow], shown: Shown) -> dict[int, str]:
    """The section around each chunk, by the chunk's id; a chunk that is all of its section is its own context."""
    contexts = {row.chunk: row.text for row in rows}
    within = [row.chunk for row in rows if (row.parent_start, row.parent_end) != (row.start, row.end)]
    if within:
        contexts.update(_select("contexts", within, shown))
    return contexts


def _select(statement: str, chunks: Sequence[int], shown: Shown) -> list[tuple[Any, ...]]:
    sql, params = _compiled(statement, shown, current_tenant_id(), today())
    with connection.cursor() as cursor:
        cursor.execute(sql, [list(chunks) if param == _ANY_ID else param for param in params])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


@lru_cache(maxsize=256)
def _compiled(statement: str, shown: Shown, tenant_id: int, day: dt.date) -> tuple[str, tuple[Any, ...]]:
    """The SQL of a statement; putting it together takes Django longer than running it takes PostgreSQL.

    What may be shown, tenant and day are among its parameters, so each three have its own.
    """
    assert (tenant_id, day) == (current_tenant_id(), today())  # noqa: S101 (the key of the cache is what is used)
    chunks = retrievable_chunks(shown.drafts).filter(pk__in=[_ANY_ID])
    if statement == "rows":
        version = Subquery(KnowledgeState.objects.values("version")[:1])
        made = FilteredRelation("vectors", condition=Q(vectors__model=shown.model))
        values: QuerySet[Chunk, Any] = chunks.annotate(made=made).values_list(*_COLUMNS, version)
    else:
        parent = Substr("version__markdown", F("parent_start") + 1, F("parent_end") - F("parent_start"))
        values = chunks.values_list("pk", parent)
    sql, params = values.order_by().query.sql_with_params()
    assert sql.count(_ONE_OF) == params.count(_ANY_ID) == 1  # noqa: S101 (else the ids would go astray)
    return sql.replace(_ONE_OF, '"id" = ANY(%s)'), params
