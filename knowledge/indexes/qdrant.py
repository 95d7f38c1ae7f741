"""The vector index over a Qdrant server, through its REST interface (api.qdrant.tech, version 1.10 and later).

All tenants share one collection a model; a point's number is the chunk's, its payload says whose it is and of which
document, and Qdrant keeps a graph for each tenant (its guide to multitenancy: `payload_m` without `m`). Text stays in
PostgreSQL, which also decides what of the engine's answers may be shown.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np
from django.conf import settings

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from knowledge.indexes.base import Floats, Ids

CONNECT, TOTAL = 1.0, 10.0  # seconds
BATCH = 500  # points in a request
GRAPH = {"m": 0, "payload_m": 16}  # no graph over all, one a tenant
BREADTH = 256  # candidates that a search in the graph keeps (ef); wider finds more, slower


class EngineError(RuntimeError):
    """The engine cannot be used; the text says what is wrong."""


class QdrantIndex:
    """One tenant's vectors of one model. Safe to use from any thread. Every method may raise EngineError."""

    def __init__(self, tenant_id: int, model: str, dimensions: int) -> None:
        self.tenant_id, self.dimensions = tenant_id, dimensions
        name = hashlib.sha256(f"{model} {dimensions}".encode()).hexdigest()[:16]
        self._path = f"/collections/askwell-{name}"

    def prepare(self) -> None:
        """Makes the collection, unless it is there."""
        if _call("GET", f"{self._path}/exists")["exists"]:
            return
        vectors = {"size": self.dimensions, "distance": "Dot"}
        _call("PUT", self._path, {"vectors": vectors, "hnsw_config": GRAPH})
        schemas: dict[str, Any] = {"tenant": {"type": "keyword", "is_tenant": True}, "document": "integer"}
        for field, schema in schemas.items():
            _call("PUT", f"{self._path}/index?wait=true", {"field_name": field, "field_schema": schema})

    def reachable(self) -> None:
        """Returns where the server answers."""
        _call("GET", f"{self._path}/exists")

    def add(self, ids: Ids, vectors: Floats, documents: Sequence[int] | None = None) -> None:
        """Store `vectors` [n, d] under `ids` [n], in place of those there; `documents` says where they belong."""
        owners = [0] * len(ids) if documents is None else documents
        points = [
            {"id": int(chunk), "vector": vector.tolist(), "payload": {"tenant": str(self.tenant_id), "document": owner}}
            for chunk, vector, owner in zip(ids, vectors, owners, strict=True)
        ]
        for first in range(0, len(points), BATCH):
            _call("PUT", f"{self._path}/points?wait=true", {"points": points[first : first + BATCH]})

    def remove(self, ids: Ids) -> None:
        """Forget these ids; unknown ones are ignored."""
        self._delete({"has_id": [int(chunk) for chunk in ids]})

    def remove_documents(self, documents: Collection[int]) -> None:
        """Forget everything of these documents."""
        wanted = list(documents)
        for first in range(0, len(wanted), BATCH):
            self._delete({"key": "document", "match": {"any": wanted[first : first + BATCH]}})

    def clear(self) -> None:
        """Forget everything of the tenant."""
        if _call("GET", f"{self._path}/exists")["exists"]:
            self._delete()

    def search(self, vector: Floats, k: int, allowed: Collection[int] | None = None) -> tuple[Ids, Floats]:
        """The at most `k` best ids and their inner products, best first; with `allowed`, only among those, exactly."""
        filters = [self._own()]
        if allowed is not None:
            filters.append({"has_id": [int(chunk) for chunk in allowed]})
        request = {
            "query": np.asarray(vector, np.float32).tolist(),
            "limit": k,
            "filter": {"must": filters},
            "params": {"hnsw_ef": max(BREADTH, k), "exact": allowed is not None},
        }
        points = _call("POST", f"{self._path}/points/query", request)["points"] if k > 0 else []
        ids = np.array([point["id"] for point in points], np.int64)
        return ids, np.array([point["score"] for point in points], np.float32)

    def __len__(self) -> int:
        """How many vectors are stored."""
        request = {"filter": {"must": [self._own()]}, "exact": True}
        return int(_call("POST", f"{self._path}/points/count", request)["count"])

    def _own(self) -> dict[str, Any]:
        return {"key": "tenant", "match": {"value": str(self.tenant_id)}}

    def _delete(self, *conditions: dict[str, Any]) -> None:
        _call("POST", f"{self._path}/points/delete?wait=true", {"filter": {"must": [self._own(), *conditions]}})


def _call(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """What the server says is the result.

    Raises:
        EngineError: there is no address, it cannot be reached, or the server refuses.
    """
    address = settings.ASKWELL_QDRANT_URL
    if not address:
        raise EngineError("ASKWELL_QDRANT_URL is not set.")
    try:
        response = _client(address, settings.ASKWELL_QDRANT_KEY).request(method, path, json=body)
    except httpx2.HTTPError as error:
        raise EngineError(f"Qdrant cannot be reached at {address}: {error or type(error).__name__}") from error
    if response.is_error:
        raise EngineError(f"Qdrant refused: {response.status_code} {response.text[:200]}")
    try:
        return response.json()["result"]
    except (ValueError, KeyError, TypeError) as error:
        raise EngineError(f"{address} does not answer as Qdrant does.") from error


@cache
def _client(address: str, key: str) -> httpx2.Client:
    timeout = httpx2.Timeout(TOTAL, connect=CONNECT)
    return httpx2.Client(base_url=address, headers={"api-key": key} if key else {}, timeout=timeout)
