"""One tenant's retrievable chunks in memory, as they were at one version. A change makes another snapshot."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from knowledge.indexes.lexical import LexicalIndex
from knowledge.indexes.nibbles import Nibbles
from knowledge.indexes.whitening import SAMPLE as MEASURED
from knowledge.indexes.whitening import Whitening, unmeasured

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from knowledge.indexes.base import Floats
    from knowledge.indexes.faiss import FaissIndex
    from knowledge.indexes.whitening import Prior

REMEASURE = 1.25  # growth of a tenant's sentences after which its statistics are taken again
SETTLED = 4 * MEASURED  # sentences from which they are left alone until the next load: they were of a large sample
AT_ONCE = 1 << 14  # sentences that are whitened at once
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
        sentences: whole numbers [n, d], n >= 1, of which the direction matters.
        token_ids: int32 [t].
    """

    chunk: int
    document: int
    text: str
    fingerprint: int
    paragraph: Floats
    sentences: NDArray[np.integer]
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
        sentences: their vectors; those of row r are starts[r] to starts[r + 1].
        norms: float32 [s], lengths of the whitened sentences.
        pieces: int32 [p], ascending, the vocabulary pieces that occur.
        frequencies: int32 [p], in how many rows each of them does.
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
    sentences: Nibbles
    starts: NDArray[np.int64]
    whitening: Whitening
    norms: Floats
    pieces: NDArray[np.int32]
    frequencies: NDArray[np.int32]

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
            sentences=Nibbles.empty(len(prior.mean)),
            starts=np.zeros(1, np.int64),
            whitening=unmeasured(prior),
            norms=np.zeros(0, np.float32),
            pieces=np.zeros(0, np.int32),
            frequencies=np.zeros(0, np.int32),
        )

    def __len__(self) -> int:
        """How many chunks can be found."""
        return int(self.live.sum())

    @cached_property
    def document_count(self) -> int:
        """How many documents can be found."""
        return len(np.unique(self.documents[self.live]))

    @property
    def dimensions(self) -> int:
        """The length of its vectors."""
        return len(self.whitening.mean)

    @cached_property
    def embedded(self) -> bool:
        """Whether its rows have vectors, by a sample; those of a model that has just come have none yet."""
        rows = np.flatnonzero(self.live)
        sample = self.sentences.scales[self.starts[rows[:: len(rows) // SAMPLE + 1]]]
        return not len(rows) or float((sample > 0).mean()) >= ENOUGH

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
        sentences = self.sentences.grown(np.concatenate([row.sentences for row in rows]))
        whitening, norms = self._measured(sentences)
        pieces, frequencies = self._counted([row.token_ids for row in rows])
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
            pieces=pieces,
            frequencies=frequencies,
        )

    def _measured(self, sentences: Nibbles) -> tuple[Whitening, Floats]:
        """The statistics and the norms of all sentences, of which those of this snapshot are the first."""
        known = len(self.sentences)
        grew = len(sentences) > REMEASURE * self.whitening.sentences and known < SETTLED
        # Without an index the rows are the candidates of one query, which are no sample of the corpus.
        if self.paragraphs is None or not grew:
            return self.whitening, np.concatenate([self.norms, *_norms(self.whitening, sentences, known)])
        sample = sentences.vectors(np.arange(0, len(sentences), max(len(sentences) // MEASURED, 1)))
        whitening = Whitening.measure(sample, self.prior, len(sentences))
        return whitening, np.concatenate([self.norms[:0], *_norms(whitening, sentences, 0)])

    def _counted(self, token_ids: Sequence[NDArray[np.int32]]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The vocabulary pieces and in how many rows they occur, with those of more rows."""
        distinct = np.concatenate([self.pieces, *(np.unique(ids) for ids in token_ids)])
        pieces, places = np.unique(distinct, return_inverse=True)
        one_each = np.ones(len(distinct) - len(self.pieces), np.int32)
        frequencies = np.bincount(places, np.concatenate([self.frequencies, one_each]), minlength=len(pieces))
        return pieces, frequencies.astype(np.int32)

    def sentence_scores(self, rows: NDArray[np.int64], query: Floats) -> tuple[Floats, Floats]:
        """The best sentence of each row: raw cosine and whitened cosine with `query` [d], each float32 [rows]."""
        direction = self.whitening.direction(query)
        places, first = self._sentences_of(rows)
        scores = self.sentences.dots(places, np.stack([query, direction], axis=1))
        whitened = (scores[:, 1] - self.whitening.mean @ direction) / self.norms[places]
        return _best(scores[:, 0], first), _best(whitened, first)

    def whitened_scores(self, rows: NDArray[np.int64], directions: Floats) -> Floats:
        """The whitened cosine of each row's best sentence with each of `directions` [n, d], float32 [n, rows]."""
        places, first = self._sentences_of(rows)
        scores = self.sentences.dots(places, directions.T) - directions @ self.whitening.mean
        whitened = scores / self.norms[places, None]
        return _best(whitened, first).T

    def _sentences_of(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The places of the sentences of these rows, and where those of each row begin among them."""
        lengths = self.starts[rows + 1] - self.starts[rows]
        first = np.cumsum(lengths) - lengths
        return np.repeat(self.starts[rows] - first, lengths) + np.arange(int(lengths.sum())), first

    def sentence_vectors(self, row: int) -> Floats:
        """The raw vectors of one row's sentences, float32 [n, d]."""
        return self.sentences.vectors(np.arange(self.starts[row], self.starts[row + 1]))

    def token_weights(self, token_ids: NDArray[np.int32]) -> Floats:
        """Inverse document frequencies of vocabulary pieces, float32 [t]."""
        found = np.zeros(len(token_ids), np.int32)
        if len(self.pieces):
            places = np.minimum(np.searchsorted(self.pieces, token_ids), len(self.pieces) - 1)
            found = np.where(self.pieces[places] == token_ids, self.frequencies[places], 0)
        return np.log1p((len(self.live) - found + 0.5) / (found + 0.5)).astype(np.float32)


def _best(scores: NDArray[np.floating], first: NDArray[np.int64]) -> Floats:
    """The best score of each row, whose sentences begin at `first`."""
    best = np.maximum.reduceat(scores, first, axis=0) if len(first) else scores
    return best.astype(np.float32)


def _norms(whitening: Whitening, sentences: Nibbles, first: int) -> Iterator[Floats]:
    """The norms of all sentences from the `first` on, some at a time."""
    for begin in range(first, len(sentences), AT_ONCE):
        yield whitening.norms(sentences.vectors(np.arange(begin, min(begin + AT_ONCE, len(sentences)))))
