"""One tenant's retrievable chunks in memory, as they were at one version. A change makes another snapshot."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from knowledge.indexes.lexical import LexicalIndex
from knowledge.indexes.whitening import SENTENCE_SCALE, Whitening, unmeasured

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from knowledge.indexes.base import Floats
    from knowledge.indexes.faiss import FaissIndex
    from knowledge.indexes.whitening import Prior

REMEASURE = 1.25  # growth of a tenant's sentences after which its statistics are taken again
SLOTS = 1 << 16  # vocabulary pieces that are told apart; larger vocabularies share
BYTES_PER_POSTING = 5  # a row number and a count
SAMPLE = 100  # rows that are looked at for whether all have vectors
ENOUGH = 0.5  # share of rows with vectors from which these count
WORN = 0.3  # share of dead rows from which loading anew is cheaper than carrying them


class Row(NamedTuple):
    """One chunk as a replica holds it.

    Attributes:
        chunk, document: ids.
        text: what the words are taken from: title, headings and text.
        fingerprint: of the text alone; equal for copies of a passage.
        paragraph: float32 [d].
        sentences: int16 [n, d], n >= 1, 32767 = 1.0.
        token_ids: int32 [t].
    """

    chunk: int
    document: int
    text: str
    fingerprint: int
    paragraph: Floats
    sentences: NDArray[np.int16]
    token_ids: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Everything that ranking needs, row by row in the order in which chunks were added.

    Attributes:
        version: the knowledge version that it shows.
        model: the embedder whose vectors it holds.
        pieces_per_word: of the corpus, by the embedder's vocabulary.
        prior: where the statistics of a small tenant lean to.
        lexical: words and letters of all rows, dead ones too.
        paragraphs: paragraph vectors of the live rows by row number; None where every row is a candidate.
        chunks, documents, fingerprints: int64 [rows].
        live: bool [rows]; rows of changed documents die and are added again.
        sentences: int16 [s, d], 32767 = 1.0; those of row r are starts[r] to starts[r + 1].
        norms: float32 [s], lengths of the whitened sentences.
        frequencies: int64 [65,536], in how many rows each vocabulary piece occurs.
    """

    version: int
    model: str
    pieces_per_word: float
    prior: Prior
    lexical: LexicalIndex
    paragraphs: FaissIndex | None
    chunks: NDArray[np.int64]
    documents: NDArray[np.int64]
    fingerprints: NDArray[np.int64]
    live: NDArray[np.bool_]
    sentences: NDArray[np.int16]
    starts: NDArray[np.int64]
    whitening: Whitening
    norms: Floats
    frequencies: NDArray[np.int64]

    @classmethod
    def empty(
        cls,
        language: str,
        prior: Prior,
        paragraphs: FaissIndex | None,
        *,
        model: str = "",
        pieces_per_word: float = 1.0,
    ) -> Snapshot:
        """A snapshot without rows, to be grown."""
        none = np.zeros(0, np.int64)
        sentences = np.zeros((0, len(prior.mean)), np.int16)
        return cls(
            version=0,
            model=model,
            pieces_per_word=pieces_per_word,
            prior=prior,
            lexical=LexicalIndex.empty(language),
            paragraphs=paragraphs,
            chunks=none,
            documents=none,
            fingerprints=none,
            live=none.astype(bool),
            sentences=sentences,
            starts=np.zeros(1, np.int64),
            whitening=unmeasured(prior),
            norms=np.zeros(0, np.float32),
            frequencies=np.zeros(SLOTS, np.int64),
        )

    def __len__(self) -> int:
        """How many chunks can be found."""
        return int(self.live.sum())

    @cached_property
    def document_count(self) -> int:
        """How many documents can be found."""
        return len(np.unique(self.documents[self.live]))

    @property
    def size(self) -> int:
        """Bytes of memory, without the small parts."""
        postings = sum(len(part) for f in (self.lexical.words, self.lexical.grams) for part in f.segments)
        vectors = 0 if self.paragraphs is None else len(self) * len(self.prior.mean) * 4
        return self.sentences.nbytes + self.norms.nbytes + vectors + postings * BYTES_PER_POSTING

    @property
    def dimensions(self) -> int:
        """The length of its vectors."""
        return len(self.whitening.mean)

    @cached_property
    def embedded(self) -> bool:
        """Whether its rows have vectors, by a sample; those of a model that has just come have none yet."""
        rows = np.flatnonzero(self.live)
        sample = self.sentences[self.starts[rows[:: len(rows) // SAMPLE + 1]]]
        return not len(rows) or float(sample.any(axis=1).mean()) >= ENOUGH

    @property
    def worn(self) -> bool:
        """Whether so many rows are dead that it should be loaded anew."""
        return len(self) < (1 - WORN) * len(self.live)

    def without(self, documents: Collection[int]) -> Snapshot:
        """Without the chunks of these documents."""
        dying = self.live & np.isin(self.documents, np.fromiter(documents, np.int64, len(documents)))
        if not dying.any():
            return self
        paragraphs = self.paragraphs.copy() if self.paragraphs is not None else None
        if paragraphs is not None:
            paragraphs.remove(np.flatnonzero(dying))
        return replace(self, live=self.live & ~dying, paragraphs=paragraphs)

    def grown(self, rows: Sequence[Row]) -> Snapshot:
        """With these chunks, too."""
        if not rows:
            return self
        first = len(self.live)
        paragraphs = self.paragraphs.copy() if self.paragraphs is not None else None
        if paragraphs is not None:
            paragraphs.add(np.arange(first, first + len(rows)), np.array([row.paragraph for row in rows]))
        ends = self.starts[-1] + np.cumsum([len(row.sentences) for row in rows])
        new_sentences = np.concatenate([row.sentences for row in rows])
        sentences = np.concatenate([self.sentences, new_sentences])
        whitening, norms = self._measured(sentences, new_sentences)
        return replace(
            self,
            lexical=self.lexical.grown([row.text for row in rows]),
            paragraphs=paragraphs,
            chunks=np.append(self.chunks, [row.chunk for row in rows]),
            documents=np.append(self.documents, [row.document for row in rows]),
            fingerprints=np.append(self.fingerprints, [row.fingerprint for row in rows]),
            live=np.append(self.live, np.ones(len(rows), bool)),
            sentences=sentences,
            starts=np.append(self.starts, ends),
            whitening=whitening,
            norms=norms,
            frequencies=self.frequencies + _rows_with([row.token_ids for row in rows]),
        )

    def _measured(self, sentences: NDArray[np.int16], new: NDArray[np.int16]) -> tuple[Whitening, Floats]:
        # Without an index the rows are the candidates of one query, which are no sample of the corpus.
        if self.paragraphs is not None and len(sentences) > REMEASURE * self.whitening.sentences:
            whitening = Whitening.measure(sentences, self.prior)
            return whitening, whitening.norms(sentences)
        return self.whitening, np.concatenate([self.norms, self.whitening.norms(new)])

    def sentence_scores(self, rows: NDArray[np.int64], query: Floats) -> tuple[Floats, Floats]:
        """The best sentence of each row: raw cosine and whitened cosine with `query` [d], each float32 [rows]."""
        if not len(rows):
            return np.zeros(0, np.float32), np.zeros(0, np.float32)
        lengths = self.starts[rows + 1] - self.starts[rows]
        first = np.cumsum(lengths) - lengths
        places = np.repeat(self.starts[rows] - first, lengths) + np.arange(int(lengths.sum()))
        direction = self.whitening.direction(query)
        towards = np.stack([query, direction], axis=1) / np.float32(SENTENCE_SCALE)
        scores = self.sentences[places].astype(np.float32) @ towards
        whitened = (scores[:, 1] - self.whitening.mean @ direction) / self.norms[places]
        return np.maximum.reduceat(scores[:, 0], first), np.maximum.reduceat(whitened, first)

    def sentence_vectors(self, row: int) -> Floats:
        """The raw vectors of one row's sentences, float32 [n, d]."""
        stored = self.sentences[self.starts[row] : self.starts[row + 1]]
        return stored * np.float32(1 / SENTENCE_SCALE)

    def token_weights(self, token_ids: NDArray[np.int32]) -> Floats:
        """Inverse document frequencies of vocabulary pieces, float32 [t]."""
        found = self.frequencies[token_ids % SLOTS]
        return np.log1p((len(self.live) - found + 0.5) / (found + 0.5)).astype(np.float32)


def _rows_with(token_ids: list[NDArray[np.int32]]) -> NDArray[np.int64]:
    """In how many of these rows each vocabulary piece occurs."""
    distinct = np.concatenate([np.unique(ids % SLOTS) for ids in token_ids])
    return np.bincount(distinct, minlength=SLOTS)
