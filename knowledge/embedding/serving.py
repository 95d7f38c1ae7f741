"""Which embedding model serves a tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knowledge.embedding.base import get_embedder

if TYPE_CHECKING:
    from knowledge.embedding.base import Embedder


def serving_embedder(tenant_id: int) -> Embedder:  # noqa: ARG001 (every tenant has the installation's model until it may choose)
    """The embedder that a tenant's questions are encoded with, and whose vectors its replica holds.

    Raises:
        EmbedderError: the model cannot be used.
    """
    return get_embedder()
