"""Which kind of vector index a tenant gets, and why: by how many passages there are, unless a setting says otherwise.

One core took 3.6 ms to look at 100,000 vectors of 384 in half precision, and 1.4 ms to guess the best 500 of them by
RaBitQ (arXiv:2405.12497), one bit a component. Both grow with the number of vectors: a million would take 36 and 14 ms.
Cells (an inverted file) leave a tenth of that to look at. A graph (HNSW, arXiv:1603.09320) is for those who ask for it:
it keeps the vectors once more, beside its links.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import faiss as stubbed
import numpy as np
from django.conf import settings

from knowledge.indexes.packing import held_bytes

if TYPE_CHECKING:
    from knowledge.indexes.base import Floats
    from knowledge.indexes.snapshot import Snapshot

faiss: Any = stubbed  # the stubs know the C++ signatures only, not the ones for arrays

FLAT_MOST = 50_000  # vectors that are looked at one by one
QUANTISED_MOST = 500_000  # vectors of which one bit a dimension is looked at one by one
CELLS, PROBES = 1024, 96  # of an inverted file; how many of its cells a search looks into
SAMPLE_PER_CELL = 40  # vectors that a cell's centre is found with
QUERY_BITS = 4  # a component, while guessing
LINKS = 16  # of each vector in a graph, twice as many on its ground floor
ID_BYTES, LINK_BYTES, LEVEL_BYTES = 8, 4, 16


class Kind(StrEnum):
    """How vectors are searched."""

    FLAT = "flat"
    QUANTISED = "quantised"
    CELLS = "cells"
    GRAPH = "graph"


AUTO = "auto"
_NAMES = {
    Kind.FLAT: "flat, exact",
    Kind.QUANTISED: "compressed, best guesses checked exactly",
    Kind.CELLS: "in cells, compressed, best guesses checked exactly",
    Kind.GRAPH: "a graph, best guesses checked exactly",
}
_REASONS = {
    Kind.FLAT: f"looking at every passage is fastest below {FLAT_MOST:,}",
    Kind.QUANTISED: f"fastest from {FLAT_MOST:,} to {QUANTISED_MOST:,}",
    Kind.CELLS: f"fastest above {QUANTISED_MOST:,}",
    Kind.GRAPH: "",
}


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What people are told of an index.

    Attributes:
        kind: how it searches.
        passages: how many it holds.
        size: bytes of memory, of everything that a search needs.
        reason: why this kind.
    """

    kind: Kind
    passages: int
    size: int
    reason: str

    def __str__(self) -> str:
        megabytes = max(round(self.size / 2**20), 1)
        return f"{_NAMES[self.kind]}, {self.passages:,} passages, {megabytes:,} MB: {self.reason}"


def index_report(snapshot: Snapshot) -> IndexReport:
    """What to say of a tenant's index."""
    kind = Kind.FLAT if snapshot.paragraphs is None else snapshot.paragraphs.kind
    return report(kind, len(snapshot), held_bytes(snapshot))


def report(kind: Kind, passages: int, size: int) -> IndexReport:
    """What to say of an index of this kind."""
    asked = kind == settings.ASKWELL_INDEX_KIND
    return IndexReport(kind, passages, size, "ASKWELL_INDEX_KIND asks for it" if asked else _REASONS[kind])


def kind_for(vectors: int) -> Kind:
    """The kind for so many vectors; below `FLAT_MOST` none is better than flat, whatever was asked for."""
    if vectors <= FLAT_MOST:
        return Kind.FLAT
    if settings.ASKWELL_INDEX_KIND != AUTO:
        return Kind(settings.ASKWELL_INDEX_KIND)
    return Kind.QUANTISED if vectors <= QUANTISED_MOST else Kind.CELLS


def kind_of(index: Any) -> Kind:
    """The kind of an index that `trained` made; None is a flat one."""
    kinds = {faiss.IndexRaBitQ: Kind.QUANTISED, faiss.IndexIVFRaBitQ: Kind.CELLS, faiss.IndexHNSWSQ: Kind.GRAPH}
    return kinds.get(type(index), Kind.FLAT)


def flat(dimensions: int) -> Any:
    """An empty index in half precision, by inner product."""
    return faiss.IndexScalarQuantizer(dimensions, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)


def trained(kind: Kind, sample: Floats) -> Any:
    """An empty index that guesses, by inner product, trained with `sample` [n, d]."""
    dimensions, metric = sample.shape[1], faiss.METRIC_INNER_PRODUCT
    if kind is Kind.QUANTISED:
        index = faiss.IndexRaBitQ(dimensions, metric)
    elif kind is Kind.CELLS:
        cells = min(CELLS, max(len(sample) // SAMPLE_PER_CELL, 1))
        centres = faiss.IndexFlatIP(dimensions)
        index = faiss.IndexIVFRaBitQ(centres, dimensions, cells, metric)
        index.own_fields = True
        centres.this.disown()
    else:
        index = faiss.IndexHNSWSQ(dimensions, faiss.ScalarQuantizer.QT_fp16, LINKS, metric)
    index.train(np.ascontiguousarray(sample, np.float32))
    return index


def index_bytes(index: Any) -> int:
    """Bytes of memory of an index of this module."""
    each, whole = 0, 0
    match kind_of(index):
        case Kind.CELLS:
            each, whole = ID_BYTES, 4 * index.d * index.nlist
        case Kind.GRAPH:
            each, index = 2 * LINKS * LINK_BYTES + LEVEL_BYTES, faiss.downcast_index(index.storage)
    return int(index.ntotal) * (int(index.sa_code_size()) + each) + whole


def parameters(kind: Kind, depth: int, selector: Any, *, everywhere: bool) -> Any:
    """How to search an index of this kind: only what `selector` lets through (None: all), in all cells or some."""
    if kind is Kind.QUANTISED:
        return faiss.RaBitQSearchParameters(sel=selector, qb=QUERY_BITS)
    if kind is Kind.CELLS:
        probes = CELLS if everywhere else PROBES
        return faiss.IVFRaBitQSearchParameters(sel=selector, nprobe=probes, qb=QUERY_BITS)
    return faiss.SearchParametersHNSW(sel=selector, efSearch=2 * depth)
