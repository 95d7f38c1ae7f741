"""How a tenant's index stands, in words: where passages are searched, how, and why so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings

from knowledge.embedding.base import EmbedderError
from knowledge.indexes.kinds import Kind, index_report
from knowledge.indexes.replica import BYTES_PER_CHUNK, replicas
from knowledge.indexes.rows import HAS_FAISS
from knowledge.models import ExternalIndex
from knowledge.queries import knowledge_version, retrievable_chunks

if TYPE_CHECKING:
    from knowledge.indexes.snapshot import Snapshot

MEMORY, DATABASE, ENGINE, WORDS = "In memory", "PostgreSQL", "Vector engine", "Words alone"
BY = {"faiss": "from memory", "pgvector": "in PostgreSQL", "words": "by words alone"}
"""How a search was served, by what its result calls it."""
HOW = {
    Kind.FLAT: "every passage is compared with the question, exactly",
    Kind.QUANTISED: "compressed vectors are compared first, the best of them exactly",
    Kind.CELLS: "compressed vectors of the nearest cells are compared first, the best of them exactly",
    Kind.GRAPH: "a graph leads to the nearest, the best of them are compared exactly",
}
ASKED_FOR = "The setting ASKWELL_INDEX asks for it."
NO_FAISS = "FAISS is not installed here."
TOO_LARGE = "In memory they would take about {:,} MB, and ASKWELL_INDEX_MEMORY allows {:,} MB."
LOADING = "They are being loaded into memory, and are searched there in a moment."
NO_MODEL = "The embedding model cannot be used: {}"
FOLLOWS = "What changed in the last seconds is looked up in PostgreSQL beside it."
FILLING = "{} is being filled beside it and serves nobody yet: “manage.py move_index” goes on with that."
MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class IndexStanding:
    """What people are told of the index of the tenant in scope.

    Attributes:
        where: one of MEMORY, DATABASE, ENGINE and WORDS.
        passages: how many may be found.
        why: a sentence.
        how: how vectors are compared; empty where another program decides that.
        megabytes: of memory in this process; None where it holds nothing.
        beside: what else there is to know.
    """

    where: str
    passages: int
    why: str
    how: str = ""
    megabytes: int | None = None
    beside: str = ""


def index_standing(tenant_id: int) -> IndexStanding:
    """How the index stands in this process; loads it where it is small and nobody has asked yet. Needs the scope."""
    engine = ExternalIndex.objects.first()
    if engine is not None and engine.serves and settings.ASKWELL_QDRANT_URL:
        return _of_engine(engine)
    beside = FILLING.format(engine.get_engine_display()) if engine is not None else ""
    try:
        snapshot = replicas.get(tenant_id)
    except EmbedderError as error:
        return IndexStanding(WORDS, _count(), NO_MODEL.format(error), beside=beside)
    if snapshot is None:
        return IndexStanding(DATABASE, _count(), _why_not(), beside=beside)
    return _of(snapshot, beside)


def served_by(index: str) -> str:
    """What the result of a search calls its index, in words."""
    return BY.get(index, f"by the vector engine {index.capitalize()}")


def _of_engine(engine: ExternalIndex) -> IndexStanding:
    behind = max(knowledge_version() - engine.version, 0)
    lag = f" It is {behind:,} change{'' if behind == 1 else 's'} behind." if behind else ""
    why = f"{engine.get_engine_display()} serves this tenant, as “manage.py move_index” was told."
    return IndexStanding(ENGINE, _count(), why, beside=FOLLOWS + lag)


def _of(snapshot: Snapshot, beside: str) -> IndexStanding:
    found = index_report(snapshot)
    megabytes = max(round(found.size / MEGABYTE), 1)
    return IndexStanding(MEMORY, found.passages, _sentence(found.reason), HOW[found.kind], megabytes, beside)


def _sentence(reason: str) -> str:
    """Why an index is of its kind; empty for one that was asked for earlier and is kept until it is made anew."""
    counted = " passages" if reason[-1:].isdigit() else ""
    return f"{reason[:1].upper()}{reason[1:]}{counted}." if reason else ""


def _why_not() -> str:
    if settings.ASKWELL_INDEX == "pgvector":
        return ASKED_FOR
    if not HAS_FAISS:
        return NO_FAISS
    needed = _count() * BYTES_PER_CHUNK // MEGABYTE
    allowed = int(settings.ASKWELL_INDEX_MEMORY)
    return TOO_LARGE.format(needed, allowed) if needed > allowed else LOADING


def _count() -> int:
    return retrievable_chunks().count()
