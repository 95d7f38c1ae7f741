"""Which embedding model serves a tenant, and which others are kept up to date beside it.

A model is known by its name, which stands beside every vector that it makes. A row of EmbeddingModel says where it is;
the installation's own needs none. What a name means is kept in memory for a knowledge version: a switch, or a change of
a row, moves that version on.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from django.conf import settings

from knowledge.embedding.base import SHIPPED, Embedder, EmbedderError, get_embedder, shipped_embedder
from knowledge.models import EmbeddingModel, KnowledgeState
from knowledge.queries import knowledge_version, seen_version
from tenants.scope import tenant_scope
from tenants.secrets import UnreadableError, unseal

if TYPE_CHECKING:
    from collections.abc import Mapping

LOST_KEY = "The key of the embedding model {name} cannot be read any more: SECRET_KEY has changed. Enter it again."
NOT_THERE = "There is no embedding model {name} any more."
NOT_OURS = "{name} was the installation's own embedding model, which is another one now. It cannot be asked any more."


class Definition(NamedTuple):
    """What an embedder is made of; equal ones are one embedder in a process."""

    name: str
    base_url: str
    model: str
    sealed_key: str
    private: bool
    dimensions: int | None

    @classmethod
    def of(cls, row: EmbeddingModel) -> Definition:
        """That of a row."""
        return cls(*(getattr(row, field) for field in cls._fields))


class Known(NamedTuple):
    """The models of a tenant at a knowledge version: the name of the one that serves, and the rows by name."""

    serving: str
    rows: Mapping[str, Definition]

    def embedder(self, name: str) -> Embedder:
        """The embedder of this name.

        Raises:
            EmbedderError: there is none, or it cannot be used.
        """
        if (definition := self.rows.get(name)) is not None:
            return embedder_of(definition)
        own = get_embedder()
        if own.name != name:
            raise EmbedderError(NOT_THERE.format(name=name))
        return own


def serving_embedder(tenant_id: int) -> Embedder:
    """The embedder that a tenant's questions are encoded with, and whose vectors its replica holds.

    It is the one of the knowledge version that this process has read last: no query, mostly. A search reads the version
    at its end and finds out whether it has moved on.

    Raises:
        EmbedderError: the model cannot be used.
    """
    known = _lately(tenant_id)
    return known.embedder(known.serving)


def serving_name(tenant_id: int) -> str:
    """The name of the model that serves a tenant, whether it can be used or not; as of the version read last."""
    return _lately(tenant_id).serving


def named_embedder(tenant_id: int, name: str) -> Embedder:
    """A tenant's embedder by its name, whether it serves or not; as of the version read last.

    Raises:
        EmbedderError: there is none, or it cannot be used.
    """
    return _lately(tenant_id).embedder(name)


def kept_embedders(tenant_id: int) -> list[Embedder]:
    """The embedders beside the serving one whose vectors are complete, or being made: they get every new passage, too.

    A model that cannot be used is left out; whoever asks for its vectors again has those that are missing made.
    """
    wanted = (EmbeddingModel.State.BUILDING, EmbeddingModel.State.READY)
    with tenant_scope(tenant_id):
        rows = list(EmbeddingModel.objects.filter(state__in=wanted))
    serving = serving_name(tenant_id)
    found = []
    for row in rows:
        try:
            if row.name != serving:
                found.append(embedder_of(Definition.of(row)))
        except EmbedderError:
            continue
    return found


def _lately(tenant_id: int) -> Known:
    version = seen_version(tenant_id)
    if version is None:
        with tenant_scope(tenant_id):
            version = knowledge_version()
    return _known(tenant_id, version)


@lru_cache(maxsize=4096)
def _known(tenant_id: int, version: int) -> Known:
    """Whoever changes a row moves the version on in the same transaction, so what is read here is never older."""
    del version  # the key alone
    with tenant_scope(tenant_id):
        serving = KnowledgeState.objects.values_list("embedding", flat=True).first()
        rows = {row.name: Definition.of(row) for row in EmbeddingModel.objects.all()}
    return Known(serving or get_embedder().name, rows)


def embedder_of(definition: Definition) -> Embedder:
    """The embedder of a definition.

    Raises:
        EmbedderError: its key cannot be read, or it was the installation's, which has another one now.
    """
    if definition.model:
        return _remote(definition)
    own = get_embedder()
    if definition.name == own.name:
        return own
    if definition.name == SHIPPED:
        return shipped_embedder()
    raise EmbedderError(NOT_OURS.format(name=definition.name))


def fresh_embedder(definition: Definition) -> Embedder:
    """The embedder of a definition as it is to be tried: one that remembers no answers and no failures.

    Raises:
        EmbedderError: likewise.
    """
    return _connect(definition) if definition.model else embedder_of(definition)


@lru_cache(maxsize=64)
def _remote(definition: Definition) -> Embedder:
    return _connect(definition)


def _connect(definition: Definition) -> Embedder:
    from knowledge.embedding.connections import connect_to  # loads a client library that most tenants do not need
    from knowledge.embedding.provider import ProviderEmbedder

    try:
        key = unseal(definition.sealed_key)
    except UnreadableError as error:
        raise EmbedderError(LOST_KEY.format(name=definition.name)) from error
    private = definition.private or settings.ASKWELL_PRIVATE_MODELS
    client = connect_to(definition.base_url, key, private=private)
    return ProviderEmbedder(definition.model, client, name=definition.name, dimensions=definition.dimensions)
