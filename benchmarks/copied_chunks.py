"""What measurements of large tenants share: many chunks made of few, written by COPY.

A base tenant is ingested as always; its chunks are copied over and over, each copy with a number of its own in its
text, so that no two are the same, and with its paragraph vector turned a little. Sentence and token vectors are those
of the base chunk. Copies bypass the product's ways of writing, so this needs the embedded PostgreSQL and its superuser.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from project import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from django.db.models import Model

BASE = 300  # documents that are ingested
CHUNKS_PER_DOCUMENT = 20
TURN = 0.3  # length of what is added to a unit vector: cosine .96 to the original


@dataclass
class Base:
    """A base tenant's rows by table, as dictionaries of columns."""

    documents: list[dict[str, Any]]
    versions: list[dict[str, Any]]
    chunks: list[dict[str, Any]]
    vectors: list[dict[str, Any]]


def ingest_base(folder: Path) -> int:
    """The tenant that is copied: the first documents of a set, ingested at the first call; its id."""
    from knowledge.loading import load
    from knowledge.sources import from_path
    from tenants.models import Tenant
    from tenants.services import create_tenant

    tenant = Tenant.objects.filter(slug="base").first() or create_tenant(slug="base")
    items = itertools.islice(from_path(folder / "documents.jsonl"), BASE)
    for loaded in load(tenant.pk, items, actor="benchmark", wait=True):
        assert loaded.state in ("live", "unchanged"), loaded
    return tenant.pk


def superuser(data: Path) -> psycopg.Connection[Any]:
    return psycopg.connect(
        host=str(postgres.socket_folder(data)), user="postgres", dbname=postgres.DATABASE, autocommit=True
    )


def read_base(data: Path, tenant: int) -> Base:
    from knowledge.models import Chunk, ChunkVectors, Document, DocumentVersion

    with superuser(data) as connection:
        connection.row_factory = psycopg.rows.dict_row

        def rows(model: type[Model]) -> list[dict[str, Any]]:
            table = sql.Identifier(_table(model))
            return connection.execute(
                sql.SQL("SELECT * FROM {} WHERE tenant_id = %s").format(table), [tenant]
            ).fetchall()

        chunks = rows(Chunk)
        by_chunk = {row["chunk_id"]: row for row in rows(ChunkVectors)}
        return Base(rows(Document)[:1], rows(DocumentVersion)[:1], chunks, [by_chunk[row["id"]] for row in chunks])


def copy_chunks(data: Path, base: Base, tenants: dict[int, int], seed: int = 1) -> None:
    """Gives every tenant (id -> how many) its chunks, and one change of its knowledge."""
    from knowledge.models import Chunk, ChunkVectors, Document, DocumentVersion

    with superuser(data) as connection:
        models = (Document, DocumentVersion, Chunk, ChunkVectors)
        ids = [itertools.count(_last(connection, model) + 1) for model in models]
        plan = [(tenant, count, seed + n) for n, (tenant, count) in enumerate(tenants.items())]
        connection.execute("SET session_replication_role = replica")  # constraints hold by construction
        for batch in _batches(plan):
            made = [list(rows) for rows in zip(*(_tenant(base, ids, *each) for each in batch), strict=True)]
            for model, parts in zip(models, made, strict=True):
                _copy(connection, model, [row for part in parts for row in part])
        connection.execute("SET session_replication_role = origin")
        for model, counter in zip(models, ids, strict=True):
            table = _table(model)
            connection.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, next(counter)])
        for table in ("knowledge_chunk", "knowledge_chunkvectors", "knowledge_document", "knowledge_documentversion"):
            connection.execute(sql.SQL("VACUUM ANALYZE {}").format(sql.Identifier(table)))


def _batches(plan: list[tuple[int, int, int]], most: int = 5_000) -> Iterator[list[tuple[int, int, int]]]:
    """Large tenants in parts, small ones together."""
    batch: list[tuple[int, int, int]] = []
    size = 0
    for tenant, count, seed in plan:
        for first in range(0, count, most):
            part = min(most, count - first)
            batch.append((tenant, part, seed * 1_000 + first // most))
            size += part
            if size >= most:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


def _tenant(base: Base, ids: list[itertools.count[int]], tenant: int, count: int, seed: int) -> tuple[list[Any], ...]:
    documents, versions, chunks, vectors = [], [], [], []
    chance = np.random.default_rng(seed)
    chosen = chance.integers(0, len(base.chunks), count)
    paragraphs = turned(np.array([parsed(base.vectors[n]["paragraph"]) for n in chosen]), chance)
    for place, n in enumerate(chosen.tolist()):
        if place % CHUNKS_PER_DOCUMENT == 0:
            document, version = next(ids[0]), next(ids[1])
            own = {"id": document, "tenant_id": tenant, "external_id": f"d{document}", "current_id": version}
            documents.append({**base.documents[0], **own, "title": f"Volume {document}"})
            versions.append({**base.versions[0], "id": version, "tenant_id": tenant, "document_id": document,
                             "file": "", "content_hash": "", "markdown": ""})  # fmt: skip
        row, chunk = base.chunks[n], next(ids[2])
        text = f"{row['text']} Item {chunk}."
        span = {"start": 0, "end": len(text), "parent_start": 0, "parent_end": len(text)}
        own = {"id": chunk, "tenant_id": tenant, "document_id": document, "version_id": version, "text": text}
        chunks.append({**row, **own, **span, "ordinal": place % CHUNKS_PER_DOCUMENT})
        written = "[" + ",".join(f"{x:.5f}" for x in paragraphs[place].tolist()) + "]"
        vectors.append(
            {**base.vectors[n], "id": next(ids[3]), "tenant_id": tenant, "chunk_id": chunk, "paragraph": written}
        )
    return documents, versions, chunks, vectors


def parsed(vector: str) -> np.ndarray:
    return np.array(vector.strip("[]").split(","), np.float32)


def turned(vectors: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """Unit vectors with something random added."""
    noise = chance.standard_normal(vectors.shape, np.float32)
    vectors = vectors + noise * (TURN / np.linalg.norm(noise, axis=1, keepdims=True))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _table(model: type[Model]) -> str:
    return model._meta.db_table  # noqa: SLF001 (Django's public name for it)


def _last(connection: psycopg.Connection[Any], model: type[Model]) -> int:
    statement = sql.SQL("SELECT coalesce(max(id), 0) FROM {}").format(sql.Identifier(_table(model)))
    return int(connection.execute(statement).fetchone()[0])  # type: ignore[index] # a count is always a row


def _copy(connection: psycopg.Connection[Any], model: type[Model], rows: list[dict[str, Any]]) -> None:
    columns = list(rows[0])
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(_table(model)), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([Jsonb(v) if isinstance(v, (dict, list)) else v for v in row.values()])
